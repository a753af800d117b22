//! The real router with real RS256 tokens against a real Postgres, and the real binary where a process matters.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

mod audit;
mod bounds;
#[cfg(feature = "aws")]
mod database_secret;
mod documentation;
#[cfg(feature = "openai")]
mod embedding_service;
mod failures;
mod health;
mod http_rules;
mod life;
mod limits;
mod mistakes;
mod notes;
mod origin;
mod passages;
mod ping;
mod process;
#[cfg(feature = "aws")]
mod process_secret;
mod protocol;
mod refusals;
mod request_log;
mod resource_records;
mod resource_uris;
mod resources;
mod restore;
mod revocation;
mod stuck;
mod support;
mod tenancy;
mod untrusted;
mod versions;
mod web_app_token;
