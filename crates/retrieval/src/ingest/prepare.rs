//! From a source to chunks, away from the async threads and within limits.

use std::io;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{SourceContent, SourceDocument};
use crate::chunk::{Chunk, Chunker};
use crate::limits::Limits;
use crate::parse::{ParseError, ParsedDocument, parse_document};
use crate::sanitize::RemovedCounts;
use crate::walk::read_file;

/// What reading and chunking may take beyond the parser's own limit.
const GRACE: Duration = Duration::from_secs(10);

/// The stack of a parsing thread, in bytes. Only what is used of it becomes memory.
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// A document, ready to be stored.
#[derive(Debug)]
pub(super) struct PreparedDocument {
    pub(super) title: String,
    /// [`ParsedDocument::content_hash`].
    pub(super) content_hash: [u8; 32],
    pub(super) chunks: Vec<Chunk>,
    pub(super) removed: RemovedCounts,
}

/// Why a document could not be prepared.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    #[error("cannot be read")]
    Read(#[source] io::Error),
    #[error(transparent)]
    Parse(#[from] ParseError),
    #[error("no thread to parse it on")]
    NoThread(#[source] io::Error),
}

/// Reads, parses and chunks a document.
pub(super) async fn prepare(
    document: &SourceDocument,
    limits: Limits,
) -> Result<PreparedDocument, PrepareError> {
    let limit = limits.max_parse_time + GRACE;
    let format = document.format;
    let document = document.clone();
    let worked = within(limit, move || read_and_chunk(&document, &limits)).await;
    worked.unwrap_or_else(|error| {
        Err(match error {
            WorkError::NoThread(source) => PrepareError::NoThread(source),
            WorkError::Panicked => ParseError::ParserFailed(format).into(),
            WorkError::TookTooLong => ParseError::TookTooLong { limit_secs: limit.as_secs() }.into(),
        })
    })
}

fn read_and_chunk(document: &SourceDocument, limits: &Limits) -> Result<PreparedDocument, PrepareError> {
    let mut parsed = match &document.content {
        SourceContent::File(path) => {
            let bytes = read_file(path, limits).map_err(PrepareError::Read)?;
            parse_document(&document.key, &bytes, document.format, limits)?
        }
        SourceContent::Bytes(bytes) => parse_document(&document.key, bytes, document.format, limits)?,
    };
    if let Some(title) = &document.title {
        parsed = parsed.with_title(title);
    }
    let chunks = Chunker::new(limits).chunks(&parsed)?;
    let content_hash = parsed.content_hash(document.source_url.as_deref());
    let ParsedDocument { title, removed, .. } = parsed;
    Ok(PreparedDocument { title, content_hash, chunks, removed })
}

/// Why there is no result of some work.
#[derive(Debug)]
enum WorkError {
    NoThread(io::Error),
    Panicked,
    TookTooLong,
}

/// Does the work on a thread of its own, and waits for it no longer than `limit`.
///
/// Not on tokio's blocking pool: a thread that hangs cannot be ended, and would keep the runtime from shutting down.
async fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, WorkError> {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("autri-parse".to_owned()).stack_size(STACK_BYTES);
    // Nobody listens any more once it took too long; and a panic drops the sender.
    thread.spawn(move || sender.send(work()).ok()).map_err(WorkError::NoThread)?;
    match timeout(limit, receiver).await {
        Ok(Ok(result)) => Ok(result),
        Ok(Err(_)) => Err(WorkError::Panicked),
        Err(_) => Err(WorkError::TookTooLong),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn work_gives_its_result() {
        assert!(matches!(within(GRACE, || 7).await, Ok(7)));
    }

    #[tokio::test]
    async fn a_panic_is_one_documents_failure() {
        let failed: Result<(), _> = within(GRACE, || panic!("a parser's bug")).await;
        assert!(matches!(failed, Err(WorkError::Panicked)));
    }

    #[tokio::test]
    async fn a_hang_is_left_behind() {
        let (release, released) = mpsc::channel::<()>();
        let hung = within(Duration::from_millis(1), move || released.recv().is_err()).await;
        assert!(matches!(hung, Err(WorkError::TookTooLong)));
        drop(release);
    }
}
