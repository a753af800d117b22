//! How old a list may be, and what becomes of one that cannot be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use autri_admission::AllowlistCache;
use autri_aws::test_support::Reply;
use autri_aws::{AwsConfig, AwsError, ParameterStore};
use autri_domain::ManualClock;

use crate::store::{NAME, Store};

struct Reader {
    store: Store,
    clock: Arc<ManualClock>,
    is_away: Arc<AtomicBool>,
    aws: AwsConfig,
    cache: AllowlistCache,
}

impl Reader {
    fn new(store: Store) -> Self {
        let clock = Arc::new(ManualClock::at(1_700_000_000));
        let is_away = Arc::new(AtomicBool::new(false));
        let (answering, away) = (store.clone(), Arc::clone(&is_away));
        let aws = AwsConfig::answered_by(move |operation, input| {
            if away.load(Ordering::SeqCst) { Reply::Unreachable } else { answering.answer(operation, input) }
        });
        let cache = AllowlistCache::new(ParameterStore::new(&aws), NAME.to_owned(), clock.clone());
        Self { store, clock, is_away, aws, cache }
    }

    async fn lists(&self, address: &str) -> Result<bool, AwsError> {
        Ok(self.cache.get().await?.contains(&address.parse().unwrap()))
    }

    fn readings(&self) -> usize {
        self.aws.requests().len()
    }
}

#[tokio::test]
async fn a_list_is_read_once_a_minute() {
    let reader = Reader::new(Store::with("ada@example.com", "SecureString"));
    assert_eq!(reader.readings(), 0);
    assert!(reader.lists("ada@example.com").await.unwrap());
    reader.store.write("bob@example.com", "SecureString");
    reader.clock.advance_secs(59);
    assert!(reader.lists("ada@example.com").await.unwrap());
    assert_eq!(reader.readings(), 1);
    reader.clock.advance_secs(1);
    assert!(!reader.lists("ada@example.com").await.unwrap());
    assert!(reader.lists("bob@example.com").await.unwrap());
    assert_eq!(reader.readings(), 2);
}

#[tokio::test]
async fn a_list_of_more_than_a_minute_ago_is_none() {
    let reader = Reader::new(Store::with("ada@example.com", "String"));
    reader.lists("ada@example.com").await.unwrap();
    reader.is_away.store(true, Ordering::SeqCst);
    reader.clock.advance_secs(59);
    assert!(reader.lists("ada@example.com").await.unwrap(), "it is not needed yet");
    reader.clock.advance_secs(1);
    assert!(matches!(reader.lists("ada@example.com").await, Err(AwsError::Unavailable(_))));
    reader.clock.advance_secs(-30);
    assert!(reader.lists("ada@example.com").await.is_err(), "what failed left no list behind");
    reader.is_away.store(false, Ordering::SeqCst);
    assert!(reader.lists("ada@example.com").await.unwrap());
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_a_list_old() {
    let reader = Reader::new(Store::with("ada@example.com", "String"));
    reader.lists("ada@example.com").await.unwrap();
    reader.clock.advance_secs(-1);
    reader.lists("ada@example.com").await.unwrap();
    assert_eq!(reader.readings(), 2);
}

#[tokio::test]
async fn a_parameter_that_is_not_there_is_no_list_of_nobody() {
    let reader = Reader::new(Store::empty());
    assert!(matches!(reader.lists("ada@example.com").await, Err(AwsError::NotFound(_))));
    for value in ["none", "# nobody yet", "what"] {
        let reader = Reader::new(Store::with(value, "String"));
        assert!(!reader.lists("ada@example.com").await.unwrap(), "{value}");
    }
}

#[tokio::test]
async fn several_at_once_read_once() {
    let reader = Reader::new(Store::with("ada@example.com", "String"));
    let (one, two, three) = tokio::join!(
        reader.lists("ada@example.com"),
        reader.lists("ada@example.com"),
        reader.lists("eve@example.com"),
    );
    assert_eq!((one.unwrap(), two.unwrap(), three.unwrap()), (true, true, false));
    assert_eq!(reader.readings(), 1);
}
