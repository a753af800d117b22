//! A connector is live state: closing it works on the next call, and on one that is under way.

use autri_db::test_support::Tenant;
use serde_json::json;

use crate::support::{Ask, ERAS, Era, Server, Setup, StoppedEmbedder, machine_token, person_token};

async fn take_access(server: &Server, tenant: &Tenant) {
    let mut admin = server.database.admin_session().await;
    admin.run(&format!("DELETE FROM library_access WHERE library_id = '{}'", tenant.library_id)).await;
}

fn asks() -> Vec<Ask> {
    let arguments = json!({});
    ERAS.into_iter()
        .flat_map(|era| {
            let methods = ["tools/list", "resources/list", "resources/templates/list"];
            let asks = methods.map(|method| era.request(method, json!({})));
            [era.call("list_documents", &arguments)].into_iter().chain(asks)
        })
        .collect()
}

#[tokio::test]
async fn a_revoked_connector_is_closed_for_the_next_call() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let (machine, person) = (machine_token(&acme), person_token(&acme));
    for ask in asks() {
        assert_eq!(server.send(ask.clone().token(&machine)).await.status, 200);
        assert_eq!(server.send(ask.token(&person)).await.status, 200);
    }
    server.revoke(acme.machine).await;
    take_access(&server, &acme).await;
    for ask in asks() {
        for token in [&machine, &person] {
            let answer = server.send(ask.clone().token(token)).await;
            assert_eq!((answer.status, &answer.json()["error"]), (401, &json!("invalid_token")));
            assert!(answer.header("www-authenticate").starts_with(r#"Bearer error="invalid_token""#));
        }
    }
}

/// The question is being embedded when the connector closes: the check in the tool's own transaction rules.
#[tokio::test]
async fn a_connector_that_closes_during_a_call_gives_no_result() {
    let embedder = StoppedEmbedder::new();
    let server = Setup::with_embedder(embedder.clone()).start().await;
    let acme = server.tenant_with_model("acme").await;
    let other = server.tenant_with_model("other").await;
    acme.add_document(&server.database, "a", "Stones", &["Granite is a hard rock."]).await;
    let refusal = server.send(Era::Modern.call("search", &json!({})).token("nonsense")).await;

    let search = |era: Era, token: &str| era.call("search", &json!({ "query": "granite" })).token(token);
    let revoking = async {
        embedder.has_begun().await;
        server.revoke(acme.machine).await;
        embedder.let_one_end();
    };
    let ask = search(Era::Legacy("2025-11-25"), &machine_token(&acme));
    let (revoked, ()) = tokio::join!(server.send(ask), revoking);
    let taking = async {
        embedder.has_begun().await;
        take_access(&server, &other).await;
        embedder.let_one_end();
    };
    let (taken, ()) = tokio::join!(server.send(search(Era::Modern, &person_token(&other))), taking);

    for answer in [revoked, taken] {
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(answer.body, refusal.body);
        assert_eq!(answer.header("www-authenticate"), refusal.header("www-authenticate"));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(server.audit_statuses().await, ["refused", "refused"]);
    let lines = server.log.lines();
    for (line, row) in lines[1..].iter().zip(server.audit_rows().await) {
        assert_eq!((&line["status"], &line["refusal"]), (&json!(401), &json!("closed_connector")));
        assert_eq!(line["request_id"], row.request_id);
    }
}
