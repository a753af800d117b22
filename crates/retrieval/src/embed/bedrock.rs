//! Amazon Titan Text Embeddings V2, by Amazon Bedrock.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use autri_aws::{AwsConfig, AwsError, Patience, TitanEmbeddings};
use autri_domain::Clock;
use tokio::sync::OnceCell;

use super::service::{Failure, RequestBounds, Role, Service, ServiceEmbedder, ServiceModel};
use super::{EmbedError, Price};

const SERVICE: &str = "Amazon Bedrock";

/// There is no request for several texts. Eight at once stay below the quota of a new account in requests a minute, as long as
/// one takes a tenth of a second.
const BOUNDS: RequestBounds = RequestBounds { texts: 1, requests: 8 };

/// In most regions: <https://aws.amazon.com/bedrock/pricing/>.
const USD_PER_MILLION_TOKENS: f64 = 0.02;

/// How long vectors are, and what they cost. Region and credentials are the environment's, as for all of AWS.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BedrockSettings {
    /// The length of the vectors.
    pub dimensions: TitanDimensions,
    /// US dollars for a million tokens, where the operator knows better than this program.
    pub usd_per_million_tokens: Option<f64>,
}

/// A length that Titan's vectors can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TitanDimensions(u16);

/// Another length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Titan's vectors have 1024, 512 or 256 dimensions")]
pub struct TitanDimensionsError;

impl Default for TitanDimensions {
    /// The most.
    fn default() -> Self {
        Self(1_024)
    }
}

impl TryFrom<usize> for TitanDimensions {
    type Error = TitanDimensionsError;

    fn try_from(dimensions: usize) -> Result<Self, TitanDimensionsError> {
        match dimensions {
            1_024 => Ok(Self(1_024)),
            512 => Ok(Self(512)),
            256 => Ok(Self(256)),
            _ => Err(TitanDimensionsError),
        }
    }
}

impl TitanDimensions {
    /// What stands in the database: `amazon.titan-embed-text-v2:0/1024`. Vectors are the same in every region.
    #[must_use]
    pub fn model_id(self) -> String {
        format!("{}/{}", TitanEmbeddings::MODEL, self.0)
    }

    /// Of the model with this id, if it is one of these.
    #[must_use]
    pub fn parse_id(id: &str) -> Option<Self> {
        let dimensions = id.strip_prefix(TitanEmbeddings::MODEL)?.strip_prefix('/')?;
        dimensions.parse::<usize>().ok()?.try_into().ok()
    }
}

/// An embedder with these settings. Looks for region and credentials, and connects, at its first call.
pub(super) fn embedder(settings: BedrockSettings, clock: Arc<dyn Clock>) -> impl super::Embedder {
    with_client(settings, OnceCell::new(), clock)
}

fn with_client(
    settings: BedrockSettings,
    client: OnceCell<TitanEmbeddings>,
    clock: Arc<dyn Clock>,
) -> ServiceEmbedder<Titan> {
    let TitanDimensions(dimensions) = settings.dimensions;
    let usd = settings.usd_per_million_tokens.unwrap_or(USD_PER_MILLION_TOKENS);
    let model = ServiceModel {
        id: settings.dimensions.model_id(),
        dimensions: dimensions.into(),
        price: Price { usd_per_million_tokens: Some(usd) },
    };
    ServiceEmbedder::new(Titan { dimensions, client }, model, BOUNDS, clock)
}

#[derive(Debug)]
struct Titan {
    dimensions: u16,
    client: OnceCell<TitanEmbeddings>,
}

impl Titan {
    async fn client(&self) -> &TitanEmbeddings {
        let connect = || async { TitanEmbeddings::new(&AwsConfig::from_env(Patience::Operator).await) };
        self.client.get_or_init(connect).await
    }
}

#[async_trait]
impl Service for Titan {
    fn name(&self) -> String {
        SERVICE.to_owned()
    }

    async fn ask(&self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>, Failure> {
        let client = self.client().await;
        let mut vectors = Vec::with_capacity(texts.len());
        for text in texts {
            let made = client.embed(text, self.dimensions.into()).await;
            vectors.push(made.map_err(|error| failure(&error, role))?);
        }
        Ok(vectors)
    }
}

/// By what to do next.
fn failure(error: &AwsError, role: Role) -> Failure {
    let refused = |reason: String| {
        // AWS may repeat what it was sent. Documents are the operator's, a question is not.
        let source = (role == Role::Document).then(|| words(error).into());
        EmbedError::Refused { service: SERVICE.to_owned(), reason, source }
    };
    match error {
        AwsError::Busy(_) => {
            Failure::Passing(EmbedError::Throttled { service: SERVICE.to_owned() }, Duration::ZERO)
        }
        AwsError::Unavailable(_) => {
            let source = error.to_string().into();
            Failure::Passing(EmbedError::Unreachable { service: SERVICE.to_owned(), source }, Duration::ZERO)
        }
        AwsError::Denied(_) => Failure::Lasting(refused(format!(
            "the credentials have expired, or lack the permission bedrock:InvokeModel on \
             arn:aws:bedrock:*::foundation-model/{}",
            TitanEmbeddings::MODEL
        ))),
        AwsError::NoCredentials(_) => Failure::Lasting(refused(
            "there are no usable AWS credentials: sign in (`aws sso login`), or name a profile in AWS_PROFILE".to_owned(),
        )),
        AwsError::NotFound(_) | AwsError::Unsupported(_) => Failure::Lasting(refused(format!(
            "{} is not offered there: AWS_REGION names the region, and docs.aws.amazon.com/bedrock those that have the model",
            TitanEmbeddings::MODEL
        ))),
        AwsError::Rejected { code, .. } => Failure::OfTheTexts(refused(format!(
            "{code}: is AWS_REGION set, to a region that has {}?",
            TitanEmbeddings::MODEL
        ))),
    }
}

/// What AWS says, or what the SDK says for it.
fn words(error: &AwsError) -> String {
    let innermost = std::iter::successors(Some(error as &dyn Error), |&cause| cause.source()).last();
    match error {
        AwsError::Rejected { message, .. } if !message.is_empty() => message.clone(),
        _ => innermost.map(ToString::to_string).unwrap_or_default(),
    }
}
