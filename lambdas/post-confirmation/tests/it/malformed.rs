//! Events that Cognito does not send: an error, never a panic, and no deletion of anybody who may stay.

use autri_admission::{Allowlist, Eligibility, SignUp, TrustedIdps, assess};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{LIST, World, event};

/// The event, with something else at this place.
pub(crate) fn replaced(mut event: Value, pointer: &str, value: Value) -> Value {
    match pointer.rsplit_once('/') {
        None => return value,
        Some((parent, name)) => {
            if let Some(Value::Object(fields)) = event.pointer_mut(parent) {
                fields.insert(name.to_owned(), value);
            }
        }
    }
    event
}

fn removed(mut event: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    if let Some(Value::Object(fields)) = event.pointer_mut(parent) {
        fields.remove(name);
    }
    event
}

#[tokio::test]
async fn a_malformed_event_is_an_error() {
    // Nobody is listed: whoever is taken for a person with an address would be deleted.
    let world = World::answering(crate::support::Answers::listing("none")).await;
    let long = "x".repeat(129);
    let rubbish = [
        json!(null),
        json!(1),
        json!(true),
        json!([]),
        json!({}),
        json!(""),
        json!(" "),
        json!("a\0b"),
        json!(long),
    ];
    let mut events = Vec::new();
    for value in [
        json!(null),
        json!(1),
        json!("text"),
        json!([]),
        json!([1]),
        json!({}),
        json!([event("pre_sign_up")]),
    ] {
        events.push(("all of it".to_owned(), value));
    }
    for name in ["post_confirmation_sign_up", "pre_sign_up"] {
        let whole = event(name);
        for pointer in ["/triggerSource", "/userPoolId", "/request"] {
            events.push((format!("{name} without {pointer}"), removed(whole.clone(), pointer)));
        }
        for value in &rubbish {
            events.push((format!("{name} {value}"), replaced(whole.clone(), "/userPoolId", value.clone())));
            events.push((format!("{name} {value}"), replaced(whole.clone(), "/request", value.clone())));
            let address = "/request/userAttributes/email";
            events.push((format!("{name} {value}"), replaced(whole.clone(), address, value.clone())));
        }
        for value in [json!(null), json!(1), json!([]), json!({})] {
            events.push((format!("{name} {value}"), replaced(whole.clone(), "/triggerSource", value)));
        }
        for value in [
            json!(1),
            json!("text"),
            json!([["email", "a@b"]]),
            json!({"email": null}),
            json!({"custom:n": 1}),
        ] {
            let attributes = "/request/userAttributes";
            events.push((format!("{name} {value}"), replaced(whole.clone(), attributes, value)));
        }
    }
    let whole = event("post_confirmation_sign_up");
    for pointer in ["/userName", "/request/userAttributes/sub"] {
        events.push((format!("without {pointer}"), removed(whole.clone(), pointer)));
        for value in &rubbish {
            events.push((format!("{pointer} {value}"), replaced(whole.clone(), pointer, value.clone())));
        }
    }
    let count = events.len();
    for (what, event) in events {
        assert!(world.handle(event).await.is_err(), "{what}");
    }
    assert!(world.deletions().is_empty());
    assert_eq!(world.rows().await, [0; 8]);
    assert_eq!(world.failures().len(), count, "each is counted");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop_oneof![
            "true",
            "Google",
            "\\[\\{\"providerName\":\"Google\"\\}\\]",
            "EXTERNAL_PROVIDER",
            "ada@example.com",
            "eve@example\\.net"
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Whether an event says that somebody is confirmed who has a verified address and is not listed.
fn is_of_somebody_to_delete(event: &Value) -> bool {
    let attribute = |name: &str| event["request"]["userAttributes"][name].as_str();
    let sign_up = SignUp {
        email: attribute("email"),
        email_verified: attribute("email_verified"),
        identities: attribute("identities"),
        user_status: attribute("cognito:user_status"),
    };
    let eligibility = assess(&Allowlist::parse(LIST), &sign_up, &TrustedIdps::default());
    event["triggerSource"] == "PostConfirmation_ConfirmSignUp"
        && matches!(eligibility, Eligibility::NotListed { verified: true, .. })
}

#[test]
fn whatever_stands_in_an_event_it_is_echoed_or_an_error_and_who_is_deleted_is_verified_and_not_listed() {
    let fixtures = [
        "post_confirmation_sign_up",
        "post_confirmation_federated",
        "pre_sign_up",
        "post_confirmation_least",
    ];
    let places = [
        "",
        "/triggerSource",
        "/userPoolId",
        "/userName",
        "/request",
        "/request/userAttributes",
        "/request/userAttributes/sub",
        "/request/userAttributes/email",
        "/request/userAttributes/email_verified",
        "/request/userAttributes/identities",
        "/request/userAttributes/cognito:user_status",
        "/request/userAttributes/given_name",
        "/request/clientMetadata",
        "/response",
        "/callerContext",
        "/version",
    ];
    let change = prop_oneof![
        3 => (proptest::sample::select(places.to_vec()), any_json()),
        // Often enough that some who are not listed are whole enough to be deleted.
        1 => Just(("/request/userAttributes/email", json!("eve@example.net"))),
    ];
    let events = (proptest::sample::select(fixtures.to_vec()), proptest::collection::vec(change, 1..4))
        .prop_map(|(name, changes)| {
            changes.into_iter().fold(event(name), |event, (pointer, value)| replaced(event, pointer, value))
        });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    proptest!(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() }, |(event in events)| {
        let before = world.deletions().len();
        let answer = runtime.block_on(world.handle(event.clone()));
        let deletions = world.deletions().split_off(before);
        if !deletions.is_empty() {
            prop_assert!(is_of_somebody_to_delete(&event), "{}", event);
            let named = [&event["userPoolId"], &event["userName"]].map(|name| name.as_str().unwrap().to_owned());
            prop_assert_eq!(deletions, [named.into()]);
            prop_assert!(answer.is_err());
        }
        if let Ok(answer) = answer {
            prop_assert_eq!(answer, event);
        }
    });
    assert!(!world.deletions().is_empty(), "some were to be deleted");
    let rows = runtime.block_on(world.rows());
    assert!(rows[0] >= 1, "some were whole enough for an account: {rows:?}");
}
