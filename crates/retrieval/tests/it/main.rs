//! Ingest against a real database.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

mod ingest;
mod meanwhile;
mod objects;
mod odd_files;
mod support;
