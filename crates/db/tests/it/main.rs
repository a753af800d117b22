//! Against a real Postgres, as the real roles.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

mod audit;
mod connectors;
mod ingest;
mod ingest_isolation;
mod migrations;
mod plans;
mod raw_sql;
mod roles;
mod search;
mod search_hostile;
mod stored_content;
mod tenancy;
mod tenancy_rules;
