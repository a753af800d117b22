//! Reading content inside a scope: knowledge bases, documents, chunks. (Finding chunks is `search`.)

use autri_domain::{ChunkRef, DocumentId, KnowledgeBaseId};
use chrono::{DateTime, Utc};

use crate::{DbError, ScopedTx};

/// A knowledge base of the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnowledgeBaseSummary {
    /// Its id.
    pub id: KnowledgeBaseId,
    /// Its name.
    pub name: String,
    /// How many documents it holds.
    pub document_count: i64,
    /// When its newest document last changed; none while it is empty.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A document of the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentSummary {
    /// Its id.
    pub id: DocumentId,
    /// The knowledge base it is in.
    pub knowledge_base_id: KnowledgeBaseId,
    /// Where it came from: its name within the knowledge base.
    pub source_key: String,
    /// Its title.
    pub title: String,
    /// Where it can be read by people, if anywhere.
    pub source_url: Option<String>,
    /// The length of its cleaned text, in bytes.
    pub byte_count: i64,
    /// How many chunks it has.
    pub chunk_count: i32,
    /// When its source last changed.
    pub updated_at: DateTime<Utc>,
}

/// A chunk with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its place in the document, from 0.
    pub ordinal: i32,
    /// The headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// Its page, where the format has pages; from 1.
    pub page: Option<i32>,
    /// Its text.
    pub body: String,
    /// SHA-256 of its content.
    pub content_hash: Vec<u8>,
}

/// The scope's knowledge bases: their ids, and the names that people gave them.
pub async fn knowledge_base_names(tx: &mut ScopedTx) -> Result<Vec<(KnowledgeBaseId, String)>, DbError> {
    let library_id = tx.scope().library_id.as_uuid();
    let rows = sqlx::query!(
        "SELECT k.id, k.name FROM knowledge_bases k
         WHERE k.id = ANY (scope_knowledge_base_ids()) AND scope_library_id() = $1
         ORDER BY k.name",
        library_id,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.name)).collect())
}

/// The scope's knowledge bases by name, with what is in them.
pub async fn list_knowledge_bases(tx: &mut ScopedTx) -> Result<Vec<KnowledgeBaseSummary>, DbError> {
    let library_id = tx.scope().library_id.as_uuid();
    let rows = sqlx::query_as!(
        KnowledgeBaseSummary,
        r#"SELECT k.id, k.name, count(d.id) AS "document_count!", max(d.updated_at) AS updated_at
           FROM knowledge_bases k LEFT JOIN documents d ON d.knowledge_base_id = k.id
           WHERE k.id = ANY (scope_knowledge_base_ids()) AND scope_library_id() = $1
           GROUP BY k.id, k.name
           ORDER BY k.name, k.id"#,
        library_id,
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows)
}

/// One page of the scope's documents, by title; of one knowledge base if that is given.
pub async fn list_documents(
    tx: &mut ScopedTx,
    knowledge_base_id: Option<KnowledgeBaseId>,
    offset: u32,
    limit: u32,
) -> Result<Vec<DocumentSummary>, DbError> {
    let rows = sqlx::query_as!(
        DocumentSummary,
        r#"SELECT d.id, d.knowledge_base_id, d.source_key, d.title, d.source_url, d.byte_count, d.chunk_count,
                  d.updated_at
           FROM documents d
           WHERE d.knowledge_base_id = ANY ((SELECT scope_knowledge_base_ids())::uuid[])
             AND ($1::uuid IS NULL OR d.knowledge_base_id = $1)
           ORDER BY d.title, d.id
           OFFSET $2 LIMIT $3"#,
        knowledge_base_id.map(KnowledgeBaseId::as_uuid),
        i64::from(offset),
        i64::from(limit),
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows)
}

/// One document, if the scope has it.
pub async fn find_document(tx: &mut ScopedTx, id: DocumentId) -> Result<Option<DocumentSummary>, DbError> {
    let row = sqlx::query_as!(
        DocumentSummary,
        r#"SELECT d.id, d.knowledge_base_id, d.source_key, d.title, d.source_url, d.byte_count, d.chunk_count,
                  d.updated_at
           FROM documents d
           WHERE d.id = $1 AND d.knowledge_base_id = ANY ((SELECT scope_knowledge_base_ids())::uuid[])"#,
        id.as_uuid(),
    )
    .fetch_optional(tx.connection())
    .await?;
    Ok(row)
}

/// A document's chunks from `first_ordinal` on, at most `limit` of them.
pub async fn list_chunks(
    tx: &mut ScopedTx,
    document: DocumentId,
    first_ordinal: u32,
    limit: u32,
) -> Result<Vec<Chunk>, DbError> {
    let rows = sqlx::query_as!(
        Chunk,
        r#"SELECT c.ordinal, c.heading_path, c.page, c.body, c.content_hash
           FROM chunks c
           WHERE c.document_id = $1 AND c.ordinal >= $2
             AND c.knowledge_base_id = ANY ((SELECT scope_knowledge_base_ids())::uuid[])
           ORDER BY c.ordinal
           LIMIT $3"#,
        document.as_uuid(),
        i32::try_from(first_ordinal).unwrap_or(i32::MAX),
        i64::from(limit),
    )
    .fetch_all(tx.connection())
    .await?;
    Ok(rows)
}

/// One chunk, if the scope has it and it still has the content that the reference names.
pub async fn find_chunk(tx: &mut ScopedTx, reference: ChunkRef) -> Result<Option<Chunk>, DbError> {
    let chunk = list_chunks(tx, reference.document, reference.ordinal, 1).await?.into_iter().next();
    Ok(chunk.filter(|chunk| {
        u32::try_from(chunk.ordinal) == Ok(reference.ordinal)
            && chunk.content_hash.starts_with(&reference.hash_prefix)
    }))
}
