//! A token that names no connector, such as the web app's own, opens nothing, whatever else names one
//! (docs/adr/0007-a-token-that-names-no-connector-opens-nothing.md).

use autri_db::test_support::Tenant;
use serde_json::json;

use crate::support::{Ask, Era, Server, claims, person_token, signer};

/// The token of the tenant's person as Cognito makes it for a client that the trigger lets through: without the claim.
fn token(tenant: &Tenant, client: &str) -> String {
    let mut claims = claims(tenant.interactive, client, &tenant.person);
    claims.as_object_mut().unwrap().remove("connector_id").unwrap();
    signer(0).token(&claims)
}

/// At every URL, for every kind of call, with everything that could stand in for the claim.
fn asks(tenant: &Tenant) -> Vec<Ask> {
    let (id, header) = (tenant.interactive.to_string(), "x-autri-connector-id");
    let search = json!({ "query": "granite" });
    let calls = [Era::Legacy("2025-11-25"), Era::Modern].map(|era| era.call("search", &search));
    let mut asks = vec![Era::Legacy("2025-11-25").request("tools/list", json!({}))];
    asks.extend(calls);
    let places = asks.into_iter().flat_map(|ask| {
        [
            ask.clone(),
            ask.clone().at_connector(tenant.interactive),
            ask.clone().header(header, &id),
            ask.at_connector(tenant.interactive).header(header, &id),
        ]
    });
    places.collect()
}

#[tokio::test]
async fn it_is_refused_like_any_other_that_names_no_connector() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    acme.add_document(&server.database, "a", "Rocks", &["granite is hard"]).await;
    let mine = person_token(&acme);
    for ask in asks(&acme) {
        assert_eq!(
            server.send(ask.token(&mine)).await.status,
            200,
            "with the claim, the same request is answered"
        );
    }
    let rows = server.audit_rows().await.len();

    // The web app's client, and the connector's own, as if the trigger had let it through.
    for client in ["web-app", &acme.interactive_client()] {
        let token = token(&acme, client);
        for ask in asks(&acme) {
            server.log.clear();
            let answer = server.send(ask.clone().token(&token)).await;
            assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_token")), "{ask:?}");
            assert!(answer.header("www-authenticate").contains(r#"error="invalid_token""#));
            assert!(!answer.text().contains("granite"));
            let forged = server.send(ask.token("nonsense")).await;
            assert_eq!(answer.body, forged.body, "it cannot be told from a forged one");
            let line = &server.log.lines()[0];
            assert_eq!((&line["refusal"], &line["status"]), (&json!("connector"), &json!(401)));
            assert_eq!((&line["connector_id"], &line["sub"]), (&json!(null), &json!(null)), "{line}");
        }
    }
    assert_eq!(server.audit_rows().await.len(), rows, "nobody called a tool");
}
