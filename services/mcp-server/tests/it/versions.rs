//! Requests whose parts disagree on the protocol version, and the switch that offers the older versions only.

use autri_mcp_server::app::ProtocolOffer;
use serde_json::{Value, json};

use crate::support::{Ask, Era, Server, Setup, machine_token};

const VERSION_IN_BODY: &str = "/params/_meta/io.modelcontextprotocol~1protocolVersion";

/// A 2026-07-28 call with the header of the version before and none of the headers that came with it, as Claude's
/// clients send it.
fn mixed(method: &str, params: Value) -> Ask {
    Era::Modern
        .request(method, params)
        .header("mcp-protocol-version", "2025-11-25")
        .without("mcp-method")
        .without("mcp-name")
}

#[tokio::test]
async fn an_older_header_beside_a_newer_body_is_taken_as_the_body_says() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let listed = server.send(mixed("tools/list", json!({})).token(&token)).await.result();
    assert_eq!(listed["resultType"], "complete");
    assert_eq!(listed["cacheScope"], "private");
    let params = json!({ "name": "list_documents", "arguments": {} });
    let called = server.send(mixed("tools/call", params).token(&token)).await.result();
    assert_eq!(called["resultType"], "complete");
    assert_eq!(called["structuredContent"], json!({ "documents": [] }));
    // What such a client does send of the new headers must be right.
    let ask = mixed("tools/call", json!({ "name": "list_documents", "arguments": {} }));
    let answer = server.send(ask.header("mcp-name", "search").token(&token)).await;
    assert_eq!((answer.status, answer.rpc_code()), (400, -32020));
}

#[tokio::test]
async fn other_disagreements_are_refused() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let call = || Era::Modern.call("list_documents", &json!({}));
    let with_version_in_body = |version: Value| {
        let ask = call();
        let mut message: Value = serde_json::from_slice(&ask.body).unwrap();
        *message.pointer_mut(VERSION_IN_BODY).unwrap() = version;
        let headers = ask.headers;
        let mut changed = Ask::rpc(&message);
        changed.headers.extend(headers.into_iter().filter_map(|(name, value)| {
            name.filter(|name| name.as_str().starts_with("mcp-")).map(|name| (name, value))
        }));
        changed
    };
    let cases = [
        ("an older body", with_version_in_body(json!("2025-11-25")), -32020),
        ("no header", call().without("mcp-protocol-version"), -32020),
        ("no method", call().without("mcp-method"), -32020),
        ("another method", call().header("mcp-method", "tools/list"), -32020),
        ("no name", call().without("mcp-name"), -32020),
        ("another name", call().header("mcp-name", "search"), -32020),
        ("two names", call().another_header("mcp-name", "list_documents"), -32020),
        ("no version in the body", with_version_in_body(Value::Null), -32602),
        ("a body without _meta", Era::Legacy("2026-07-28").call("list_documents", &json!({})), -32020),
        (
            "a version to come",
            with_version_in_body(json!("2027-01-01")).header("mcp-protocol-version", "2027-01-01"),
            -32022,
        ),
        ("an unknown old version", Era::Legacy("1999-01-01").call("list_documents", &json!({})), -32600),
        ("no version at all", Era::Legacy("no-version").call("list_documents", &json!({})), -32600),
    ];
    for (case, ask, code) in cases {
        let answer = server.send(ask.token(&token)).await;
        assert_eq!((answer.status, answer.rpc_code()), (400, code), "{case}: {}", answer.text());
        assert_eq!(answer.json()["id"], 7, "{case}");
    }
    assert_eq!(server.audit_statuses().await, Vec::<String>::new(), "no tool was called");
}

#[tokio::test]
async fn a_version_is_not_required_of_old_clients() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    for version in ["2024-11-05", "2025-03-26"] {
        let ask = Era::Legacy(version).call("list_documents", &json!({}));
        assert_eq!(server.send(ask.token(&token)).await.content(), json!({ "documents": [] }), "{version}");
    }
    let ask = Era::Legacy("2025-03-26").call("list_documents", &json!({})).without("mcp-protocol-version");
    assert_eq!(server.send(ask.token(&token)).await.content(), json!({ "documents": [] }));
}

#[tokio::test]
async fn a_legacy_server_offers_the_versions_with_a_handshake_only() {
    let mut setup = Setup::default();
    setup.settings.protocol = ProtocolOffer::LegacyOnly;
    let server = setup.start().await;
    let token = machine_token(&server.tenant("acme").await);
    let modern = [
        Era::Modern.request("server/discover", json!({})),
        Era::Modern.call("list_documents", &json!({})),
        mixed("tools/list", json!({})),
    ];
    for ask in modern {
        let answer = server.send(ask.token(&token)).await;
        assert_eq!((answer.status, answer.rpc_code()), (400, -32022), "{}", answer.text());
        let supported = &answer.json()["error"]["data"]["supported"];
        assert_eq!(*supported, json!(["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]));
    }
    for (asked, agreed) in [("2026-07-28", "2025-11-25"), ("2025-06-18", "2025-06-18")] {
        let ask = Era::Legacy(asked).handshake(asked).header("mcp-protocol-version", asked);
        let answer = server.send(ask.token(&token)).await;
        assert_eq!(answer.result()["protocolVersion"], agreed);
    }
    let call = Era::Legacy("2025-11-25").call("list_documents", &json!({}));
    assert_eq!(server.send(call.token(&token)).await.content(), json!({ "documents": [] }));
}
