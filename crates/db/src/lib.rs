//! The only crate with SQL: the pool, the schema's life (bootstrap, migrations), and one module a table family.
//!
//! Tenancy is enforced twice. Every tenant-scoped function takes its [`TenantScope`] or a [`ScopedTx`] first and names
//! the tenant in its statement; and the roles it runs as see, by forced row level security, only the rows of the scope
//! that the transaction entered. Rows and sqlx types stop at this crate's edge.

pub mod audit;
pub mod bootstrap;
mod connect;
pub mod connectors;
pub mod content;
mod database;
pub mod documents;
mod error;
pub mod export;
pub mod ingest;
mod login;
pub mod memberships;
pub mod migrations;
pub mod notifications;
pub mod org_end;
pub mod people;
pub mod reembedding;
pub mod roles;
mod scope;
pub mod search;
pub mod tenancy;
#[cfg(feature = "test-support")]
pub mod test_support;
pub mod token_mint;

pub use database::{Database, DatabaseOptions, Tls};
pub use error::{DbError, DriverError};
pub use login::{KeptLogin, Login, LoginError, LoginSource};
pub use scope::{ScopedTx, TenantScope};
