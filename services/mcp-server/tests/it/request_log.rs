//! One line a request, whatever becomes of it, and no secret in any.

use std::sync::Arc;

use autri_auth::MAX_TOKEN_BYTES;
use axum::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Ask, Era, PanickingEmbedder, Server, Setup, claims, machine_token, signer};

const KEYS: [&str; 13] = [
    "client_id",
    "connector_id",
    "db_ms",
    "latency_ms",
    "mcp_protocol",
    "method",
    "refusal",
    "request_id",
    "session_id",
    "status",
    "sub",
    "time",
    "tool",
];
const QUERY: &str = "planted-in-the-query";
const TEXT: &str = "planted-in-the-document";

fn search() -> Ask {
    Era::Legacy("2025-11-25").call("search", &json!({ "query": QUERY }))
}

/// The one line of this request.
async fn line_of(server: &Server, ask: Ask) -> (Answer, Value) {
    server.log.clear();
    let answer = server.send(ask).await;
    let line = server.log.only_line();
    let keys: Vec<_> = line.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, KEYS);
    assert_eq!(line["status"], answer.status, "{line}");
    assert_eq!(line["request_id"], answer.header("x-request-id"), "{line}");
    assert!(line["latency_ms"].as_f64().unwrap() >= line["db_ms"].as_f64().unwrap(), "{line}");
    (answer, line)
}

#[tokio::test]
async fn every_outcome_has_one_line_and_none_holds_a_secret() {
    let mut setup = Setup::with_embedder(Arc::new(PanickingEmbedder));
    setup.settings.max_body_bytes = 20_000;
    let server = setup.start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    acme.add_document(&server.database, "a", TEXT, &[&format!("{TEXT} and {QUERY}")]).await;
    let panicking = server.tenant_with_model("panicking").await;
    let unscoped = signer(0).token(&claims(acme.machine, "acme-machine", "acme-machine")).replace('.', "..");
    let unread = Ask { body: vec![b' '; 30_000], ..search() }.without("content-length");
    let method = "tools/call";
    let cases = [
        (200, method, search().token(&token)),
        (200, method, search().token(&machine_token(&panicking))),
        (
            200,
            method,
            Era::Legacy("2025-11-25").call("search", &json!({ "query": QUERY, "limit": 0 })).token(&token),
        ),
        (
            200,
            method,
            Era::Legacy("2025-11-25").call("search", &json!({ "query": QUERY, TEXT: 0 })).token(&token),
        ),
        (
            202,
            "notifications/initialized",
            Ask::rpc(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).token(&token),
        ),
        (200, "ping", Ask::rpc(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }))),
        (
            400,
            "POST /mcp",
            Ask::post(format!("{{{QUERY}")).header("content-type", "application/json").token(&token),
        ),
        (400, method, search().header("mcp-protocol-version", "1999-01-01").token(&token)),
        (401, method, search()),
        (401, method, search().token(&unscoped)),
        (401, method, search().header("authorization", &format!("Basic {}", "x".repeat(MAX_TOKEN_BYTES)))),
        (401, "POST /mcp", unread),
        (401, "GET /mcp", Ask::get(&format!("/mcp?access_token={token}&q={QUERY}"))),
        (403, method, search().at("/c/not-a-uuid/mcp").token(&token)),
        (403, "POST /mcp", search().header("origin", "https://evil.example").token(&token)),
        (404, "POST /no-such", search().at(&format!("/no-such?q={QUERY}")).token(&token)),
        (404, "GET /.well-known/x", Ask::get("/.well-known/x")),
        (405, "DELETE /mcp", Ask::new(Method::DELETE, "/mcp").token(&token)),
        (
            413,
            "POST /mcp",
            Ask { body: vec![b' '; 30_000], ..search() }.header("content-length", "30000").token(&token),
        ),
        (415, method, search().header("content-type", "text/plain").token(&token)),
        (200, "GET /healthz", Ask::get("/healthz")),
        (200, "GET /.well-known/oauth-protected-resource", Ask::get("/.well-known/oauth-protected-resource")),
    ];
    let mut everything = String::new();
    for (status, method, ask) in cases {
        let (answer, line) = line_of(&server, ask).await;
        assert_eq!((answer.status, &line["method"]), (status, &json!(method)), "{line}");
        everything += &server.log.text();
    }
    server.keys.go_away();
    let unknown_kid =
        signer(0).sign(&json!({ "alg": "RS256", "kid": "new" }), &claims(acme.machine, "a", "a"));
    server.clock.advance_secs(60);
    let (answer, line) = line_of(&server, search().token(&unknown_kid)).await;
    assert_eq!((answer.status, &line["refusal"]), (503, &json!("keys_unavailable")));
    everything += &server.log.text();

    for secret in [&token, &unscoped, &unknown_kid, QUERY, TEXT] {
        assert!(!everything.contains(secret), "{secret} is in the log:\n{everything}");
        // Not even a token's signature.
        let tail = secret.rsplit('.').next().unwrap();
        assert!(!everything.contains(tail), "{tail} is in the log:\n{everything}");
    }
}

#[tokio::test]
async fn a_line_says_who_called_and_names_the_audit_row() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let ask = Era::Modern.call("list_documents", &json!({})).token(&machine_token(&acme));
    let (answer, line) = line_of(&server, ask.header("x-request-id", "chosen-by-a-client")).await;
    assert_eq!(line["sub"], "acme-machine");
    assert_eq!(line["client_id"], "acme-machine");
    assert_eq!(line["connector_id"], acme.machine.to_string());
    assert_eq!(line["tool"], "list_documents");
    assert_eq!(line["mcp_protocol"], "2026-07-28");
    assert_eq!(line["time"], "2027-01-15T08:00:00.000Z");
    assert_eq!(line["refusal"], Value::Null);
    assert!(line["db_ms"].as_f64().unwrap() > 0.0);
    let rows = server.audit_rows().await;
    assert_eq!((rows.len(), rows[0].request_id.as_str()), (1, answer.header("x-request-id")));
    assert_ne!(answer.header("x-request-id"), "chosen-by-a-client");
}

#[tokio::test]
async fn a_refused_caller_is_not_named_before_the_token_is_verified() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let forged = signer(1).token(&claims(acme.machine, "acme-machine", "acme-machine"));
    let (_, line) = line_of(&server, search().token(&forged)).await;
    for key in ["sub", "client_id", "connector_id"] {
        assert_eq!(line[key], Value::Null, "{line}");
    }
    assert_eq!(line["refusal"], "signature");
}

#[tokio::test]
async fn the_platforms_session_id_is_logged_under_either_name() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let session = "a-session-of-at-least-thirty-three-characters";
    let (mcp, runtime) = ("mcp-session-id", "x-amzn-bedrock-agentcore-runtime-session-id");
    let cases = [
        (search().header(mcp, session), json!(session)),
        (search().header(runtime, session), json!(session)),
        (search().header(mcp, session).header(runtime, "another"), json!(session)),
        (search(), Value::Null),
    ];
    for (ask, expected) in cases {
        let (answer, line) = line_of(&server, ask.token(&token)).await;
        assert_eq!((answer.status, &line["session_id"]), (200, &expected));
    }
}

/// What a stranger sends cannot break a line, or make it long.
#[tokio::test]
async fn a_callers_text_is_bounded_and_stays_in_its_line() {
    let server = Server::start().await;
    let long = "x".repeat(10_000);
    let asks = [
        Ask::rpc(&json!({ "jsonrpc": "2.0", "id": 1, "method": format!("{long}\n{{\"status\":200}}") })),
        Ask::rpc(
            &json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": format!("\r\n{long}") } }),
        ),
        Ask::get(&format!("/{long}")),
        search().header("mcp-session-id", &long).header("mcp-protocol-version", &long),
    ];
    for ask in asks {
        line_of(&server, ask).await;
        let text = server.log.text();
        assert!(text.len() < 1_500, "{} bytes", text.len());
        assert_eq!(text.matches('\n').count(), 1);
    }
}
