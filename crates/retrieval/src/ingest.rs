//! Files into a knowledge base: found, read, parsed and chunked; what is new or changed is embedded and stored, what is
//! gone can be pruned.
//!
//! Every document is a transaction of its own and nothing is kept between runs but what the database holds: a run that
//! ends early has lost nothing, and the next one goes on where it stopped. Documents pass through one by one, so that
//! memory does not grow with their number (a list of their names does).
//!
//! What one bad file can do is bounded: its size and time are limited, a panic of a parser is caught, and it becomes one
//! [`Failure`] in the report of a run that goes on.

mod error;
mod prepare;
mod prune;
mod report;
mod source;
mod store;

use std::num::NonZero;
use std::pin::pin;
use std::time::Instant;

use autri_db::ingest::KnowledgeBaseContent;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};

use crate::embed::Embedder;
use crate::limits::Limits;

use error::StopReason;
use prepare::{PrepareError, PreparedDocument, prepare};
use store::{StoreError, Writer};

pub use error::IngestError;
pub use report::{Failure, IngestObserver, IngestReport, NotPruned, Outcome, StoredChunks};
pub use source::{Source, SourceContent, SourceDocument};

/// How many documents are read and parsed ahead of the database at most. Each may be as large as the limits allow.
const MAX_AHEAD: usize = 8;

/// How to ingest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestOptions {
    /// What one document may cost.
    pub limits: Limits,
    /// Whether to delete the documents that came from the given folders and are there no more.
    pub prune: bool,
    /// The time of the run: when a document last changed if its source does not say, or says that it is in the future.
    pub now: DateTime<Utc>,
}

/// Brings a knowledge base up to what stands in `source`.
///
/// A document whose content is the stored one is left alone, and a chunk whose content is stored keeps its vector. What
/// fails to be read or parsed is reported and keeps its old version.
///
/// # Errors
/// [`IngestError`] when the embedder is not that of the knowledge base, and when the database or the embedder fails: then
/// the error holds the report of what was done by then.
pub async fn ingest(
    content: &KnowledgeBaseContent,
    embedder: Option<&dyn Embedder>,
    source: &Source,
    options: &IngestOptions,
    observer: &dyn IngestObserver,
) -> Result<IngestReport, IngestError> {
    let writer = Writer::new(content, embedder, options.now)?;
    let mut run =
        Run { writer, observer, report: IngestReport::beginning_with(source), started: Instant::now() };
    let ended = run.everything(source, options).await;
    run.report.elapsed = run.started.elapsed();
    match ended {
        Ok(()) => Ok(run.report),
        Err(reason) => Err(IngestError::stopped(reason, run.report)),
    }
}

struct Run<'a> {
    writer: Writer<'a>,
    observer: &'a dyn IngestObserver,
    report: IngestReport,
    started: Instant,
}

impl Run<'_> {
    async fn everything(&mut self, source: &Source, options: &IngestOptions) -> Result<(), StopReason> {
        self.observer.begins(source.documents().len());
        let limits = options.limits;
        let ahead = std::thread::available_parallelism().map_or(1, NonZero::get).min(MAX_AHEAD);
        // The next documents are parsed on threads of their own while the database works on this one. (By number: a
        // closure over references would keep the run from moving between threads.)
        let documents = source.documents();
        let parsing = stream::iter(0..documents.len())
            .map(|number| async move { (number, prepare(&documents[number], limits).await) })
            .buffered(ahead);
        let mut parsing = pin!(parsing);
        while let Some((number, prepared)) = parsing.next().await {
            let document = &documents[number];
            let outcome = self.document(document, prepared).await?;
            self.observer.document(document, &outcome);
            self.report.add(outcome);
        }
        if options.prune {
            prune::prune(self.writer.content(), source, self.observer, &mut self.report).await?;
        }
        Ok(())
    }

    async fn document(
        &mut self,
        document: &SourceDocument,
        prepared: Result<PreparedDocument, PrepareError>,
    ) -> Result<Outcome, StopReason> {
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Outcome::Failed(Failure::new(&document.name(), &error))),
        };
        self.report.removed += prepared.removed;
        match self.writer.store(document, prepared).await {
            Ok(outcome) => Ok(outcome),
            Err(StoreError::Document(error)) => Ok(Outcome::Failed(Failure::new(&document.name(), &error))),
            Err(StoreError::Run(reason)) => Err(reason),
        }
    }
}
