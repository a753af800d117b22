//! A static model (model2vec): a vector a token, averaged. No network, no transformer, microseconds a text.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use model2vec_rs::model::StaticModel;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use super::install::{InstalledModel, read_manifest};
use super::{EmbedError, Embedder, meaningful};

/// How much of a text is read, in bytes. The mean of more tokens than that hardly moves.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// How many tokens of a text are averaged.
const MAX_TOKENS: usize = 1_024;

/// A static model alone is weaker than BM25, and adds most at this weight: docs/adr/0003.
const LEXICAL_WEIGHT: f32 = 0.75;

/// An embedder that reads its model from a folder, on first use.
#[derive(Debug)]
pub struct StaticEmbedder {
    folder: PathBuf,
    installed: InstalledModel,
    model: OnceCell<StaticModel>,
}

impl StaticEmbedder {
    /// Reads what the folder's manifest says; the model itself is loaded by the first call that needs it.
    pub fn open(folder: &Path) -> Result<Self, EmbedError> {
        let not_installed = |source| EmbedError::NotInstalled { folder: folder.to_owned(), source };
        let installed = read_manifest(folder).map_err(not_installed)?;
        Ok(Self { folder: folder.to_owned(), installed, model: OnceCell::new() })
    }

    /// Loads the model now, so that the first question does not wait for it (some tens of milliseconds).
    pub async fn preload(&self) -> Result<(), EmbedError> {
        self.loaded().await.map(|_| ())
    }

    /// A failure is not kept: the next call tries again.
    async fn loaded(&self) -> Result<&StaticModel, EmbedError> {
        self.model.get_or_try_init(|| self.load()).await
    }

    async fn load(&self) -> Result<StaticModel, EmbedError> {
        let (folder, dimensions) = (self.folder.clone(), self.installed.dimensions);
        let loading = spawn_blocking(move || load(&folder, dimensions));
        let loaded = loading.await.map_err(EmbedError::Failed)?;
        loaded.map_err(|source| EmbedError::NotLoaded { folder: self.folder.clone(), source })
    }
}

fn load(folder: &Path, dimensions: usize) -> Result<StaticModel, Box<dyn std::error::Error + Send + Sync>> {
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
        &self.installed.model_id
    }

    fn dimensions(&self) -> usize {
        self.installed.dimensions
    }

    fn lexical_weight(&self) -> f32 {
        LEXICAL_WEIGHT
    }

    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        let model = self.loaded().await?.clone();
        let texts: Vec<String> = texts.iter().map(|text| beginning(text).to_owned()).collect();
        let encoding =
            spawn_blocking(move || model.encode_with_args(&texts, Some(MAX_TOKENS), texts.len().max(1)));
        Ok(encoding.await.map_err(EmbedError::Failed)?.into_iter().map(meaningful).collect())
    }

    async fn embed_query(&self, text: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        // In place: it takes some thirty microseconds, less than a thread's wake-up.
        Ok(meaningful(self.loaded().await?.encode_single(beginning(text))))
    }
}

fn beginning(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT_BYTES)]
}
