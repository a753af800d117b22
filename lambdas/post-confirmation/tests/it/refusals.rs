//! Whoever is not invited ends without a user and without a record; and who is never deleted.

use autri_aws::test_support::Reply;

use crate::support::{Answers, POOL, World, event, gone, uninvited, with_attributes};

const NOT_INVITED: &str = "not invited to beta; ask beta@autri.ai";

fn stranger(name: &str) -> serde_json::Value {
    with_attributes(event(name), &[("email", "eve@example.net")])
}

#[tokio::test]
async fn with_pre_sign_up_bound_there_never_is_a_user() {
    for (before, confirmed) in [
        ("pre_sign_up", "post_confirmation_sign_up"),
        ("pre_sign_up_external_provider", "post_confirmation_federated"),
    ] {
        let world = World::new().await;
        let refused = world.sign_up(Some(stranger(before)), stranger(confirmed)).await.unwrap_err();
        assert_eq!(
            (refused.error_type.as_str(), refused.error_message.as_str()),
            ("NotInvited", NOT_INVITED)
        );
        assert_eq!(world.operations(), ["GetParameter"]);
        assert!(world.users.lock().unwrap().is_empty());
        assert_eq!(world.rows().await, [0; 8]);
        assert!(world.failures().is_empty(), "a refusal is nothing to look into");
    }
}

#[tokio::test]
async fn without_it_the_user_is_deleted() {
    for confirmed in ["post_confirmation_sign_up", "post_confirmation_federated"] {
        let world = World::new().await;
        let confirmed = stranger(confirmed);
        let refused = world.sign_up(None, confirmed.clone()).await.unwrap_err();
        assert_eq!(
            (refused.error_type.as_str(), refused.error_message.as_str()),
            ("NotInvited", NOT_INVITED)
        );
        let user_name = confirmed["userName"].as_str().unwrap();
        assert_eq!(world.deletions(), [(POOL.to_owned(), user_name.to_owned())]);
        assert!(world.users.lock().unwrap().is_empty());
        assert_eq!(world.rows().await, [0; 8]);
        let outcome = (
            "PostConfirmation_ConfirmSignUp".to_owned(),
            "refused".to_owned(),
            Some("not_listed".to_owned()),
        );
        assert_eq!(world.outcomes(), [outcome]);
        assert!(world.failures().is_empty());
    }
}

/// An operator's slip must not delete whom they invited.
#[tokio::test]
async fn nobody_is_deleted_whom_a_malformed_entry_may_mean() {
    for list in ["ada@example.com;eve@example.net", "Eve <EVE@example.net>", "@example.net"] {
        let world = World::answering(Answers::listing(list)).await;
        world.add_user(&uninvited());
        assert_eq!(world.told(stranger("post_confirmation_sign_up")).await, NOT_INVITED, "{list}");
        assert_eq!(world.deletions(), []);
        assert_eq!(world.rows().await, [0; 8]);
        assert_eq!(world.failures(), [("allowlist".to_owned(), "malformed_entry".to_owned())]);
    }
}

#[tokio::test]
async fn the_user_is_deleted_though_the_database_is_away() {
    let world = World::new().await.with_database_away();
    world.add_user(&uninvited());
    assert_eq!(world.told(uninvited()).await, NOT_INVITED);
    assert!(world.users.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_named_nobody_to_ask() {
    let mut world = World::new().await;
    world.trigger.rules.invite_contact = None;
    assert_eq!(world.told(uninvited()).await, "not invited to beta");
}

#[tokio::test]
async fn a_user_who_is_gone_already_counts_as_deleted() {
    let answers = Answers { deletion: Some(gone()), ..Answers::listing("none") };
    let world = World::answering(answers).await;
    assert_eq!(world.told(uninvited()).await, NOT_INVITED);
    assert_eq!(world.deletions().len(), 1);
    assert!(world.failures().is_empty());
}

#[tokio::test]
async fn the_same_refusal_three_times_at_once_is_one() {
    let world = World::new().await;
    world.add_user(&uninvited());
    let (one, two, three) =
        tokio::join!(world.told(uninvited()), world.told(uninvited()), world.told(uninvited()));
    assert_eq!([one, two, three], [NOT_INVITED; 3]);
    assert!(world.users.lock().unwrap().is_empty());
    assert!(world.failures().is_empty());
}

#[tokio::test]
async fn a_deletion_that_fails_is_told_the_same_and_counted() {
    for (deletion, reason) in [
        (Reply::Unreachable, "unavailable"),
        (Reply::Empty(500), "unavailable"),
        (Reply::Error { status: 400, code: "AccessDeniedException", message: "no" }, "denied"),
        (Reply::Error { status: 400, code: "NotAuthorizedException", message: "no" }, "denied"),
        (Reply::Error { status: 400, code: "TooManyRequestsException", message: "slow down" }, "busy"),
        // Another pool than ours, or none: nobody is gone by that.
        (Reply::Error { status: 400, code: "ResourceNotFoundException", message: "no pool" }, "not_found"),
    ] {
        let text = format!("{deletion:?}");
        let answers = Answers { deletion: Some(deletion), ..Answers::listing("ada@example.com") };
        let world = World::answering(answers).await;
        assert_eq!(world.told(uninvited()).await, NOT_INVITED, "{text}");
        assert_eq!(world.failures(), [("deletion".to_owned(), reason.to_owned())], "{text}");
        assert_eq!(world.rows().await, [0; 8]);
    }
}

#[tokio::test]
async fn nobody_is_deleted_for_an_address_that_may_be_somebody_elses() {
    for (event, told, reason) in [
        (
            event("post_confirmation_admin_confirm"),
            "your e-mail address is not verified; ask beta@autri.ai",
            "unverified",
        ),
        (
            with_attributes(event("post_confirmation_admin_confirm"), &[("email", "eve@example.net")]),
            NOT_INVITED,
            "not_listed_unverified",
        ),
        (
            with_attributes(
                event("post_confirmation_federated"),
                &[("email", "eve@example.net"), ("identities", r#"[{"providerName":"Elsewhere"}]"#)],
            ),
            NOT_INVITED,
            "not_listed_unverified",
        ),
        (
            with_attributes(event("post_confirmation_federated"), &[("cognito:user_status", "CONFIRMED")]),
            "your e-mail address is not verified; ask beta@autri.ai",
            "unverified",
        ),
        (
            with_attributes(
                event("post_confirmation_sign_up"),
                &[("email", "ada@example.com,eve@example.net")],
            ),
            "an e-mail address is needed to sign up; ask beta@autri.ai",
            "no_address",
        ),
    ] {
        let world = World::new().await;
        world.add_user(&event);
        assert_eq!(world.told(event).await, told);
        assert_eq!(world.operations(), ["GetParameter"], "{reason}");
        assert_eq!(world.users.lock().unwrap().len(), 1);
        assert_eq!(world.rows().await, [0; 8]);
        assert_eq!(world.failures(), [("eligibility".to_owned(), reason.to_owned())]);
    }
}

#[tokio::test]
async fn trusting_no_provider_leaves_federated_people_unverified() {
    let mut world = World::new().await;
    world.trigger.rules.trusted_idps = "none".parse().unwrap();
    world.told(event("post_confirmation_federated")).await;
    assert_eq!(world.failures(), [("eligibility".to_owned(), "unverified".to_owned())]);
    assert!(world.deletions().is_empty());
}

#[tokio::test]
async fn nothing_that_the_caller_sends_along_invites_them() {
    let world = World::new().await;
    let mut before = stranger("pre_sign_up");
    before["request"]["clientMetadata"] = serde_json::json!({"email": "ada@example.com"});
    before["request"]["validationData"] = serde_json::json!({"email": "ada@example.com"});
    assert_eq!(world.told(before).await, NOT_INVITED);
    let mut confirmed = uninvited();
    confirmed["request"]["clientMetadata"] =
        serde_json::json!({"email": "ada@example.com", "invited": "true"});
    assert_eq!(world.told(confirmed).await, NOT_INVITED);
}

#[tokio::test]
async fn events_of_another_pool_are_not_acted_on() {
    let mut world = World::new().await;
    world.trigger.rules.user_pool_id = Some("eu-central-1_OTHER".to_owned());
    for event in [uninvited(), event("post_confirmation_sign_up"), stranger("pre_sign_up")] {
        world.told(event).await;
    }
    assert!(world.operations().is_empty());
    assert_eq!(world.rows().await, [0; 8]);
    assert_eq!(world.failures(), [(); 3].map(|()| ("event".to_owned(), "foreign_pool".to_owned())));

    world.trigger.rules.user_pool_id = Some(POOL.to_owned());
    world.handle(event("post_confirmation_sign_up")).await.unwrap();
}
