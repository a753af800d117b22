//! AWS services behind Autri's own types: Cognito user pools, Parameter Store, S3, Bedrock's embeddings, and the database whose
//! login is a secret.
//!
//! The SDK stays in here: none of its types is in this crate's signatures. What may be done with an answer, such as who is
//! invited, is for others to say.
//!
//! Futures of the SDK are boxed where they are awaited: they are kilobytes large, and nest deeper than the compiler follows by
//! default in a future that awaits one of them within its own.

#[cfg(feature = "user-pool")]
mod app_clients;
#[cfg(feature = "bedrock")]
mod bedrock;
mod config;
mod database_location;
mod database_secret;
mod error;
#[cfg(feature = "parameters")]
mod parameters;
#[cfg(feature = "s3")]
mod s3;
mod secret_login;
#[cfg(feature = "test-support")]
pub mod test_support;
#[cfg(feature = "user-pool")]
mod time;
mod trigger_database;
#[cfg(feature = "user-pool")]
mod user_pool;

#[cfg(feature = "user-pool")]
pub use app_clients::{AppClient, ClientSecret, InteractiveClient, NewClientSecret};
#[cfg(feature = "bedrock")]
pub use bedrock::TitanEmbeddings;
pub use config::{AwsConfig, Patience};
pub use database_location::{DatabaseLocation, DatabaseLocationError};
pub use error::AwsError;
#[cfg(feature = "parameters")]
pub use parameters::{Parameter, ParameterKind, ParameterStore};
#[cfg(feature = "s3")]
pub use s3::{S3Bucket, S3Object, S3Page, S3ReadError};
pub use secret_login::SecretLogin;
pub use trigger_database::{TRIGGER_PATIENCE, TriggerDatabase, TriggerDatabaseError};
#[cfg(feature = "user-pool")]
pub use user_pool::{Deletion, PoolUser, UserPool};
