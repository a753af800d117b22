//! The choice of an embedder, as the commands take it.

use std::path::PathBuf;

use anyhow::Context as _;
use autri_db::{Database, tenancy};
use autri_retrieval::embed::EmbedderChoice;
use clap::{Args, ValueEnum};

use crate::environment::Environment;
use crate::model;

/// How texts become vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EmbedderKind {
    /// Search by words alone
    None,
    /// Search by words and by meaning, with a static model that runs in process
    Static,
}

impl EmbedderKind {
    /// As the setting `AUTRI_EMBEDDER` spells it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Static => "static",
        }
    }
}

/// The options of commands that make or use vectors.
#[derive(Debug, Clone, Args)]
pub(crate) struct EmbedderArgs {
    /// How texts become vectors
    #[arg(long, value_enum, env = "AUTRI_EMBEDDER", default_value = "none")]
    pub(crate) embedder: EmbedderKind,
    /// The static model's folder [default: where `autri model install` puts it]
    #[arg(long, value_name = "DIR", env = "AUTRI_MODEL_DIR")]
    pub(crate) model_dir: Option<PathBuf>,
}

impl EmbedderArgs {
    /// What was chosen.
    pub(crate) fn choice(&self, environment: &Environment) -> EmbedderChoice {
        match self.embedder {
            EmbedderKind::None => EmbedderChoice::None,
            EmbedderKind::Static => EmbedderChoice::Static {
                folder: self.model_dir.clone().unwrap_or_else(|| model::default_dir(environment)),
            },
        }
    }
}

/// Makes the chosen embedder's model known to the database, and gives its id: what a library is made with.
///
/// # Errors
/// When the static model is not installed, or the database refuses.
pub(crate) async fn register_model(database: &Database, choice: &EmbedderChoice) -> anyhow::Result<String> {
    let Some(embedder) =
        choice.open().context("install it with `autri model install`, or choose --embedder none")?
    else {
        return Ok(EmbedderKind::None.as_str().to_owned());
    };
    let dimensions = u32::try_from(embedder.dimensions())?;
    tenancy::upsert_embedding_model(database, embedder.model_id(), dimensions).await?;
    Ok(embedder.model_id().to_owned())
}
