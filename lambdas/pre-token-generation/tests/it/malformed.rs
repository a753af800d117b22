//! Events that Cognito does not send: an error each, never a panic and never a token that is not due.

use pre_token_generation::event::Malformed::{self, Client, Person, Shape, Version};
use pre_token_generation::failure::Failure;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::{CLAIM, Setup, event, with, without};

fn table() -> Vec<(Value, Malformed)> {
    let good = || event("hosted_auth");
    let set = |place, value| with(good(), &[(place, value)]);
    let long = "x".repeat(1 << 20);
    let mut table = vec![
        (json!(null), Shape),
        (json!([]), Shape),
        (json!([good()]), Shape),
        (json!("{}"), Shape),
        (json!(3), Shape),
        (json!(true), Shape),
        (json!({}), Client),
        (without(good(), "callerContext"), Client),
        (without(good(), "callerContext/clientId"), Client),
        (set("callerContext", json!(null)), Client),
        (set("callerContext", json!("acme-people")), Shape),
        (set("callerContext", json!([])), Shape),
        (without(good(), "version"), Version),
        (set("request", json!("x")), Shape),
        (set("request", json!([])), Shape),
        (set("request/userAttributes", json!("x")), Shape),
        (set("request/userAttributes", json!([])), Shape),
        (set("request/userAttributes/sub", json!(7)), Person),
        (set("request/userAttributes/sub", json!(long)), Person),
        (set("response", json!("x")), Shape),
        (set("response", json!([])), Shape),
        (set("response/claimsAndScopeOverrideDetails", json!([])), Shape),
        (set("response/claimsAndScopeOverrideDetails", json!({ "accessTokenGeneration": false })), Shape),
        (
            set(
                "response/claimsAndScopeOverrideDetails",
                json!({ "accessTokenGeneration": { "claimsToAddOrOverride": "" } }),
            ),
            Shape,
        ),
    ];
    for client in [
        json!(null),
        json!(""),
        json!(" "),
        json!("acme people"),
        json!("acme-people\0"),
        json!(long),
        json!(7),
        json!([]),
        json!({}),
    ] {
        table.push((set("callerContext/clientId", client), Client));
    }
    for version in [
        json!("1"),
        json!("0"),
        json!("-2"),
        json!("V2_0"),
        json!(""),
        json!(null),
        json!(1),
        json!(-3),
        json!(2.5),
        json!("99999999999999999999"),
    ] {
        table.push((set("version", version), Version));
    }
    table
}

#[tokio::test]
async fn an_error_each() {
    let setup = Setup::new().await;
    for (event, expected) in table() {
        let failure = setup.handle(&event).await.unwrap_err();
        let shown: String = event.to_string().chars().take(1_000).collect();
        assert!(
            matches!(failure, Failure::Malformed(malformed) if malformed == expected),
            "{failure:?} {shown}"
        );
        assert_eq!(
            failure.to_string(),
            "sign-in is not set up correctly here; tell whoever runs this service"
        );
        let [line, metric] = setup.log.take().try_into().unwrap();
        assert_eq!((&line["outcome"], &line["reason"]), (&json!("failed"), &json!(expected.as_str())));
        assert!(line.to_string().len() < 2_000, "a line is short whatever the event holds");
        assert_eq!((&metric["stage"], &metric["reason"]), (&json!("event"), &json!(expected.as_str())));
    }
}

/// As deep as the parser lets it be; beyond that there is no event (see `process`).
#[tokio::test]
async fn deep_and_large_events_are_echoed_like_any_other() {
    let setup = Setup::new().await;
    let deep = (0..100).fold(json!("x"), |inner, _| json!([inner]));
    let large: Vec<String> = (0..10_000).map(|n| format!("group-{n}")).collect();
    let changes = [("request/deep", deep), ("request/groupConfiguration/groupsToOverride", json!(large))];
    let event = with(event("hosted_auth"), &changes);
    let answer = setup.handle(&event).await.unwrap();
    assert_eq!(answer["request"], event["request"]);
    assert_eq!(answer.pointer(CLAIM), Some(&json!(setup.acme.interactive)));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        // What would do harm if it were believed.
        prop::sample::select(vec![
            "acme-people",
            "acme-machine",
            "acme-person",
            "ada",
            "ClientCredentials",
            "3",
            ""
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        let name = prop_oneof![prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned), ".{0,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..6).prop_map(|fields| Value::from(Map::from_iter(fields))),
        ]
    })
}

const NAMES: [&str; 9] = [
    "version",
    "userName",
    "userPoolId",
    "callerContext",
    "clientId",
    "request",
    "userAttributes",
    "sub",
    "response",
];

/// An event with anything in some of its places.
fn any_event() -> impl Strategy<Value = Value> {
    let places = vec![
        "version",
        "triggerSource",
        "userPoolId",
        "userName",
        "callerContext",
        "callerContext/clientId",
        "request",
        "request/userAttributes",
        "request/userAttributes/sub",
        "request/clientMetadata",
        "response",
        "response/claimsAndScopeOverrideDetails",
    ];
    let name =
        prop::sample::select(vec!["hosted_auth", "client_credentials", "refresh_tokens_without_attributes"]);
    let changes = prop::collection::vec((prop::sample::select(places), any_json()), 0..4);
    (name, changes).prop_map(|(name, mut changes)| {
        // Inner places last would index into what an outer change has put there.
        changes.sort_by_key(|(place, _)| std::cmp::Reverse(place.len()));
        with(event(name), &changes)
    })
}

/// Whatever arrives, a claim is one that the database granted to this very client and person.
#[test]
fn nobody_gets_a_claim_that_is_not_theirs() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let setup = runtime.block_on(Setup::new());
    let (machine, interactive) = (json!(setup.acme.machine), json!(setup.acme.interactive));
    proptest!(|(event in prop_oneof![any_json(), any_event()])| {
        let Ok(answer) = runtime.block_on(setup.handle(&event)) else { return Ok(()) };
        let claim = answer.pointer(CLAIM).expect("no client here is let through without one");
        let client = &event["callerContext"]["clientId"];
        let sub = &event["request"]["userAttributes"]["sub"];
        if *claim == interactive {
            prop_assert_eq!(client, "acme-people");
            prop_assert!(sub == "acme-person" || (sub.is_null() && event["userName"] == "ada"));
        } else {
            prop_assert_eq!(claim, &machine);
            prop_assert_eq!(client, "acme-machine");
            prop_assert!(sub.is_null() && event["userName"] != "ada");
        }
    });
}
