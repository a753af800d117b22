//! Texts to vectors.

#[cfg(feature = "bedrock")]
pub mod bedrock;
mod choice;
mod error;
pub mod install;
mod installed;
#[cfg(feature = "openai")]
pub mod openai;
mod price;
#[cfg(any(feature = "bedrock", feature = "openai"))]
mod service;
mod static_model;
#[cfg(feature = "transformer")]
mod transformer;

use std::fmt::Debug;

use async_trait::async_trait;

pub use choice::EmbedderChoice;
pub use error::EmbedError;
pub use price::{Estimate, Price};
pub use static_model::StaticEmbedder;
#[cfg(feature = "transformer")]
pub use transformer::TransformerEmbedder;

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

    /// What a service asks for it; `None` where it costs nothing.
    fn price(&self) -> Option<Price> {
        None
    }

    /// One vector a text, in order; `None` where a text has no meaning to the model (an empty one, say): a vector of
    /// zeros or of NaN must never be stored.
    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError>;

    /// The vector of a question.
    async fn embed_query(&self, text: &str) -> Result<Option<Vec<f32>>, EmbedError>;
}

/// The texts' vectors as [`Embedder::embed_documents`] makes them, and as it says that they are: in number, and in length. With one
/// too few, each text behind the gap would be stored with the vector of another.
pub(crate) async fn embed_documents(
    embedder: &dyn Embedder,
    texts: &[String],
) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
    let vectors = embedder.embed_documents(texts).await?;
    let (expected, found) = (texts.len(), vectors.len());
    let dimensions = embedder.dimensions();
    if found != expected || vectors.iter().flatten().any(|vector| vector.len() != dimensions) {
        return Err(EmbedError::WrongVectors { model: embedder.model_id().to_owned(), expected, found });
    }
    Ok(vectors)
}

/// The vector at length one, since the database measures the angle between such. `None` if it says nothing: zeros, infinities and
/// NaN have no direction.
fn normalised(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    for value in &mut vector {
        *value /= norm;
    }
    (norm.is_finite() && norm > 1e-6).then_some(vector)
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn vectors_without_direction_are_none() {
        for vector in [vec![], vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::INFINITY, 0.0], vec![1e-9, 0.0]]
        {
            assert_eq!(normalised(vector.clone()), None, "{vector:?}");
        }
        assert_eq!(normalised(vec![3.0, 4.0]), Some(vec![0.6, 0.8]));
    }
}
