//! The handler with the real SDK and a real Postgres, and the real binary where a process matters.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

mod accounts;
mod documentation;
mod failures;
mod logs;
mod malformed;
mod passed_on;
mod process;
mod refusals;
mod support;
