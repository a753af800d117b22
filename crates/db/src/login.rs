//! Where a pool has its login from: the settings, or a place that is asked at the first need and again when the database
//! refuses what it gave.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use autri_domain::{Clock, SystemClock};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use crate::{DatabaseOptions, DbError, Tls, connect};

/// Where a pool has its login from.
#[derive(Debug, Clone)]
pub enum Login {
    /// The settings: `postgres://user:password@host:port/database?sslmode=…`.
    Url(SecretString),
    /// A place that may change it.
    Kept(KeptLogin),
}

impl Login {
    /// The TLS to ask for: what a URL says; verified where the login is kept elsewhere, which names a host and no `sslmode`.
    #[must_use]
    pub const fn tls(&self) -> Tls {
        match self {
            Self::Url(_) => Tls::AsUrlSays,
            Self::Kept(_) => Tls::Verified,
        }
    }
}

impl From<SecretString> for Login {
    fn from(url: SecretString) -> Self {
        Self::Url(url)
    }
}

/// A login that is kept elsewhere. It is read when the first connection is made, not before, and again when the database
/// refuses it: then it was rotated.
#[derive(Debug, Clone)]
pub struct KeptLogin {
    source: Arc<dyn LoginSource>,
    clock: Arc<dyn Clock>,
    cool_down: Duration,
}

/// A place where a login is kept.
#[async_trait]
pub trait LoginSource: fmt::Debug + Send + Sync + 'static {
    /// Reads the login as it is now, as a URL such as [`Login::Url`] has. Must give up in time.
    async fn read(&self) -> Result<SecretString, LoginError>;
}

/// Why there is no login. Says nothing of what was read.
#[derive(Debug, Clone)]
pub enum LoginError {
    /// The place did not give it: do as the source says.
    Unreadable(Arc<dyn Error + Send + Sync>),
    /// What is kept there is none: put it right.
    Unusable(&'static str),
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(_) => f.write_str("the database's login could not be read"),
            Self::Unusable(why) => write!(f, "the database's login is not usable: {why}"),
        }
    }
}

impl Error for LoginError {
    /// By hand: derived, it would be the [`Arc`], and nobody could tell what is in it.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable(source) => Some(&**source),
            Self::Unusable(_) => None,
        }
    }
}

impl KeptLogin {
    /// Read whenever it is needed.
    #[must_use]
    pub fn new(source: impl LoginSource) -> Self {
        Self { source: Arc::new(source), clock: Arc::new(SystemClock), cool_down: Duration::ZERO }
    }

    /// Read at most once every `cool_down`, however many callers are refused meanwhile. They are told what came out last.
    #[must_use]
    pub fn with_cool_down(self, cool_down: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { clock, cool_down, ..self }
    }
}

/// The login that a pool connects with at the moment.
#[derive(Debug)]
pub(crate) struct CurrentLogin {
    kept: KeptLogin,
    options: DatabaseOptions,
    /// How many were read; 0 before the first.
    number: AtomicU64,
    /// When the current one was. By the clock that the pool measures its connections' ages with.
    since: Mutex<Option<Instant>>,
    /// Held by whoever reads; the others wait for what comes out.
    last: tokio::sync::Mutex<LastReading>,
}

#[derive(Debug, Default)]
struct LastReading {
    ended_at: Option<DateTime<Utc>>,
    failure: Option<LoginError>,
    /// The current login.
    url: Option<SecretString>,
}

impl CurrentLogin {
    pub(crate) fn new(kept: KeptLogin, options: DatabaseOptions) -> Self {
        Self {
            kept,
            options,
            number: AtomicU64::new(0),
            since: Mutex::default(),
            last: tokio::sync::Mutex::default(),
        }
    }

    /// The current login's number, once there is one.
    pub(crate) async fn number(self: &Arc<Self>, pool: &PgPool) -> Result<u64, DbError> {
        if self.number.load(Ordering::Acquire) == 0 {
            self.renew(0, pool).await?;
        }
        Ok(self.number.load(Ordering::Acquire))
    }

    /// Has the pool connect with another login than number `refused`. `false` if what is kept is no other yet.
    pub(crate) async fn renew(self: &Arc<Self>, refused: u64, pool: &PgPool) -> Result<bool, DbError> {
        // A task of its own: a caller that goes away takes nothing from the others, and cannot have it read without end.
        let renewing = tokio::spawn(Arc::clone(self).renew_once(refused, pool.clone()));
        renewing.await.unwrap_or_else(|died| Err(LoginError::Unreadable(Arc::new(died)).into()))
    }

    async fn renew_once(self: Arc<Self>, refused: u64, pool: PgPool) -> Result<bool, DbError> {
        let mut last = self.last.lock().await;
        if self.number.load(Ordering::Acquire) != refused {
            return Ok(true);
        }
        if self.is_cooling_down(&last) {
            return last.failure.clone().map_or(Ok(false), |failure| Err(failure.into()));
        }
        if refused > 0 {
            tracing::warn!("the database refused the login, which is read again: was it rotated?");
        }
        let read = self.read().await;
        last.ended_at = Some(self.kept.clock.now());
        last.failure = read.as_ref().err().cloned();
        let (url, connect) = read?;
        if last.url.as_ref().is_some_and(|current| current.expose_secret() == url.expose_secret()) {
            // Rotation changes the database first and then what is kept. Until then, connections that are open are good.
            return Ok(false);
        }
        pool.set_connect_options(connect);
        last.url = Some(url);
        *self.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.number.fetch_add(1, Ordering::AcqRel);
        Ok(true)
    }

    /// Whether a connection of this age was made with an earlier login.
    pub(crate) fn is_younger_than(&self, connection_age: Duration) -> bool {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < connection_age)
    }

    /// By wall clock: in a process that was restored from a snapshot no other has moved. If it runs backwards, the time is up.
    fn is_cooling_down(&self, last: &LastReading) -> bool {
        let passed = last.ended_at.map(|ended_at| (self.kept.clock.now() - ended_at).to_std());
        passed.is_some_and(|passed| passed.is_ok_and(|passed| passed < self.kept.cool_down))
    }

    async fn read(&self) -> Result<(SecretString, PgConnectOptions), LoginError> {
        let url = self.kept.source.read().await?;
        let connect = connect::options(&url, &self.options)
            .map_err(|_| LoginError::Unusable("it does not make a connection URL"))?;
        Ok((url, connect))
    }
}
