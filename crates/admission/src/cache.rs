//! The allowlist as a trigger reads it: from Parameter Store, at most once a minute.

use std::sync::Arc;

use autri_aws::{AwsError, ParameterStore};
use autri_domain::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex;

use crate::Allowlist;

/// How long a list that was read is used: whoever is invited can sign up that much later, and whoever is uninvited that
/// much longer.
const MAX_AGE: TimeDelta = TimeDelta::seconds(60);

/// The allowlist in a parameter. A list that cannot be read is an error, never a list on which nobody is, and never the
/// list of more than a minute ago.
#[derive(Debug)]
pub struct AllowlistCache {
    store: ParameterStore,
    parameter: String,
    clock: Arc<dyn Clock>,
    kept: Mutex<Option<Kept>>,
}

#[derive(Debug)]
struct Kept {
    list: Arc<Allowlist>,
    read_at: DateTime<Utc>,
}

impl AllowlistCache {
    /// A cache of the parameter with this name. Reads nothing yet.
    #[must_use]
    pub fn new(store: ParameterStore, parameter: String, clock: Arc<dyn Clock>) -> Self {
        Self { store, parameter, clock, kept: Mutex::new(None) }
    }

    /// The list, as it was at most 60 seconds ago. Of several callers one reads, and the others wait for it.
    ///
    /// # Errors
    /// As [`ParameterStore::get`] when the list has to be read and cannot.
    pub async fn get(&self) -> Result<Arc<Allowlist>, AwsError> {
        let mut kept = self.kept.lock().await;
        // Taken before the reading, so that the time that takes counts as age.
        let now = self.clock.now();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.is_fresh(now)) {
            return Ok(Arc::clone(&kept.list));
        }
        // Gone before the next one is there: a reading that fails leaves nothing behind.
        *kept = None;
        let parameter = self.store.get(&self.parameter).await?;
        let list = Arc::new(Allowlist::parse(&parameter.value));
        if list.malformed_count() > 0 {
            tracing::warn!(ignored = list.malformed_count(), "the allowlist has entries that are none");
        }
        *kept = Some(Kept { list: Arc::clone(&list), read_at: now });
        Ok(list)
    }
}

impl Kept {
    /// A clock that was set back makes a list's age negative, and unknown.
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        let age = now - self.read_at;
        (TimeDelta::zero()..MAX_AGE).contains(&age)
    }
}
