//! A fair part of the database's connections for each connector, so that the slow calls of one leave the others theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use autri_domain::ConnectorId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Who works in the database at the moment, and who waits for that. Holds connectors with requests under way and no others.
#[derive(Debug)]
pub struct ConnectorShares {
    each: usize,
    active: Mutex<HashMap<ConnectorId, Active>>,
}

#[derive(Debug)]
struct Active {
    places: Arc<Semaphore>,
    /// Those who hold a place or wait for one.
    users: usize,
}

/// A place at the database. Whoever has it may hold one connection.
#[derive(Debug)]
pub(crate) struct Share<'a> {
    permit: Option<OwnedSemaphorePermit>,
    connector: ConnectorId,
    of: &'a ConnectorShares,
}

impl ConnectorShares {
    /// Half of a pool for each connector, and of a pool of one that one.
    #[must_use]
    pub fn of_pool(max_connections: u32) -> Self {
        let each =
            usize::try_from(max_connections / 2).unwrap_or(usize::MAX).clamp(1, Semaphore::MAX_PERMITS);
        Self { each, active: Mutex::default() }
    }

    /// Waits until the connector may hold one connection more; those who wait are served in turn.
    pub(crate) async fn take(&self, connector: ConnectorId) -> Share<'_> {
        let places = self.change(|active| {
            let active = active
                .entry(connector)
                .or_insert_with(|| Active { places: Arc::new(Semaphore::new(self.each)), users: 0 });
            active.users += 1;
            Arc::clone(&active.places)
        });
        // Made before the waiting, which may be given up.
        let mut share = Share { permit: None, connector, of: self };
        // Nobody closes the semaphore.
        share.permit = places.acquire_owned().await.ok();
        share
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<ConnectorId, Active>) -> T) -> T {
        change(&mut self.active.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.of.change(|active| {
            let Some(own) = active.get_mut(&self.connector) else { return };
            own.users -= 1;
            if own.users == 0 {
                active.remove(&self.connector);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn a_connector_has_half_of_the_pool_and_others_have_theirs() {
        for (connections, each) in [(1, 1), (2, 1), (3, 1), (10, 5), (100, 50)] {
            let shares = ConnectorShares::of_pool(connections);
            let (one, other) = (ConnectorId::new(), ConnectorId::new());
            let mut held: Vec<_> = (0..each).map(|_| shares.take(one).now_or_never().unwrap()).collect();
            let mut next = std::pin::pin!(shares.take(one));
            assert!(next.as_mut().now_or_never().is_none(), "{connections}");
            assert!(shares.take(other).now_or_never().is_some(), "{connections}");
            held.pop();
            assert!(next.now_or_never().is_some(), "{connections}");
        }
    }

    #[tokio::test]
    async fn those_who_wait_are_served_in_turn_and_may_give_up() {
        let shares = ConnectorShares::of_pool(2);
        let connector = ConnectorId::new();
        let first = shares.take(connector).await;
        let mut second = Box::pin(shares.take(connector));
        let mut third = Box::pin(shares.take(connector));
        let mut fourth = Box::pin(shares.take(connector));
        for waiting in [&mut second, &mut third, &mut fourth] {
            assert!(waiting.now_or_never().is_none());
        }
        drop(second);
        drop(first);
        assert!((&mut fourth).now_or_never().is_none(), "the third comes first");
        drop(third.now_or_never().unwrap());
        assert!(fourth.now_or_never().is_some());
    }

    #[tokio::test]
    async fn nothing_is_kept_of_a_connector_without_requests() {
        let shares = ConnectorShares::of_pool(2);
        let connector = ConnectorId::new();
        let held = shares.take(connector).await;
        assert!(shares.take(connector).now_or_never().is_none(), "given up");
        assert_eq!(shares.change(|active| active.len()), 1);
        drop(held);
        assert_eq!(shares.change(|active| active.len()), 0);
    }
}
