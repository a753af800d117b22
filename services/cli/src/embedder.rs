//! The choice of an embedder, as the commands take it.

#[cfg(any(feature = "bedrock", feature = "openai"))]
mod service;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use autri_db::{Database, tenancy};
use autri_retrieval::embed::{Embedder, EmbedderChoice};
#[cfg(feature = "dev-auth")]
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

#[cfg(any(feature = "bedrock", feature = "openai"))]
use self::service::ServiceArgs;
use crate::environment::Environment;
use crate::model::LocalModel;

/// What is embedded to see whether a model is there: a service is asked for it once, when its model is made known.
const TRIAL_TEXT: &str = "Autri makes documents searchable.";

/// How long that may take: some servers load a model when it is first asked. Embedding many documents is more patient.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(20);

/// How texts become vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EmbedderKind {
    /// Search by words alone
    None,
    /// Search by words and by meaning, with a static model that runs in process
    Static,
    /// The same with a sentence transformer that runs in process: finds more, and takes a core longer
    Transformer,
    /// The same with Titan, a model of Amazon Bedrock, which is sent the documents and the questions
    Bedrock,
    /// The same with a model behind any API like OpenAI's, which is sent the documents and the questions
    #[value(name = "openai")]
    OpenAi,
}

impl EmbedderKind {
    /// As the setting `AUTRI_EMBEDDER` spells it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Static => "static",
            Self::Transformer => "transformer",
            Self::Bedrock => "bedrock",
            Self::OpenAi => "openai",
        }
    }

    /// Takes the kinds that need this machine alone.
    #[cfg(feature = "dev-auth")]
    pub(crate) fn parse_local() -> impl TypedValueParser<Value = Self> {
        let values = [Self::None, Self::Static].iter().filter_map(Self::to_possible_value);
        PossibleValuesParser::new(values).try_map(|name| Self::from_str(&name, false))
    }
}

/// The options of commands that choose a model.
#[derive(Debug, Clone, Args)]
pub(crate) struct EmbedderArgs {
    /// How texts become vectors
    #[arg(long, value_enum, env = "AUTRI_EMBEDDER", default_value = "none")]
    pub(crate) embedder: EmbedderKind,
    #[command(flatten)]
    pub(crate) embedding: EmbeddingArgs,
}

/// The options of commands that use the model which a library has: where it is, and what it takes to ask it.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct EmbeddingArgs {
    /// The model's folder, if it runs in process [default: where `autri model install` puts it]
    #[arg(long, value_name = "DIR", env = "AUTRI_MODEL_DIR")]
    pub(crate) model_dir: Option<PathBuf>,
    #[cfg(any(feature = "bedrock", feature = "openai"))]
    #[command(flatten)]
    service: Box<ServiceArgs>,
}

impl EmbedderArgs {
    /// What was chosen.
    ///
    /// # Errors
    /// When the choice lacks something, or this build lacks the choice.
    pub(crate) fn choice(&self, environment: &Environment) -> anyhow::Result<EmbedderChoice> {
        self.embedding.choice(self.embedder, environment)
    }
}

impl EmbeddingArgs {
    /// An embedder of this kind.
    ///
    /// # Errors
    /// When the options lack something, or this build lacks the kind.
    pub(crate) fn choice(
        &self,
        kind: EmbedderKind,
        environment: &Environment,
    ) -> anyhow::Result<EmbedderChoice> {
        match kind {
            EmbedderKind::None => Ok(EmbedderChoice::None),
            EmbedderKind::Static => {
                Ok(EmbedderChoice::Static { folder: self.folder(LocalModel::Static, environment) })
            }
            #[cfg(feature = "transformer")]
            EmbedderKind::Transformer => {
                Ok(EmbedderChoice::Transformer { folder: self.folder(LocalModel::Transformer, environment) })
            }
            #[cfg(feature = "bedrock")]
            EmbedderKind::Bedrock => self.service.bedrock(),
            #[cfg(feature = "openai")]
            EmbedderKind::OpenAi => self.service.openai(environment),
            #[allow(unreachable_patterns, reason = "there is no other in a build with all features")]
            other => not_built(other),
        }
    }

    fn folder(&self, model: LocalModel, environment: &Environment) -> PathBuf {
        self.model_dir.clone().unwrap_or_else(|| model.default_dir(environment))
    }

    /// The embedder of the model with this id.
    fn choice_for(&self, model_id: &str, environment: &Environment) -> anyhow::Result<EmbedderChoice> {
        let kind = kind_of(model_id)?;
        #[cfg(feature = "bedrock")]
        if let Some(choice) = self.service.bedrock_for(model_id) {
            return Ok(choice);
        }
        #[cfg(feature = "openai")]
        if let Some(choice) = self.service.openai_for(model_id, environment) {
            return choice;
        }
        self.choice(kind, environment)
    }
}

fn not_built(kind: EmbedderKind) -> anyhow::Result<EmbedderChoice> {
    let kind = kind.as_str();
    bail!("this autri was built without the embedder `{kind}`: build it with --features {kind}")
}

/// What makes the vectors of the model `model_id`, which a library or a knowledge base has; `None` for no model.
///
/// # Errors
/// When it is not to be had with these options, or what is to be had makes other vectors.
pub(crate) fn open_for_model(
    model_id: &str,
    args: &EmbeddingArgs,
    environment: &Environment,
) -> anyhow::Result<Option<Arc<dyn Embedder>>> {
    let needed = || format!("vectors of the model {model_id} are needed");
    let choice = args.choice_for(model_id, environment).with_context(needed)?;
    let kind = kind_of(model_id)?.as_str();
    let embedder =
        choice.open().with_context(|| format!("{}: `autri model install {kind}` installs it", needed()))?;
    match &embedder {
        Some(embedder) if embedder.model_id() != model_id => {
            bail!("{}, and what is set up makes those of {}", needed(), embedder.model_id())
        }
        _ => Ok(embedder),
    }
}

/// By how the ids of each kind begin.
pub(crate) fn kind_of(model_id: &str) -> anyhow::Result<EmbedderKind> {
    match model_id {
        "none" => Ok(EmbedderKind::None),
        id if id.starts_with("static:") => Ok(EmbedderKind::Static),
        id if id.starts_with("transformer:") => Ok(EmbedderKind::Transformer),
        id if id.starts_with("amazon.titan-embed-text-v2:0/") => Ok(EmbedderKind::Bedrock),
        id if id.starts_with("openai:") => Ok(EmbedderKind::OpenAi),
        id => bail!("this autri does not know the embedding model {}", id.escape_debug()),
    }
}

/// Makes the chosen embedder's model known to the database, and gives its id: what a library is made with.
///
/// # Errors
/// When the model is not installed, and as for [`register`].
pub(crate) async fn register_model(database: &Database, choice: &EmbedderChoice) -> anyhow::Result<String> {
    let embedder = choice.open().context(
        "install it with `autri model install` (static, or transformer), or choose --embedder none",
    )?;
    register(database, embedder.as_deref()).await
}

/// Makes an embedder's model known to the database, and gives its id. Embeds one short text first, so that no library has a
/// model that nobody can ask.
///
/// # Errors
/// When the model's service refuses or gives other vectors, or the database refuses.
pub(crate) async fn register(database: &Database, embedder: Option<&dyn Embedder>) -> anyhow::Result<String> {
    let Some(embedder) = embedder else {
        return Ok(EmbedderKind::None.as_str().to_owned());
    };
    try_out(embedder).await?;
    let dimensions = u32::try_from(embedder.dimensions())?;
    tenancy::upsert_embedding_model(database, embedder.model_id(), dimensions).await?;
    Ok(embedder.model_id().to_owned())
}

async fn try_out(embedder: &dyn Embedder) -> anyhow::Result<()> {
    let model = embedder.model_id();
    let texts = [TRIAL_TEXT.to_owned()];
    let vectors = tokio::time::timeout(TRIAL_TIMEOUT, embedder.embed_documents(&texts)).await;
    let vectors = vectors.with_context(|| {
        let secs = TRIAL_TIMEOUT.as_secs();
        format!("the embedding model {model} gave no vector within {secs} s: is its service there, and reachable from here?")
    })?;
    let vectors = vectors.with_context(|| format!("the embedding model {model} does not work"))?;
    match &vectors[..] {
        [Some(vector)] if vector.len() == embedder.dimensions() => Ok(()),
        _ => bail!("the embedding model {model} gave no vector of {} dimensions", embedder.dimensions()),
    }
}
