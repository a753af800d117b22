//! From a question to a search: its operators taken apart, its vector made.

use std::sync::Arc;

use autri_db::TenantScope;
use autri_db::search::{QueryVector, SearchRequest};

use crate::embed::{EmbedError, Embedder};
use crate::query::ParsedQuery;
pub use crate::query::QueryError;

/// Says that results were found by words alone, because this server lacks the library's model.
const NO_SUCH_MODEL: &str = "found by words alone: this server does not have the library's embedding model";
/// Says that results were found by words alone, because the model's service is away. Asking again may help.
const SERVICE_AWAY: &str = "found by words alone: the embedding service did not answer in time";
/// Says that results were found by words alone, because the model failed. Asking again does not help.
const MODEL_FAILED: &str = "found by words alone: the embedding model could not be used";

/// What a search goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    /// Words.
    Lexical,
    /// Meaning.
    Vector,
    /// Both, with the embedder's weight.
    Hybrid,
}

/// A question, ready to be searched for.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The request, with no filter but the question's own operators. It asks for no results yet: whoever sends it sets the
    /// limit.
    pub request: SearchRequest,
    /// What a caller should know of how it was understood.
    pub note: Option<&'static str>,
}

/// Turns questions into searches.
#[derive(Debug, Clone)]
pub struct Retriever {
    embedder: Option<Arc<dyn Embedder>>,
}

impl Retriever {
    /// With an embedder, or for lexical search only.
    #[must_use]
    pub fn new(embedder: Option<Arc<dyn Embedder>>) -> Self {
        Self { embedder }
    }

    /// Takes a question apart and embeds it with the library's model. If that is not to be had the question is asked by
    /// its words, and the note says so.
    ///
    /// # Errors
    /// [`QueryError`] for a question that cannot be asked.
    pub async fn question(&self, scope: &TenantScope, query: &str, leg: Leg) -> Result<Question, QueryError> {
        let parsed = ParsedQuery::parse(query)?;
        let (vector, note) = match leg {
            Leg::Lexical => (None, None),
            Leg::Vector | Leg::Hybrid => self.vector(scope, &parsed.words, leg).await,
        };
        let request = SearchRequest {
            words: parsed.words,
            phrases: parsed.phrases,
            negated: parsed.negated,
            any_of: parsed.any_of,
            vector,
            ..SearchRequest::default()
        };
        Ok(Question { request, note })
    }

    async fn vector(
        &self,
        scope: &TenantScope,
        words: &str,
        leg: Leg,
    ) -> (Option<QueryVector>, Option<&'static str>) {
        if scope.embedding_dimensions == 0 {
            return (None, None);
        }
        let embedder = self.embedder.as_ref().filter(|embedder| embedder.model_id() == scope.embedding_model);
        let Some(embedder) = embedder else { return (None, Some(NO_SUCH_MODEL)) };
        let lexical_weight = if leg == Leg::Vector { 0.0 } else { f64::from(embedder.lexical_weight()) };
        match embedder.embed_query(words).await {
            Ok(values) => {
                let model = embedder.model_id().to_owned();
                (values.map(|values| QueryVector { model, values, lexical_weight }), None)
            }
            Err(error) => (None, Some(note_on(&error))),
        }
    }
}

/// What the reader of the results is told of a failure: nothing of addresses or accounts. The log has those.
fn note_on(error: &EmbedError) -> &'static str {
    match error {
        // The failures before it are in the log; this one is only spared a question.
        EmbedError::Paused { .. } => {
            tracing::debug!(error = error as &dyn std::error::Error, "a question was not embedded");
            SERVICE_AWAY
        }
        EmbedError::Unreachable { .. } | EmbedError::Throttled { .. } => {
            tracing::error!(error = error as &dyn std::error::Error, "a question could not be embedded");
            SERVICE_AWAY
        }
        EmbedError::NotInstalled { .. }
        | EmbedError::NotLoaded { .. }
        | EmbedError::Failed(_)
        | EmbedError::Refused { .. }
        | EmbedError::BadAnswer { .. }
        | EmbedError::WrongDimensions { .. }
        | EmbedError::WrongVectors { .. } => {
            tracing::error!(error = error as &dyn std::error::Error, "a question could not be embedded");
            MODEL_FAILED
        }
    }
}
