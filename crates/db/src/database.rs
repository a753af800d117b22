//! A handle on one database, as one login.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::DbError;

/// How to connect.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// `postgres://user:password@host:port/database?sslmode=…`.
    pub url: SecretString,
    /// The most connections held at once; at least 1.
    pub max_connections: u32,
    /// How long to wait for a connection, being made included.
    pub acquire_timeout: Duration,
    /// The longest a statement may run; the server cancels it then.
    pub statement_timeout: Duration,
    /// Shown in `pg_stat_activity`.
    pub application_name: &'static str,
}

/// A pool that connects at its first use and not before: a process restored from a snapshot must find no connection in
/// it that died long ago (Bedrock AgentCore Runtime restores microVMs from a snapshot taken after start-up).
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
}

impl Database {
    /// Prepares a pool. Nothing is connected yet; must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`DbError::BadUrl`] when the URL does not parse.
    pub fn new(options: &DatabaseOptions) -> Result<Self, DbError> {
        let connect = PgConnectOptions::from_str(options.url.expose_secret())
            .map_err(|error| DbError::BadUrl(error.to_string()))?
            .application_name(options.application_name)
            .options([
                ("statement_timeout", options.statement_timeout.as_millis().to_string().as_str()),
                // The plans of our statements do not depend on their parameters; planning one anew costs milliseconds.
                ("plan_cache_mode", "force_generic_plan"),
                ("jit", "off"),
            ]);
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections.max(1))
            .min_connections(0)
            .acquire_timeout(options.acquire_timeout)
            .connect_lazy_with(connect);
        Ok(Self { pool })
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::query_scalar!("SELECT 1").fetch_one(&self.pool).await?;
        Ok(())
    }

    /// Closes all connections, once their users have given them back.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
