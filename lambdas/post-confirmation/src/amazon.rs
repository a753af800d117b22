//! AWS, as far as a sign-up needs it. No client is made before an event asks for it: most invocations need no user pool.

use std::sync::{Arc, OnceLock};

use autri_admission::{Allowlist, AllowlistCache};
use autri_aws::{AwsConfig, AwsError, Deletion, ParameterStore, UserPool};
use autri_domain::Clock;

/// The allowlist and the user pool.
#[derive(Debug)]
pub struct Amazon {
    config: AwsConfig,
    parameter: String,
    clock: Arc<dyn Clock>,
    allowlist: OnceLock<AllowlistCache>,
}

impl Amazon {
    /// AWS, with the allowlist in the parameter of this name.
    #[must_use]
    pub fn new(config: AwsConfig, parameter: String, clock: Arc<dyn Clock>) -> Self {
        Self { config, parameter, clock, allowlist: OnceLock::new() }
    }

    /// The list, at most 60 seconds old.
    ///
    /// # Errors
    /// As [`AllowlistCache::get`].
    pub async fn allowlist(&self) -> Result<Arc<Allowlist>, AwsError> {
        let cache = self.allowlist.get_or_init(|| {
            let store = ParameterStore::new(&self.config);
            AllowlistCache::new(store, self.parameter.clone(), Arc::clone(&self.clock))
        });
        cache.get().await
    }

    /// Deletes a user. The event says of which pool; deletions are few, so each makes a client.
    ///
    /// # Errors
    /// As [`UserPool::delete_user`].
    pub async fn delete_user(&self, user_pool_id: &str, user_name: &str) -> Result<Deletion, AwsError> {
        UserPool::new(&self.config, user_pool_id).delete_user(user_name).await
    }
}
