//! Texts to vectors.

mod choice;
pub mod install;
mod static_model;

use std::fmt::Debug;

use async_trait::async_trait;

pub use choice::EmbedderChoice;
pub use static_model::StaticEmbedder;

/// What turns texts into vectors. A library has one, and its vectors are never mixed with another's.
///
/// Async, because an embedder may be a service; a local one does its small work in place and its large work on the
/// blocking pool.
#[async_trait]
pub trait Embedder: Debug + Send + Sync {
    /// What made a vector: stored with it, and different for any two models whose vectors cannot be compared.
    fn model_id(&self) -> &str;

    /// The length of every vector.
    fn dimensions(&self) -> usize;

    /// The weight of the lexical score against the vector score in hybrid search, from 0 to 1.
    fn lexical_weight(&self) -> f32;

    /// One vector a text, in order; `None` where a text has no meaning to the model (an empty one, say): a vector of
    /// zeros or of NaN must never be stored.
    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError>;

    /// The vector of a question.
    async fn embed_query(&self, text: &str) -> Result<Option<Vec<f32>>, EmbedError>;
}

/// Why there is no vector.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// Install the model (again), or search without vectors.
    #[error("no embedding model in {folder}", folder = folder.display())]
    NotInstalled {
        /// Where it was looked for.
        folder: std::path::PathBuf,
        /// What is missing or broken.
        #[source]
        source: install::InstallError,
    },
    /// The files are there and cannot be used: install the model again. Tried again on the next call.
    #[error("cannot load the embedding model from {folder}", folder = folder.display())]
    NotLoaded {
        /// The model's folder.
        folder: std::path::PathBuf,
        /// What the loader says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A bug: the model's work was stopped or panicked.
    #[error("embedding failed")]
    Failed(#[source] tokio::task::JoinError),
}

/// The vector, unless it says nothing: zeros, infinities and NaN have no direction.
fn meaningful(vector: Vec<f32>) -> Option<Vec<f32>> {
    let norm: f32 = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    (norm.is_finite() && norm > 1e-6).then_some(vector)
}

#[cfg(test)]
mod tests {
    use super::meaningful;

    #[test]
    fn vectors_without_direction_are_none() {
        for vector in [vec![], vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY, 0.0], vec![1e-9, 0.0]]
        {
            assert_eq!(meaningful(vector.clone()), None, "{vector:?}");
        }
        assert_eq!(meaningful(vec![0.6, 0.8]), Some(vec![0.6, 0.8]));
    }
}
