//! Who gets no token, and what they and we are told.

use autri_db::roles;
use autri_db::test_support::Tenant;
use lambda_runtime::Diagnostic;
use serde_json::{Value, json};

use crate::support::{Setup, WEB_APP, event, with};

const UNKNOWN_CLIENT: &str = "this client is not known here";
const NO_ACCESS: &str = "you do not have access to this library; ask its owner";

fn of(client: &str, sub: &str) -> Value {
    let changes = [("callerContext/clientId", json!(client)), ("request/userAttributes/sub", json!(sub))];
    with(event("hosted_auth"), &changes)
}

fn of_program(client: &str) -> Value {
    with(event("client_credentials"), &[("callerContext/clientId", json!(client))])
}

#[tokio::test]
async fn every_refusal_is_an_error_and_a_line_and_no_failure() {
    let setup = Setup::new().await;
    let (closed, other) =
        (Tenant::create(&setup.database, "closed").await, Tenant::create(&setup.database, "other").await);
    let admin = setup.database.connect(roles::ADMIN);
    for connector in [closed.machine, closed.interactive] {
        autri_db::connectors::revoke(&admin, connector).await.unwrap().unwrap();
    }
    let cases = [
        (of("nobodys-client", &other.person), "unknown_client", UNKNOWN_CLIENT),
        (of_program("nobodys-client"), "unknown_client", UNKNOWN_CLIENT),
        (of_program("ACME-MACHINE"), "unknown_client", UNKNOWN_CLIENT),
        (of("closed-people", &closed.person), "revoked", UNKNOWN_CLIENT),
        (of_program("closed-machine"), "revoked", UNKNOWN_CLIENT),
        (of_program("acme-people"), "machine_on_interactive", UNKNOWN_CLIENT),
        (of("acme-machine", &setup.acme.person), "person_on_machine", UNKNOWN_CLIENT),
        (of("acme-people", "a-stranger"), "unknown_person", NO_ACCESS),
        (of("acme-people", &other.person), "no_access", NO_ACCESS),
    ];
    for (event, reason, text) in cases {
        let failure = setup.handle(&event).await.unwrap_err();
        assert_eq!((failure.reason(), failure.to_string().as_str()), (reason, text));
        assert_eq!(
            Diagnostic::from(failure),
            Diagnostic { error_type: "Refused".into(), error_message: text.into() }
        );
        let [line] = setup.log.take().try_into().unwrap();
        assert_eq!((&line["outcome"], &line["reason"]), (&json!("refused"), &json!(reason)));
        assert_eq!(
            (&line["client_id"], &line["connector_id"]),
            (&event["callerContext"]["clientId"], &json!(null))
        );
    }
}

#[tokio::test]
async fn access_that_is_taken_away_counts_at_the_next_refresh() {
    let setup = Setup::new().await;
    let refresh = event("refresh_tokens");
    setup.handle(&refresh).await.unwrap();
    setup.database.admin_session().await.run("DELETE FROM library_access").await;
    assert_eq!(setup.handle(&refresh).await.unwrap_err().reason(), "no_access");
}

/// Cognito's own tokens: the web app's. Nothing is asked of the database, which need not be there.
#[tokio::test]
async fn a_client_of_the_list_passes_unchanged() {
    let setup = Setup::new().await;
    setup
        .trigger
        .database
        .run(async |database| {
            database.close().await;
            Ok(())
        })
        .await
        .unwrap();
    let odd =
        json!({ "version": "1", "callerContext": { "clientId": WEB_APP }, "request": [], "response": 7 });
    for event in [of(WEB_APP, "acme-person"), of_program(WEB_APP), odd] {
        assert_eq!(setup.handle(&event).await.unwrap(), event);
        let [line] = setup.log.take().try_into().unwrap();
        assert_eq!((&line["outcome"], &line["connector_id"]), (&json!("passed"), &json!(null)));
    }
}

#[tokio::test]
async fn the_list_rules_over_a_connector_and_is_compared_exactly() {
    let mut setup = Setup::new().await;
    setup.trigger.passthrough_clients = ["acme-people", "ACME-MACHINE"].map(str::to_owned).into();
    let event = of("acme-people", "acme-person");
    assert_eq!(setup.handle(&event).await.unwrap(), event, "a connector's client on the list gets no claim");
    let event = of_program("acme-machine");
    assert_ne!(setup.handle(&event).await.unwrap(), event, "another spelling is another client");
}
