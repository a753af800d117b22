//! A document parsed on a thread of this process.

use std::io;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{DocumentInput, PreparedDocument, parse_and_chunk};
use crate::limits::Limits;
use crate::parse::{ParseError, ParsedDocument};

/// How long a document is waited for: half as long again as the parser gives itself, for a step in progress and for chunking.
pub(super) fn patience(limits: &Limits) -> Duration {
    limits.max_parse_time.saturating_mul(3) / 2
}

/// The stack of a parsing thread, in bytes. Only what is used of it becomes memory.
pub(super) const STACK_BYTES: usize = 16 * 1024 * 1024;

pub(super) async fn prepare(document: DocumentInput, limits: Limits) -> Result<PreparedDocument, ParseError> {
    let limit = patience(&limits);
    let format = document.format;
    let work = move || {
        let (parsed, chunks) = parse_and_chunk(&document, &limits)?;
        let content_hash = parsed.content_hash(document.source_url.as_deref());
        let pages = parsed.pages();
        let ParsedDocument { title, removed, pages_without_text, .. } = parsed;
        Ok(PreparedDocument { title, content_hash, chunks, removed, pages_without_text, pages })
    };
    within(limit, work).await.unwrap_or_else(|error| {
        Err(match error {
            WorkError::NoThread(source) => ParseError::NotStarted(source),
            WorkError::Panicked => ParseError::ParserFailed(format),
            WorkError::TookTooLong => ParseError::TookTooLong { limit_secs: limits.max_parse_time.as_secs() },
        })
    })
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

    const PATIENCE: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn work_gives_its_result() {
        assert!(matches!(within(PATIENCE, || 7).await, Ok(7)));
    }

    #[tokio::test]
    async fn a_panic_is_one_documents_failure() {
        let failed: Result<(), _> = within(PATIENCE, || panic!("a parser's bug")).await;
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
