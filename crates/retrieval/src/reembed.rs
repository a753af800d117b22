//! Another embedding model for knowledge bases that are searched, and ingested into, meanwhile.
//!
//! Every chunk gets a vector of the new model beside its old one, in small transactions: what is made stays made, and a run
//! that was stopped goes on where it was. When hardly anything is missing, one transaction keeps those who ingest waiting,
//! makes the rest and switches. The old vectors go last; the next run finds those that a stopped one left.

use std::collections::HashSet;

use autri_db::reembedding::{
    BaseVectors, MissingOf, ModelGroup, NewVector, Switch, TargetModel, UnembeddedChunk,
};
use autri_db::{Database, DbError};
use autri_domain::KnowledgeBaseId;

use crate::chunk::embedding_input;
use crate::embed::{EmbedError, Embedder, embed_documents};

/// How many chunks are embedded, and their vectors stored, at once.
const BATCH: usize = 128;
/// How many chunks are read at once, unless a single document has more.
const READ_CHUNKS: i64 = 1_024;
/// How often what was ingested meanwhile is made up for before those who ingest are kept waiting for the rest.
const MAX_CATCH_UPS: usize = 10;
/// How many chunks are embedded while those who ingest are kept waiting.
const MAX_WAITED_FOR: usize = 2 * BATCH;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReembedReport {
    /// Vectors that were made.
    pub embedded: u64,
    /// Chunks that the model has no vector for.
    pub without_vector: u64,
    /// Vectors of other models that were deleted.
    pub deleted: u64,
}

/// Why it stopped. What was made by then is kept, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ReembedError {
    /// Wait for it to end.
    #[error("another change of model is under way in this org")]
    UnderWay,
    /// Begin again: other knowledge bases are to be switched with these, or fewer.
    #[error(
        "libraries or their knowledge bases were attached, detached or switched meanwhile; nothing was switched"
    )]
    GroupChanged,
    /// Stop the ingest, and run it again.
    #[error("ingest is faster than the model; nothing was switched. Stop it and run this again")]
    Outrun,
    /// Do as the error says.
    #[error("the model gave no vectors")]
    Embed(#[from] EmbedError),
    /// Do as the error says.
    #[error("the database refused")]
    Database(#[from] DbError),
}

/// Is told how far it is.
pub trait ReembedObserver: Send + Sync {
    /// So many chunks are done, of those that had no vector at the beginning and some that were ingested since.
    fn embedded(&self, chunks: u64);
    /// Everything is switched; so many old vectors are deleted.
    fn deleted(&self, vectors: u64);
}

/// Gives all knowledge bases of the group, and their libraries, the embedder's model, which the database must know; no
/// embedder: the model `none`. With the model that they have, it makes what vectors are missing and deletes those of
/// others.
///
/// # Errors
/// [`ReembedError`]: until it has switched, everything is searched by the old model; after that, by the new one.
pub async fn reembed(
    database: &Database,
    group: &ModelGroup,
    embedder: Option<&dyn Embedder>,
    observer: &dyn ReembedObserver,
) -> Result<ReembedReport, ReembedError> {
    let target = target(embedder);
    let lock = group.lock(database).await?.ok_or(ReembedError::UnderWay)?;
    let mut run = Run {
        database,
        group,
        target: &target,
        embedder,
        observer,
        blank: HashSet::new(),
        report: ReembedReport::default(),
    };
    let result = run.run().await;
    lock.release().await;
    result.map(|()| run.report)
}

/// The model that the embedder's vectors are of.
#[must_use]
pub fn target(embedder: Option<&dyn Embedder>) -> TargetModel {
    match embedder {
        Some(embedder) => TargetModel {
            id: embedder.model_id().to_owned(),
            dimensions: u32::try_from(embedder.dimensions()).unwrap_or(u32::MAX),
        },
        None => TargetModel { id: "none".to_owned(), dimensions: 0 },
    }
}

struct Run<'a> {
    database: &'a Database,
    group: &'a ModelGroup,
    target: &'a TargetModel,
    embedder: Option<&'a dyn Embedder>,
    observer: &'a dyn ReembedObserver,
    /// Chunks without meaning to the model: they stay without a vector, and are not asked about again.
    blank: HashSet<i64>,
    report: ReembedReport,
}

impl Run<'_> {
    async fn run(&mut self) -> Result<(), ReembedError> {
        for round in 1..=MAX_CATCH_UPS {
            let is_close = self.catch_up().await? <= BATCH as u64;
            if (is_close || round == MAX_CATCH_UPS) && self.switch().await? {
                self.report.without_vector = self.blank.len() as u64;
                return self.delete_others().await;
            }
        }
        Err(ReembedError::Outrun)
    }

    /// Makes vectors for all that has none at the moment; how many.
    async fn catch_up(&mut self) -> Result<u64, ReembedError> {
        let before = self.report.embedded;
        let Some(embedder) = self.embedder else { return Ok(0) };
        for (base, _) in &self.group.knowledge_bases {
            let vectors = BaseVectors::new(self.database, *base, self.target);
            for documents in groups(&vectors.list_missing().await?) {
                let chunks = vectors.list_chunks(documents).await?;
                for batch in self.to_embed(&chunks).chunks(BATCH) {
                    vectors.insert(&self.embed(embedder, batch).await?).await?;
                    self.observer.embedded(self.report.embedded);
                }
            }
        }
        Ok(self.report.embedded - before)
    }

    /// Makes what is still missing while nobody stores anything, and switches. Nothing happens when too much is missing to keep
    /// anybody waiting for it; whether it switched.
    async fn switch(&mut self) -> Result<bool, ReembedError> {
        let switch = Switch::begin(self.database, self.group, self.target).await?;
        let mut switch = switch.ok_or(ReembedError::GroupChanged)?;
        if let Some(embedder) = self.embedder {
            let Some(missing) = self.read_missing(&mut switch).await? else { return Ok(false) };
            for (base, chunks) in &missing {
                for batch in chunks.iter().collect::<Vec<_>>().chunks(BATCH) {
                    switch.insert(*base, &self.embed(embedder, batch).await?).await?;
                }
            }
        }
        switch.commit().await?;
        Ok(true)
    }

    /// All that is still to embed, base by base; `None` when it is too much.
    async fn read_missing(
        &self,
        switch: &mut Switch<'_>,
    ) -> Result<Option<Vec<(KnowledgeBaseId, Vec<UnembeddedChunk>)>>, ReembedError> {
        let (mut missing, mut count) = (Vec::new(), 0);
        for (base, _) in &self.group.knowledge_bases {
            for documents in groups(&switch.list_missing(*base).await?) {
                let mut chunks = switch.list_chunks(*base, documents).await?;
                chunks.retain(|chunk| !self.blank.contains(&chunk.id));
                count += chunks.len();
                if count > MAX_WAITED_FOR {
                    return Ok(None);
                }
                missing.push((*base, chunks));
            }
        }
        Ok(Some(missing))
    }

    async fn delete_others(&mut self) -> Result<(), ReembedError> {
        for (base, _) in &self.group.knowledge_bases {
            let vectors = BaseVectors::new(self.database, *base, self.target);
            loop {
                let deleted = vectors.delete_others().await?;
                if deleted == 0 {
                    break;
                }
                self.report.deleted += deleted;
                self.observer.deleted(self.report.deleted);
            }
        }
        Ok(())
    }

    fn to_embed<'c>(&self, chunks: &'c [UnembeddedChunk]) -> Vec<&'c UnembeddedChunk> {
        chunks.iter().filter(|chunk| !self.blank.contains(&chunk.id)).collect()
    }

    async fn embed(
        &mut self,
        embedder: &dyn Embedder,
        chunks: &[&UnembeddedChunk],
    ) -> Result<Vec<NewVector>, ReembedError> {
        let inputs: Vec<String> = chunks
            .iter()
            .map(|chunk| embedding_input(&chunk.title, &chunk.heading_path, &chunk.body))
            .collect();
        let made = embed_documents(embedder, &inputs).await?;
        let mut vectors = Vec::with_capacity(made.len());
        for (chunk, values) in chunks.iter().zip(made) {
            match values {
                Some(values) => vectors.push(NewVector { chunk_id: chunk.id, values }),
                None => {
                    self.blank.insert(chunk.id);
                }
            }
        }
        self.report.embedded += vectors.len() as u64;
        Ok(vectors)
    }
}

/// Documents whose chunks are read together.
fn groups(mut missing: &[MissingOf]) -> Vec<&[MissingOf]> {
    let mut groups = Vec::new();
    while !missing.is_empty() {
        let mut chunks = 0;
        let fits = missing.iter().take_while(|document| {
            chunks += document.chunks;
            chunks <= READ_CHUNKS
        });
        let (group, rest) = missing.split_at(fits.count().max(1));
        groups.push(group);
        missing = rest;
    }
    groups
}

#[cfg(test)]
mod tests;
