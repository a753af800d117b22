//! What an invocation leaves in the log: a line, a metric if something is to be looked into, and no address.

use autri_audit_log::AuditKey;
use serde_json::{Value, json};

use crate::support::{NOW, World, event, uninvited, with_attributes};

fn key() -> AuditKey {
    AuditKey::new("k".repeat(32).into()).unwrap()
}

#[tokio::test]
async fn a_refusal_is_logged_with_a_keyed_digest_of_the_address() {
    let mut world = World::new().await;
    world.trigger.rules.audit_key = Some(key());
    world.told(uninvited()).await;
    world.told(with_attributes(uninvited(), &[("email", "EVE@Example.net")])).await;
    let lines = world.lines();
    let [first, second] = &lines[..] else { panic!("two lines: {lines:?}") };
    let digest = first["email_digest"].as_str().unwrap();
    assert_eq!(second["email_digest"], digest, "the same address, whatever its case");
    let bytes: Vec<u8> =
        (0..32).map(|at| u8::from_str_radix(&digest[2 * at..2 * at + 2], 16).unwrap()).collect();
    assert!(key().verify("email", &json!("eve@example.net"), &bytes));
    let Value::Object(mut line) = first.clone() else { panic!("an object") };
    assert!(line.remove("latency_ms").unwrap().as_f64().unwrap() >= 0.0);
    assert_eq!(
        Value::Object(line),
        json!({
            "time": "2025-11-21T04:40:00.000Z", "function": "post-confirmation",
            "trigger": "PostConfirmation_ConfirmSignUp", "user_pool_id": "eu-central-1_EXAMPLE",
            "client_id": "2k3j4h5g6f7d8s9a0example", "connector_id": null, "outcome": "refused", "reason": "not_listed",
            "email_digest": digest, "request_id": "request-1",
        })
    );
}

#[tokio::test]
async fn a_failure_is_counted_in_the_embedded_metric_format() {
    let world = World::new().await;
    world.told(event("post_confirmation_admin_confirm")).await;
    let metric = &world.lines()[1];
    assert_eq!(metric["_aws"]["Timestamp"], NOW * 1_000);
    assert_eq!(metric["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Autri");
    let [function, stage, reason] =
        ["function", "stage", "reason"].map(|name| metric[name].as_str().unwrap());
    assert_eq!([function, stage, reason], ["post-confirmation", "eligibility", "unverified"]);
    assert_eq!(metric["Failures"], 1);
}

#[tokio::test]
async fn no_line_has_an_address_or_a_name() {
    let mut world = World::new().await;
    world.trigger.rules.audit_key = Some(key());
    for name in [
        "post_confirmation_sign_up",
        "post_confirmation_federated",
        "post_confirmation_admin_confirm",
        "post_confirmation_forgot_password",
        "pre_sign_up",
        "unknown_source",
    ] {
        let _ = world.handle(event(name)).await;
        let _ = world.handle(with_attributes(event(name), &[("email", "eve@example.net")])).await;
    }
    let text = world.text();
    assert_eq!(text.lines().count(), 12 + world.failures().len());
    for word in ["example.com", "example.net", "eve@", "Ada", "Lovelace", "googleusercontent", "google_1082"]
    {
        assert!(!text.contains(word), "{word} in {text}");
    }
}
