//! Embedders that misbehave or wait: the one place in a call where a test can stand without a hook in the server.

use std::sync::Arc;

use async_trait::async_trait;
use autri_retrieval::embed::{EmbedError, Embedder};
use tokio::sync::Semaphore;

use super::soon;

/// The model that a tenant's library must have to be asked.
pub(crate) const MODEL: &str = "a-model-of-the-tests";
pub(crate) const DIMENSIONS: u32 = 3;

/// An embedder with a bug.
#[derive(Debug)]
pub(crate) struct PanickingEmbedder;

/// An embedder that begins, and ends when it is told to.
#[derive(Debug)]
pub(crate) struct StoppedEmbedder {
    begun: Semaphore,
    may_end: Semaphore,
}

impl StoppedEmbedder {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { begun: Semaphore::new(0), may_end: Semaphore::new(0) })
    }

    /// Returns when a question is being embedded.
    pub(crate) async fn has_begun(&self) {
        soon("a question is embedded", self.begun.acquire()).await.unwrap().forget();
    }

    /// Lets one question be embedded.
    pub(crate) fn let_one_end(&self) {
        self.may_end.add_permits(1);
    }
}

#[async_trait]
impl Embedder for PanickingEmbedder {
    fn model_id(&self) -> &str {
        MODEL
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS as usize
    }

    fn lexical_weight(&self) -> f32 {
        0.5
    }

    async fn embed_documents(&self, _texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        panic!("an embedder with a bug")
    }

    async fn embed_query(&self, _text: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        panic!("an embedder with a bug")
    }
}

#[async_trait]
impl Embedder for StoppedEmbedder {
    fn model_id(&self) -> &str {
        MODEL
    }

    fn dimensions(&self) -> usize {
        DIMENSIONS as usize
    }

    fn lexical_weight(&self) -> f32 {
        0.5
    }

    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        Ok(texts.iter().map(|_| Some(vec![1.0, 0.0, 0.0])).collect())
    }

    async fn embed_query(&self, _text: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        self.begun.add_permits(1);
        self.may_end.acquire().await.unwrap().forget();
        Ok(Some(vec![1.0, 0.0, 0.0]))
    }
}
