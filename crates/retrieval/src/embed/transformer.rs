//! A sentence transformer, all-MiniLM-L6-v2: better vectors than a static model's, at some ten milliseconds of a core a
//! question and sixty a passage. No network, no service.

mod encoder;
mod graph;
mod weights;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::installed::Installed;
use super::{EmbedError, Embedder};
use encoder::Encoder;

/// As strong alone as BM25 is. With 0.6 the ranking is the same within what two halves of the queries differ: docs/adr/0013.
const LEXICAL_WEIGHT: f32 = 0.5;

/// An embedder that reads its model from a folder, on first use.
#[derive(Debug)]
pub struct TransformerEmbedder {
    installed: Installed<Arc<Encoder>>,
    /// How many texts are worked on at once, and by how many threads: the cores that this process may use.
    cores: NonZeroUsize,
    /// One permit a text that is being worked on, whoever asked. Without it a crowd of questions would take the whole
    /// blocking pool, which is there for others too, and all of them would be answered late.
    places: Arc<Semaphore>,
}

impl TransformerEmbedder {
    /// Reads what the folder's manifest says; the model itself is loaded by the first call that needs it (some hundred milliseconds).
    pub fn open(folder: &Path) -> Result<Self, EmbedError> {
        let cores = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let places = Arc::new(Semaphore::new(cores.get()));
        Ok(Self { installed: Installed::open(folder)?, cores, places })
    }

    async fn loaded(&self) -> Result<&Arc<Encoder>, EmbedError> {
        let threads = self.cores;
        let load = move |folder: &Path, dimensions| Encoder::load(folder, dimensions, threads).map(Arc::new);
        self.installed.loaded(load).await
    }

    /// One text, on the blocking pool. Who stops waiting before its turn costs nothing; after that, one text's work.
    async fn embed(&self, text: String) -> Result<Option<Vec<f32>>, EmbedError> {
        let encoder = Arc::clone(self.loaded().await?);
        let place = Arc::clone(&self.places).acquire_owned().await;
        let work = spawn_blocking(move || {
            let vector = encoder.embed(&text);
            // Held by the work and not by who waits for it: work that nobody waits for any more takes a core still.
            drop(place);
            vector
        });
        let vector = work.await.map_err(EmbedError::Failed)?;
        vector.map_err(|source| self.installed.unusable(source))
    }
}

#[async_trait]
impl Embedder for TransformerEmbedder {
    fn model_id(&self) -> &str {
        &self.installed.manifest.model_id
    }

    fn dimensions(&self) -> usize {
        self.installed.manifest.dimensions
    }

    fn lexical_weight(&self) -> f32 {
        LEXICAL_WEIGHT
    }

    /// Text by text, as many at once as there are cores: on a CPU, batches that are padded to a common length gain
    /// nothing (measured at 8: 17.4 a second against 17.3), and a call that is given up ends after the text in work.
    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        let work: Vec<_> = texts.iter().map(|text| self.embed(text.clone())).collect();
        stream::iter(work).buffered(self.cores.get()).try_collect().await
    }

    /// A question is embedded as a passage is: the model was trained that way.
    async fn embed_query(&self, text: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        self.embed(text.to_owned()).await
    }
}

#[cfg(test)]
mod tests;
