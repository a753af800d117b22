//! Against a real Postgres, as the real roles.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is how it fails")]

mod attachments;
mod audit;
mod connectors;
mod documents;
mod ingest;
mod ingest_isolation;
mod login;
mod memberships;
mod migrations;
mod notifications;
mod org_life;
mod people;
mod people_known;
mod plans;
mod pool;
mod raw_sql;
mod reembedding;
mod roles;
mod search;
mod search_codes;
mod search_hostile;
mod search_ranking;
mod stored_content;
mod tenancy;
mod tenancy_rules;
mod token_mint;
mod trigger_logins;
