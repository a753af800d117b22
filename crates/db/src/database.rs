//! A handle on one database, as one login.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgPool, Postgres, Transaction};

use crate::login::CurrentLogin;
use crate::{DbError, Login, connect};

/// How to connect.
#[derive(Debug, Clone)]
pub struct DatabaseOptions {
    /// Who connects, and where to.
    pub login: Login,
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
    /// Where the login is not in the settings.
    login: Option<Arc<CurrentLogin>>,
}

impl Database {
    /// Prepares a pool. Nothing is connected or read yet; must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`DbError::BadUrl`] when the URL does not parse.
    pub fn new(options: &DatabaseOptions) -> Result<Self, DbError> {
        let (connect, login) = match &options.login {
            Login::Url(url) => (connect::options(url, options)?, None),
            // `open` has the login's own put in place before anything is connected.
            Login::Kept(kept) => {
                let login = CurrentLogin::new(kept.clone(), options.clone());
                (PgConnectOptions::new_without_pgpass(), Some(Arc::new(login)))
            }
        };
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections.max(1))
            .min_connections(0)
            .acquire_timeout(options.acquire_timeout);
        let pool = replace_old(pool, options.max_idle, login.clone());
        Ok(Self { pool: pool.connect_lazy_with(connect), login })
    }

    /// A connection, which goes back to the pool when it is dropped.
    pub(crate) async fn acquire(&self) -> Result<PoolConnection<Postgres>, DbError> {
        self.open(async |pool| pool.acquire().await).await
    }

    /// A transaction on a connection of its own. Dropped, it is rolled back.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, DbError> {
        self.open(async |pool| pool.begin().await).await
    }

    /// The only way to the pool. Reads a login that is kept elsewhere before the first connection, and another one when the
    /// database refuses it.
    async fn open<T>(&self, open: impl AsyncFn(&PgPool) -> sqlx::Result<T>) -> Result<T, DbError> {
        let Some(login) = &self.login else {
            return Ok(open(&self.pool).await?);
        };
        let number = login.number(&self.pool).await?;
        match open(&self.pool).await.map_err(DbError::from) {
            Err(DbError::Credentials(_)) if login.renew(number, &self.pool).await? => {
                Ok(open(&self.pool).await?)
            }
            done => done,
        }
    }

    /// A connection to give back by [`take_back`]. Dropped instead, as when its work is cancelled, it is closed.
    pub(crate) async fn lend(&self) -> Result<PoolConnection<Postgres>, DbError> {
        let mut connection = self.acquire().await?;
        connection.close_on_drop();
        Ok(connection)
    }

    /// Asks the database for a sign of life.
    pub async fn ping(&self) -> Result<(), DbError> {
        sqlx::query_scalar!("SELECT 1").fetch_one(&mut *self.acquire().await?).await?;
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

/// Has the pool close connections that lay idle too long, or were made with an earlier login, instead of lending them.
///
/// The pool's own test of life comes before `before_acquire` and waits for an answer: where a connection that lay idle must
/// not be asked, another one takes its place.
fn replace_old(
    pool: PgPoolOptions,
    max_idle: Option<Duration>,
    login: Option<Arc<CurrentLogin>>,
) -> PgPoolOptions {
    if max_idle.is_none() && login.is_none() {
        return pool;
    }
    pool.test_before_acquire(max_idle.is_none()).before_acquire(move |connection, lent| {
        let is_outdated = login.as_ref().is_some_and(|login| login.is_younger_than(lent.age));
        Box::pin(async move {
            if is_outdated || max_idle.is_some_and(|max_idle| lent.idle_for >= max_idle) {
                return Ok(false);
            }
            if max_idle.is_some() {
                connection.ping().await?;
            }
            Ok(true)
        })
    })
}
