//! Our own failures: an answer, a line and a row for each, and the server goes on.

use std::sync::Arc;
use std::time::Duration;

use autri_db::test_support::TestDatabase;
use autri_domain::Clock;
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    ERAS, Era, PanickingEmbedder, Server, Setup, StoppedEmbedder, machine_token, severed_after_a_commit,
    until, until_waiting_for_a_lock,
};

#[tokio::test]
async fn a_panic_in_a_tool_is_an_internal_error() {
    let server = Setup::with_embedder(Arc::new(PanickingEmbedder)).start().await;
    let acme = server.tenant_with_model("acme").await;
    let token = machine_token(&acme);
    for era in ERAS {
        server.log.clear();
        let answer = server.send(era.call("search", &json!({ "query": "granite" })).token(&token)).await;
        assert_eq!((answer.status, answer.rpc_code()), (200, -32603), "{era:?}");
        assert_eq!(answer.json()["id"], 7);
        assert!(!answer.text().contains("bug"), "{}", answer.text());
        assert_eq!(server.log.only_line()["status"], 200);
        // Goes on.
        let next = server.send(era.call("list_documents", &json!({})).token(&token)).await;
        assert_eq!(next.content()["documents"], json!([]));
    }
    assert_eq!(server.audit_statuses().await, ["failed", "ok"].repeat(ERAS.len()));
}

#[derive(Debug)]
struct PanickingClock;

impl Clock for PanickingClock {
    fn now(&self) -> DateTime<Utc> {
        panic!("a clock with a bug")
    }
}

#[tokio::test]
async fn a_panic_before_the_tools_is_an_internal_error_too() {
    let setup = Setup { verifier_clock: Some(Arc::new(PanickingClock)), ..Setup::default() };
    let server = setup.start().await;
    let token = machine_token(&server.tenant("acme").await);
    let answer = server.send(Era::Modern.call("list_documents", &json!({})).token(&token)).await;
    assert_eq!((answer.status, answer.rpc_code()), (500, -32603));
    assert!(!answer.text().contains("bug"), "{}", answer.text());
    let line = server.log.only_line();
    assert_eq!((&line["status"], &line["request_id"]), (&json!(500), &json!(answer.header("x-request-id"))));
}

#[tokio::test]
async fn a_call_has_a_time_limit_wherever_it_waits() {
    let embedder = StoppedEmbedder::new();
    let mut setup = Setup::with_embedder(embedder.clone());
    setup.settings.call_timeout = Duration::from_secs(1);
    let server = setup.start().await;
    let token = machine_token(&server.tenant_with_model("acme").await);

    let search = json!({ "query": "granite" });
    let in_process = server.call(&token, "search", &search).await;
    let mut admin = server.database.admin_session().await;
    admin.run("BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE").await;
    let in_database = server.call(&token, "list_documents", &json!({})).await;
    admin.run("ROLLBACK").await;

    for answer in [in_process, in_database] {
        let error = answer.tool_error();
        assert!(error.contains("longer than 1 s") && error.contains("try again"), "{error}");
    }
    assert_eq!(server.audit_statuses().await, ["timed_out", "timed_out"]);
    embedder.let_one_end();
    assert_eq!(server.call(&token, "search", &search).await.content()["results"], json!([]));
}

/// A client's place in the middle of a call, over real TCP.
struct Listening {
    stream: TcpStream,
    server: tokio::task::JoinHandle<()>,
}

impl Listening {
    async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = server.router.clone();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { stream: TcpStream::connect(address).await.unwrap(), server }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_a_line_and_a_row() {
    let embedder = StoppedEmbedder::new();
    let server = Setup::with_embedder(embedder.clone()).start().await;
    let token = machine_token(&server.tenant_with_model("acme").await);
    let mut client = Listening::to(&server).await;
    let ask = Era::Legacy("2025-11-25").call("search", &json!({ "query": "granite" })).token(&token);
    client.stream.write_all(&ask.to_bytes()).await.unwrap();
    embedder.has_begun().await;
    drop(client.stream);
    server.log.has_line().await;
    let line = server.log.only_line();
    assert_eq!((&line["status"], &line["tool"]), (&json!(499), &json!("search")));

    assert_eq!(server.audit_statuses().await, Vec::<String>::new(), "the call is still under way");
    embedder.let_one_end();
    until("the row is written", async || !server.audit_rows().await.is_empty()).await;
    let rows = server.audit_rows().await;
    assert_eq!((rows.len(), rows[0].status.as_str()), (1, "ok"));
    assert_eq!(line["request_id"], rows[0].request_id);
    assert_eq!(server.log.lines().len(), 1, "a request has one line");
    client.server.abort();
}

#[tokio::test]
async fn a_client_that_goes_away_while_the_database_works_leaves_a_row() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let mut admin = server.database.admin_session().await;
    admin.run("BEGIN; LOCK TABLE mcp_audit_log IN ACCESS EXCLUSIVE MODE").await;
    let mut client = Listening::to(&server).await;
    let ask = Era::Modern.call("list_documents", &json!({})).token(&token);
    client.stream.write_all(&ask.to_bytes()).await.unwrap();
    until_waiting_for_a_lock(&mut admin, 1).await;
    drop(client.stream);
    server.log.has_line().await;
    assert_eq!(server.log.only_line()["status"], 499);
    admin.run("ROLLBACK").await;
    until("the row is written", async || !server.audit_rows().await.is_empty()).await;
    assert_eq!(server.audit_statuses().await, ["ok"]);
    client.server.abort();
}

#[tokio::test]
async fn a_database_that_fails_during_a_call_is_an_internal_error() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let mut admin = server.database.admin_session().await;
    admin.run("REVOKE SELECT ON documents FROM autri_mcp").await;
    for era in ERAS {
        let answer = server.send(era.call("list_documents", &json!({})).token(&token)).await;
        assert_eq!((answer.status, answer.rpc_code()), (200, -32603));
        for word in ["permission", "documents", "SELECT", "42501"] {
            assert!(!answer.text().contains(word), "{}", answer.text());
        }
    }
    assert_eq!(server.audit_statuses().await, ["failed"; ERAS.len()]);
}

#[tokio::test]
async fn a_database_that_goes_away_during_a_call_is_a_503() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let mut admin = server.database.admin_session().await;
    let mut other = server.database.admin_session().await;
    // No other: an idle connection could serve to write the row, and fail at it.
    let end_waiting = "SELECT pg_terminate_backend(pid, 20000) FROM pg_locks
        WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    for era in ERAS {
        // The connector was looked up, and the tool waits.
        other.run("BEGIN; LOCK TABLE documents IN ACCESS EXCLUSIVE MODE").await;
        let going_away = async {
            until_waiting_for_a_lock(&mut admin, 1).await;
            admin.run(end_waiting).await;
        };
        let call = server.send(era.call("list_documents", &json!({})).token(&token));
        let (answer, ()) = tokio::join!(call, going_away);
        other.run("ROLLBACK").await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{era:?}");
        assert_eq!(answer.json()["error"], "temporarily_unavailable");
        assert_eq!(server.log.lines().last().unwrap()["refusal"], "database_unavailable");
        // Back again.
        let next = server.send(era.call("list_documents", &json!({})).token(&token)).await;
        assert_eq!(next.content()["documents"], json!([]));
    }
    assert_eq!(server.audit_statuses().await, ["failed", "ok"].repeat(ERAS.len()));
}

/// The server cannot know that the work and its row are lasting. The call failed all the same, and has one row.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_leaves_one_row() {
    let database = TestDatabase::create().await;
    let severed = severed_after_a_commit(&database).await;
    let server = Setup { database: Some(severed), ..Setup::default() }.start_with(database);
    let token = machine_token(&server.tenant("acme").await);
    let answer = server.call(&token, "list_documents", &json!({})).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "5"));
    assert_eq!(server.audit_statuses().await, ["ok"]);
    let next = server.call(&token, "list_documents", &json!({})).await;
    assert_eq!(next.content()["documents"], json!([]));
    assert_eq!(server.audit_statuses().await, ["ok", "ok"]);
}
