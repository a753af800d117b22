//! Every source in every version, and what AWS may leave out of an event.

use autri_domain::ConnectorId;
use serde_json::{Value, json};

use crate::support::{CLAIM, Setup, WEB_APP, event, granted, with};

const PEOPLES: [&str; 5] =
    ["hosted_auth", "authentication", "new_password_challenge", "authenticate_device", "refresh_tokens"];

async fn gets(setup: &Setup, event: &Value, connector: ConnectorId) {
    let answer = setup.handle(event).await.unwrap();
    assert_eq!(answer, granted(event, connector), "the claim, and nothing else");
}

/// Versions 2 and 3 differ in when they are sent alone.
#[tokio::test]
async fn every_source_gets_the_claim_and_no_other_change() {
    let setup = Setup::new().await;
    for version in [json!("2"), json!("3"), json!(3)] {
        for name in PEOPLES {
            let event = with(event(name), &[("version", version.clone())]);
            gets(&setup, &event, setup.acme.interactive).await;
        }
        let event = with(event("client_credentials"), &[("version", version.clone())]);
        gets(&setup, &event, setup.acme.machine).await;
    }
}

#[tokio::test]
async fn what_aws_may_leave_out_is_not_missed() {
    let setup = Setup::new().await;
    for name in ["client_credentials_bare", "client_credentials_nulls"] {
        gets(&setup, &event(name), setup.acme.machine).await;
    }
    for name in ["hosted_auth_bare", "refresh_tokens_without_attributes"] {
        gets(&setup, &event(name), setup.acme.interactive).await;
    }
}

/// Among them a source and a version that do not exist yet.
#[tokio::test]
async fn what_is_not_known_comes_back_untouched() {
    let setup = Setup::new().await;
    gets(&setup, &event("unknown_fields"), setup.acme.interactive).await;
}

#[tokio::test]
async fn nulls_at_any_level_of_the_response_are_filled_in() {
    let setup = Setup::new().await;
    for response in [
        json!(null),
        json!({}),
        json!({ "claimsAndScopeOverrideDetails": {} }),
        json!({ "claimsAndScopeOverrideDetails": { "accessTokenGeneration": null } }),
        json!({ "claimsAndScopeOverrideDetails": { "accessTokenGeneration": { "claimsToAddOrOverride": null } } }),
        json!({ "claimsAndScopeOverrideDetails": { "accessTokenGeneration": { "claimsToAddOrOverride": {} } } }),
    ] {
        let event = with(event("hosted_auth"), &[("response", response)]);
        gets(&setup, &event, setup.acme.interactive).await;
    }
}

/// A claim that somebody else put there is not left in place.
#[tokio::test]
async fn the_claim_is_ours() {
    let setup = Setup::new().await;
    let forged = with(event("hosted_auth"), &[(CLAIM.trim_start_matches('/'), json!(ConnectorId::new()))]);
    gets(&setup, &forged, setup.acme.interactive).await;
}

/// A program writes into `clientMetadata` what it likes.
#[tokio::test]
async fn client_metadata_decides_nothing() {
    let setup = Setup::new().await;
    let forged = json!({
        "connector_id": ConnectorId::new(), "clientId": WEB_APP, "client_id": "acme-people", "sub": "acme-person",
        "userName": "ada", "userAttributes": "{\"sub\":\"acme-person\"}", "version": "1",
    });
    for (name, connector) in
        [("client_credentials", setup.acme.machine), ("refresh_tokens", setup.acme.interactive)]
    {
        gets(&setup, &with(event(name), &[("request/clientMetadata", forged.clone())]), connector).await;
    }
    let unknown = [("callerContext/clientId", json!("unknown")), ("request/clientMetadata", forged)];
    setup.handle(&with(event("client_credentials"), &unknown)).await.unwrap_err();
}

#[tokio::test]
async fn one_connection_serves_one_event_after_the_other() {
    let setup = Setup::new().await;
    gets(&setup, &event("hosted_auth"), setup.acme.interactive).await;
    gets(&setup, &event("client_credentials"), setup.acme.machine).await;
    let sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pre-token-generation' \
                    AND datname = current_database()";
    assert_eq!(setup.database.admin_session().await.number(sessions).await, 1);
}

#[tokio::test]
async fn an_invocation_is_one_line_without_the_person() {
    let setup = Setup::new().await;
    setup.handle(&event("hosted_auth")).await.unwrap();
    let text = setup.log.text();
    assert!(!text.contains("ada") && !text.contains("acme-person"), "{text}");
    let lines = setup.log.take();
    let expected = json!({
        "time": "2023-11-14T22:13:20.000Z", "function": "pre-token-generation",
        "trigger": "TokenGeneration_HostedAuth", "user_pool_id": "eu-central-1_EXAMPLE",
        "client_id": "acme-people", "connector_id": setup.acme.interactive, "outcome": "granted",
        "reason": null, "email_digest": null, "latency_ms": lines[0]["latency_ms"], "request_id": "a-request",
    });
    assert_eq!(lines, [expected]);
}
