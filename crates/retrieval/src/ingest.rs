//! Documents into a knowledge base: found, read, parsed and chunked; what is new or changed is embedded and stored, what is
//! gone can be pruned.
//!
//! Every document is a transaction of its own and nothing is kept between runs but what the database holds: a run that
//! ends early has lost nothing, and the next one goes on where it stopped. Documents pass through in a stream: at most
//! so many, and so many bytes of them, are in memory at once. All that grows with their number is a number for each key.
//!
//! A run looks through its source twice: once to count, so that it can say what remains, and once to work. The feed asks
//! the database for what is stored of a page's documents at once; each document is then read, parsed elsewhere
//! ([`Parsers`]), embedded and written, several at a time.
//!
//! What one bad file can do is bounded: its size and time are limited, its parser may end, and it becomes one
//! [`Failure`] in the report of a run that goes on.

mod error;
mod feed;
mod fetch;
mod listing;
mod objects;
mod prune;
mod report;
mod source;
mod store;

use std::error::Error;
use std::num::NonZeroUsize;
use std::time::Instant;

use autri_db::ingest::KnowledgeBaseContent;
use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{Semaphore, mpsc};

use crate::decode::is_guessed;
use crate::embed::Embedder;
use crate::format::DocumentFormat;
use crate::limits::Limits;
use crate::parse::ParseError;
use crate::parsers::{DocumentInput, Parsers, PreparedDocument};
use crate::sanitize::RemovedCounts;

use error::StopReason;
use feed::{Candidate, Event, Everything, Feed};
use fetch::{FetchError, fetch};
use listing::{Found, Listing};
use store::{StoreError, Writer};

pub use error::{IngestError, SourceError};
pub use objects::{
    ListedObject, ObjectError, ObjectFolder, ObjectLocation, ObjectLocationError, ObjectPage, ObjectStore,
    ObjectStoreError,
};
pub use report::{
    Failure, IngestObserver, IngestReport, MAX_NAMED_FAILURES, NotPruned, OTHER_EXTENSIONS, Outcome,
    PartlyScanned, SourceSize, StoredChunks,
};
pub use source::{Source, SourceContent, SourceDocument};
pub use tokio_util::sync::CancellationToken;

/// How many documents are at work at once if nobody says: enough to wait for a store while others are parsed and written.
const DEFAULT_CONCURRENCY: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// How many documents are found ahead of those at work, at most.
const MAX_AHEAD: usize = 1_000;

/// What the documents at work may have together, in KiB, before they are parsed. A larger one is at work alone.
const BUDGET_KIB: u32 = 64 * 1024;

/// How to ingest.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// What one document may cost.
    pub limits: Limits,
    /// Where documents are parsed.
    pub parsers: Parsers,
    /// How many documents are at work at once.
    pub concurrency: NonZeroUsize,
    /// What to delete.
    pub prune: Prune,
    /// The time of the run: when a document last changed if its source does not say, or says that it is in the future.
    pub now: DateTime<Utc>,
    /// Ends the run soon when it is cancelled: what is being embedded or stored is finished, since it may be paid for; what
    /// is only being listed, read or parsed is left to the next run; nothing more is pruned.
    pub stop: CancellationToken,
}

/// Which documents a run deletes that are not in its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// None.
    Nothing,
    /// Those that came from the given folders.
    GivenFolders,
    /// All: the knowledge base is to hold what the source has, and nothing else.
    Everything,
}

impl IngestOptions {
    /// The default limits, in this process, nothing pruned.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        Self {
            limits: Limits::default(),
            parsers: Parsers::in_process(),
            concurrency: DEFAULT_CONCURRENCY,
            prune: Prune::Nothing,
            now,
            stop: CancellationToken::new(),
        }
    }
}

/// Brings a knowledge base up to what stands in `source`.
///
/// A document whose content is the stored one is left alone, and a chunk whose content is stored keeps its vector. What
/// fails to be read or parsed is reported and keeps its old version.
///
/// # Errors
/// [`IngestError`] when the embedder is not that of the knowledge base, and when the source, the database or the embedder
/// fails: then the error holds the report of what was done by then.
pub async fn ingest(
    content: &KnowledgeBaseContent,
    embedder: Option<&dyn Embedder>,
    source: &Source,
    options: &IngestOptions,
    observer: &dyn IngestObserver,
) -> Result<IngestReport, IngestError> {
    let writer = Writer::new(content, embedder, options.now)?;
    let started = Instant::now();
    let mut run = Run {
        writer,
        options,
        observer,
        budget: Semaphore::new(BUDGET_KIB as usize),
        report: IngestReport::default(),
    };
    let ended = run.everything(source).await;
    run.report.elapsed = started.elapsed();
    match ended {
        Ok(()) => Ok(run.report),
        Err(reason) => reason.outcome(run.report),
    }
}

struct Run<'a> {
    writer: Writer<'a>,
    options: &'a IngestOptions,
    observer: &'a dyn IngestObserver,
    /// One for each KiB that may be in memory before it is parsed.
    budget: Semaphore,
    report: IngestReport,
}

/// A document that was dealt with.
struct Done {
    candidate: Box<Candidate>,
    removed: RemovedCounts,
    partly_scanned: Option<PartlyScanned>,
    /// Whether nothing tells how it is encoded.
    is_guessed: bool,
    outcome: Outcome,
}

impl Run<'_> {
    async fn everything(&mut self, source: &Source) -> Result<(), StopReason> {
        let counted = self.options.stop.run_until_cancelled(self.count(source)).await;
        self.observer.begins(counted.ok_or(StopReason::Interrupted)??);
        let content = self.writer.content();
        let looked = content.now().await?;
        let (sender, events) = mpsc::channel(MAX_AHEAD);
        let feed = Feed::new(source, content, sender);
        // In this order: why the feed ended early is of interest only if the work did not end it.
        let (found, worked) = tokio::join!(feed.run(), self.work(events));
        worked?;
        let found: Everything = found?.ok_or(StopReason::Interrupted)?;
        if self.options.prune != Prune::Nothing {
            prune::prune(content, &found, looked, self.options, self.observer, &mut self.report).await?;
        }
        Ok(())
    }

    async fn count(&self, source: &Source) -> Result<SourceSize, StopReason> {
        let mut listing = Listing::of(source);
        let mut size = SourceSize::default();
        while let Some(page) = listing.next_page().await? {
            for found in &page.found {
                if let Found::Document(document) = found {
                    size.add(document);
                }
            }
            self.observer.counts(size);
        }
        Ok(size)
    }

    /// Works at what comes, until all came, the run is to end, or something failed that no document would survive. What is
    /// at work then is waited for in each case; told to end, it ends itself where nothing is lost.
    async fn work(&mut self, mut events: mpsc::Receiver<Event>) -> Result<(), StopReason> {
        let (writer, options, budget) = (&self.writer, self.options, &self.budget);
        let mut at_work = FuturesUnordered::new();
        let mut ended = Ok(());
        let mut is_open = true;
        loop {
            tokio::select! {
                () = options.stop.cancelled(), if is_open => {
                    ended = Err(StopReason::Interrupted);
                    is_open = false;
                    events.close();
                }
                Some(worked) = at_work.next() => match worked {
                    Ok(done) => {
                        let Done { candidate, removed, partly_scanned, is_guessed, outcome } = done;
                        self.report.removed += removed;
                        if let Some(document) = partly_scanned {
                            self.report.add_partly_scanned(document);
                        }
                        if is_guessed {
                            self.report.add_guessed(&candidate.document.name());
                        }
                        self.observer.document(&candidate.document, &outcome);
                        self.report.add(outcome);
                    }
                    Err(reason) => {
                        // The first failure counts, and more than that the run was to end.
                        if let Ok(()) | Err(StopReason::Interrupted) = ended {
                            ended = Err(reason);
                        }
                        is_open = false;
                        events.close();
                    }
                },
                event = events.recv(), if is_open && at_work.len() < options.concurrency.get() => match event {
                    Some(Event::Document(candidate)) => {
                        at_work.push(document(writer, options, budget, candidate));
                    }
                    Some(Event::Aside(aside)) => self.report.add_aside(aside),
                    None => is_open = false,
                },
                else => return ended,
            }
        }
    }
}

/// From a document's source to its rows.
async fn document(
    writer: &Writer<'_>,
    options: &IngestOptions,
    budget: &Semaphore,
    candidate: Box<Candidate>,
) -> Result<Done, StopReason> {
    let Candidate { document, stored } = &*candidate;
    let known_mark = stored.as_ref().and_then(|stored| stored.change_mark.as_deref());
    if known_mark.is_some() && known_mark == document.change_mark().as_ref().map(<[u8; 32]>::as_slice) {
        let (removed, outcome) = (RemovedCounts::default(), Outcome::Unread);
        return Ok(Done { candidate, removed, partly_scanned: None, is_guessed: false, outcome });
    }
    let kib = u32::try_from(document.size() / 1024 + 1).unwrap_or(u32::MAX).min(BUDGET_KIB);
    let preparing = async {
        // Nobody closes it.
        let permit = budget.acquire_many(kib).await.ok();
        (permit, prepare(document, options).await)
    };
    // This can take longer than a task is given to end, and the next run does it again at no price. What follows is finished.
    let Some((_permit, prepared)) = options.stop.run_until_cancelled(preparing).await else {
        return Err(StopReason::Interrupted);
    };
    let (mut partly_scanned, mut is_guessed) = (None, false);
    let (removed, outcome) = match prepared? {
        Ok((prepared, guessed)) => {
            let removed = prepared.removed;
            let scanned = PartlyScanned::of(&document.name(), &prepared);
            match writer.store(document, stored.as_ref(), prepared).await {
                Ok(outcome) => {
                    (partly_scanned, is_guessed) = (scanned, guessed);
                    (removed, outcome)
                }
                Err(StoreError::Document(error)) => (removed, failed(document, &error)),
                Err(StoreError::Run(reason)) => return Err(reason),
            }
        }
        Err(outcome) => {
            if let (Outcome::Empty { .. }, Some(stored)) = (&outcome, stored) {
                writer.forget(stored).await?;
            }
            (RemovedCounts::default(), outcome)
        }
    };
    Ok(Done { candidate, removed, partly_scanned, is_guessed, outcome })
}

/// The document's chunks and whether its encoding is guessed, or why it has none.
async fn prepare(
    document: &SourceDocument,
    options: &IngestOptions,
) -> Result<Result<(PreparedDocument, bool), Outcome>, StopReason> {
    let bytes = match fetch(document, options.limits).await {
        Ok(bytes) => bytes,
        Err(FetchError::Gone) => return Ok(Err(Outcome::vanished(&document.name()))),
        Err(FetchError::Document(error)) => return Ok(Err(failed(document, &*error))),
        Err(FetchError::Run(error)) => return Err(error.into()),
    };
    if bytes.is_empty() {
        // No file of no bytes is a PDF or an archive, and it says as little as an empty text.
        return Ok(Err(Outcome::empty(&document.name())));
    }
    // Here and not by the parser, which a hostile file may have taken over.
    let is_guessed = is_guessed(&bytes, document.format);
    let input = DocumentInput {
        key: document.key.clone(),
        title: document.title.clone(),
        format: document.format,
        source_url: document.source_url.clone(),
        bytes,
    };
    let prepared = options.parsers.prepare(input, options.limits).await;
    Ok(prepared.map(|prepared| (prepared, is_guessed)).map_err(|error| match error {
        // Of a PDF it may be that its text cannot be read: somebody should look.
        ParseError::NoText if document.format != DocumentFormat::Pdf => Outcome::empty(&document.name()),
        error => failed(document, &error),
    }))
}

fn failed(document: &SourceDocument, error: &(dyn Error + 'static)) -> Outcome {
    Outcome::Failed(Failure::new(&document.name(), error))
}
