//! What the binaries say about themselves: diagnostics on stderr, one request line on stdout.
//!
//! Knows no domain type: everything arrives as text and numbers. Never logged, by anyone: a token, a query's text, a
//! document's text.

pub mod diagnostics;
pub mod request_log;

pub use request_log::{RequestLine, RequestLog};
