//! The real SDK against an AWS that a closure answers for, and a real Postgres.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

mod app_clients;
mod bedrock;
mod errors;
mod parameters;
mod patience;
mod s3;
mod trigger_database;
mod users;
