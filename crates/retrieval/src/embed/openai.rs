//! Any endpoint that speaks OpenAI's embeddings API: OpenAI itself, Azure, and servers of one's own (vLLM, Ollama, Text
//! Embeddings Inference).

mod answer;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use autri_domain::Clock;
use reqwest::header::{ACCEPT, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde::Serialize;

use self::answer::Refusal;
pub use self::settings::{
    ApiKey, ApiKeyError, EndpointUrl, EndpointUrlError, OpenAiModel, OpenAiModelError, OpenAiSettings,
    Prefix, PrefixError,
};
use super::service::{Failure, RequestBounds, Role, Service, ServiceEmbedder, ServiceModel};
use super::{EmbedError, Price};

/// 32 texts: what Text Embeddings Inference takes unless told otherwise
/// (<https://huggingface.co/docs/text-embeddings-inference/cli_arguments>), and at our bound of bytes a text fewer than the
/// 300,000 tokens that OpenAI takes at once.
const BOUNDS: RequestBounds = RequestBounds { texts: 32, requests: 4 };

/// From the first packet to the last byte: a model on a processor takes its time over 32 documents.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections that were used less long ago than this are used again. Servers close idle ones after a minute or more.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// The largest answer, beside the vectors, that is read.
const MAX_OVERHEAD_BYTES: usize = 64 * 1024;

/// A number of a vector, as JSON, has fewer bytes.
const MAX_NUMBER_BYTES: usize = 32;

/// An embedder with these settings. Connects at its first call.
pub(super) fn embedder(settings: &OpenAiSettings, clock: Arc<dyn Clock>) -> impl super::Embedder + use<> {
    let price = match settings.usd_per_million_tokens {
        Some(usd) => Price { usd_per_million_tokens: Some(usd) },
        None => settings.model.price(),
    };
    let model = ServiceModel { id: settings.model.id(), dimensions: settings.model.dimensions, price };
    let endpoint = Endpoint {
        url: settings.url.clone(),
        key: settings.key.clone(),
        model: settings.model.clone(),
        client: OnceLock::new(),
    };
    ServiceEmbedder::new(endpoint, model, BOUNDS, clock)
}

/// The operation `POST {base}/embeddings`.
#[derive(Debug)]
struct Endpoint {
    url: EndpointUrl,
    key: Option<ApiKey>,
    model: OpenAiModel,
    /// Made for the first request: its TLS state is random, and must not be part of a snapshot (docs/adr/0004).
    client: OnceLock<Client>,
}

/// <https://platform.openai.com/docs/api-reference/embeddings/create>
#[derive(Debug, Serialize)]
struct Request<'a> {
    model: &'a str,
    input: Vec<String>,
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<usize>,
}

impl Endpoint {
    fn client(&self) -> reqwest::Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = self.build_client()?;
        Ok(self.client.get_or_init(|| made))
    }

    fn build_client(&self) -> reqwest::Result<Client> {
        let is_https = self.url.is_https();
        let builder = Client::builder()
            .user_agent(concat!("autri/", env!("CARGO_PKG_VERSION")))
            .timeout(REQUEST_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            // A redirect would take documents, and the key, to a host that nobody configured.
            .redirect(Policy::none())
            .https_only(is_https);
        // A proxy from the environment may carry TLS; plain http to this machine must not leave it.
        if is_https { builder } else { builder.no_proxy() }.build()
    }

    fn request(&self, texts: &[&str], role: Role) -> Request<'_> {
        let prefix = match role {
            Role::Document => &self.model.document_prefix,
            Role::Question => &self.model.question_prefix,
        };
        Request {
            model: &self.model.name,
            input: texts.iter().map(|text| prefix.before(text)).collect(),
            encoding_format: "float",
            dimensions: self.model.takes_dimensions().then_some(self.model.dimensions),
        }
    }

    async fn send(&self, texts: &[&str], role: Role) -> reqwest::Result<Response> {
        let request = self.client()?.post(self.url.embeddings()).header(ACCEPT, "application/json");
        let request = match &self.key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        };
        request.json(&self.request(texts, role)).send().await
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let source = error.without_url().into();
        Failure::Passing(EmbedError::Unreachable { service: self.name(), source }, Duration::ZERO)
    }

    fn bad_answer(&self, what: &str) -> Failure {
        Failure::Lasting(EmbedError::BadAnswer { service: self.name(), what: what.to_owned() })
    }

    /// Counts the bytes that arrive: a `Content-Length` may be missing or wrong.
    async fn bounded_body(&self, mut response: Response, limit: usize) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + chunk.len() > limit {
                return Err(self.bad_answer("it is larger than the vectors that were asked for"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[async_trait]
impl Service for Endpoint {
    fn name(&self) -> String {
        format!("the embedding service at {}", self.url.authority())
    }

    async fn ask(&self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>, Failure> {
        let response = self.send(texts, role).await.map_err(|error| self.unreachable(error))?;
        let (status, pause) = (response.status(), retry_after(&response));
        let limit = MAX_OVERHEAD_BYTES + texts.len() * self.model.dimensions * MAX_NUMBER_BYTES;
        let body = self.bounded_body(response, limit).await;
        if status == StatusCode::OK {
            return answer::vectors(&body?, texts.len()).map_err(|what| self.bad_answer(what));
        }
        // What it says of its reasons is not needed to know them.
        let body = body.unwrap_or_default();
        let key = self.key.as_ref();
        Err(Refusal { service: self.name(), status, pause, body: &body, key, role }.into_failure())
    }
}

/// In seconds, as rate limits give it; a date, which RFC 9110 (10.2.3) also knows, counts as none.
fn retry_after(response: &Response) -> Duration {
    let secs = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(secs.unwrap_or_default())
}
