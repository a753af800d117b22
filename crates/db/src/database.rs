//! A handle on one database, as one login.

use std::time::Duration;

use secrecy::SecretString;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgPool, Postgres};

use crate::{DbError, connect};

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
    /// How the connection is protected.
    pub tls: Tls,
    /// A connection that lay idle for so long is replaced, without being asked whether it lives: the peer of a process that
    /// was frozen may be gone, and then nothing answers.
    pub max_idle: Option<Duration>,
}

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// As the URL's `sslmode` says; without one, encrypted where the server can, and the certificate not looked at.
    AsUrlSays,
    /// `verify-full` whatever the URL says, unless the host is this machine: a loopback address, `localhost` or a socket.
    /// The roots are those of the URL's `sslrootcert`, else the pinned ones of Amazon RDS, and beside them the public ones that
    /// the driver brings along; the system's never count.
    Verified,
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
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections.max(1))
            .min_connections(0)
            .acquire_timeout(options.acquire_timeout);
        let pool = match options.max_idle {
            Some(max_idle) => replace_idle(pool, max_idle),
            None => pool,
        };
        Ok(Self { pool: pool.connect_lazy_with(connect::options(options)?) })
    }

    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection to give back by [`take_back`]. Dropped instead, as when its work is cancelled, it is closed.
    pub(crate) async fn lend(&self) -> Result<PoolConnection<Postgres>, DbError> {
        let mut connection = self.pool.acquire().await?;
        connection.close_on_drop();
        Ok(connection)
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

/// Puts a connection back. When this returns, nothing is under way on it: a dropped one is asked for a sign of life by a
/// task, and a process that is frozen just then (AWS Lambda freezes it after its answer) wakes up to wait for a peer that
/// may be gone, with the connection's place in the pool taken.
pub(crate) async fn take_back(mut connection: PoolConnection<Postgres>) {
    connection.return_to_pool().await;
}

/// The pool's own test comes before `before_acquire` and waits for an answer, so this one takes its place.
fn replace_idle(pool: PgPoolOptions, max_idle: Duration) -> PgPoolOptions {
    pool.test_before_acquire(false).before_acquire(move |connection, idle| {
        Box::pin(async move {
            if idle.idle_for >= max_idle {
                return Ok(false);
            }
            connection.ping().await?;
            Ok(true)
        })
    })
}
