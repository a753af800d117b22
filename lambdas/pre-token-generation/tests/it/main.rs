//! The trigger with Cognito's events against a real Postgres, and its binary against a Lambda Runtime API.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

mod database;
mod documentation;
mod holders;
mod malformed;
mod process;
mod refusals;
mod sources;
mod support;
