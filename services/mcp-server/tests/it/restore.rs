//! A microVM may be restored from a snapshot that was taken after the server started, hours later, and many times over.

use serde_json::json;

use crate::support::{Era, NOW, Server, claims, machine_token, signer};

const CONNECTIONS: &str =
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'autri_mcp'";

#[tokio::test]
async fn nothing_that_ages_is_made_before_the_first_request() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let mut admin = server.database.admin_session().await;
    // A snapshot is taken here; it is restored six hours later.
    assert_eq!(admin.number(CONNECTIONS).await, 0);
    assert_eq!(server.keys.fetches(), 0);
    server.clock.advance_secs(6 * 3600);
    let call = || Era::Modern.call("list_documents", &json!({}));
    let answer = server.send(call().token(&machine_token(&acme))).await;
    assert_eq!(answer.content()["documents"], json!([]));
    assert_eq!(server.keys.fetches(), 1);
    // The line's time and the judgement of tokens are of now, not of the start.
    assert_eq!(server.log.only_line()["time"], "2027-01-15T14:00:00.000Z");
    let mut old = claims(acme.machine, "acme-machine", "acme-machine");
    old["exp"] = json!(NOW + 3600);
    assert_eq!(server.send(call().token(&signer(0).token(&old))).await.status, 401);
}

#[tokio::test]
async fn a_server_restored_in_the_middle_of_its_life_goes_on() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let mut admin = server.database.admin_session().await;
    let mut request_ids = Vec::new();
    for round in 1..=3 {
        for era in [Era::Modern, Era::Legacy("2025-11-25")] {
            let answer = server.send(era.call("list_documents", &json!({})).token(&token)).await;
            assert_eq!(answer.content()["documents"], json!([]), "round {round}");
            request_ids.push(answer.header("x-request-id").to_owned());
        }
        // Its connections are gone, and its keys are old.
        server.clock.advance_secs(6 * 3600);
        let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                    WHERE datname = current_database() AND usename = 'autri_mcp'";
        assert!(admin.number(kill).await > 0, "round {round}");
        assert_eq!(server.keys.fetches(), round);
    }
    request_ids.sort();
    request_ids.dedup();
    assert_eq!(request_ids.len(), 6);
    assert_eq!(server.audit_statuses().await, ["ok"; 6]);
}
