//! HTTP around MCP: methods, types, sizes, paths.

use std::convert::Infallible;
use std::io;
use std::task::Poll;

use autri_domain::ConnectorId;
use axum::body::Body;
use axum::http::Method;
use bytes::Bytes;
use futures_util::stream::{iter, poll_fn};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Answer, Ask, Era, Server, Setup, machine_token};

fn call() -> Ask {
    Era::Legacy("2025-11-25").call("list_documents", &json!({}))
}

#[tokio::test]
async fn mcp_takes_post_alone() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    for path in ["/mcp".to_owned(), "/mcp/".to_owned(), format!("/c/{}/mcp", acme.machine)] {
        for method in [Method::GET, Method::DELETE, Method::PUT, Method::PATCH] {
            let answer = server.send(Ask::new(method.clone(), &path).token(&token)).await;
            assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method} {path}");
            assert_eq!(answer.json()["error"], "method_not_allowed");
        }
    }
}

#[tokio::test]
async fn any_accept_header_works() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let accepts = [
        "*/*",
        "application/json",
        "text/event-stream",
        "text/event-stream, application/json;q=0.5",
        "text/html",
    ];
    for era in [Era::Legacy("2025-11-25"), Era::Modern] {
        let call = || era.call("list_documents", &json!({})).token(&token);
        for accept in accepts {
            assert_eq!(
                server.send(call().header("accept", accept)).await.content()["documents"],
                json!([]),
                "{accept}"
            );
        }
        assert_eq!(server.send(call().without("accept")).await.content()["documents"], json!([]));
    }
}

#[tokio::test]
async fn other_content_types_are_refused() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    for good in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        assert_eq!(
            server.send(call().header("content-type", good).token(&token)).await.status,
            200,
            "{good}"
        );
    }
    for bad in
        ["text/plain", "application/jsonp", "application/x-www-form-urlencoded", "", "application/json-rpc"]
    {
        let answer = server.send(call().header("content-type", bad).token(&token)).await;
        assert_eq!(answer.status, 415, "{bad}");
        assert_eq!(answer.json()["error"], "unsupported_media_type");
    }
    assert_eq!(server.send(call().without("content-type").token(&token)).await.status, 415);
}

#[tokio::test]
async fn what_is_no_message_is_a_json_rpc_error() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let batch = json!([{ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }]).to_string();
    let cases: [(&str, i64, Value); 10] = [
        ("", -32700, Value::Null),
        ("{", -32700, Value::Null),
        ("{} {}", -32700, Value::Null),
        ("nonsense", -32700, Value::Null),
        (&batch, -32600, Value::Null),
        ("[]", -32600, Value::Null),
        ("5", -32600, Value::Null),
        ("{}", -32600, Value::Null),
        (r#"{"jsonrpc":"1.0","id":3,"method":"tools/list"}"#, -32600, json!(3)),
        (r#"{"jsonrpc":"2.0","id":4}"#, -32600, json!(4)),
    ];
    for (body, code, id) in cases {
        let ask = Ask::post(body).header("content-type", "application/json").token(&token);
        let answer = server.send(ask).await;
        assert_eq!((answer.status, answer.rpc_code()), (400, code), "{body}");
        assert_eq!(answer.json()["id"], id, "{body}");
    }
    let not_utf8 = Ask::post(b"{\"a\":\"\xff\"}".to_vec()).header("content-type", "application/json");
    assert_eq!(server.send(not_utf8.token(&token)).await.rpc_code(), -32700);
    let nested = "[".repeat(60_000);
    let deep = Ask::post(format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{nested}"#));
    assert_eq!(
        server.send(deep.header("content-type", "application/json").token(&token)).await.rpc_code(),
        -32700
    );
}

#[tokio::test]
async fn a_body_has_a_longest_length() {
    let mut setup = Setup::default();
    setup.settings.max_body_bytes = 2_000;
    let server = setup.start().await;
    let token = machine_token(&server.tenant("acme").await);
    let padded = |length: usize| {
        let mut body = call().body;
        body.resize(length, b' ');
        Ask::post(body).header("content-type", "application/json").token(&token)
    };
    assert_eq!(server.send(padded(2_000)).await.status, 200);
    for ask in [
        padded(2_001),
        padded(100_000),
        padded(2_001).without("content-length"),
        padded(100_000).without("content-length"),
    ] {
        let answer = server.send(ask).await;
        assert_eq!((answer.status, &answer.json()["error"]), (413, &json!("payload_too_large")));
    }
}

#[tokio::test]
async fn other_paths_are_not_found() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let paths = [
        "/".to_owned(),
        "/MCP".to_owned(),
        "/mcp/x".to_owned(),
        "//mcp".to_owned(),
        "/mcp/../healthz".to_owned(),
        format!("/c/{}", acme.machine),
        format!("/c/{}/other", acme.machine),
        format!("/c/{0}/c/{0}/mcp", ConnectorId::new()),
        "/.well-known/oauth-authorization-server".to_owned(),
    ];
    for path in paths {
        for ask in [call().at(&path).token(&token), Ask::get(&path)] {
            let answer = server.send(ask).await;
            assert_eq!((answer.status, &answer.json()["error"]), (404, &json!("not_found")), "{path}");
        }
    }
}

/// The runtime's clock stands still, and leaps when nothing else is left to wait for. Dropped, it runs again: a database's
/// answer is nothing that it would wait for.
struct LeapingClock;

impl LeapingClock {
    fn begin() -> Self {
        tokio::time::pause();
        Self
    }
}

impl Drop for LeapingClock {
    fn drop(&mut self) {
        tokio::time::resume();
    }
}

/// Bodies that never arrive, of which the server lets go in the end.
#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let asks =
        [(call().token(&token).without("content-length"), 408), (call().token(&token), 408), (call(), 401)];
    for (ask, status) in asks {
        let mut request = ask.into_request();
        let mut clock = None;
        *request.body_mut() =
            Body::from_stream(poll_fn(move |_| -> Poll<Option<Result<Bytes, Infallible>>> {
                clock.get_or_insert_with(LeapingClock::begin);
                Poll::Pending
            }));
        let answer = Answer::of(server.router.clone().oneshot(request).await.unwrap()).await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

/// What is wrong with such a body is said to callers with a token: that it is no JSON would send them to look in the wrong place.
#[tokio::test]
async fn a_body_that_breaks_off_is_not_taken_for_bad_json() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let with_token = call().token(&token);
    for (ask, status, error) in [
        (with_token.clone(), 400, "invalid_request"),
        (with_token.without("content-length"), 400, "invalid_request"),
        (call().token("forged"), 401, "invalid_token"),
    ] {
        let mut request = ask.into_request();
        let broken: [Result<Bytes, io::Error>; 2] =
            [Ok(Bytes::from_static(b"{")), Err(io::ErrorKind::UnexpectedEof.into())];
        *request.body_mut() = Body::from_stream(iter(broken));
        let answer = Answer::of(server.router.clone().oneshot(request).await.unwrap()).await;
        assert_eq!((answer.status, &answer.json()["error"]), (status, &json!(error)), "{}", answer.text());
    }
}
