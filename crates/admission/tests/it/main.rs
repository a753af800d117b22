//! The list in a Parameter Store that the real SDK talks to, and the account in a real Postgres.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

mod account;
mod cache;
mod concurrent_edits;
mod parameter_edit;
mod store;
