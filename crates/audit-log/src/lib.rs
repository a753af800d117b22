//! The vocabulary of audit events: which calls are recorded, what of their arguments is kept, how a kept digest is
//! checked, and how a row is appended.
//!
//! What it must not do: decide who may call (the server does), or hold SQL (`autri-db` does). No query text and no
//! document text goes into a row unless the operator chose [`ArgumentRetention::Clear`].

mod digest;
mod event;

pub use digest::{AuditKey, AuditKeyError};
pub use event::{ArgumentRetention, AuditLog, AuditedCall, AuditedTool, CallEvent, CallRow, Outcome};
