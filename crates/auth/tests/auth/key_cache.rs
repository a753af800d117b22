//! When keys are fetched, and what is said while they are not to be had.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use autri_auth::{COOL_DOWN_SECS, CognitoVerifier, InvalidReason, REFRESH_AGE_SECS, Refusal};
use autri_domain::{ManualClock, Principal};
use futures_util::future::join_all;

use crate::support::*;

const COOL_DOWN: i64 = COOL_DOWN_SECS as i64;
const REFRESH_AGE: i64 = REFRESH_AGE_SECS as i64;

/// A verifier, its key server and its clock.
struct Setup {
    verifier: CognitoVerifier,
    source: Arc<FakeSource>,
    clock: Arc<ManualClock>,
}

impl Setup {
    fn new(answer: Answer) -> Self {
        let (source, clock) = (FakeSource::answering(answer), Arc::new(ManualClock::at(NOW)));
        let verifier = CognitoVerifier::new(settings(), source.clone(), clock.clone());
        Self { verifier, source, clock }
    }

    /// One known key, [`KID`], fetched already.
    async fn with_key() -> Self {
        let setup = Self::new(listing(&[KID]));
        assert!(setup.verify(KID).await.is_ok());
        assert_eq!(setup.source.fetches(), 1);
        setup
    }

    /// Verifies a valid token of the first signer that names `kid`.
    async fn verify(&self, kid: &str) -> Result<Principal, Refusal> {
        self.verifier.verify(&lasting_token(kid)).await
    }
}

/// A document that lists the first signer's key under each of these names.
fn listing(kids: &[&str]) -> Answer {
    let keys: Vec<_> = kids.iter().map(|kid| signer(0).jwk(kid)).collect();
    Answer::Document(jwks(&keys))
}

const UNKNOWN: Result<Principal, Refusal> = Err(Refusal::InvalidToken(InvalidReason::UnknownKey));

fn unavailable(retry_after_secs: u32) -> Result<Principal, Refusal> {
    Err(Refusal::KeysUnavailable { retry_after_secs })
}

#[tokio::test]
async fn nothing_is_fetched_before_the_first_token_nor_for_a_malformed_one() {
    let setup = Setup::new(listing(&[KID]));
    tokio::task::yield_now().await;
    assert_eq!(setup.source.fetches(), 0);
    for token in ["", "a.b.c", "e30.e30.e30"] {
        assert!(setup.verifier.verify(token).await.is_err());
    }
    assert_eq!(setup.source.fetches(), 0);
    assert!(setup.verify(KID).await.is_ok());
    assert_eq!(setup.source.fetches(), 1);
}

#[tokio::test]
async fn many_first_requests_share_one_fetch() {
    let setup = Setup::new(listing(&[KID]));
    setup.source.close_gate();
    let mut requests = pin!(join_all((0..50).map(|_| setup.verify(KID))));
    assert!(poll_once(requests.as_mut()).is_pending());
    setup.source.wait_for_fetches(1).await;
    assert!(poll_once(requests.as_mut()).is_pending());
    setup.source.open_gate();
    assert!(requests.await.iter().all(Result::is_ok));
    assert_eq!(setup.source.fetches(), 1);
}

#[tokio::test]
async fn many_first_requests_share_one_failure() {
    let setup = Setup::new(Answer::Down);
    let verdicts = join_all((0..50).map(|_| setup.verify(KID))).await;
    assert!(verdicts.iter().all(|verdict| *verdict == unavailable(COOL_DOWN_SECS)));
    assert_eq!(setup.source.fetches(), 1);
}

#[tokio::test]
async fn a_known_key_needs_no_second_fetch() {
    let setup = Setup::with_key().await;
    setup.clock.advance_secs(REFRESH_AGE - 1);
    for _ in 0..100 {
        assert!(setup.verify(KID).await.is_ok());
    }
    assert_eq!(setup.source.fetches(), 1);
}

#[tokio::test]
async fn a_flood_of_unknown_keys_causes_one_fetch_per_cool_down() {
    let setup = Setup::with_key().await;
    for round in 0..5 {
        let tokens: Vec<_> = (0..100).map(|n| lasting_token(&format!("{round}-{n}"))).collect();
        let verdicts = join_all(tokens.iter().map(|token| setup.verifier.verify(token))).await;
        assert!(verdicts.iter().all(|verdict| *verdict == UNKNOWN));
        assert_eq!(setup.source.fetches(), 1 + round, "round 0 is within the first fetch's cool-down");
        setup.clock.advance_secs(COOL_DOWN - 1);
        assert_eq!(setup.verify(&format!("{round}-late")).await, UNKNOWN);
        assert_eq!(setup.source.fetches(), 1 + round);
        setup.clock.advance_secs(1);
    }
}

#[tokio::test]
async fn while_a_fetch_runs_no_other_begins() {
    let setup = Setup::new(listing(&[KID]));
    setup.source.close_gate();
    let mut first = pin!(setup.verify(KID));
    assert!(poll_once(first.as_mut()).is_pending());
    setup.source.wait_for_fetches(1).await;
    setup.clock.advance_secs(10 * COOL_DOWN);
    let mut second = pin!(setup.verify("another"));
    assert!(poll_once(second.as_mut()).is_pending());
    setup.source.open_gate();
    assert!(first.await.is_ok());
    assert_eq!(second.await, UNKNOWN);
    assert_eq!(setup.source.fetches(), 1);
}

#[tokio::test]
async fn an_absent_key_is_not_asked_for_again_within_a_minute() {
    let setup = Setup::with_key().await;
    setup.clock.advance_secs(COOL_DOWN);
    assert_eq!(setup.verify("retired").await, UNKNOWN);
    assert_eq!(setup.source.fetches(), 2);
    for _ in 0..5 {
        setup.clock.advance_secs(COOL_DOWN + 1);
        assert_eq!(setup.verify("retired").await, UNKNOWN);
    }
    assert_eq!(setup.source.fetches(), 2);
    setup.clock.advance_secs(COOL_DOWN);
    assert_eq!(setup.verify("retired").await, UNKNOWN);
    assert_eq!(setup.source.fetches(), 3);
}

#[tokio::test]
async fn a_rotated_key_is_found_by_its_first_token() {
    let setup = Setup::with_key().await;
    setup.source.set(listing(&[KID, "next"]));
    setup.clock.advance_secs(COOL_DOWN);
    assert!(setup.verify("next").await.is_ok());
    assert!(setup.verify(KID).await.is_ok());
    assert_eq!(setup.source.fetches(), 2);
}

#[tokio::test]
async fn a_key_that_was_absent_works_once_it_was_seen() {
    let setup = Setup::with_key().await;
    setup.clock.advance_secs(COOL_DOWN);
    assert_eq!(setup.verify("next").await, UNKNOWN);
    setup.source.set(listing(&[KID, "next"]));
    setup.clock.advance_secs(COOL_DOWN);
    assert_eq!(setup.verify("unrelated").await, UNKNOWN);
    assert!(setup.verify("next").await.is_ok(), "found by a fetch for another key");
}

#[tokio::test]
async fn without_keys_nothing_is_said_about_the_token() {
    let setup = Setup::new(Answer::Down);
    assert_eq!(setup.verify(KID).await, unavailable(COOL_DOWN_SECS));
    setup.clock.advance_secs(4);
    assert_eq!(setup.verify(KID).await, unavailable(COOL_DOWN_SECS - 4));
    assert_eq!(setup.source.fetches(), 1, "the cool-down was taken although the fetch failed");
    setup.source.set(listing(&[KID]));
    setup.clock.advance_secs(COOL_DOWN - 4 - 1);
    assert_eq!(setup.verify(KID).await, unavailable(1));
    setup.clock.advance_secs(1);
    assert!(setup.verify(KID).await.is_ok());
    assert_eq!(setup.source.fetches(), 2);
}

#[tokio::test]
async fn an_unknown_key_after_a_failed_fetch_is_no_verdict_on_the_token() {
    let setup = Setup::with_key().await;
    setup.clock.advance_secs(COOL_DOWN);
    assert_eq!(setup.verify("unknown").await, UNKNOWN);
    setup.source.set(Answer::Down);
    setup.clock.advance_secs(COOL_DOWN);
    assert_eq!(setup.verify("next").await, unavailable(COOL_DOWN_SECS));
    assert_eq!(
        setup.verify("unknown").await,
        unavailable(COOL_DOWN_SECS),
        "what was known is no longer sure"
    );
    assert!(setup.verify(KID).await.is_ok(), "a known key works all the same");
}

#[tokio::test]
async fn a_known_key_works_while_the_key_server_is_down() {
    let setup = Setup::with_key().await;
    setup.source.set(Answer::Down);
    setup.clock.advance_secs(REFRESH_AGE);
    for tries in 1..=10 {
        for _ in 0..10 {
            assert!(setup.verify(KID).await.is_ok());
        }
        setup.source.wait_for_fetches(1 + tries).await;
        assert_eq!(setup.source.fetches(), 1 + tries, "one try a cool-down");
        setup.clock.advance_secs(COOL_DOWN);
    }
}

#[tokio::test]
async fn nobody_waits_for_a_key_server_that_is_known_to_be_down() {
    let setup = Setup::with_key().await;
    setup.source.set(Answer::Down);
    setup.clock.advance_secs(REFRESH_AGE);
    assert!(setup.verify(KID).await.is_ok());
    setup.source.close_gate();
    setup.clock.advance_secs(COOL_DOWN);
    assert!(matches!(poll_once(pin!(setup.verify(KID))), Poll::Ready(Ok(_))));
    setup.source.wait_for_fetches(3).await;
    assert!(matches!(poll_once(pin!(setup.verify(KID))), Poll::Ready(Ok(_))));
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_after_the_next_refresh() {
    let setup = Setup::with_key().await;
    setup.source.set(listing(&["next"]));
    setup.clock.advance_secs(REFRESH_AGE);
    assert_eq!(setup.verify(KID).await, UNKNOWN);
    assert!(setup.verify("next").await.is_ok());
    assert_eq!(setup.source.fetches(), 2);
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_when_a_rotation_brought_the_refresh() {
    let setup = Setup::with_key().await;
    setup.source.set(listing(&["next"]));
    setup.clock.advance_secs(COOL_DOWN);
    assert!(setup.verify("next").await.is_ok());
    assert_eq!(setup.verify(KID).await, UNKNOWN);
}

#[tokio::test]
async fn a_withdrawn_key_is_refused_once_the_key_server_is_back() {
    let setup = Setup::with_key().await;
    setup.source.set(Answer::Down);
    setup.clock.advance_secs(REFRESH_AGE);
    assert!(setup.verify(KID).await.is_ok());
    setup.source.set(listing(&["next"]));
    setup.clock.advance_secs(COOL_DOWN);
    assert!(setup.verify(KID).await.is_ok(), "this one only starts the refresh");
    setup.source.wait_for_fetches(3).await;
    yield_until(async || setup.verify(KID).await == UNKNOWN).await;
    assert_eq!(setup.source.fetches(), 3);
}

#[tokio::test]
async fn when_all_keys_are_withdrawn_none_works() {
    let setup = Setup::with_key().await;
    setup.source.set(listing(&[]));
    setup.clock.advance_secs(REFRESH_AGE);
    assert_eq!(setup.verify(KID).await, unavailable(COOL_DOWN_SECS));
}

#[tokio::test]
async fn an_answer_that_is_no_key_document_withdraws_nothing() {
    let setup = Setup::with_key().await;
    setup.source.set(Answer::Document(b"<html>maintenance</html>".to_vec()));
    setup.clock.advance_secs(REFRESH_AGE);
    assert!(setup.verify(KID).await.is_ok());
}

/// A process that is restored hours later has old keys and thinks no time has passed.
#[tokio::test]
async fn a_restored_process_refreshes_before_it_trusts_old_keys() {
    let setup = Setup::with_key().await;
    setup.source.close_gate();
    setup.clock.advance_secs(5 * 3_600);
    setup.source.set(listing(&["next"]));
    let mut request = pin!(setup.verify(KID));
    assert!(poll_once(request.as_mut()).is_pending());
    setup.source.open_gate();
    assert_eq!(request.await, UNKNOWN);
    assert!(setup.verify("next").await.is_ok());
}

#[tokio::test]
async fn a_restored_process_does_not_remember_an_old_failure() {
    let setup = Setup::with_key().await;
    setup.source.set(Answer::Down);
    setup.clock.advance_secs(REFRESH_AGE);
    assert!(setup.verify(KID).await.is_ok());
    setup.clock.advance_secs(5 * 3_600);
    setup.source.set(listing(&["next"]));
    assert_eq!(setup.verify(KID).await, UNKNOWN, "it waited for the refresh");
}

#[tokio::test]
async fn a_restored_process_without_keys_fetches_at_once() {
    let setup = Setup::new(Answer::Down);
    assert_eq!(setup.verify(KID).await, unavailable(COOL_DOWN_SECS));
    setup.source.set(listing(&[KID]));
    setup.clock.advance_secs(5 * 3_600);
    assert!(setup.verify(KID).await.is_ok());
}

#[tokio::test]
async fn a_clock_set_back_makes_keys_old_and_ends_the_cool_down() {
    let setup = Setup::with_key().await;
    setup.source.set(listing(&["next"]));
    setup.clock.advance_secs(-50_000);
    assert_eq!(setup.verify(KID).await, UNKNOWN, "the refresh was not put off for 50,000 s");
    assert_eq!(setup.source.fetches(), 2);
}

#[tokio::test]
async fn a_cancelled_request_does_not_stop_the_fetch_it_began() {
    let setup = Setup::new(listing(&[KID]));
    setup.source.close_gate();
    {
        let mut cancelled = pin!(setup.verify(KID));
        assert!(poll_once(cancelled.as_mut()).is_pending());
        setup.source.wait_for_fetches(1).await;
        assert!(poll_once(cancelled.as_mut()).is_pending());
    }
    let mut patient = pin!(setup.verify(KID));
    assert!(poll_once(patient.as_mut()).is_pending());
    setup.source.open_gate();
    assert!(patient.await.is_ok());
    assert_eq!(setup.source.fetches(), 1, "the next request waits for the same fetch");
}

#[tokio::test]
async fn a_request_cancelled_at_once_leaves_nothing_behind() {
    let setup = Setup::new(listing(&[KID]));
    assert!(poll_once(pin!(setup.verify(KID))).is_pending());
    assert!(setup.verify(KID).await.is_ok());
    assert_eq!(setup.source.fetches(), 1);
}

#[tokio::test]
async fn a_panicking_key_source_is_a_key_server_that_is_down() {
    let setup = Setup::new(Answer::Panic);
    assert_eq!(setup.verify(KID).await, unavailable(COOL_DOWN_SECS));
    assert_eq!(setup.verify(KID).await, unavailable(COOL_DOWN_SECS));
    assert_eq!(setup.source.fetches(), 1);
    setup.source.set(listing(&[KID]));
    setup.clock.advance_secs(COOL_DOWN);
    assert!(setup.verify(KID).await.is_ok());
}

/// Tokio's time stands still here and jumps to the next timer.
#[tokio::test(start_paused = true)]
async fn a_key_source_that_never_answers_is_given_up() {
    let setup = Setup::new(Answer::Never);
    assert_eq!(setup.verify(KID).await, unavailable(COOL_DOWN_SECS));
    setup.source.set(listing(&[KID]));
    setup.clock.advance_secs(COOL_DOWN);
    assert!(setup.verify(KID).await.is_ok());
}

/// On several threads, with real parallelism: the counts hold.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_requests_share_one_fetch() {
    let setup = Arc::new(Setup::new(listing(&[KID])));
    let tasks: Vec<_> = (0..64)
        .map(|n| {
            let setup = Arc::clone(&setup);
            let kid = if n % 2 == 0 { KID.to_owned() } else { format!("unknown-{n}") };
            tokio::spawn(async move { (n, setup.verify(&kid).await) })
        })
        .collect();
    for task in tasks {
        let (n, verdict) = task.await.unwrap();
        assert!(if n % 2 == 0 { verdict.is_ok() } else { verdict == UNKNOWN }, "request {n}");
    }
    assert_eq!(setup.source.fetches(), 1);
}
