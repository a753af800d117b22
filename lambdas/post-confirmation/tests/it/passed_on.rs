//! Events that nothing is done for, and that all of an event goes back.

use aws_lambda_events::event::cognito::{
    CognitoEventUserPoolsPostConfirmation, CognitoEventUserPoolsPreSignup,
};
use serde_json::json;

use crate::support::{World, event};

#[test]
fn the_fixtures_are_events_as_aws_lambda_events_has_them() {
    for name in [
        "post_confirmation_sign_up",
        "post_confirmation_federated",
        "post_confirmation_admin_confirm",
        "post_confirmation_forgot_password",
    ] {
        serde_json::from_value::<CognitoEventUserPoolsPostConfirmation>(event(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    for name in ["pre_sign_up", "pre_sign_up_external_provider", "pre_sign_up_admin_create_user"] {
        serde_json::from_value::<CognitoEventUserPoolsPreSignup>(event(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[tokio::test]
async fn what_is_no_sign_up_is_echoed_and_nothing_is_done() {
    let world = World::new().await;
    for name in ["post_confirmation_forgot_password", "pre_sign_up_admin_create_user", "unknown_source"] {
        assert_eq!(world.handle(event(name)).await, Ok(event(name)));
    }
    let bare = json!({"triggerSource": "CustomMessage_ForgotPassword", "request": null});
    assert_eq!(world.handle(bare.clone()).await, Ok(bare));
    assert!(world.operations().is_empty());
    assert_eq!(world.rows().await, [0; 8]);
    assert!(world.outcomes().iter().all(|(_, outcome, reason)| outcome == "passed" && reason.is_none()));
    assert_eq!((world.outcomes().len(), world.failures().len()), (4, 0));
}

#[tokio::test]
async fn nothing_is_done_for_them_even_if_nobody_is_invited_and_the_database_is_away() {
    let world = World::new().await.with_database_away();
    let forgot = event("post_confirmation_forgot_password");
    let of_a_stranger = crate::support::with_attributes(forgot, &[("email", "eve@example.net")]);
    assert_eq!(world.handle(of_a_stranger.clone()).await, Ok(of_a_stranger));
    assert!(world.operations().is_empty());
}

#[tokio::test]
async fn who_is_listed_may_sign_up_and_no_flag_is_touched() {
    let world = World::new().await;
    for name in ["pre_sign_up", "pre_sign_up_external_provider"] {
        assert_eq!(world.handle(event(name)).await, Ok(event(name)));
    }
    assert_eq!(world.operations(), ["GetParameter"], "the list is kept for a minute");
    assert_eq!(world.rows().await, [0; 8]);
    assert!(world.outcomes().iter().all(|(_, outcome, _)| outcome == "listed"));
}

#[tokio::test]
async fn all_of_an_event_goes_back_when_there_is_an_account() {
    for name in ["post_confirmation_sign_up", "post_confirmation_federated", "post_confirmation_least"] {
        let world = World::new().await;
        assert_eq!(world.handle(event(name)).await, Ok(event(name)));
        assert_eq!(world.rows().await, [1; 8], "{name}");
    }
}
