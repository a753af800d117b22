//! The crate through its public face: real RS256 keys, a fake key source with a manual clock, and a real HTTP key
//! server.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

mod bad_tokens;
#[cfg(feature = "dev-auth")]
mod dev_tokens;
mod good_tokens;
mod http_keys;
mod key_cache;
mod key_documents;
mod support;
