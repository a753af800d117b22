//! Which embedder a binary was told to use.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(any(feature = "bedrock", feature = "openai"))]
use autri_domain::SystemClock;

#[cfg(feature = "transformer")]
use super::TransformerEmbedder;
#[cfg(feature = "bedrock")]
use super::bedrock::{self, BedrockSettings};
#[cfg(feature = "openai")]
use super::openai::{self, OpenAiSettings};
use super::{EmbedError, Embedder, StaticEmbedder};

/// The setting. More kinds come with features.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum EmbedderChoice {
    /// Lexical search only.
    None,
    /// The static model in a folder.
    Static {
        /// As `install_from_wheel` leaves it.
        folder: PathBuf,
    },
    /// The sentence transformer in a folder.
    #[cfg(feature = "transformer")]
    Transformer {
        /// As `install_from_wheel` leaves it.
        folder: PathBuf,
    },
    /// Titan, by Amazon Bedrock.
    #[cfg(feature = "bedrock")]
    Bedrock(BedrockSettings),
    /// A model behind an endpoint that speaks OpenAI's API.
    #[cfg(feature = "openai")]
    OpenAi(OpenAiSettings),
}

impl EmbedderChoice {
    /// The embedder. Reads a model's manifest and not yet the model; connects nowhere.
    ///
    /// # Errors
    /// [`EmbedError::NotInstalled`] when there is no model in the folder.
    pub fn open(&self) -> Result<Option<Arc<dyn Embedder>>, EmbedError> {
        Ok(Some(match self {
            Self::None => return Ok(None),
            Self::Static { folder } => Arc::new(StaticEmbedder::open(folder)?),
            #[cfg(feature = "transformer")]
            Self::Transformer { folder } => Arc::new(TransformerEmbedder::open(folder)?),
            #[cfg(feature = "bedrock")]
            Self::Bedrock(settings) => Arc::new(bedrock::embedder(*settings, Arc::new(SystemClock))),
            #[cfg(feature = "openai")]
            Self::OpenAi(settings) => Arc::new(openai::embedder(settings, Arc::new(SystemClock))),
        }))
    }
}
