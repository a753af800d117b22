//! A service that fails is left alone for a while.

use std::sync::{Arc, Mutex, PoisonError};

use autri_domain::Clock;
use chrono::{DateTime, TimeDelta, Utc};

/// How many failures in a row it takes. One lost packet is none of them.
const FAILURES: u32 = 3;

/// How long the service is left alone then.
const COOL_DOWN: TimeDelta = TimeDelta::seconds(30);

/// Counts failures in a row. After [`FAILURES`] one caller in each cool-down is let through, to see whether the service is
/// well again; the others do without it, and need not wait for what will not come.
///
/// Ages are by wall clock: a process may be restored from a snapshot hours later (docs/adr/0004).
#[derive(Debug)]
pub(super) struct Breaker {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// When the last caller that knew of enough failures was let through, or the last failure was.
    left_alone_since: DateTime<Utc>,
}

impl Breaker {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// Whether the service may be asked. Whoever is let through and never says how it went changes nothing.
    pub(super) fn lets_through(&self) -> bool {
        let now = self.clock.now();
        self.with(|state| {
            if state.failures < FAILURES {
                return true;
            }
            // A clock that was set back would close the way for as long.
            let is_over = now - state.left_alone_since >= COOL_DOWN || now < state.left_alone_since;
            if is_over {
                state.left_alone_since = now;
            }
            is_over
        })
    }

    pub(super) fn succeeded(&self) {
        self.with(|state| state.failures = 0);
    }

    pub(super) fn failed(&self) {
        let now = self.clock.now();
        self.with(|state| {
            state.failures = state.failures.saturating_add(1);
            state.left_alone_since = now;
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // Nothing in here panics half-way.
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use autri_domain::ManualClock;

    use super::*;

    fn failed_times(failures: u32) -> (Breaker, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(1_800_000_000));
        let breaker = Breaker::new(clock.clone());
        for _ in 0..failures {
            assert!(breaker.lets_through());
            breaker.failed();
        }
        (breaker, clock)
    }

    #[test]
    fn some_failures_change_nothing_and_a_success_forgets_them() {
        let (breaker, _) = failed_times(FAILURES - 1);
        assert!(breaker.lets_through());
        breaker.succeeded();
        for _ in 1..FAILURES {
            breaker.failed();
        }
        assert!(breaker.lets_through());
    }

    #[test]
    fn after_more_of_them_one_caller_a_cool_down_is_let_through() {
        let (breaker, clock) = failed_times(FAILURES);
        assert!(!breaker.lets_through());
        clock.advance_secs(29);
        assert!(!breaker.lets_through());
        clock.advance_secs(1);
        assert_eq!([breaker.lets_through(), breaker.lets_through()], [true, false]);
        // That one never came back: the next may look after another cool-down.
        clock.advance_secs(30);
        assert_eq!([breaker.lets_through(), breaker.lets_through()], [true, false]);
        breaker.failed();
        clock.advance_secs(29);
        assert!(!breaker.lets_through());
        clock.advance_secs(1);
        assert!(breaker.lets_through());
        breaker.succeeded();
        assert_eq!([breaker.lets_through(), breaker.lets_through()], [true, true]);
    }

    #[test]
    fn a_clock_that_is_set_back_ends_the_wait() {
        let (breaker, clock) = failed_times(FAILURES);
        clock.advance_secs(-3_600);
        assert_eq!([breaker.lets_through(), breaker.lets_through()], [true, false]);
    }
}
