//! For services whose protocol is HTTP itself, such as S3's: requests and answers as they are.
//! <https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html>

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest as SdkRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;

use crate::AwsConfig;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// Whole, with its query.
    pub uri: String,
    headers: HashMap<String, String>,
}

impl HttpRequest {
    /// The header's value. Its name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// What is to be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReply {
    status: u16,
    body: String,
}

impl HttpReply {
    /// This status and body.
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into() }
    }
}

impl AwsConfig {
    /// The closure gets each request. Each call is one attempt.
    pub fn answered_over_http(answer: impl Fn(&HttpRequest) -> HttpReply + Send + Sync + 'static) -> Self {
        Self::new(super::sdk(Http { answer: Arc::new(answer) }))
    }
}

#[derive(Clone)]
struct Http {
    answer: Arc<dyn Fn(&HttpRequest) -> HttpReply + Send + Sync>,
}

impl Http {
    fn answer(&self, request: &SdkRequest) -> HttpResponse {
        let headers = request.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = HttpRequest { uri: request.uri().to_owned(), headers: headers.collect() };
        let reply = (self.answer)(&request);
        HttpResponse::new(StatusCode::try_from(reply.status).expect("an HTTP status"), reply.body.into())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: SdkRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Ok(self.answer(&request)))
    }
}

impl HttpClient for Http {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http").finish_non_exhaustive()
    }
}
