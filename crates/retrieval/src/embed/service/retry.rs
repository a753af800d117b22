//! Patience with a service, up to a point.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use tokio::time::Instant;

use super::Failure;
use crate::embed::EmbedError;

/// The longest pause that is made without being asked for it.
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// How long a request may be tried again.
#[derive(Debug, Clone, Copy)]
pub(super) struct RetryBudget {
    /// No attempt begins later than this after the first.
    pub(super) total: Duration,
    /// The next ones are twice as long each, and a random part longer.
    pub(super) first_pause: Duration,
}

impl RetryBudget {
    /// A run over many documents outlives a quota by the minute, and a service that is started anew.
    pub(super) const DOCUMENTS: Self =
        Self { total: Duration::from_mins(2), first_pause: Duration::from_millis(500) };

    /// Tries until it succeeds, fails for good, or the budget would be used up. The service may ask for longer pauses
    /// (`Retry-After`), but not for more than the budget.
    pub(super) async fn spend<T, F>(self, attempt: impl FnMut() -> F) -> Result<T, EmbedError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let began = Instant::now();
        let pauses = ExponentialBuilder::new()
            .with_min_delay(self.first_pause)
            .with_max_delay(MAX_PAUSE)
            .with_jitter()
            .without_max_times();
        let within_budget = |failure: &Failure, pause: Option<Duration>| {
            let pause = pause?.max(failure.wanted_pause());
            (began.elapsed() + pause <= self.total).then_some(pause)
        };
        let tried = attempt.retry(pauses).when(Failure::may_pass).adjust(within_budget);
        tried.await.map_err(Failure::into_error)
    }
}
