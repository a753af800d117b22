//! The platform's probe: the one request that is answered without a token.

use autri_db::test_support::TestDatabase;
use autri_db::{Database, DatabaseOptions, Tls, roles};
use autri_domain::ConnectorId;
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::{Ask, Era, Server, Setup};

/// As AgentCore Runtime sends it.
fn probe(id: &Value) -> Ask {
    Ask::rpc(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })).header("accept", "application/json")
}

fn paths() -> [String; 4] {
    let connector = ConnectorId::new();
    ["/mcp".into(), "/mcp/".into(), format!("/c/{connector}/mcp"), format!("/c/{connector}/mcp/")]
}

#[tokio::test]
async fn a_ping_is_answered_without_a_token_keys_or_a_database() {
    let database = TestDatabase::reserve().await;
    let nowhere = DatabaseOptions {
        login: database.url(roles::MCP).into(),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(1),
        statement_timeout: Duration::from_secs(1),
        application_name: "nobody",
        tls: Tls::AsUrlSays,
        max_idle: None,
    };
    let setup = Setup { database: Some(Database::new(&nowhere).unwrap()), ..Setup::default() };
    let server = setup.start_with(database);
    server.keys.go_away();
    for path in paths() {
        for id in [json!(1), json!("a-text")] {
            let answer = server.send(probe(&id).at(&path)).await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.json(), json!({ "jsonrpc": "2.0", "id": id, "result": {} }), "{path}");
        }
    }
    assert_eq!(server.keys.fetches(), 0);
}

#[tokio::test]
async fn nothing_else_is_answered_without_a_token() {
    let server = Server::start().await;
    let message = |message: &Value| Ask::rpc(message);
    let padded =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "ping", "params": { "x": "x".repeat(20_000) } });
    let asks = [
        ("2026-07-28 has no ping", Era::Modern.request("ping", json!({}))),
        ("no id", message(&json!({ "jsonrpc": "2.0", "method": "ping" }))),
        ("no usable id", message(&json!({ "jsonrpc": "2.0", "id": null, "method": "ping" }))),
        ("an id of another type", message(&json!({ "jsonrpc": "2.0", "id": { "a": 1 }, "method": "ping" }))),
        ("no JSON-RPC", message(&json!({ "id": 1, "method": "ping" }))),
        ("another JSON-RPC", message(&json!({ "jsonrpc": "1.0", "id": 1, "method": "ping" }))),
        ("another case", message(&json!({ "jsonrpc": "2.0", "id": 1, "method": "PING" }))),
        ("a batch", message(&json!([{ "jsonrpc": "2.0", "id": 1, "method": "ping" }]))),
        ("more than a ping needs", message(&padded)),
        ("initialize", Era::Legacy("2025-11-25").request("initialize", json!({}))),
        ("server/discover", Era::Modern.request("server/discover", json!({}))),
        ("tools/list", Era::Legacy("2025-11-25").request("tools/list", json!({}))),
        ("tools/call", Era::Legacy("2025-11-25").call("ping", &json!({}))),
        ("no JSON", Ask::post("ping")),
        ("nothing", Ask::post("")),
        ("GET", Ask::get("/mcp")),
    ];
    for (case, ask) in asks {
        for path in paths() {
            let answer = server.send(ask.clone().at(&path)).await;
            assert_eq!(answer.status, 401, "{case} at {path}: {}", answer.text());
        }
    }
    for path in ["/", "/ping", "/mcp/x", "/c/x", "/healthz"] {
        let answer = server.send(probe(&json!(1)).at(path)).await;
        assert!([404, 405].contains(&answer.status), "{path}: {}", answer.text());
    }
}

/// Without an announced length, too: the body is read up to a bound, and no further.
#[tokio::test]
async fn a_chunked_ping_is_answered_and_a_chunked_flood_is_not_read() {
    let server = Server::start().await;
    let answer = server.send(probe(&json!(1)).without("content-length")).await;
    assert_eq!(answer.status, 200);
    let flood = Ask { body: vec![b' '; 1_000_000], ..probe(&json!(1)) };
    assert_eq!(server.send(flood.without("content-length")).await.status, 401);
}
