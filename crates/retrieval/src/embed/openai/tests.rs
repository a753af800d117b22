//! Against a real HTTP server in this process.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;

use autri_domain::ManualClock;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, LOCATION};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::embed::Embedder;

const KEY: &str = "sk-hunter2";

/// What the endpoint does with a request.
type Reply = Box<dyn Fn(&Value) -> Response + Send>;

/// An endpoint: answers as it is told, and then with vectors.
#[derive(Clone, Default)]
struct Stub {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    asked: Arc<Mutex<Vec<(String, HeaderMap, Value)>>>,
}

impl Stub {
    async fn serving(replies: impl IntoIterator<Item = Reply>) -> (Self, SocketAddr) {
        let stub = Self { replies: Arc::new(Mutex::new(replies.into_iter().collect())), ..Self::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(stub.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (stub, address)
    }

    fn requests(&self) -> Vec<(String, HeaderMap, Value)> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(stub): State<Stub>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let target = format!("{} {}", parts.method, parts.uri);
    stub.asked.lock().unwrap().push((target, parts.headers, body.clone()));
    let reply = stub.replies.lock().unwrap().pop_front();
    reply.map_or_else(|| vectors_for(&body), |reply| reply(&body))
}

/// A vector a text, which says how long it is; the last text's first.
fn vectors_for(body: &Value) -> Response {
    let texts = body["input"].as_array().unwrap();
    let data = texts.iter().enumerate().rev().map(|(index, text)| {
        json!({ "object": "embedding", "index": index, "embedding": [text.as_str().unwrap().len(), 1, 0] })
    });
    answered(200, &json!({ "object": "list", "data": data.collect::<Vec<_>>() }))
}

fn answered(status: u16, body: &Value) -> Response {
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

fn reply(status: u16, body: Value) -> Reply {
    Box::new(move |_| answered(status, &body))
}

fn settings(address: SocketAddr) -> OpenAiSettings {
    OpenAiSettings {
        url: format!("http://{address}/v1").parse().unwrap(),
        key: Some(ApiKey::new(KEY.into()).unwrap()),
        model: OpenAiModel::new("e5", Some(3), "query: ".parse().unwrap(), "passage: ".parse().unwrap())
            .unwrap(),
        usd_per_million_tokens: Some(0.5),
    }
}

fn open(settings: &OpenAiSettings) -> impl Embedder + use<> {
    embedder(settings, Arc::new(ManualClock::at(1_800_000_000)))
}

async fn embedding(replies: impl IntoIterator<Item = Reply>) -> (impl Embedder, Stub) {
    let (stub, address) = Stub::serving(replies).await;
    (open(&settings(address)), stub)
}

/// What comes of one document.
async fn refused(reply: Reply) -> EmbedError {
    let (embedder, stub) = embedding([reply]).await;
    let error = embedder.embed_documents(&["a document".to_owned()]).await.unwrap_err();
    assert_eq!(stub.requests().len(), 1, "{error}");
    assert!(!format!("{error:?}").contains(KEY), "{error:?}");
    error
}

#[tokio::test]
async fn texts_are_sent_with_their_role_and_vectors_put_in_order() {
    let (embedder, stub) = embedding([]).await;
    let texts: Vec<String> = (0..40).map(|length| "x".repeat(length)).collect();
    let vectors = embedder.embed_documents(&texts).await.unwrap();
    assert_eq!(vectors[0], None);
    for (length, vector) in (1_u8..).zip(&vectors[1..]) {
        // "passage: " before it.
        let expected = Some(f32::from(length) + 9.0);
        assert_eq!(vector.as_ref().map(|vector| (vector[0] / vector[1]).round()), expected);
    }
    embedder.embed_query("why").await.unwrap().unwrap();
    let requests = stub.requests();
    let mut sizes: Vec<usize> =
        requests.iter().map(|(_, _, body)| body["input"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 7, 32]);
    let (target, headers, body) = requests.last().unwrap();
    assert_eq!(target, "POST /v1/embeddings");
    assert_eq!(headers[AUTHORIZATION], format!("Bearer {KEY}"));
    assert_eq!(*body, json!({ "model": "e5", "input": ["query: why"], "encoding_format": "float" }));
}

#[tokio::test]
async fn what_openai_calls_text_embedding_3_is_told_its_dimensions_and_no_key_is_none() {
    let (stub, address) = Stub::serving([]).await;
    let model = OpenAiModel::new("text-embedding-3-small", Some(3), Prefix::default(), Prefix::default());
    let settings = OpenAiSettings {
        key: None,
        model: model.unwrap(),
        usd_per_million_tokens: None,
        ..settings(address)
    };
    let embedder = open(&settings);
    assert_eq!(embedder.price(), Some(Price { usd_per_million_tokens: Some(0.02) }));
    embedder.embed_query("why").await.unwrap().unwrap();
    let [(_, headers, body)] = &stub.requests()[..] else { panic!("one request") };
    assert_eq!((&body["dimensions"], &body["input"]), (&json!(3), &json!(["why"])));
    assert!(!headers.contains_key(AUTHORIZATION));
}

#[tokio::test]
async fn nothing_connects_before_the_first_text() {
    let (stub, address) = Stub::serving([]).await;
    let embedder = open(&settings(address));
    assert!(embedder.model_id().starts_with("openai:e5/3+"), "{}", embedder.model_id());
    assert_eq!(
        (embedder.dimensions(), embedder.price()),
        (3, Some(Price { usd_per_million_tokens: Some(0.5) }))
    );
    assert_eq!(stub.requests().len(), 0);
}

#[tokio::test]
async fn a_quota_by_the_second_is_waited_for() {
    let throttled: Reply =
        Box::new(|_| (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "1")], "slow down").into_response());
    let (embedder, stub) = embedding([throttled, reply(503, json!({}))]).await;
    embedder.embed_documents(&["a document".to_owned()]).await.unwrap();
    assert_eq!(stub.requests().len(), 3);
}

#[tokio::test]
async fn a_wait_beyond_the_budget_is_an_error_at_once() {
    let error =
        refused(Box::new(|_| (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "3600")]).into_response()));
    let error = error.await;
    assert!(matches!(error, EmbedError::Throttled { .. }), "{error}");
}

#[tokio::test]
async fn a_key_that_is_not_accepted_is_named_and_not_shown() {
    let said = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}"), "code": "invalid_api_key" } });
    let error = refused(reply(401, said)).await;
    assert!(
        error
            .to_string()
            .ends_with("HTTP 401: AUTRI_EMBEDDING_API_KEY is not accepted, or not for this model"),
        "{error}"
    );
    assert!(format!("{error:?}").contains("Incorrect API key provided: [key]"), "{error:?}");
}

#[tokio::test]
async fn what_is_no_answer_is_refused() {
    let vector = |index: usize| json!({ "index": index, "embedding": [1, 0, 0] });
    for (body, why) in [
        (json!({ "data": [] }), "lacks a vector"),
        (json!({ "data": [vector(0), vector(1)] }), "not sent"),
        (json!({ "data": "x".repeat(70_000) }), "larger than"),
        (json!("<html>Sign in</html>"), "AUTRI_EMBEDDING_URL"),
    ] {
        let error = refused(reply(200, body)).await;
        assert!(matches!(error, EmbedError::BadAnswer { .. }) && error.to_string().contains(why), "{error}");
    }
    let wide = json!({ "data": [{ "index": 0, "embedding": [1, 0, 0, 0] }] });
    let error = refused(reply(200, wide)).await;
    assert!(matches!(error, EmbedError::WrongDimensions { expected: 3, found: 4, .. }), "{error}");
}

#[tokio::test]
async fn a_body_without_end_is_not_read_to_its_end() {
    let endless: Reply = Box::new(|_| {
        let chunks = std::iter::repeat_with(|| Ok::<_, std::io::Error>("x".repeat(4_096)));
        Body::from_stream(futures_util::stream::iter(chunks)).into_response()
    });
    let error = refused(endless).await;
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn neither_texts_nor_the_key_follow_a_redirect() {
    let (elsewhere, address) = Stub::serving([]).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://{address}/v1/embeddings");
        let error = refused(Box::new(move |_| {
            (StatusCode::from_u16(status).unwrap(), [(LOCATION, location.clone())]).into_response()
        }));
        let error = error.await;
        assert!(error.to_string().contains("points to another address"), "{error}");
    }
    assert_eq!(elsewhere.requests().len(), 0);
}

#[tokio::test]
async fn no_server_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = open(&settings(address)).embed_query("why").await.unwrap_err();
    assert!(matches!(error, EmbedError::Unreachable { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!("the embedding service at {address} could not be reached, or did not answer in time")
    );
}

#[tokio::test]
async fn a_question_is_tried_once_and_a_service_that_fails_thrice_is_left_alone() {
    let (embedder, stub) =
        embedding((0..9).map(|_| reply(500, json!({ "error": { "message": "why is the sky blue" } })))).await;
    for _ in 0..3 {
        let error = embedder.embed_query("why is the sky blue").await.unwrap_err();
        assert!(matches!(error, EmbedError::Unreachable { .. }), "{error}");
        assert!(!format!("{error:?}").contains("sky"), "{error:?}");
    }
    let error = embedder.embed_query("why is the sky blue").await.unwrap_err();
    assert!(matches!(error, EmbedError::Paused { .. }), "{error}");
    assert_eq!(stub.requests().len(), 3);
}
