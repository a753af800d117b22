//! The binary with its database's login in a secret: credentials from a container's endpoint, Secrets Manager on loopback.

use std::sync::{Arc, Mutex};

use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::process::{Process, answer, send, token_of_today};
use crate::support::{Ask, Era, SECRET_ARN, secret_text};

const PASSWORD: &str = "hunter2";
/// Of whoever is in the container.
const SESSION_TOKEN: &str = "a-session-token";

/// What was asked of AWS: the paths, and with a signed request who signed it and for where.
type Asked = Arc<Mutex<Vec<String>>>;

/// Credentials at `/credentials`, and Secrets Manager with this answer.
async fn aws(status: StatusCode, body: Value) -> (String, Asked) {
    let asked = Asked::default();
    let (of_credentials, of_secrets) = (Arc::clone(&asked), Arc::clone(&asked));
    let credentials = async move || {
        of_credentials.lock().unwrap().push("credentials".to_owned());
        // <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
        Json(json!({
            "AccessKeyId": "AKIDEXAMPLE",
            "SecretAccessKey": PASSWORD,
            "Token": SESSION_TOKEN,
            "Expiration": "2100-01-01T00:00:00Z",
        }))
    };
    let secrets = async move |headers: HeaderMap| {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(header("x-amz-security-token"), SESSION_TOKEN);
        // `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/eu-central-1/secretsmanager/aws4_request, …`
        let scope: Vec<_> = header("authorization").split(['/', '=', ',']).collect();
        let signed = format!("{} by {} in {}", header("x-amz-target"), scope[1], scope[3]);
        of_secrets.lock().unwrap().push(signed);
        (status, [("content-type", "application/x-amz-json-1.1")], body.to_string())
    };
    let router = Router::new().route("/credentials", get(credentials)).route("/", post(secrets));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (endpoint, asked)
}

async fn start(endpoint: &str) -> Process {
    Process::start_with(&[
        ("DATABASE_SECRET_ARN", SECRET_ARN),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &format!("{endpoint}/credentials")),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", endpoint),
    ])
    .await
}

async fn call(process: &Process, acme: &Tenant) -> String {
    let call = Era::Modern.call("list_documents", &json!({})).token(&token_of_today(acme));
    answer(send(process.address, call.header("host", "localhost")).await).await
}

#[tokio::test]
async fn the_secret_is_read_for_the_first_call_and_repeated_nowhere() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let text = secret_text(&database.url(roles::MCP), PASSWORD);
    let (endpoint, asked) = aws(StatusCode::OK, json!({ "ARN": SECRET_ARN, "SecretString": text })).await;
    let process = start(&endpoint).await;
    let alive = answer(send(process.address, Ask::get("/healthz")).await).await;
    assert!(alive.starts_with("HTTP/1.1 200 OK\r\n"), "{alive}");
    assert_eq!(*asked.lock().unwrap(), Vec::<String>::new());
    for _ in 0..2 {
        let answer = call(&process, &acme).await;
        assert!(answer.contains(r#""structuredContent":{"documents":[]}"#), "{answer}");
    }
    let read = "secretsmanager.GetSecretValue by AKIDEXAMPLE in eu-central-1";
    assert_eq!(*asked.lock().unwrap(), ["credentials", read]);
    process.signal(Signal::SIGTERM);
    let (code, written) = process.end_with_all_that_was_written();
    assert_eq!(code, Some(0));
    assert!(written.contains("draining") && written.contains("list_documents"), "{written}");
    for secret in [PASSWORD, SESSION_TOKEN] {
        assert!(!written.contains(secret), "{written}");
    }
}

#[tokio::test]
async fn the_reason_is_in_the_diagnostics_and_not_in_the_answer() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let denied = json!({ "__type": "AccessDeniedException", "Message": "no policy allows it" });
    let (endpoint, asked) = aws(StatusCode::BAD_REQUEST, denied).await;
    let process = start(&endpoint).await;
    for _ in 0..2 {
        let answer = call(&process, &acme).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.contains("retry-after: 5\r\n") && !answer.contains("policy"), "{answer}");
    }
    assert_eq!(asked.lock().unwrap().len(), 2, "the credentials, and the secret once");
    process.signal(Signal::SIGTERM);
    let (code, written) = process.end_with_all_that_was_written();
    assert_eq!(code, Some(0));
    let reasons: Vec<_> = written.lines().filter(|line| line.contains("no policy allows it")).collect();
    assert_eq!(reasons.len(), 1, "{written}");
    assert!(
        reasons[0].contains(SECRET_ARN) && reasons[0].contains("AWS does not permit it"),
        "{}",
        reasons[0]
    );
    assert!(!written.contains(PASSWORD) && !written.contains(SESSION_TOKEN), "{written}");
}
