//! What is away is an error that is counted, and nobody is deleted for it.

use std::time::Duration;

use autri_aws::test_support::Reply;
use autri_aws::{DatabaseLocation, TriggerDatabase};
use post_confirmation::trigger::FUNCTION;
use tokio::net::TcpListener;

use crate::support::{Answers, World, event, uninvited, with_attributes};

const LATER: &str = "sign-up is not available at the moment: try again later; ask beta@autri.ai";

#[tokio::test]
async fn without_a_list_nobody_is_deleted() {
    for (parameter, reason) in [
        (Reply::Unreachable, "unavailable"),
        (Reply::Empty(503), "unavailable"),
        (Reply::Error { status: 400, code: "ThrottlingException", message: "slow down" }, "busy"),
        (Reply::Error { status: 400, code: "AccessDeniedException", message: "no" }, "denied"),
        (Reply::Error { status: 400, code: "ParameterNotFound", message: "" }, "not_found"),
        (Reply::Error { status: 400, code: "InvalidKeyId", message: "no key" }, "rejected"),
        (Reply::Json(serde_json::json!({})), "rejected"),
    ] {
        let text = format!("{parameter:?}");
        let world = World::answering(Answers { parameter, deletion: None }).await;
        for event in [uninvited(), event("post_confirmation_sign_up"), event("pre_sign_up")] {
            world.add_user(&event);
            assert_eq!(world.told(event).await, LATER, "{text}");
        }
        assert_eq!(world.operations(), ["GetParameter"; 3], "{text}");
        assert_eq!(world.rows().await, [0; 8]);
        assert_eq!(world.failures(), [(); 3].map(|()| ("allowlist".to_owned(), reason.to_owned())), "{text}");
    }
}

#[tokio::test]
async fn a_list_of_nobody_is_one() {
    for list in ["none", "# nobody yet", ", ,"] {
        let world = World::answering(Answers::listing(list)).await;
        world.add_user(&event("post_confirmation_sign_up"));
        assert_eq!(
            world.told(event("post_confirmation_sign_up")).await,
            "not invited to beta; ask beta@autri.ai"
        );
        assert_eq!(world.deletions().len(), 1, "{list}");
    }
}

#[tokio::test]
async fn without_a_database_the_user_stays_and_the_same_event_repairs_it() {
    let away = World::new().await.with_database_away();
    away.add_user(&event("post_confirmation_sign_up"));
    let told = away.told(event("post_confirmation_sign_up")).await;
    assert_eq!(told, "your account could not be set up; ask beta@autri.ai");
    assert!(away.deletions().is_empty());
    assert_eq!(away.users.lock().unwrap().len(), 1);
    assert_eq!(away.failures(), [("database".to_owned(), "unavailable".to_owned())]);
    assert_eq!(away.rows().await, [0; 8]);

    let back = away.another_trigger();
    post_confirmation::trigger::handle(&back, event("post_confirmation_sign_up"), "r").await.unwrap();
    assert_eq!(away.rows().await, [1; 8]);
}

#[tokio::test]
async fn a_model_that_is_not_known_leaves_no_half_of_an_account() {
    let mut world = World::new().await;
    world.trigger.rules.embedding_model = "no-such-model".to_owned();
    let told = world.told(event("post_confirmation_sign_up")).await;
    assert_eq!(told, "your account could not be set up; ask beta@autri.ai");
    assert_eq!(world.rows().await, [0; 8]);
    assert!(world.deletions().is_empty());
    assert_eq!(world.failures(), [("database".to_owned(), "rule".to_owned())]);
}

#[tokio::test]
async fn an_address_of_another_subject_is_refused_and_nobody_is_deleted_or_bound_anew() {
    let world = World::new().await;
    world.handle(event("post_confirmation_sign_up")).await.unwrap();
    let before = (world.rows().await, world.people().await);
    // The same person through Google, or somebody who got the address after them: nobody can tell.
    let told = world.told(event("post_confirmation_federated")).await;
    assert_eq!(
        told,
        "this e-mail address has an account already: sign in the way you did first; ask beta@autri.ai"
    );
    assert_eq!((world.rows().await, world.people().await), before);
    assert!(world.deletions().is_empty());
    assert_eq!(world.failures(), [("database".to_owned(), "address_taken".to_owned())]);
}

#[tokio::test]
async fn a_user_name_of_another_subject_is_refused_too() {
    let world = World::new().await;
    world.handle(event("post_confirmation_sign_up")).await.unwrap();
    let again = with_attributes(
        event("post_confirmation_sign_up"),
        &[("sub", "another"), ("email", "a@example.org")],
    );
    let told = world.told(again).await;
    assert_eq!(told, "your account could not be set up; ask beta@autri.ai");
    assert_eq!(world.rows().await, [1; 8]);
    assert!(world.deletions().is_empty());
    assert_eq!(world.failures(), [("database".to_owned(), "user_name_taken".to_owned())]);
}

#[tokio::test]
async fn what_takes_too_long_is_an_error_before_cognito_gives_up() {
    let mut world = World::new().await;
    // Takes connections, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://x@{}/x", silent.local_addr().unwrap());
    world.trigger.database = TriggerDatabase::new(DatabaseLocation::Url(url.into()), FUNCTION);
    world.trigger.patience = Duration::from_millis(50);
    assert_eq!(world.told(event("post_confirmation_sign_up")).await, LATER);
    assert_eq!(world.failures(), [("time".to_owned(), "too_late".to_owned())]);
    assert!(world.deletions().is_empty());
}
