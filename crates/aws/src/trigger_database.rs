//! The database of a Lambda trigger.

use std::time::Duration;

use autri_db::{Database, DatabaseOptions, DbError, KeptLogin, Login, LoginError, Tls};
use tokio::sync::OnceCell;

use crate::{AwsConfig, DatabaseLocation, Patience, SecretLogin};

/// The longest that a trigger's invocation may take: Cognito waits for 5 s, and says nothing useful to whoever signs in or up
/// after that.
pub const TRIGGER_PATIENCE: Duration = Duration::from_secs(4);

/// A pool of one connection, made at the first use and kept for the invocations that follow; Lambda gives an instance one
/// at a time. Connecting takes 1.5 s at most and a statement 1 s, so that an error leaves before Cognito's 5 s are over.
///
/// When the database refuses a login that is kept in a secret, the secret was rotated: it is read again, once.
#[derive(Debug)]
pub struct TriggerDatabase {
    location: DatabaseLocation,
    application_name: &'static str,
    aws: Option<AwsConfig>,
    database: OnceCell<Database>,
}

/// Why the work was not done.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TriggerDatabaseError(#[from] pub DbError);

impl TriggerDatabase {
    /// Makes nothing yet. `application_name` is shown in `pg_stat_activity`.
    #[must_use]
    pub fn new(location: DatabaseLocation, application_name: &'static str) -> Self {
        Self { location, application_name, aws: None, database: OnceCell::new() }
    }

    /// With a configuration for the secret's reading that is there already, instead of one of its own.
    #[must_use]
    pub fn with_aws(self, config: AwsConfig) -> Self {
        Self { aws: Some(config), ..self }
    }

    /// Does `work`.
    ///
    /// # Errors
    /// See [`TriggerDatabaseError`].
    pub async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&Database) -> Result<T, DbError>,
    ) -> Result<T, TriggerDatabaseError> {
        let database = self.database.get_or_try_init(async || self.pool()).await?;
        Ok(Box::pin(work(database)).await?)
    }

    fn pool(&self) -> Result<Database, DbError> {
        Database::new(&DatabaseOptions {
            login: self.login(),
            max_connections: 1,
            acquire_timeout: Duration::from_millis(1_500),
            statement_timeout: Duration::from_secs(1),
            application_name: self.application_name,
            tls: Tls::Verified,
            // An instance is frozen between invocations, for minutes, and its peer may be gone.
            max_idle: Some(Duration::from_secs(30)),
        })
    }

    fn login(&self) -> Login {
        match &self.location {
            DatabaseLocation::Url(url) => Login::Url(url.clone()),
            DatabaseLocation::Secret { arn } => {
                let secret = SecretLogin::new(arn, Patience::Trigger);
                Login::Kept(KeptLogin::new(match &self.aws {
                    Some(config) => secret.with_aws(config.clone()),
                    None => secret,
                }))
            }
        }
    }
}

impl TriggerDatabaseError {
    /// What kind it is, in one word, for logs and metrics.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match &self.0 {
            DbError::Login(LoginError::Unreadable(_)) => "secret_unreadable",
            DbError::Login(LoginError::Unusable(_)) => "secret_unusable",
            DbError::Unavailable(_) => "unavailable",
            DbError::TimedOut(_) => "timed_out",
            DbError::Credentials(_) => "credentials",
            DbError::BadUrl(_) => "bad_url",
            DbError::Rule { .. } => "rule",
            DbError::RowSecurityOff | DbError::Migration(_) | DbError::Unexpected(_) => "unexpected",
        }
    }
}
