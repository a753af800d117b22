//! Documents, as the operator keeps them: found by id, by key, or by what their keys begin with. Connect as `autri_admin`.
//!
//! Reading takes the operator's own rights; deleting takes the role `autri_ingest` with the knowledge base named, as all
//! writing of content does.

use autri_domain::{DocumentId, KnowledgeBaseId};
use chrono::{DateTime, Utc};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use crate::ingest::begin;
use crate::{Database, DbError};

/// How many chunks one transaction deletes, unless a single document has more.
const BATCH_CHUNKS: i64 = 5_000;
/// How many documents one transaction deletes.
const BATCH_DOCUMENTS: i64 = 500;

/// A document of a knowledge base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its id.
    pub id: DocumentId,
    /// Where it came from: its identity within the knowledge base.
    pub source_key: String,
    /// Its title.
    pub title: String,
    /// Where people can read it, if anywhere.
    pub source_url: Option<String>,
    /// How many chunks it has.
    pub chunk_count: i32,
    /// The length of its cleaned text, in bytes.
    pub byte_count: i64,
    /// When its source last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was stored.
    pub ingested_at: DateTime<Utc>,
}

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentName<'a> {
    /// The one with this id.
    Id(DocumentId),
    /// The one with this source key.
    Key(&'a str),
}

/// How much there is, or was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DocumentCounts {
    /// Documents.
    pub documents: i64,
    /// Their chunks.
    pub chunks: i64,
}

/// One page of a knowledge base's documents by source key: those whose keys begin with `prefix` and come after `after`.
pub async fn list(
    database: &Database,
    knowledge_base_id: KnowledgeBaseId,
    prefix: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<Document>, DbError> {
    let rows = sqlx::query_as!(
        Document,
        r#"SELECT id, source_key, title, source_url, chunk_count, byte_count, updated_at, ingested_at
           FROM documents
           WHERE knowledge_base_id = $1 AND starts_with(source_key, $2) AND source_key COLLATE "C" >= $2
             AND source_key COLLATE "C" > $3
           ORDER BY source_key COLLATE "C" LIMIT $4"#,
        knowledge_base_id.as_uuid(),
        prefix,
        after,
        i64::from(limit),
    )
    .fetch_all(&mut *database.acquire().await?)
    .await?;
    Ok(rows)
}

/// How many documents of a knowledge base have keys that begin with `prefix`.
pub async fn count(
    database: &Database,
    knowledge_base_id: KnowledgeBaseId,
    prefix: &str,
) -> Result<DocumentCounts, DbError> {
    let counts = sqlx::query_as!(
        DocumentCounts,
        r#"SELECT count(*) AS "documents!", coalesce(sum(chunk_count), 0)::bigint AS "chunks!"
           FROM documents WHERE knowledge_base_id = $1 AND starts_with(source_key, $2)"#,
        knowledge_base_id.as_uuid(),
        prefix,
    )
    .fetch_one(&mut *database.acquire().await?)
    .await?;
    Ok(counts)
}

/// Deletes a document: it is gone from the next search. What it was; `None` when the knowledge base has no such document.
pub async fn delete(
    database: &Database,
    knowledge_base_id: KnowledgeBaseId,
    name: DocumentName<'_>,
) -> Result<Option<Document>, DbError> {
    let (id, key) = match name {
        DocumentName::Id(id) => (Some(id.as_uuid()), None),
        DocumentName::Key(key) => (None, Some(key)),
    };
    let mut tx = begin_deleting(database, knowledge_base_id).await?;
    let deleted = sqlx::query_as!(
        Document,
        r#"DELETE FROM documents WHERE knowledge_base_id = $1 AND (id = $2 OR source_key = $3)
           RETURNING id, source_key, title, source_url, chunk_count, byte_count, updated_at, ingested_at"#,
        knowledge_base_id.as_uuid(),
        id,
        key,
    )
    .fetch_optional(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(deleted)
}

/// Deletes some of the documents whose keys begin with `prefix`, in a transaction of its own; how many. Call it until there
/// are none. In pieces, so that nobody who ingests waits for long, and a stop in the middle loses nothing.
pub async fn delete_some(
    database: &Database,
    knowledge_base_id: KnowledgeBaseId,
    prefix: &str,
) -> Result<DocumentCounts, DbError> {
    let mut tx = begin_deleting(database, knowledge_base_id).await?;
    let batch: Vec<Uuid> = sqlx::query_scalar!(
        r#"SELECT id FROM (
               SELECT id, sum(chunk_count) OVER (ORDER BY source_key COLLATE "C") - chunk_count AS chunks_before
               FROM (SELECT id, source_key, chunk_count FROM documents
                     WHERE knowledge_base_id = $1 AND starts_with(source_key, $2) AND source_key COLLATE "C" >= $2
                     ORDER BY source_key COLLATE "C" LIMIT $3) first
           ) summed
           WHERE chunks_before < $4::bigint"#,
        knowledge_base_id.as_uuid(),
        prefix,
        BATCH_DOCUMENTS,
        BATCH_CHUNKS,
    )
    .fetch_all(&mut *tx)
    .await?;
    // Locked in the order in which a change of the embedding model locks them, so that neither waits in a circle.
    let deleted = sqlx::query_scalar!(
        "WITH held AS MATERIALIZED (
             SELECT id FROM documents WHERE knowledge_base_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE
         )
         DELETE FROM documents d USING held WHERE d.knowledge_base_id = $1 AND d.id = held.id RETURNING d.chunk_count",
        knowledge_base_id.as_uuid(),
        &batch,
    )
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let chunks = deleted.iter().copied().map(i64::from).sum();
    Ok(DocumentCounts { documents: i64::try_from(deleted.len()).unwrap_or(i64::MAX), chunks })
}

/// The knowledge base is held before its rows are: as for who ingests, so that none waits for the other in a circle with a
/// change of the embedding model.
async fn begin_deleting(
    database: &Database,
    id: KnowledgeBaseId,
) -> Result<Transaction<'static, Postgres>, DbError> {
    let mut tx = begin(database, id).await?;
    sqlx::query!("SELECT hold_knowledge_base(NULL)").fetch_one(&mut *tx).await?;
    Ok(tx)
}
