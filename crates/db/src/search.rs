//! Hybrid search in one statement (`search.sql`): BM25 over the postings, the nearest vectors, and their convex combination.
//!
//! Why postings and not a GIN index, why an exact scan and not HNSW, and why codes first in a large library: `docs/adr/0002`,
//! `0003` and `0015`.

use autri_domain::{DocumentId, KnowledgeBaseId};
use chrono::{DateTime, Utc};

use crate::ingest::vector_literal;
use crate::{DbError, ScopedTx};

/// How many results of a search can be had at most: each leg gives a few hundred candidates.
pub const MAX_CANDIDATES: u32 = 200;

/// A search, its operators already taken apart. The default one has no words and no filter, and asks for no results.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchRequest {
    /// The words that rank, those of phrases and groups included.
    pub words: String,
    /// Each of these must occur.
    pub phrases: Vec<String>,
    /// None of these may occur.
    pub negated: Vec<String>,
    /// Of each group, one must occur.
    pub any_of: Vec<Vec<String>>,
    /// Only this knowledge base.
    pub knowledge_base_id: Option<KnowledgeBaseId>,
    /// Only this document.
    pub document_id: Option<DocumentId>,
    /// Only documents that changed after this time.
    pub updated_after: Option<DateTime<Utc>>,
    /// The question's vector in the library's model, and the weight of BM25 beside it (0 to 1). None: BM25 alone.
    pub vector: Option<QueryVector>,
    /// Results to skip. Together with `limit` at most [`MAX_CANDIDATES`] are looked at.
    pub offset: u32,
    /// Results to return.
    pub limit: u32,
}

/// A question's vector.
#[derive(Debug, Clone, PartialEq)]
pub struct QueryVector {
    /// The model that made it. It is compared with no other's vectors, whatever model the library has got since.
    pub model: String,
    /// Of the model's dimensions and of length 1.
    pub values: Vec<f32>,
    /// BM25's share of the score, 0 to 1; the vector has the rest.
    pub lexical_weight: f64,
}

/// A chunk that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Its document.
    pub document_id: DocumentId,
    /// Its place there, from 0.
    pub ordinal: i32,
    /// SHA-256 of its content.
    pub content_hash: Vec<u8>,
    /// Where the document came from: its name within the knowledge base.
    pub source_key: String,
    /// The document's title.
    pub title: String,
    /// Where people can read the document, if anywhere.
    pub source_url: Option<String>,
    /// The headings above the chunk.
    pub heading_path: Vec<String>,
    /// Its page, where the format has pages.
    pub page: Option<i32>,
    /// Its text.
    pub body: String,
    /// When the document's source last changed.
    pub updated_at: DateTime<Utc>,
    /// 0 to 1, comparable within one search only.
    pub score: f64,
    /// Whether it has a word of the question, in its title, its headings or its text. Of a question that is very long, one of
    /// the 64 rarest.
    pub has_words: bool,
}

/// The best chunks of the scope for a question, best first; equal scores in the order in which they were stored.
pub async fn search(tx: &mut ScopedTx, request: &SearchRequest) -> Result<Vec<Hit>, DbError> {
    let (vector, lexical_weight) = match &request.vector {
        Some(vector) => (Some(vector_literal(&vector.values)), vector.lexical_weight),
        None => (None, 1.0),
    };
    let embedding_model = request.vector.as_ref().map(|vector| vector.model.as_str());
    let groups: serde_json::Value = request.any_of.iter().cloned().collect();
    let limit = request.limit.min(MAX_CANDIDATES.saturating_sub(request.offset));
    let hits = sqlx::query_file_as!(
        Hit,
        "src/search.sql",
        request.words,
        vector,
        &request.phrases,
        &request.negated,
        groups,
        request.knowledge_base_id.map(KnowledgeBaseId::as_uuid),
        request.document_id.map(DocumentId::as_uuid),
        request.updated_after,
        lexical_weight,
        i64::from(request.offset),
        i64::from(limit),
        embedding_model,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(hits)
}
