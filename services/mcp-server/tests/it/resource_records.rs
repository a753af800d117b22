//! Reading resources is recorded, bounded and refused as tool calls are.

use std::time::Duration;

use autri_audit_log::{ArgumentRetention, AuditKey};
use serde_json::{Value, json};

use crate::support::{AUDIT_KEY, Ask, ERAS, Era, Server, Setup, machine_token, person_token};

/// A list, and a reading of what is there.
fn asks(era: Era, uri: &str) -> [Ask; 2] {
    [era.request("resources/list", json!({})), era.read(uri)]
}

#[tokio::test]
async fn each_list_and_each_reading_leaves_a_row() {
    for retention in [ArgumentRetention::DigestOnly, ArgumentRetention::Clear] {
        let server = Setup { retention, ..Setup::default() }.start().await;
        let acme = server.tenant("acme").await;
        let document = acme.add_document(&server.database, "a", "Stones", &["Granite."]).await;
        acme.add_document(&server.database, "b", "More stones", &["Basalt."]).await;
        let uri = format!("autri://document/doc_{document}");
        let key = AuditKey::new(AUDIT_KEY.to_owned().into()).unwrap();
        for era in ERAS {
            for (ask, (name, arguments, count)) in asks(era, &uri)
                .into_iter()
                .zip([("resources/list", json!({}), 2), ("resources/read", json!({ "uri": uri }), 1)])
            {
                server.log.clear();
                let before = server.audit_rows().await.len();
                let answer = server.send(ask.token(&person_token(&acme))).await;
                answer.result();
                let [row] = &server.audit_rows().await.split_off(before)[..] else { panic!("{name}") };
                assert_eq!((row.org_id, row.connector_id), (acme.org_id, acme.interactive));
                assert_eq!(
                    (row.client_id.clone(), row.sub.clone()),
                    (acme.interactive_client(), acme.person.clone())
                );
                assert_eq!((row.tool.as_str(), row.status.as_str(), row.result_count), (name, "ok", count));
                assert!(key.verify(name, &arguments, &row.arguments_digest), "{era:?} {name}");
                let kept = (retention == ArgumentRetention::Clear).then_some(arguments);
                assert_eq!(row.arguments, kept);
                assert_eq!(row.request_id, answer.header("x-request-id"));

                let line = server.log.only_line();
                assert_eq!((&line["method"], &line["tool"]), (&json!(name), &Value::Null));
                assert_eq!(line["request_id"], row.request_id);
                assert!(line["db_ms"].as_f64().unwrap() > 0.0);
            }
        }
    }
}

/// A cursor is an argument as well, and `_meta` is none.
#[tokio::test]
async fn a_page_is_recorded_with_its_cursor() {
    let server = Setup { retention: ArgumentRetention::Clear, ..Setup::default() }.start().await;
    let acme = server.tenant("acme").await;
    let mut admin = server.database.admin_session().await;
    let insert = format!(
        "INSERT INTO documents (id, knowledge_base_id, source_key, title, content_hash, chunk_count, byte_count, updated_at)
         SELECT gen_random_uuid(), '{}', 'd' || n, 'Same', sha256(n::text::bytea), 0, 0, now()
         FROM generate_series(1, 101) n",
        acme.knowledge_base_id
    );
    admin.run(&insert).await;
    let list = |params: Value| Era::Modern.request("resources/list", params).token(&machine_token(&acme));
    let cursor = server.send(list(json!({}))).await.result()["nextCursor"].take();
    server.send(list(json!({ "cursor": cursor }))).await.result();
    let kept: Vec<_> = server.audit_rows().await.into_iter().map(|row| row.arguments.unwrap()).collect();
    assert_eq!(kept, [json!({}), json!({ "cursor": cursor })]);
}

#[tokio::test]
async fn templates_are_a_constant_and_leave_no_row() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    for era in ERAS {
        server.send(era.request("resources/templates/list", json!({})).token(&token)).await.result();
    }
    assert_eq!(server.audit_rows().await, []);
    assert_eq!(server.log.lines().len(), ERAS.len(), "the request log has them");
}

#[tokio::test]
async fn without_a_row_no_document_goes_out() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let document = acme.add_document(&server.database, "a", "Stones", &["Granite."]).await;
    let uri = format!("autri://document/doc_{document}");
    let mut admin = server.database.admin_session().await;
    admin.run("REVOKE EXECUTE ON FUNCTION append_mcp_audit FROM autri_mcp").await;
    for era in ERAS {
        for ask in asks(era, &uri).into_iter().chain([era.read("autri://document/x")]) {
            let answer = server.send(ask.token(&machine_token(&acme))).await;
            assert_eq!(answer.rpc_code(), -32603, "{era:?}");
            for secret in ["Granite", "Stones", "append_mcp_audit"] {
                assert!(!answer.text().contains(secret), "{}", answer.text());
            }
        }
    }
    assert_eq!(server.audit_rows().await, []);
}

#[tokio::test]
async fn a_database_that_fails_during_a_reading_is_an_internal_error() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let document = acme.add_document(&server.database, "a", "Stones", &["Granite."]).await;
    let uri = format!("autri://document/doc_{document}");
    let mut admin = server.database.admin_session().await;
    admin.run("REVOKE SELECT ON documents FROM autri_mcp").await;
    for era in ERAS {
        for ask in asks(era, &uri) {
            let answer = server.send(ask.token(&machine_token(&acme))).await;
            assert_eq!((answer.status, answer.rpc_code()), (200, -32603));
            for word in ["permission", "documents", "SELECT", "42501"] {
                assert!(!answer.text().contains(word), "{}", answer.text());
            }
        }
    }
    assert_eq!(server.audit_statuses().await, ["failed"; 2 * ERAS.len()]);
}

#[tokio::test]
async fn a_reading_has_a_time_limit() {
    let mut setup = Setup::default();
    setup.settings.call_timeout = Duration::from_secs(1);
    let server = setup.start().await;
    let acme = server.tenant("acme").await;
    let document = acme.add_document(&server.database, "a", "Stones", &["Granite."]).await;
    let uri = format!("autri://document/doc_{document}");
    let mut admin = server.database.admin_session().await;
    admin.run("BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE").await;
    for ask in asks(Era::Modern, &uri) {
        let answer = server.send(ask.token(&machine_token(&acme))).await;
        assert_eq!((answer.status, answer.rpc_code()), (200, -32603));
        let message = answer.json()["error"]["message"].take();
        assert!(message.as_str().unwrap().contains("longer than 1 s"), "{message}");
    }
    admin.run("ROLLBACK").await;
    assert_eq!(server.audit_statuses().await, ["timed_out", "timed_out"]);
    server.send(Era::Modern.read(&uri).token(&machine_token(&acme))).await.result();
}
