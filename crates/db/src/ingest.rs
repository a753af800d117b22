//! Writing content: one knowledge base at a time, one transaction a document.
//!
//! Every transaction takes the role `autri_ingest` and names its knowledge base, so that row level security keeps it
//! from any other. Connect as `autri_ingest`, or as a role that may become it (`autri_admin`).

use std::collections::HashMap;
use std::fmt::Write as _;

use autri_domain::{DocumentId, KnowledgeBaseId};
use chrono::{DateTime, Utc};
use sqlx::{Postgres, Transaction};

use crate::{Database, DbError};

/// The rule by which nothing is stored in a knowledge base that has another embedding model than its writer goes by.
pub const MODEL_IS_HELD: &str = "knowledge_bases_embedding_model_is_held";

/// Separates headings on the way to the database. Cleaned text holds no control characters.
const HEADING_SEPARATOR: &str = "\u{1f}";

/// The content of one knowledge base, for writing.
#[derive(Debug, Clone)]
pub struct KnowledgeBaseContent {
    database: Database,
    id: KnowledgeBaseId,
    embedding_model: String,
    embedding_dimensions: u32,
}

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its id, which stays the same while its source key does.
    pub id: DocumentId,
    /// SHA-256 of all that made it.
    pub content_hash: Vec<u8>,
    /// What its source said of itself then; see [`NewDocument::change_mark`].
    pub change_mark: Option<Vec<u8>>,
}

/// A document to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDocument {
    /// Where it came from: its identity within the knowledge base. 1–2,000 characters.
    pub source_key: String,
    /// 1–1,000 characters.
    pub title: String,
    /// An http or https URL where people can read it.
    pub source_url: Option<String>,
    /// SHA-256 of all that makes the stored document.
    pub content_hash: [u8; 32],
    /// SHA-256 of what tells that the source has not changed without reading it; none where only reading tells.
    pub change_mark: Option<[u8; 32]>,
    /// When the source last changed.
    pub updated_at: DateTime<Utc>,
    /// Its chunks in order.
    pub chunks: Vec<NewChunk>,
}

/// A chunk to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChunk {
    /// The headings above it, outermost first.
    pub heading_path: Vec<String>,
    /// Its page, from 1, where the format has pages.
    pub page: Option<u32>,
    /// Where it begins in the document's cleaned text, in bytes.
    pub byte_start: usize,
    /// Where it ends.
    pub byte_end: usize,
    /// Its text.
    pub body: String,
    /// SHA-256 of its content.
    pub content_hash: [u8; 32],
    /// Its vector in the knowledge base's model; none for a text without words, or a base without a model.
    pub embedding: Option<Vec<f32>>,
}

impl KnowledgeBaseContent {
    /// The knowledge base's content; `None` when there is no such knowledge base.
    pub async fn find(database: &Database, id: KnowledgeBaseId) -> Result<Option<Self>, DbError> {
        let mut tx = begin(database, id).await?;
        let row = sqlx::query!(
            "SELECT k.embedding_model, m.dimensions
             FROM knowledge_bases k JOIN embedding_models m ON m.id = k.embedding_model
             WHERE k.id = $1",
            id.as_uuid()
        )
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(row.map(|row| Self {
            database: database.clone(),
            id,
            embedding_model: row.embedding_model,
            embedding_dimensions: row.dimensions.unsigned_abs(),
        }))
    }

    /// The knowledge base.
    #[must_use]
    pub const fn id(&self) -> KnowledgeBaseId {
        self.id
    }

    /// The model its vectors must be of; `none` for no vectors.
    #[must_use]
    pub fn embedding_model(&self) -> &str {
        &self.embedding_model
    }

    /// That model's dimensions.
    #[must_use]
    pub const fn embedding_dimensions(&self) -> u32 {
        self.embedding_dimensions
    }

    /// The document with this source key.
    pub async fn find_document(&self, source_key: &str) -> Result<Option<StoredDocument>, DbError> {
        Ok(self.find_documents(&[source_key]).await?.remove(source_key))
    }

    /// Those of the documents with these source keys that there are, by key.
    pub async fn find_documents(
        &self,
        source_keys: &[&str],
    ) -> Result<HashMap<String, StoredDocument>, DbError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            "SELECT source_key, id, content_hash, change_mark FROM documents
             WHERE knowledge_base_id = $1 AND source_key = ANY ($2)",
            self.id.as_uuid(),
            source_keys as &[&str],
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let found = rows.into_iter().map(|row| {
            let (content_hash, change_mark) = (row.content_hash, row.change_mark);
            (row.source_key, StoredDocument { id: row.id.into(), content_hash, change_mark })
        });
        Ok(found.collect())
    }

    /// Notes that a document's source says this of itself now, and that its content is still what is stored. Nothing
    /// happens when the document was replaced meanwhile.
    pub async fn set_change_mark(
        &self,
        document: &StoredDocument,
        change_mark: Option<[u8; 32]>,
    ) -> Result<(), DbError> {
        let mut tx = self.begin().await?;
        sqlx::query!(
            "UPDATE documents SET change_mark = $4 WHERE knowledge_base_id = $1 AND id = $2 AND content_hash = $3",
            self.id.as_uuid(),
            document.id.as_uuid(),
            document.content_hash,
            change_mark.as_ref().map(<[u8; 32]>::as_slice),
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The vectors that a document's chunks have in the base's model, by content hash: what need not be embedded again.
    pub async fn list_embeddings(&self, document: DocumentId) -> Result<HashMap<Vec<u8>, Vec<f32>>, DbError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query!(
            r#"SELECT c.content_hash, e.embedding::real[] AS "embedding!"
               FROM chunks c JOIN chunk_embeddings e ON e.chunk_id = c.id AND e.embedding_model = $3
               WHERE c.knowledge_base_id = $1 AND c.document_id = $2 AND c.ordinal >= 0"#,
            self.id.as_uuid(),
            document.as_uuid(),
            self.embedding_model,
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(rows.into_iter().map(|row| (row.content_hash, row.embedding)).collect())
    }

    /// Stores a document in place of the one with the same source key, in one transaction: readers see the old version
    /// or the new one, and a crash leaves the old one whole.
    ///
    /// # Errors
    /// The rule [`MODEL_IS_HELD`] when the knowledge base got another embedding model since [`Self::find`], or is gone.
    pub async fn replace_document(&self, document: &NewDocument) -> Result<DocumentId, DbError> {
        let mut tx = self.begin().await?;
        let new_id = DocumentId::new();
        let id = self.upsert_document(&mut tx, new_id, document).await?;
        // A document that was there keeps its id. One that was not has no chunks, and even to delete none costs a tenth of
        // Postgres' time for a short document.
        if id != new_id {
            // `ordinal >= 0` holds of each. With it the planner takes the document's own index; without statistics, as in a
            // first ingest, it takes that of the knowledge base for as good, and each document waits for all before it.
            sqlx::query!(
                "DELETE FROM chunks WHERE knowledge_base_id = $1 AND document_id = $2 AND ordinal >= 0",
                self.id.as_uuid(),
                id.as_uuid()
            )
            .execute(&mut *tx)
            .await?;
        }
        self.insert_chunks(&mut tx, id, &document.title, &document.chunks).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// One page of source keys in order, after `after`: for finding what is gone from the source.
    pub async fn list_source_keys(&self, after: &str, limit: u32) -> Result<Vec<String>, DbError> {
        let mut tx = self.begin().await?;
        let keys = sqlx::query_scalar!(
            r#"SELECT source_key FROM documents
               WHERE knowledge_base_id = $1 AND source_key COLLATE "C" > $2
               ORDER BY source_key COLLATE "C" LIMIT $3"#,
            self.id.as_uuid(),
            after,
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(keys)
    }

    /// The time by the database's clock, to which those who write to it agree.
    pub async fn now(&self) -> Result<DateTime<Utc>, DbError> {
        let mut tx = self.begin().await?;
        let now = sqlx::query_scalar!(r#"SELECT now() AS "now!""#).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(now)
    }

    /// Deletes a document; whether there was one.
    pub async fn delete_document(&self, source_key: &str) -> Result<bool, DbError> {
        self.delete(source_key, None).await
    }

    /// Deletes a document, unless its content is another by now: another run may have read a later version of its source.
    /// Whether it was deleted.
    pub async fn delete_stored_document(&self, document: &StoredDocument) -> Result<bool, DbError> {
        let mut tx = self.begin().await?;
        let deleted = sqlx::query!(
            "DELETE FROM documents
             WHERE knowledge_base_id = $1 AND id = $2 AND content_hash = $3 AND hold_knowledge_base(NULL)",
            self.id.as_uuid(),
            document.id.as_uuid(),
            document.content_hash,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Deletes a document that is gone from its source, unless it was stored since `looked`, the database's time before
    /// the source was looked through; whether it was deleted.
    ///
    /// Another run may have found and stored it after this one had looked. What was stored before that had been read
    /// before, too, so that whoever looked later and did not find it knows that it is gone. A document that another run
    /// found stored as it is keeps its time: if its source came back between the two looks, the next run stores it again.
    pub async fn delete_gone_document(
        &self,
        source_key: &str,
        looked: DateTime<Utc>,
    ) -> Result<bool, DbError> {
        self.delete(source_key, Some(looked)).await
    }

    async fn delete(&self, source_key: &str, stored_before: Option<DateTime<Utc>>) -> Result<bool, DbError> {
        let mut tx = self.begin().await?;
        let deleted = sqlx::query!(
            "DELETE FROM documents
             WHERE knowledge_base_id = $1 AND source_key = $2 AND ($3::timestamptz IS NULL OR ingested_at < $3)
               AND hold_knowledge_base(NULL)",
            self.id.as_uuid(),
            source_key,
            stored_before,
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, DbError> {
        begin(&self.database, self.id).await
    }

    async fn upsert_document(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        new_id: DocumentId,
        document: &NewDocument,
    ) -> Result<DocumentId, DbError> {
        let byte_count = document.chunks.last().map_or(0, |chunk| chunk.byte_end);
        // The base is held before there is a row to lock, since the row comes from `held`; and it is refused if it got another
        // model since `find`, as the vectors would be of the old one.
        let row = sqlx::query!(
            r#"WITH held AS MATERIALIZED (SELECT hold_knowledge_base($11) AS is_held)
               INSERT INTO documents (id, knowledge_base_id, source_key, title, source_url, content_hash, chunk_count,
                                      byte_count, updated_at, change_mark)
               SELECT $1, $2, $3, $4, $5, $6, $7::int, $8::bigint, $9::timestamptz, $10::bytea FROM held WHERE is_held
               ON CONFLICT ON CONSTRAINT documents_knowledge_base_source_key_key DO UPDATE
               SET title = excluded.title, source_url = excluded.source_url, content_hash = excluded.content_hash,
                   chunk_count = excluded.chunk_count, byte_count = excluded.byte_count,
                   updated_at = excluded.updated_at, change_mark = excluded.change_mark, ingested_at = now()
               RETURNING id"#,
            new_id.as_uuid(),
            self.id.as_uuid(),
            document.source_key,
            document.title,
            document.source_url,
            document.content_hash.as_slice(),
            i32::try_from(document.chunks.len()).unwrap_or(i32::MAX),
            i64::try_from(byte_count).unwrap_or(i64::MAX),
            document.updated_at,
            document.change_mark.as_ref().map(<[u8; 32]>::as_slice),
            self.embedding_model,
        )
        .fetch_one(&mut **tx)
        .await?;
        Ok(row.id.into())
    }

    /// Chunks and their vectors. Bulk load is `INSERT … SELECT unnest(…)`: COPY FROM is refused under row level security.
    ///
    /// One statement for both: its triggers, which take the lock on the knowledge base's counts, run at its end, so that
    /// for a new document other writers wait for little more than the commit. One that is replaced has taken it before, when
    /// its old chunks went.
    async fn insert_chunks(
        &self,
        tx: &mut Transaction<'static, Postgres>,
        document: DocumentId,
        title: &str,
        chunks: &[NewChunk],
    ) -> Result<(), DbError> {
        let ordinals: Vec<i32> = (0..).take(chunks.len()).collect();
        let headings: Vec<String> =
            chunks.iter().map(|chunk| chunk.heading_path.join(HEADING_SEPARATOR)).collect();
        let pages: Vec<Option<i32>> =
            chunks.iter().map(|chunk| chunk.page.and_then(|page| i32::try_from(page).ok())).collect();
        let starts: Vec<i64> =
            chunks.iter().map(|chunk| i64::try_from(chunk.byte_start).unwrap_or(i64::MAX)).collect();
        let ends: Vec<i64> =
            chunks.iter().map(|chunk| i64::try_from(chunk.byte_end).unwrap_or(i64::MAX)).collect();
        let bodies: Vec<&str> = chunks.iter().map(|chunk| chunk.body.as_str()).collect();
        let hashes: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.content_hash.as_slice()).collect();
        // Vectors travel as text: pgvector's own input format, and an array of arrays cannot be bound.
        let vectors: Vec<Option<String>> =
            chunks.iter().map(|chunk| chunk.embedding.as_deref().map(vector_literal)).collect();
        sqlx::query!(
            r#"WITH given AS (
                   SELECT g.*, chunk_lexemes($10, string_to_array(g.headings, chr(31)), g.body) AS lexemes
                   FROM unnest($3::int[], $4::text[], $5::int[], $6::bigint[], $7::bigint[], $8::text[], $9::bytea[],
                               $11::text[])
                        AS g (ordinal, headings, page, byte_start, byte_end, body, content_hash, embedding)
               ), made AS (
                   INSERT INTO chunks (knowledge_base_id, document_id, ordinal, heading_path, page, byte_start, byte_end,
                                       body, content_hash, lexemes, lexeme_count)
                   SELECT $1, $2, ordinal, string_to_array(headings, chr(31)), page, byte_start, byte_end, body,
                          content_hash, lexemes, word_count(lexemes)
                   FROM given
                   RETURNING id, ordinal
               )
               INSERT INTO chunk_embeddings (chunk_id, knowledge_base_id, embedding_model, dimensions, embedding)
               SELECT made.id, $1, $12, $13, given.embedding::halfvec
               FROM made JOIN given USING (ordinal)
               WHERE given.embedding IS NOT NULL"#,
            self.id.as_uuid(),
            document.as_uuid(),
            &ordinals,
            &headings,
            &pages as &[Option<i32>],
            &starts,
            &ends,
            &bodies as &[&str],
            &hashes as &[&[u8]],
            title,
            &vectors as &[Option<String>],
            self.embedding_model,
            i32::try_from(self.embedding_dimensions).unwrap_or(i32::MAX),
        )
        .execute(&mut **tx)
        .await?;
        Ok(())
    }
}

pub(crate) async fn begin(
    database: &Database,
    id: KnowledgeBaseId,
) -> Result<Transaction<'static, Postgres>, DbError> {
    let mut tx = database.begin().await?;
    // Both until the transaction's end; in one statement, which saves a round trip a document.
    sqlx::query!(
        "SELECT set_config('role', 'autri_ingest', true) AS role,
                set_config('autri.ingest_knowledge_base_id', $1, true) AS id",
        id.to_string(),
    )
    .fetch_one(&mut *tx)
    .await?;
    Ok(tx)
}

/// pgvector's text form, `[1,2,3]`.
pub(crate) fn vector_literal(vector: &[f32]) -> String {
    let mut text = String::with_capacity(vector.len() * 12 + 2);
    text.push('[');
    for (place, number) in vector.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{number}");
    }
    text.push(']');
    text
}
