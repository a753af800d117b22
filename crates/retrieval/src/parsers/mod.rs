//! Where documents are parsed and chunked: away from the async threads, and within limits.
//!
//! A document is somebody else's bytes, and a parser is a large program that reads them. So a run that takes in files
//! does it in child processes: what hangs is killed, what eats memory or overflows its stack takes nobody with it, and
//! each of these is one document's error. For texts that we made ourselves a thread is enough.

mod children;
mod confine;
mod thread;
mod wire;
mod worker;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use self::children::Children;
pub use self::worker::serve_worker;
#[cfg(feature = "test-worker")]
pub use self::worker::serve_worker_on_trial;

use crate::chunk::{Chunk, Chunker};
use crate::format::DocumentFormat;
use crate::limits::Limits;
use crate::parse::{ParseError, ParsedDocument, parse_document};
use crate::sanitize::RemovedCounts;

/// A document as its source gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentInput {
    /// Its path or key; it becomes the title where there is no other.
    pub key: String,
    /// A title that is known from elsewhere, if there is one. It goes before the document's own.
    pub title: Option<String>,
    /// What its bytes are.
    pub format: DocumentFormat,
    /// Where people find the original.
    pub source_url: Option<String>,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A document, ready to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreparedDocument {
    /// One line of 1 to 300 characters.
    pub title: String,
    /// [`ParsedDocument::content_hash`].
    pub content_hash: [u8; 32],
    /// Its text in pieces, without gap or overlap.
    pub chunks: Vec<Chunk>,
    /// What people would not have seen of it.
    pub removed: RemovedCounts,
    /// [`ParsedDocument::pages_without_text`].
    pub pages_without_text: u32,
    /// How many pages it has, if it has pages.
    pub pages: u32,
}

/// How to start a child that parses: a program that calls [`serve_worker`] and does nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerCommand {
    program: PathBuf,
    arguments: Vec<OsString>,
}

impl WorkerCommand {
    /// The program with its arguments. Its environment is always empty: what it reads is hostile, and what this
    /// process's environment holds (a database's password) is none of its business.
    pub fn new(
        program: impl Into<PathBuf>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Self {
        Self { program: program.into(), arguments: arguments.into_iter().map(Into::into).collect() }
    }
}

/// Where documents are parsed and chunked. Cheap to clone; for one tokio runtime.
#[derive(Debug, Clone)]
pub struct Parsers(Place);

#[derive(Debug, Clone)]
enum Place {
    Thread,
    Children(Arc<Children>),
}

impl Parsers {
    /// In this process, on a thread: for texts that we made ourselves, and for tests.
    #[must_use]
    pub fn in_process() -> Self {
        Self(Place::Thread)
    }

    /// In child processes, at most `count` at once: started by `worker` when needed, used again, and replaced when one
    /// dies, hangs or has served its number.
    #[must_use]
    pub fn in_children(worker: WorkerCommand, count: NonZeroUsize) -> Self {
        Self(Place::Children(Children::new(worker, count)))
    }

    /// Parses and chunks one document. Calls may overlap.
    pub async fn prepare(
        &self,
        document: DocumentInput,
        limits: Limits,
    ) -> Result<PreparedDocument, ParseError> {
        match &self.0 {
            Place::Thread => thread::prepare(document, limits).await,
            Place::Children(children) => children.prepare(document, limits).await,
        }
    }
}

/// Bytes to chunks, on this thread.
fn parse_and_chunk(
    document: &DocumentInput,
    limits: &Limits,
) -> Result<(ParsedDocument, Vec<Chunk>), ParseError> {
    let DocumentInput { key, title, format, bytes, .. } = document;
    let mut parsed = parse_document(key, bytes, *format, limits)?;
    if let Some(title) = title {
        parsed = parsed.with_title(title);
    }
    let chunks = Chunker::new(limits).chunks(&parsed)?;
    Ok((parsed, chunks))
}
