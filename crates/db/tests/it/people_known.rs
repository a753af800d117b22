//! People as the operator finds and deletes them.

use autri_db::audit::{self, AuditFilter, NewAuditRow};
use autri_db::memberships::{self, OrgRole};
use autri_db::people;
use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_domain::{ConnectorId, OrgId, UserId};

use serde_json::json;

use crate::people::{add_document, all_rows, interactive_connector, person, provision};

#[tokio::test]
async fn a_person_is_found_by_address_and_subject() {
    let database = TestDatabase::create().await;
    let ada = provision(&database, &person("ada-sub", "Ada@example.com")).await.unwrap();
    let bea = provision(&database, &person("bea-sub", "bea@example.com")).await.unwrap();
    let admin = database.connect(roles::ADMIN);
    let ids = people::list(&admin).await.unwrap().into_iter().map(|person| person.id).collect::<Vec<_>>();
    assert_eq!(ids, [ada.user_id, bea.user_id]);
    for (address, found) in [
        ("Ada@example.com", Some(ada.user_id)),
        ("ADA@EXAMPLE.COM", Some(ada.user_id)),
        ("bea@example.com", Some(bea.user_id)),
        ("%@example.com", None),
        ("ada@example.com ", None),
        ("", None),
    ] {
        let person = people::find_by_email(&admin, address).await.unwrap();
        assert_eq!(person.map(|person| person.id), found, "{address}");
    }
    for (sub, found) in [("bea-sub", Some(bea.user_id)), ("BEA-SUB", None), ("", None)] {
        let person = people::find_by_sub(&admin, sub).await.unwrap();
        assert_eq!(person.map(|person| person.id), found, "{sub}");
    }
}

#[tokio::test]
async fn a_person_goes_with_all_that_is_theirs_and_no_more() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    acme.add_document(&database, "a.md", "A", &["words"]).await;
    provision(&database, &person("bea-sub", "bea@example.com")).await.unwrap();
    let before = all_rows(&database).await;

    let admin = database.connect(roles::ADMIN);
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    memberships::add_member(&admin, acme.org_id, ada.user_id, OrgRole::Member).await.unwrap();
    memberships::grant_library(&admin, acme.library_id, ada.user_id).await.unwrap();
    let connector = interactive_connector(&database, ada.library_id, "ada-client").await;
    add_document(&database, &ada).await;
    audit::append_alone(&database.connect(roles::MCP), &call(connector, "ada-client", "ada-sub"))
        .await
        .unwrap();

    assert!(people::delete(&admin, ada.user_id).await.unwrap());
    assert_eq!(all_rows(&database).await, before);
    let filter = AuditFilter { org_id: Some(ada.org_id), limit: 10, ..AuditFilter::default() };
    let kept = audit::list(&admin, &filter).await.unwrap();
    assert_eq!(kept.iter().map(|row| row.sub.as_str()).collect::<Vec<_>>(), ["ada-sub"]);
    assert!(kept.iter().all(|row| row.arguments.is_none()), "what they asked goes too");
    assert!(!people::delete(&admin, ada.user_id).await.unwrap(), "there is none any more");
    assert!(!people::delete(&admin, UserId::new()).await.unwrap());

    let again = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    assert!(again.is_new && again.user_id != ada.user_id);
}

fn call(connector_id: ConnectorId, client: &str, sub: &str) -> NewAuditRow {
    NewAuditRow {
        id: OrgId::new().as_uuid(),
        connector_id,
        client_id: client.to_owned(),
        sub: sub.to_owned(),
        tool: "search".to_owned(),
        arguments_digest: [0; 32],
        digest_key_id: "k".to_owned(),
        arguments: Some(json!({ "query": "mine" })),
        result_count: 0,
        status: "ok",
        latency_ms: 1.0,
        request_id: "r".to_owned(),
    }
}

#[tokio::test]
async fn only_the_operator_deletes_and_lists() {
    let database = TestDatabase::create().await;
    let ada = provision(&database, &person("ada-sub", "ada@example.com")).await.unwrap();
    for login in [roles::POST_CONFIRMATION, roles::PRE_TOKEN, roles::MCP, roles::INGEST, roles::FRONT_DOOR] {
        let database = database.connect(login);
        assert!(people::delete(&database, ada.user_id).await.is_err(), "{login}");
        assert!(people::list(&database).await.is_err(), "{login}");
        assert!(people::set_welcome_body(&database, ada.user_id, "x").await.is_err(), "{login}");
    }
}
