//! The program as a person or a script meets it: arguments in; text, JSON and an exit code out; a real database behind.

#[cfg(feature = "aws")]
mod allowlist;
mod audit;
#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod connector_clients;
mod database;
#[cfg(feature = "aws")]
mod database_secret;
mod eval;
mod help;
mod life;
mod memberships;
mod parse_worker;
mod program;
#[cfg(feature = "aws")]
mod reconcile;
mod tenants;
#[cfg(feature = "dev-auth")]
mod tokens;
#[cfg(feature = "aws")]
mod users;
