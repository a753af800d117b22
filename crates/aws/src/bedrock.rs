//! Amazon Titan Text Embeddings V2, by Amazon Bedrock.

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::retry::RetryConfig;
use aws_sdk_bedrockruntime::primitives::Blob;
use serde::Deserialize;
use serde_json::json;

use crate::{AwsConfig, AwsError};

/// <https://docs.aws.amazon.com/bedrock/latest/userguide/titan-embedding-models.html>
const MODEL: &str = "amazon.titan-embed-text-v2:0";

/// Vectors for texts. Connects at its first call.
#[derive(Debug, Clone)]
pub struct TitanEmbeddings {
    client: Client,
}

#[derive(Deserialize)]
struct Answer {
    embedding: Vec<f32>,
}

impl TitanEmbeddings {
    /// What Bedrock calls the model, and IAM `arn:aws:bedrock:{region}::foundation-model/{this}`.
    pub const MODEL: &str = MODEL;

    /// Makes the client. A call is one attempt: whoever embeds much has a budget for all of it.
    #[must_use]
    pub fn new(config: &AwsConfig) -> Self {
        let config = aws_sdk_bedrockruntime::config::Builder::from(config.sdk());
        Self { client: Client::from_conf(config.retry_config(RetryConfig::disabled()).build()) }
    }

    /// The vector of a text, of length one, in 1,024, 512 or 256 dimensions.
    ///
    /// There is no call for several texts:
    /// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html>.
    ///
    /// # Errors
    /// As any call. [`AwsError::Rejected`] for a text that is empty or too long, and in a region that lacks the model.
    pub async fn embed(&self, text: &str, dimensions: u32) -> Result<Vec<f32>, AwsError> {
        let body = json!({ "inputText": text, "dimensions": dimensions, "normalize": true });
        let request = self
            .client
            .invoke_model()
            .model_id(MODEL)
            .content_type("application/json")
            .accept("application/json")
            .body(Blob::new(body.to_string()));
        let answer = Box::pin(request.send()).await.map_err(AwsError::of)?;
        let answer = serde_json::from_slice::<Answer>(answer.body.as_ref());
        Ok(answer.map_err(|_| AwsError::incomplete("embedding"))?.embedding)
    }
}
