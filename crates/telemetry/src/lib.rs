//! What the binaries say about themselves: diagnostics on stderr; request lines, invocation lines and metrics on stdout.
//!
//! Knows no domain type: everything arrives as text and numbers. Never logged, by anyone: a token, a query's text, a
//! document's text, an e-mail address.

mod caller_text;
pub mod diagnostics;
mod invocation_log;
mod json_lines;
mod metrics;
mod request_log;
mod time;

pub use caller_text::shortened;
pub use invocation_log::{InvocationLine, InvocationLog};
pub use json_lines::JsonLines;
pub use metrics::Metrics;
pub use request_log::{RequestLine, RequestLog};
