//! Questions are embedded by a service, over real HTTP; without it they are asked by their words, and the answer says so.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_retrieval::embed::openai::{ApiKey, OpenAiModel, OpenAiSettings, Prefix};
use autri_retrieval::embed::{Embedder, EmbedderChoice};
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use nix::sys::signal::Signal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::process::{Process, send, token_of_today};
use crate::support::{ERAS, Server, Setup, machine_token, until};

const BY_WORDS: &str = "found by words alone: the embedding service did not answer in time";

/// An endpoint that answers all requests alike, and counts them.
async fn serving<F>(answer: impl Fn() -> F + Clone + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Future<Output = Response> + Send,
{
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let router = Router::new().fallback(move || {
        counted.fetch_add(1, Ordering::SeqCst);
        answer()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, requests)
}

fn embedder(address: SocketAddr) -> Arc<dyn Embedder> {
    let model = OpenAiModel::new("of-the-tests", Some(3), Prefix::default(), Prefix::default());
    let choice = EmbedderChoice::OpenAi(OpenAiSettings {
        url: format!("http://{address}/v1").parse().unwrap(),
        key: Some(ApiKey::new("sk-hunter2".into()).unwrap()),
        model: model.unwrap(),
        usd_per_million_tokens: None,
    });
    choice.open().unwrap().unwrap()
}

/// A server with a document about granite, and a token.
async fn with_document(address: SocketAddr) -> (Server, String) {
    let embedder = embedder(address);
    let (model, dimensions) = (embedder.model_id().to_owned(), embedder.dimensions().try_into().unwrap());
    let server = Setup::with_embedder(embedder).start().await;
    let acme = Tenant::create_with_model(&server.database, "acme", &model, dimensions).await;
    acme.add_document(&server.database, "a", "Stones", &["Granite is hard."]).await;
    let token = machine_token(&acme);
    (server, token)
}

/// The note on a search that finds the document.
async fn note(server: &Server, token: &str) -> Value {
    let answer = server.call(token, "search", &json!({ "query": "granite" })).await;
    let content = answer.content();
    assert_eq!(content["results"].as_array().map(Vec::len), Some(1), "{content}");
    for secret in ["127.0.0.1", "hunter2", "HTTP", "AUTRI_"] {
        assert!(!answer.text().contains(secret), "{}", answer.text());
    }
    content["note"].clone()
}

#[tokio::test]
async fn a_service_that_answers_needs_no_note() {
    let vector = json!({ "data": [{ "index": 0, "embedding": [1, 0, 0] }] }).to_string();
    let (address, requests) = serving(move || {
        let vector = vector.clone();
        async move { vector.into_response() }
    })
    .await;
    let (server, token) = with_document(address).await;
    assert_eq!(requests.load(Ordering::SeqCst), 0, "before the first question");
    assert_eq!(note(&server, &token).await, Value::Null);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_service_that_does_not_answer_in_time_costs_meaning_and_not_the_answer() {
    let (address, requests) = serving(std::future::pending).await;
    let (server, token) = with_document(address).await;
    assert_eq!(note(&server, &token).await, BY_WORDS);
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_service_that_fails_is_not_asked_by_every_question() {
    let (address, requests) = serving(|| async { StatusCode::INTERNAL_SERVER_ERROR.into_response() }).await;
    let (server, token) = with_document(address).await;
    for _ in 0..6 {
        assert_eq!(note(&server, &token).await, BY_WORDS);
    }
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_service_that_refuses_is_no_matter_of_time() {
    let (address, _) = serving(|| async {
        let body = json!({ "error": { "message": "Incorrect API key provided: sk-hunter2" } });
        (StatusCode::UNAUTHORIZED, body.to_string()).into_response()
    })
    .await;
    let (server, token) = with_document(address).await;
    assert_eq!(note(&server, &token).await, "found by words alone: the embedding model could not be used");
}

/// The call of a client that went away, in the one place where it holds no connection to anything that the end of the
/// process waits for. The service never answers: the question is asked by its words when its time is up.
#[tokio::test]
async fn a_server_that_is_told_to_stop_waits_for_a_question_that_is_being_embedded() {
    for era in ERAS {
        let (address, requests) = serving(std::future::pending).await;
        let model = embedder(address).model_id().to_owned();
        let database = TestDatabase::create().await;
        let acme = Tenant::create_with_model(&database, "acme", &model, 3).await;
        let process = Process::start_with(&[
            ("DATABASE_URL", database.url(roles::MCP).expose_secret()),
            ("AUTRI_EMBEDDER", "openai"),
            ("AUTRI_EMBEDDING_URL", &format!("http://{address}/v1")),
            ("AUTRI_EMBEDDING_MODEL", "of-the-tests"),
            ("AUTRI_EMBEDDING_DIMENSIONS", "3"),
        ])
        .await;
        let search = era.call("search", &json!({ "query": "granite" }));
        let search = search.token(&token_of_today(&acme)).header("host", "localhost");
        let client = send(process.address, search).await;
        until("the question is being embedded", async || requests.load(Ordering::SeqCst) == 1).await;
        drop(client);
        process.signal(Signal::SIGTERM);
        let (code, log) = process.end();
        assert_eq!(code, Some(0));
        assert_eq!((log.len(), &log[0]["status"]), (1, &json!(499)), "{era:?}");
        let mut admin = database.admin_session().await;
        assert_eq!(
            admin.number("SELECT count(*) FROM mcp_audit_log WHERE status = 'ok'").await,
            1,
            "{era:?}"
        );
    }
}
