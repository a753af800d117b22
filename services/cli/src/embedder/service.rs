//! Embedders that ask a service: what it takes to reach one. Its key is in the environment alone.

#[cfg(feature = "openai")]
use anyhow::Context as _;
use autri_retrieval::embed::EmbedderChoice;
#[cfg(feature = "bedrock")]
use autri_retrieval::embed::bedrock::{BedrockSettings, TitanDimensions};
#[cfg(feature = "openai")]
use autri_retrieval::embed::openai::{ApiKey, EndpointUrl, OpenAiModel, OpenAiSettings, Prefix};
use clap::Args;

#[cfg(feature = "openai")]
use crate::environment::Environment;

/// The options of embedding services.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct ServiceArgs {
    /// The base URL of an API like OpenAI's: `https://api.openai.com/v1`. Its key is `AUTRI_EMBEDDING_API_KEY`
    #[cfg(feature = "openai")]
    #[arg(id = "embedding-url", long = "embedding-url", value_name = "URL", env = "AUTRI_EMBEDDING_URL")]
    url: Option<EndpointUrl>,
    /// The name of the model behind --embedding-url
    #[cfg(feature = "openai")]
    #[arg(
        id = "embedding-model",
        long = "embedding-model",
        value_name = "NAME",
        env = "AUTRI_EMBEDDING_MODEL"
    )]
    model: Option<String>,
    /// The length of the vectors [default: the model's own, where it is known]
    #[arg(
        id = "embedding-dimensions",
        long = "embedding-dimensions",
        value_name = "NUMBER",
        env = "AUTRI_EMBEDDING_DIMENSIONS"
    )]
    dimensions: Option<usize>,
    /// What the model behind --embedding-url wants before a question, such as `query: `
    #[cfg(feature = "openai")]
    #[arg(
        id = "embedding-query-prefix",
        long = "embedding-query-prefix",
        value_name = "TEXT",
        env = "AUTRI_EMBEDDING_QUERY_PREFIX"
    )]
    query_prefix: Option<Prefix>,
    /// What the model behind --embedding-url wants before a document's text, such as `passage: `
    #[cfg(feature = "openai")]
    #[arg(
        id = "embedding-document-prefix",
        long = "embedding-document-prefix",
        value_name = "TEXT",
        env = "AUTRI_EMBEDDING_DOCUMENT_PREFIX"
    )]
    document_prefix: Option<Prefix>,
    /// What a million tokens cost, in US dollars [default: the list price, where it is known]
    #[arg(
        id = "embedding-price",
        long = "embedding-price",
        value_name = "USD",
        env = "AUTRI_EMBEDDING_PRICE",
        value_parser = parse_price
    )]
    price: Option<f64>,
}

impl ServiceArgs {
    /// Titan, by Amazon Bedrock; region and credentials are the environment's.
    #[cfg(feature = "bedrock")]
    pub(super) fn bedrock(&self) -> anyhow::Result<EmbedderChoice> {
        let dimensions = self.dimensions.map(TitanDimensions::try_from).transpose()?;
        Ok(self.bedrock_with(dimensions.unwrap_or_default()))
    }

    /// The model with this id, if it is Titan's.
    #[cfg(feature = "bedrock")]
    pub(super) fn bedrock_for(&self, model_id: &str) -> Option<EmbedderChoice> {
        TitanDimensions::parse_id(model_id).map(|dimensions| self.bedrock_with(dimensions))
    }

    #[cfg(feature = "bedrock")]
    fn bedrock_with(&self, dimensions: TitanDimensions) -> EmbedderChoice {
        EmbedderChoice::Bedrock(BedrockSettings { dimensions, usd_per_million_tokens: self.price })
    }

    /// A model behind an endpoint that speaks OpenAI's API.
    #[cfg(feature = "openai")]
    pub(super) fn openai(&self, environment: &Environment) -> anyhow::Result<EmbedderChoice> {
        let name = self.model.as_deref();
        let name =
            name.context("name the model: --embedding-model text-embedding-3-small (AUTRI_EMBEDDING_MODEL)")?;
        self.openai_with(name, self.dimensions, environment)
    }

    /// The model with this id, if it is such a one.
    #[cfg(feature = "openai")]
    pub(super) fn openai_for(
        &self,
        model_id: &str,
        environment: &Environment,
    ) -> Option<anyhow::Result<EmbedderChoice>> {
        let (name, dimensions) = OpenAiModel::parse_id(model_id)?;
        Some(self.openai_with(name, Some(dimensions), environment))
    }

    #[cfg(feature = "openai")]
    fn openai_with(
        &self,
        name: &str,
        dimensions: Option<usize>,
        environment: &Environment,
    ) -> anyhow::Result<EmbedderChoice> {
        let url = self.url.clone();
        let url = url.context(
            "say where the model is: --embedding-url https://api.openai.com/v1 (AUTRI_EMBEDDING_URL)",
        )?;
        let key = environment.embedding_api_key.clone().map(ApiKey::new).transpose();
        let key = key.context("AUTRI_EMBEDDING_API_KEY is not usable")?;
        let prefix = |prefix: &Option<Prefix>| prefix.clone().unwrap_or_default();
        let (question, document) = (prefix(&self.query_prefix), prefix(&self.document_prefix));
        let model = OpenAiModel::new(name, dimensions, question, document)?;
        let usd_per_million_tokens = self.price;
        Ok(EmbedderChoice::OpenAi(OpenAiSettings { url, key, model, usd_per_million_tokens }))
    }
}

fn parse_price(text: &str) -> Result<f64, &'static str> {
    let price = text.parse().ok().filter(|price: &f64| price.is_finite() && *price >= 0.0);
    price.ok_or("a price is a number from 0 on, such as 0.02")
}
