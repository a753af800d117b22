//! The database of a Lambda trigger.

use std::time::Duration;

use autri_db::{Database, DatabaseOptions, DbError, Tls};
use tokio::sync::{Mutex, OnceCell};

use crate::database_secret::read_url;
use crate::{AwsConfig, DatabaseLocation, DatabaseSecretError, Patience};

/// The longest that a trigger's invocation may take: Cognito waits for 5 s, and says nothing useful to whoever signs in or up
/// after that.
pub const TRIGGER_PATIENCE: Duration = Duration::from_secs(4);

/// A pool of one connection, made at the first use and kept for the invocations that follow; Lambda gives an instance one
/// at a time. Connecting takes 1.5 s at most and a statement 1 s, so that an error leaves before Cognito's 5 s are over.
///
/// When the database refuses a login that is kept in a secret, the secret was rotated: it is read again, once, and the work
/// done again.
#[derive(Debug)]
pub struct TriggerDatabase {
    location: DatabaseLocation,
    application_name: &'static str,
    aws: OnceCell<AwsConfig>,
    current: Mutex<Option<Pool>>,
}

/// Why the work was not done.
#[derive(Debug, thiserror::Error)]
pub enum TriggerDatabaseError {
    /// The login is not to be had.
    #[error(transparent)]
    Secret(#[from] DatabaseSecretError),
    /// The work failed.
    #[error(transparent)]
    Database(#[from] DbError),
}

/// A pool, and the how-manieth it is: whoever was refused may find that another has made a new one meanwhile.
#[derive(Debug, Clone)]
struct Pool {
    database: Database,
    number: u64,
}

impl TriggerDatabase {
    /// Makes nothing yet. `application_name` is shown in `pg_stat_activity`.
    #[must_use]
    pub fn new(location: DatabaseLocation, application_name: &'static str) -> Self {
        Self { location, application_name, aws: OnceCell::new(), current: Mutex::new(None) }
    }

    /// With a configuration for the secret's reading that is there already, instead of one of its own.
    #[must_use]
    pub fn with_aws(self, config: AwsConfig) -> Self {
        Self { aws: OnceCell::new_with(Some(config)), ..self }
    }

    /// Does `work`. It may be called twice, so it must be one transaction, or idempotent.
    ///
    /// # Errors
    /// See [`TriggerDatabaseError`].
    pub async fn run<T>(
        &self,
        work: impl AsyncFn(&Database) -> Result<T, DbError>,
    ) -> Result<T, TriggerDatabaseError> {
        let pool = self.pool(None).await?;
        let arn = match (Box::pin(work(&pool.database)).await, &self.location) {
            (Err(DbError::Credentials(_)), DatabaseLocation::Secret { arn }) => arn,
            (done, _) => return Ok(done?),
        };
        tracing::warn!(%arn, "the database refused the login; the secret is read again");
        let pool = self.pool(Some(pool.number)).await?;
        Ok(Box::pin(work(&pool.database)).await?)
    }

    /// The pool; a new one if it is still the `refused` one. Of several callers one makes it, and the others wait.
    async fn pool(&self, refused: Option<u64>) -> Result<Pool, TriggerDatabaseError> {
        let mut current = self.current.lock().await;
        let number = match current.as_ref() {
            Some(pool) if Some(pool.number) != refused => return Ok(pool.clone()),
            Some(pool) => pool.number + 1,
            None => 0,
        };
        let made = Pool { database: self.connect().await?, number };
        Ok(current.insert(made).clone())
    }

    async fn connect(&self) -> Result<Database, TriggerDatabaseError> {
        let url = match &self.location {
            DatabaseLocation::Url(url) => url.clone(),
            DatabaseLocation::Secret { arn } => {
                let aws = self.aws.get_or_init(|| AwsConfig::from_env(Patience::Trigger)).await;
                read_url(aws, arn).await?
            }
        };
        Ok(Database::new(&DatabaseOptions {
            url,
            max_connections: 1,
            acquire_timeout: Duration::from_millis(1_500),
            statement_timeout: Duration::from_secs(1),
            application_name: self.application_name,
            tls: Tls::Verified,
            // An instance is frozen between invocations, for minutes, and its peer may be gone.
            max_idle: Some(Duration::from_secs(30)),
        })?)
    }
}

impl TriggerDatabaseError {
    /// What kind it is, in one word, for logs and metrics.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::Secret(DatabaseSecretError::Unreadable(_)) => "secret_unreadable",
            Self::Secret(DatabaseSecretError::Unusable(_)) => "secret_unusable",
            Self::Database(DbError::Unavailable(_)) => "unavailable",
            Self::Database(DbError::TimedOut(_)) => "timed_out",
            Self::Database(DbError::Credentials(_)) => "credentials",
            Self::Database(DbError::BadUrl(_)) => "bad_url",
            Self::Database(DbError::Rule { .. }) => "rule",
            Self::Database(DbError::RowSecurityOff | DbError::Migration(_) | DbError::Unexpected(_)) => {
                "unexpected"
            }
        }
    }
}
