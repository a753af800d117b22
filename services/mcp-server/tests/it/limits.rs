//! What one caller can take of what all callers share.

use std::time::Duration;

use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use nix::sys::signal::Signal;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::process::{Process, answer, send, token_of_today};
use crate::support::{Answer, Ask, Era, Server, Setup, machine_token, until_waiting_for_a_lock};

/// A tool's call with an argument of this JSON.
fn call_with(argument: &str) -> Ask {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"search","arguments":{argument}}}}}"#
    );
    Ask::post(body).header("content-type", "application/json")
}

/// A list of as many small objects as fit into a body of so many bytes, of which a tree takes a hundred times as many.
fn many_objects(bytes: usize) -> Ask {
    let objects = "{\"\":1},".repeat((bytes - 150) / 7);
    call_with(&format!(r#"{{"query":"leave","x":[{objects}1]}}"#))
}

#[tokio::test]
async fn the_longest_question_has_room() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    // A letter of two code units, as clients write it that escape everything.
    let long = |letters: usize| r"\ud835\udc1a".repeat(letters);
    let alone = call_with(&format!(r#"{{"query":"{}"}}"#, long(2_000)));
    assert_eq!(server.send(alone.token(&token)).await.content()["results"], json!([]));
    let in_a_base = format!(r#"{{"query":"{}","knowledge_base":"{}"}}"#, long(2_000), long(1_000));
    let error = server.send(call_with(&in_a_base).token(&token)).await.tool_error();
    assert!(error.contains("list_knowledge_bases"), "{error}");
}

#[tokio::test]
async fn a_message_of_many_values_is_refused_before_anything_is_made_of_it() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    for ask in [many_objects(60_000), many_objects(16_000)] {
        let answer = server.send(ask.token(&token)).await;
        assert_eq!((answer.status, answer.rpc_code()), (400, -32600));
        assert!(answer.text().contains("1,000 values"), "{}", answer.text());
    }
    assert_eq!(server.audit_statuses().await, [""; 0]);
}

/// Against the real process, since what is measured is its memory.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn large_bodies_cost_no_memory_and_leave_nothing() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let process = Process::start_with(&[("DATABASE_URL", database.url(roles::MCP).expose_secret())]).await;
    let token = token_of_today(&acme);
    let ask = |ask: Ask| ask.header("host", "localhost").token(&token);
    let listed = answer(send(process.address, ask(call_with(r#"{"query":"leave"}"#))).await).await;
    assert!(listed.starts_with("HTTP/1.1 200 OK\r\n"), "{listed}");
    let before = process.peak_memory_kib();

    // It is answered without having been sent.
    let announced = Ask { body: Vec::new(), ..many_objects(4_194_304) };
    let refused = answer(send(process.address, ask(announced)).await).await;
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    for bytes in [60_000, 16_000] {
        for _ in 0..20 {
            let refused = answer(send(process.address, ask(many_objects(bytes))).await).await;
            assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
        }
    }
    let grown = process.peak_memory_kib() - before;
    // One such body made into a tree takes more.
    assert!(grown < 16 * 1024, "{grown} KiB");
    process.signal(Signal::SIGTERM);
    assert_eq!(process.end().0, Some(0));
    let mut admin = database.admin_session().await;
    assert_eq!(admin.number("SELECT count(*) FROM mcp_audit_log").await, 1);
}

fn list_tools(tenant: &Tenant) -> Ask {
    Era::Modern.request("tools/list", json!({})).token(&machine_token(tenant))
}

/// Sends a request that nobody waits for yet.
fn begin(server: &Server, ask: Ask) -> tokio::task::JoinHandle<Answer> {
    let router = server.router.clone();
    tokio::spawn(async move {
        Answer::of(tower::ServiceExt::oneshot(router, ask.into_request()).await.unwrap()).await
    })
}

#[tokio::test]
async fn the_slow_calls_of_a_connector_leave_the_others_theirs() {
    let server = Setup { pool_size: 2, ..Setup::default() }.start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let mut admin = server.database.admin_session().await;
    admin.run("BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE").await;
    let slow = begin(&server, Era::Modern.call("list_documents", &json!({})).token(&machine_token(&acme)));
    until_waiting_for_a_lock(&mut admin, 1).await;
    let mut next = begin(&server, list_tools(&acme));
    for _ in 0..20 {
        tokio::select! {
            biased;
            _ = &mut next => panic!("the connector had more than its share"),
            answer = server.send(list_tools(&other)) => assert_eq!(answer.status, 200),
        }
    }
    admin.run("ROLLBACK").await;
    // They waited, and did not fail.
    assert_eq!(slow.await.unwrap().content()["documents"], json!([]));
    assert_eq!(next.await.unwrap().status, 200);
}

#[tokio::test]
async fn a_request_that_waits_too_long_for_its_connectors_share_is_told_so() {
    let mut setup = Setup { pool_size: 2, ..Setup::default() };
    setup.settings.call_timeout = Duration::from_secs(1);
    let server = setup.start().await;
    let acme = server.tenant("acme").await;
    let mut admin = server.database.admin_session().await;
    admin.run("BEGIN; LOCK TABLE connectors IN ACCESS EXCLUSIVE MODE").await;
    let first = begin(&server, list_tools(&acme));
    until_waiting_for_a_lock(&mut admin, 1).await;
    let second = server.send(list_tools(&acme)).await;
    admin.run("ROLLBACK").await;
    assert_eq!((second.status, second.header("retry-after")), (503, "5"));
    assert!(second.text().contains("make fewer at once"), "{}", second.text());
    assert_eq!(server.log.lines()[0]["refusal"], "busy");
    assert_eq!(first.await.unwrap().status, 200);
    assert_eq!(server.send(list_tools(&acme)).await.status, 200);
}

/// What callers send stays out of the diagnostics, however much of these is asked for.
#[tokio::test]
async fn no_callers_text_gets_into_the_diagnostics() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let process = Process::start_with(&[
        ("DATABASE_URL", database.url(roles::MCP).expose_secret()),
        ("AUTRI_LOG", "debug,rmcp=debug"),
    ])
    .await;
    let planted = "what about the merger";
    let id = json!({ "jsonrpc": "2.0", "id": planted, "method": "no/such", "params": {} });
    let legacy = Era::Legacy("2025-11-25");
    for (ask, status) in [
        (legacy.read(planted), 200),
        (legacy.call(planted, &json!({})), 200),
        (legacy.call("search", &json!({ "query": planted, planted: 1 })), 200),
        (Ask::rpc(&id), 200),
    ] {
        let ask = ask.token(&token_of_today(&acme)).header("host", "localhost");
        let answer = answer(send(process.address, ask).await).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    process.signal(Signal::SIGTERM);
    let (code, diagnostics) = process.end_with_its_diagnostics();
    assert_eq!(code, Some(0));
    assert!(diagnostics.contains("draining"), "{diagnostics}");
    assert!(!diagnostics.contains(planted), "{diagnostics}");
}
