//! The issuer's keys in memory, and the rules for fetching them.
//!
//! - Nothing is fetched before the first token.
//! - One fetch at a time; whoever needs its result waits for it. It runs in a task of its own, so that a
//!   request that is cancelled takes nothing away from the others.
//! - The cool-down begins when a fetch begins, whatever becomes of it: a flood of invented key ids causes one
//!   fetch per cool-down.
//! - After [`REFRESH_AGE_SECS`] a key is used only after a refresh was tried. If that fails the key goes on
//!   working; if it succeeds, keys that are no longer listed are gone. While the key server is known to be down,
//!   nobody waits for the next try.
//! - Ages are measured by wall clock. One that runs backwards makes things look old, never fresh.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use autri_domain::Clock;
use jsonwebtoken::DecodingKey;
use tokio::sync::watch;

use crate::key_set::KeySet;
use crate::key_source::{KeySource, KeySourceError};
use crate::refusal::{InvalidReason, Refusal};
use crate::unknown_kids::UnknownKids;

/// The time from the start of one fetch to the earliest start of the next, in seconds.
pub const COOL_DOWN_SECS: u32 = 10;

/// The age at which a refresh of the keys is tried, in seconds. It bounds how long a key that its issuer
/// withdrew is accepted while the key server answers.
pub const REFRESH_AGE_SECS: u32 = 3_600;

/// The end of a fetch whose source does not keep its promise to give up.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// A cache over one [`KeySource`].
#[derive(Debug)]
pub(crate) struct KeyCache(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    source: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    /// Read for every token, written by the one running fetch.
    keys: RwLock<Arc<DatedKeys>>,
    /// Touched only when the keys at hand do not settle the matter. Never held across an `await`.
    fetching: Mutex<Fetching>,
}

/// Keys, and when the fetch that brought them began (seconds since 1970 UTC).
#[derive(Debug, Default)]
struct DatedKeys {
    keys: KeySet,
    as_of_secs: i64,
}

#[derive(Debug, Default)]
struct Fetching {
    last: Option<Fetch>,
    unknown_kids: UnknownKids,
}

/// A fetch that was begun, as those who wait for it see it.
#[derive(Debug, Clone)]
struct Fetch {
    started_at_secs: i64,
    /// Whether the one before had failed not long ago.
    follows_failure: bool,
    outcome: watch::Receiver<Outcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Running,
    Succeeded,
    Failed,
}

/// Why a fetch brought no usable keys. For the log.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("the keys could not be fetched")]
    Source(#[from] KeySourceError),
    #[error("the keys did not arrive in time")]
    TimedOut(#[from] tokio::time::error::Elapsed),
    #[error("the key server's answer is no JWKS document")]
    Document(#[from] serde_json::Error),
    #[error("the JWKS document lists no key for RS256")]
    NoUsableKey,
}

impl KeyCache {
    pub(crate) fn new(source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        let (keys, fetching) = (RwLock::default(), Mutex::default());
        Self(Arc::new(Shared { source, clock, keys, fetching }))
    }

    /// The key named `kid`.
    ///
    /// # Errors
    /// [`InvalidReason::UnknownKey`] if the issuer answered lately and does not list it;
    /// [`Refusal::KeysUnavailable`] if nothing is known because the last fetch failed.
    pub(crate) async fn get(&self, kid: &str) -> Result<Arc<DecodingKey>, Refusal> {
        let now_secs = self.0.now_secs();
        let dated = self.0.keys();
        let aged = match dated.keys.find(kid) {
            Some(key) if is_within(REFRESH_AGE_SECS, dated.as_of_secs, now_secs) => return Ok(key),
            Some(key) => Some(key),
            None if self.0.is_known_absent(kid, now_secs) => return Err(InvalidReason::UnknownKey.into()),
            None => None,
        };
        let fetch = Shared::running_or_new_fetch(&self.0, now_secs);
        match aged {
            Some(key) if fetch.follows_failure => Ok(key),
            _ => self.0.get_after(&fetch, kid).await,
        }
    }
}

impl Shared {
    fn now_secs(&self) -> i64 {
        self.clock.now().timestamp()
    }

    fn keys(&self) -> Arc<DatedKeys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace_keys(&self, keys: DatedKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    fn fetching(&self) -> MutexGuard<'_, Fetching> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only a success says anything about absent keys: after a failure the answer is "unavailable".
    fn is_known_absent(&self, kid: &str, now_secs: i64) -> bool {
        let fetching = self.fetching();
        let answered = fetching.last.as_ref().is_some_and(|last| last.outcome() == Outcome::Succeeded);
        answered && fetching.unknown_kids.contains(kid, now_secs)
    }

    /// The fetch that runs, or the last one while its cool-down lasts, or else a new one.
    fn running_or_new_fetch(this: &Arc<Self>, now_secs: i64) -> Fetch {
        let mut fetching = this.fetching();
        let mut follows_failure = false;
        if let Some(last) = &fetching.last {
            let outcome = last.outcome();
            if outcome == Outcome::Running || is_within(COOL_DOWN_SECS, last.started_at_secs, now_secs) {
                return last.clone();
            }
            // A failure before a snapshot says nothing about the key server after it was restored.
            follows_failure =
                outcome == Outcome::Failed && is_within(REFRESH_AGE_SECS, last.started_at_secs, now_secs);
        }
        let (report, outcome) = watch::channel(Outcome::Running);
        let fetch = Fetch { started_at_secs: now_secs, follows_failure, outcome };
        fetching.last = Some(fetch.clone());
        drop(fetching);
        tokio::spawn(Arc::clone(this).fetch(now_secs, report));
        fetch
    }

    /// If this task dies, dropping `report` tells those who wait that it failed.
    async fn fetch(self: Arc<Self>, now_secs: i64, report: watch::Sender<Outcome>) {
        let outcome = match self.fetch_keys(now_secs).await {
            Ok(()) => Outcome::Succeeded,
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(error, "the token issuer's keys could not be refreshed");
                Outcome::Failed
            }
        };
        report.send_replace(outcome);
    }

    /// Replaces the keys by what the source says now. A list without a usable key counts as well: the issuer
    /// withdrew the others.
    async fn fetch_keys(&self, now_secs: i64) -> Result<(), FetchError> {
        let document = tokio::time::timeout(FETCH_TIMEOUT, self.source.fetch_jwks()).await??;
        let keys = KeySet::parse(&document)?;
        let is_usable = !keys.is_empty();
        self.replace_keys(DatedKeys { keys, as_of_secs: now_secs });
        if is_usable { Ok(()) } else { Err(FetchError::NoUsableKey) }
    }

    /// The key named `kid` once `fetch` is over. If it failed, an old key is as good as before.
    async fn get_after(&self, fetch: &Fetch, kid: &str) -> Result<Arc<DecodingKey>, Refusal> {
        let outcome = fetch.finished().await;
        if let Some(key) = self.keys().keys.find(kid) {
            return Ok(key);
        }
        let now_secs = self.now_secs();
        match outcome {
            Outcome::Succeeded => {
                self.fetching().unknown_kids.insert(kid, now_secs);
                Err(InvalidReason::UnknownKey.into())
            }
            Outcome::Failed | Outcome::Running => {
                Err(Refusal::KeysUnavailable { retry_after_secs: fetch.cool_down_left_secs(now_secs) })
            }
        }
    }
}

impl Fetch {
    fn outcome(&self) -> Outcome {
        // In this order: what is reported just before the channel closes must be seen.
        let is_closed = self.outcome.has_changed().is_err();
        match *self.outcome.borrow() {
            Outcome::Running if is_closed => Outcome::Failed,
            outcome => outcome,
        }
    }

    async fn finished(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let finished = outcome.wait_for(|outcome| *outcome != Outcome::Running).await;
        finished.map_or(Outcome::Failed, |outcome| *outcome)
    }

    fn cool_down_left_secs(&self, now_secs: i64) -> u32 {
        let elapsed = u32::try_from(now_secs.saturating_sub(self.started_at_secs)).unwrap_or(0);
        COOL_DOWN_SECS.saturating_sub(elapsed).max(1)
    }
}

/// Whether `now` is less than `span` seconds after `start`, and not before it.
fn is_within(span_secs: u32, start_secs: i64, now_secs: i64) -> bool {
    (0..i64::from(span_secs)).contains(&now_secs.saturating_sub(start_secs))
}
