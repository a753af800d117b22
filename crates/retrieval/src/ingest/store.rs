//! From chunks to rows: what is stored already is left alone, what is not is embedded first, with no transaction open.

use std::collections::HashMap;
use std::time::SystemTime;

use autri_db::DbError;
use autri_db::ingest::{KnowledgeBaseContent, MODEL_IS_HELD, NewChunk, NewDocument, StoredDocument};
use chrono::{DateTime, Utc};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::StopReason;
use super::report::StoredChunks;
use super::{IngestError, Outcome, SourceDocument};
use crate::chunk::Chunk;
use crate::embed::{EmbedError, Embedder, embed_documents};
use crate::parsers::PreparedDocument;

/// The model of a knowledge base without vectors.
const NO_MODEL: &str = "none";

/// How many chunks are embedded at once.
const EMBED_BATCH: usize = 128;

/// What any embedder takes, if it takes anything.
const HARMLESS_TEXT: &str = "text";

/// How many documents are written at once. A writer waits for others at the counts of the knowledge base, so that more would
/// not be faster; and one of the command line's four connections is left for looking up what is stored.
const MAX_WRITERS: usize = 3;

/// Why a document is not stored.
#[derive(Debug)]
pub(super) enum StoreError {
    /// This one is refused; others may pass.
    Document(DocumentError),
    /// No other would fare better.
    Run(StopReason),
}

/// Who refused a document.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    #[error(transparent)]
    Database(DbError),
    #[error(transparent)]
    Embedder(EmbedError),
}

impl From<DbError> for StoreError {
    fn from(error: DbError) -> Self {
        match error {
            // The vectors of all that would follow are of the wrong model, too.
            DbError::Rule { ref constraint, .. } if constraint == MODEL_IS_HELD => Self::Run(error.into()),
            DbError::Rule { .. } | DbError::TimedOut(_) => Self::Document(DocumentError::Database(error)),
            DbError::Unavailable(_)
            | DbError::Credentials(_)
            | DbError::Login(_)
            | DbError::BadUrl(_)
            | DbError::RowSecurityOff
            | DbError::Migration(_)
            | DbError::Unexpected(_) => Self::Run(error.into()),
        }
    }
}

/// Stores documents in one knowledge base.
pub(super) struct Writer<'a> {
    content: &'a KnowledgeBaseContent,
    /// Of the knowledge base's model; none if it has none.
    embedder: Option<&'a dyn Embedder>,
    now: DateTime<Utc>,
    /// One for each document that may be at the database.
    turns: Semaphore,
}

impl<'a> Writer<'a> {
    /// Refuses an embedder that is not of the knowledge base's model. A base without a model needs none.
    pub(super) fn new(
        content: &'a KnowledgeBaseContent,
        embedder: Option<&'a dyn Embedder>,
        now: DateTime<Utc>,
    ) -> Result<Self, IngestError> {
        let model = content.embedding_model();
        if model == NO_MODEL {
            return Ok(Self { content, embedder: None, now, turns: Semaphore::new(MAX_WRITERS) });
        }
        let Some(given) = embedder else { return Err(IngestError::NoEmbedder { model: model.to_owned() }) };
        if given.model_id() != model {
            let found = given.model_id().to_owned();
            return Err(IngestError::OtherModel { expected: model.to_owned(), found });
        }
        let (expected, found) = (content.embedding_dimensions(), given.dimensions());
        if u32::try_from(found) != Ok(expected) {
            return Err(IngestError::OtherDimensions { model: model.to_owned(), expected, found });
        }
        Ok(Self { content, embedder, now, turns: Semaphore::new(MAX_WRITERS) })
    }

    pub(super) fn content(&self) -> &'a KnowledgeBaseContent {
        self.content
    }

    /// Stores the document, unless it is stored as it is.
    pub(super) async fn store(
        &self,
        source: &SourceDocument,
        stored: Option<&StoredDocument>,
        prepared: PreparedDocument,
    ) -> Result<Outcome, StoreError> {
        let change_mark = source.change_mark();
        if let Some(stored) = stored.filter(|stored| stored.content_hash == prepared.content_hash) {
            if stored.change_mark.as_deref() != change_mark.as_ref().map(<[u8; 32]>::as_slice) {
                let _turn = self.turn().await;
                self.content.set_change_mark(stored, change_mark).await?;
            }
            return Ok(Outcome::Unchanged);
        }
        let known = match (stored, self.embedder) {
            (Some(stored), Some(_)) => {
                let _turn = self.turn().await;
                self.content.list_embeddings(stored.id).await?
            }
            _ => HashMap::new(),
        };
        let PreparedDocument { title, content_hash, chunks, .. } = prepared;
        let (embeddings, embedded) = match self.embeddings(&title, &chunks, known).await {
            Ok(made) => made,
            Err(error) if self.is_about_the_texts(&error).await => {
                return Err(StoreError::Document(DocumentError::Embedder(error)));
            }
            Err(error) => return Err(StoreError::Run(error.into())),
        };
        let counts = StoredChunks { chunks: chunks.len() as u64, embedded };
        let document = NewDocument {
            source_key: source.key.clone(),
            title,
            source_url: source.source_url.clone(),
            content_hash,
            change_mark,
            updated_at: self.updated_at(source.modified),
            chunks: chunks
                .into_iter()
                .zip(embeddings)
                .map(|(chunk, embedding)| to_row(chunk, embedding))
                .collect(),
        };
        let _turn = self.turn().await;
        self.content.replace_document(&document).await?;
        Ok(if stored.is_some() { Outcome::Updated(counts) } else { Outcome::New(counts) })
    }

    /// Deletes a document whose source has no text any more, unless another run has stored something else of it since.
    pub(super) async fn forget(&self, stored: &StoredDocument) -> Result<(), DbError> {
        let _turn = self.turn().await;
        self.content.delete_stored_document(stored).await.map(drop)
    }

    /// Waits here and not for a connection, which is an error after a while. Nobody closes the semaphore.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// A vector for every chunk that can have one, and how many of them had to be made.
    async fn embeddings(
        &self,
        title: &str,
        chunks: &[Chunk],
        mut known: HashMap<Vec<u8>, Vec<f32>>,
    ) -> Result<(Vec<Option<Vec<f32>>>, u64), EmbedError> {
        let Some(embedder) = self.embedder else { return Ok((vec![None; chunks.len()], 0)) };
        let mut made = 0;
        for batch in chunks.chunks(EMBED_BATCH) {
            let missing = batch.iter().filter(|chunk| !known.contains_key(chunk.content_hash.as_slice()));
            let missing: Vec<&Chunk> = missing.collect();
            if missing.is_empty() {
                continue;
            }
            let texts: Vec<String> = missing.iter().map(|chunk| chunk.embedding_input(title)).collect();
            let vectors = embed_documents(embedder, &texts).await?;
            for (chunk, vector) in missing.into_iter().zip(vectors) {
                if let Some(vector) = vector {
                    known.insert(chunk.content_hash.to_vec(), vector);
                    made += 1;
                }
            }
        }
        let vectors = chunks.iter().map(|chunk| known.get(chunk.content_hash.as_slice()).cloned());
        Ok((vectors.collect(), made))
    }

    /// Whether another document may fare better. A service refuses a text that it does not like and a request that is wrong
    /// in each document with the same status; so it is asked for a text that nobody dislikes.
    async fn is_about_the_texts(&self, error: &EmbedError) -> bool {
        let (EmbedError::Refused { .. }, Some(embedder)) = (error, self.embedder) else { return false };
        embedder.embed_documents(&[HARMLESS_TEXT.to_owned()]).await.is_ok()
    }

    /// A time that the database can hold and people can believe: not before 1970, not in the future.
    fn updated_at(&self, modified: Option<SystemTime>) -> DateTime<Utc> {
        let since_epoch = modified.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        let secs = since_epoch.and_then(|since| i64::try_from(since.as_secs()).ok());
        let modified = secs.and_then(|secs| DateTime::from_timestamp(secs, since_epoch?.subsec_nanos()));
        modified.filter(|modified| *modified <= self.now).unwrap_or(self.now)
    }
}

fn to_row(chunk: Chunk, embedding: Option<Vec<f32>>) -> NewChunk {
    NewChunk {
        heading_path: chunk.heading_path,
        page: chunk.page,
        byte_start: chunk.byte_range.start,
        byte_end: chunk.byte_range.end,
        body: chunk.text,
        content_hash: chunk.content_hash,
        embedding,
    }
}
