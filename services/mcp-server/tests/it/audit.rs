//! One row a tool call, or no result.

use std::collections::BTreeSet;

use autri_audit_log::{ArgumentRetention, AuditKey};
use serde_json::{Value, json};

use crate::support::{AUDIT_KEY, Ask, ERAS, Era, Server, Setup, machine_token, person_token};

const CALLS: [(&str, &str); 4] = [
    ("search", r#"{"query": "granite", "limit": 5}"#),
    ("fetch", r#"{"id": "doc_01900000-0000-7000-8000-000000000001"}"#),
    ("list_knowledge_bases", "{}"),
    ("list_documents", "{}"),
];

#[tokio::test]
async fn a_row_says_who_called_what_and_how_it_ended() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    acme.add_document(&server.database, "a", "Stones", &["Granite.", "Basalt.", "More granite."]).await;
    let arguments = json!({ "query": "granite", "limit": 50 });
    let by_machine = server.call(&machine_token(&acme), "search", &arguments).await;
    let by_person = server.call(&person_token(&acme), "search", &arguments).await;
    let callers = [
        (by_machine, acme.machine, acme.machine_client(), acme.machine_client()),
        (by_person, acme.interactive, acme.interactive_client(), acme.person.clone()),
    ];
    let key = AuditKey::new(AUDIT_KEY.to_owned().into()).unwrap();
    let rows = server.audit_rows().await;
    assert_eq!(rows.len(), 2);
    for (row, (answer, connector, client, subject)) in rows.into_iter().zip(callers) {
        assert_eq!((row.org_id, row.connector_id), (acme.org_id, connector));
        assert_eq!((row.client_id, row.sub, row.tool.as_str()), (client, subject, "search"));
        assert_eq!((row.status.as_str(), row.result_count), ("ok", 2));
        assert_eq!(row.request_id, answer.header("x-request-id"));
        assert!(row.latency_ms > 0.0);
        assert_eq!((row.arguments, row.digest_key_id.as_str()), (None, key.id()));
        assert!(key.verify("search", &arguments, &row.arguments_digest));
        assert!(!key.verify("search", &json!({ "query": "granite" }), &row.arguments_digest));
        assert!(!key.verify("fetch", &arguments, &row.arguments_digest));
    }
}

#[tokio::test]
async fn arguments_are_readable_only_where_the_operator_says_so() {
    for (retention, readable) in [(ArgumentRetention::DigestOnly, false), (ArgumentRetention::Clear, true)] {
        let server = Setup { retention, ..Setup::default() }.start().await;
        let token = machine_token(&server.tenant("acme").await);
        let (good, bad) = (json!({ "query": "granite" }), json!({ "query": "", "made_up": true }));
        server.call(&token, "search", &good).await.content();
        server.call(&token, "search", &bad).await.tool_error();
        let kept: Vec<_> = server.audit_rows().await.into_iter().map(|row| row.arguments).collect();
        assert_eq!(kept, if readable { vec![Some(good), Some(bad)] } else { vec![None, None] });
    }
}

/// Arguments that fit a tool's schema, made from it: a tool that is added later is walked as well.
fn arguments_for(tool: &Value) -> Value {
    let required = tool["inputSchema"]["required"].as_array().cloned().unwrap_or_default();
    required
        .iter()
        .map(|name| (name.as_str().unwrap().to_owned(), json!("x")))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[tokio::test]
async fn no_tool_is_listed_whose_call_leaves_no_row() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    for era in ERAS {
        let listed = server.send(era.request("tools/list", json!({})).token(&token)).await.result();
        for tool in listed["tools"].as_array().unwrap() {
            let name = tool["name"].as_str().unwrap();
            let before = server.audit_rows().await.len();
            let answer = server.send(era.call(name, &arguments_for(tool)).token(&token)).await;
            answer.result();
            let rows = server.audit_rows().await.split_off(before);
            assert_eq!(rows.len(), 1, "{name} left {} rows", rows.len());
            assert_eq!(
                (rows[0].tool.as_str(), rows[0].request_id.as_str()),
                (name, answer.header("x-request-id"))
            );
        }
    }
    let walked: BTreeSet<_> = server.audit_rows().await.into_iter().map(|row| row.tool).collect();
    assert_eq!(walked, CALLS.iter().map(|(tool, _)| (*tool).to_owned()).collect());
}

#[tokio::test]
async fn without_a_row_no_result_goes_out() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    acme.add_document(&server.database, "a", "Stones", &["Granite is a hard rock."]).await;
    let token = machine_token(&acme);
    let mut admin = server.database.admin_session().await;
    admin.run("REVOKE EXECUTE ON FUNCTION append_mcp_audit FROM autri_mcp").await;
    for era in ERAS {
        for (tool, arguments) in CALLS {
            let arguments: Value = serde_json::from_str(arguments).unwrap();
            let answer = server.send(era.call(tool, &arguments).token(&token)).await;
            assert_eq!((answer.status, answer.rpc_code()), (200, -32603), "{tool}");
            assert!(answer.json()["result"].is_null());
            for secret in ["Granite", "Stones", "acme", "append_mcp_audit"] {
                assert!(!answer.text().contains(secret), "{tool}: {}", answer.text());
            }
        }
    }
    assert_eq!(server.audit_rows().await, []);
    admin.run("GRANT EXECUTE ON FUNCTION append_mcp_audit TO autri_mcp").await;
    server.call(&token, "search", &json!({ "query": "granite" })).await.content();
}

#[tokio::test]
async fn only_tool_calls_of_verified_callers_leave_rows() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let call = Era::Legacy("2025-11-25").call("list_documents", &json!({}));
    let asks = [
        call.clone(),
        call.clone().token("nonsense"),
        call.clone().token(&crate::support::signer(1).token(&crate::support::claims(
            acme.machine,
            "acme-machine",
            "acme-machine",
        ))),
        call.at("/c/not-a-uuid/mcp").token(&machine_token(&acme)),
        Era::Legacy("2025-11-25").request("tools/list", json!({})).token(&machine_token(&acme)),
        Era::Modern.request("server/discover", json!({})).token(&machine_token(&acme)),
        Ask::rpc(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })),
    ];
    let sent = asks.len();
    for ask in asks {
        server.send(ask).await;
    }
    assert_eq!(server.audit_rows().await, []);
    assert_eq!(server.log.lines().len(), sent, "the request log has them");
}
