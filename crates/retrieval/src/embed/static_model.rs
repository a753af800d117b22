//! A static model (model2vec): a vector a token, averaged. No network, no transformer, microseconds a text.

use std::path::Path;

use async_trait::async_trait;
use model2vec_rs::model::StaticModel;
use tokio::task::spawn_blocking;

use super::installed::{Installed, ModelError};
use super::{EmbedError, Embedder, normalised};

/// How much of a text is read, in bytes. The mean of more tokens than that hardly moves.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// How many tokens of a text are averaged.
const MAX_TOKENS: usize = 1_024;

/// A static model alone is weaker than BM25, and adds most at this weight: docs/adr/0003.
const LEXICAL_WEIGHT: f32 = 0.75;

/// An embedder that reads its model from a folder, on first use.
#[derive(Debug)]
pub struct StaticEmbedder {
    installed: Installed<StaticModel>,
}

impl StaticEmbedder {
    /// Reads what the folder's manifest says; the model itself is loaded by the first call that needs it (some tens of milliseconds).
    pub fn open(folder: &Path) -> Result<Self, EmbedError> {
        Ok(Self { installed: Installed::open(folder)? })
    }

    async fn loaded(&self) -> Result<&StaticModel, EmbedError> {
        self.installed.loaded(load).await
    }
}

fn load(folder: &Path, dimensions: usize) -> Result<StaticModel, ModelError> {
    // Eight bits a weight: a quarter of the memory, and the same ranking in every test.
    let model = StaticModel::from_pretrained(folder, None, None, None)?.quantize_int8();
    if model.dim() != dimensions {
        return Err(
            format!("the model has {} dimensions, its manifest says {dimensions}", model.dim()).into()
        );
    }
    Ok(model)
}

#[async_trait]
impl Embedder for StaticEmbedder {
    fn model_id(&self) -> &str {
        &self.installed.manifest.model_id
    }

    fn dimensions(&self) -> usize {
        self.installed.manifest.dimensions
    }

    fn lexical_weight(&self) -> f32 {
        LEXICAL_WEIGHT
    }

    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        let model = self.loaded().await?.clone();
        let texts: Vec<String> = texts.iter().map(|text| beginning(text).to_owned()).collect();
        let encoding =
            spawn_blocking(move || model.encode_with_args(&texts, Some(MAX_TOKENS), texts.len().max(1)));
        Ok(encoding.await.map_err(EmbedError::Failed)?.into_iter().map(normalised).collect())
    }

    async fn embed_query(&self, text: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        // In place: it takes some thirty microseconds, less than a thread's wake-up.
        Ok(normalised(self.loaded().await?.encode_single(beginning(text))))
    }
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}
