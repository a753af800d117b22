//! Wall-clock time behind a trait.
//!
//! Ages (of keys, of cool-downs) are measured by wall clock on purpose: a process may be restored from a
//! snapshot taken hours earlier, where a monotonic clock has not moved (Bedrock AgentCore Runtime snapshots).

use std::fmt::Debug;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

/// A source of wall-clock time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The current time, UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock's one home")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that moves only when told to: for tests of expiry, cool-downs and restored snapshots.
#[derive(Debug)]
pub struct ManualClock {
    unix_secs: AtomicI64,
}

impl ManualClock {
    /// A clock standing at `unix_secs` (seconds since 1970-01-01 UTC).
    #[must_use]
    pub fn at(unix_secs: i64) -> Self {
        Self { unix_secs: AtomicI64::new(unix_secs) }
    }

    /// Moves the clock by `secs` seconds; negative moves it back.
    pub fn advance_secs(&self, secs: i64) {
        self.unix_secs.fetch_add(secs, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.unix_secs.load(Ordering::SeqCst), 0).unwrap_or_default()
    }
}
