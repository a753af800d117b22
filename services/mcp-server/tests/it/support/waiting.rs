//! Waiting for what happens elsewhere, without sleeping: each look is a round trip of its own.

use std::time::Duration;

use autri_db::test_support::AdminSession;

/// Far more than anything that is waited for takes; what never comes fails its test by it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What comes of it, which must be soon.
pub(crate) async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(PATIENCE, coming).await;
    came.unwrap_or_else(|_| panic!("never came to pass: {what}"))
}

/// Looks again and again until it has come to pass.
pub(crate) async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    soon(what, async {
        while !happened().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Returns when so many sessions of this database wait for a lock.
pub(crate) async fn until_waiting_for_a_lock(admin: &mut AdminSession, sessions: i64) {
    // pg_stat_activity would stand still within the transaction that holds the lock.
    const WAITING: &str = "SELECT count(*) FROM pg_locks \
        WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until("a session waits for a lock", async || admin.number(WAITING).await == sessions).await;
}
