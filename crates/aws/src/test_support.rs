//! An AWS that a closure answers for: the real SDK, and no network.
//!
//! Speaks the protocol of most services here, AWS JSON 1.1: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>,
//! and REST with JSON, which is Bedrock's: <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html>.

#![expect(clippy::missing_panics_doc, reason = "panics where a test cannot go on")]

pub mod http;

use std::fmt;
use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use serde_json::{Value, json};

use crate::AwsConfig;

/// What AWS is to answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// 200 with this body.
    Json(Value),
    /// A modelled error.
    Error {
        /// The HTTP status; an operation's own errors have 400.
        status: u16,
        /// AWS's name of it, such as `UserNotFoundException`.
        code: &'static str,
        /// AWS's explanation.
        message: &'static str,
    },
    /// This HTTP status, without a body.
    Empty(u16),
    /// No connection.
    Unreachable,
}

/// What AWS was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The operation's name, such as `GetParameter`; where the protocol is REST, method and path: `POST /model/…/invoke`.
    pub operation: String,
    /// Its input.
    pub body: Value,
}

type Answer = dyn Fn(&str, &Value) -> Reply + Send + Sync;

/// In their order.
pub(crate) type Requests = Arc<Mutex<Vec<Request>>>;

impl AwsConfig {
    /// The closure gets the operation's name and its input. Each call is one attempt.
    pub fn answered_by(answer: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static) -> Self {
        let requests = Requests::default();
        let aws = Aws { answer: Arc::new(answer), requests: Arc::clone(&requests) };
        let mut config = Self::new(sdk(aws));
        config.requests = requests;
        config
    }

    /// What was asked for up to now, by all that share this configuration.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().expect("nobody panicked").clone()
    }
}

/// One attempt a call, with credentials that are none, by this client.
fn sdk(http_client: impl HttpClient + 'static) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::for_tests()))
        .retry_config(RetryConfig::disabled())
        .http_client(http_client)
        .build()
}

#[derive(Clone)]
struct Aws {
    answer: Arc<Answer>,
    requests: Requests,
}

impl Aws {
    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = operation(request);
        let body = request.body().bytes().expect("a body in memory");
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let reply = (self.answer)(&operation, &body);
        self.requests.lock().expect("nobody panicked").push(Request { operation, body });
        let (status, body) = match reply {
            Reply::Json(body) => (200, body.to_string()),
            Reply::Error { status, code, message } => {
                (status, json!({ "__type": code, "message": message }).to_string())
            }
            Reply::Empty(status) => (status, String::new()),
            Reply::Unreachable => return Err(ConnectorError::io("connection refused".into())),
        };
        Ok(HttpResponse::new(StatusCode::try_from(status).expect("an HTTP status"), body.into()))
    }
}

fn operation(request: &HttpRequest) -> String {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().unwrap_or(target).to_owned();
    }
    // The SDK's URIs are whole ones.
    let path = request.uri().splitn(4, '/').nth(3).unwrap_or_default();
    format!("{} /{path}", request.method())
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(&request))
    }
}

impl HttpClient for Aws {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").finish_non_exhaustive()
    }
}
