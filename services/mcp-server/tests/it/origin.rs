//! Names this server answers to, and pages that may call it.

use axum::http::Method;
use serde_json::json;

use crate::support::{Ask, Era, Server, Setup, machine_token};

const APP: &str = "https://app.example.com";

fn call() -> Ask {
    Era::Legacy("2025-11-25").call("list_documents", &json!({}))
}

fn loopback() -> Setup {
    let mut setup = Setup::default();
    setup.settings.loopback_only = true;
    setup
}

#[tokio::test]
async fn on_loopback_only_loopback_names_are_answered() {
    let mut setup = loopback();
    setup.settings.allowed_hosts = vec!["dev.example.com".to_owned()];
    let server = setup.start().await;
    let token = machine_token(&server.tenant("acme").await);
    for host in [
        "localhost",
        "localhost:8000",
        "127.0.0.1:8000",
        "[::1]:8000",
        "LOCALHOST",
        "dev.example.com",
        "DEV.example.com:8000",
    ] {
        assert_eq!(server.send(call().header("host", host).token(&token)).await.status, 200, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "",
        "a b",
    ] {
        server.log.clear();
        let answer = server.send(call().header("host", host).token(&token)).await;
        assert_eq!((answer.status, &answer.json()["error"]), (403, &json!("forbidden_host")), "{host}");
        assert_eq!(server.log.only_line()["refusal"], "host");
    }
    assert_eq!(server.send(call().without("host").token(&token)).await.status, 403);
}

#[tokio::test]
async fn in_public_the_listed_names_are_answered_or_any() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    assert_eq!(server.send(call().header("host", "anything.example").token(&token)).await.status, 200);
    let mut setup = Setup::default();
    setup.settings.allowed_hosts = vec!["mcp.example.com".to_owned()];
    let server = setup.start().await;
    let token = machine_token(&server.tenant("acme").await);
    for (host, status) in
        [("mcp.example.com", 200), ("MCP.example.com:443", 200), ("localhost", 403), ("example.com", 403)]
    {
        assert_eq!(server.send(call().header("host", host).token(&token)).await.status, status, "{host}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_not_call() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let refused = [
        "https://evil.example",
        "null",
        "http://app.example.com",
        "https://app.example.com:8443",
        "https://app.example.com.evil.example",
        "http://localhost:3000",
        "",
    ];
    for origin in refused {
        server.log.clear();
        let answer = server.send(call().header("origin", origin).token(&token)).await;
        assert_eq!((answer.status, &answer.json()["error"]), (403, &json!("forbidden_origin")), "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        assert_eq!(server.log.only_line()["refusal"], "origin");
        // Not even the ping, and no preflight.
        let ping = Ask::rpc(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
        assert_eq!(server.send(ping.header("origin", origin)).await.status, 403, "{origin}");
        assert_eq!(server.send(preflight(origin)).await.status, 403, "{origin}");
    }
    let two = call().header("origin", APP).another_header("origin", "https://evil.example");
    assert_eq!(server.send(two.token(&token)).await.status, 403);
}

#[tokio::test]
async fn allowed_pages_can_read_every_answer() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let asks = [
        (200, call().token(&token)),
        (401, call()),
        (403, call().at("/c/not-a-uuid/mcp").token(&token)),
        (404, Ask::get("/no-such")),
        (405, Ask::get("/mcp").token(&token)),
        (415, call().header("content-type", "text/plain").token(&token)),
        (200, Ask::get("/.well-known/oauth-protected-resource")),
    ];
    for (status, ask) in asks {
        let answer = server.send(ask.header("origin", APP)).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), APP, "{status}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "tokens, not cookies");
        for exposed in ["www-authenticate", "retry-after", "x-request-id"] {
            let all = answer.header("access-control-expose-headers");
            assert!(all.split(',').any(|name| name == exposed), "{status}: {all} lacks {exposed}");
        }
    }
    server.keys.go_away();
    server.clock.advance_secs(-7200);
    let unknown = crate::support::signer(0).sign(&json!({ "alg": "RS256", "kid": "new" }), &json!({}));
    let away = server.send(call().token(&unknown).header("origin", APP)).await;
    assert_eq!((away.status, away.header("access-control-allow-origin")), (503, APP));
}

fn preflight(origin: &str) -> Ask {
    Ask::new(Method::OPTIONS, "/mcp")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,mcp-protocol-version")
}

#[tokio::test]
async fn a_preflight_says_what_a_page_may_send() {
    let server = Server::start().await;
    let answer = server.send(preflight(APP)).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, APP));
    let allowed = answer.header("access-control-allow-headers");
    for name in [
        "authorization",
        "content-type",
        "accept",
        "mcp-protocol-version",
        "mcp-method",
        "mcp-name",
        "mcp-session-id",
        "x-autri-connector-id",
    ] {
        assert!(allowed.split(',').any(|given| given == name), "{allowed} lacks {name}");
    }
    let methods: Vec<_> = answer.header("access-control-allow-methods").split(',').collect();
    assert_eq!(methods, ["GET", "POST"]);
}

#[tokio::test]
async fn on_loopback_local_pages_may_call() {
    let server = loopback().start().await;
    let token = machine_token(&server.tenant("acme").await);
    let local = || call().header("host", "localhost:8000").token(&token);
    for origin in ["http://localhost:6274", "http://127.0.0.1", "https://[::1]:8443", APP] {
        let answer = server.send(local().header("origin", origin)).await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, origin));
    }
    for origin in ["http://localhost.evil.example", "null", "https://evil.example", "file://"] {
        assert_eq!(server.send(local().header("origin", origin)).await.status, 403, "{origin}");
    }
}

/// A proxy may have checked the other one.
#[tokio::test]
async fn a_request_names_one_host() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let at = |target: &str| call().at(target).token(&token);
    for good in ["http://mcp.example.com/mcp", "https://MCP.example.com/mcp"] {
        assert_eq!(server.send(at(good)).await.status, 200, "{good}");
    }
    for bad in [
        call().another_header("host", "mcp.example.com").token(&token),
        call().another_header("host", "evil.example").token(&token),
        at("http://evil.example/mcp"),
        at("http://mcp.example.com:8000/mcp"),
        at("http://mcp.example.com/mcp").header("host", "a b"),
        at("http://mcp.example.com/mcp").header("host", ""),
    ] {
        server.log.clear();
        let (path, answer) = (bad.path.clone(), server.send(bad).await);
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("invalid_request")), "{path}");
        assert_eq!(server.log.only_line()["refusal"], "host");
    }
}
