//! What a run did, at its end and while it goes on.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use super::{Source, SourceDocument};
use crate::sanitize::{RemovedCounts, is_invisible};

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngestReport {
    /// Documents stored for the first time.
    pub new: u64,
    /// Documents stored in place of an older version.
    pub updated: u64,
    /// Documents that are stored as they are.
    pub unchanged: u64,
    /// Documents deleted because their source is gone.
    pub pruned: u64,
    /// Chunks of the new and updated documents.
    pub chunks: u64,
    /// How many of these were embedded; the others had a vector already, or get none.
    pub embedded_chunks: u64,
    /// What people would not have seen, removed from all the documents that were read, unchanged ones too.
    pub removed: RemovedCounts,
    /// What was not ingested, and why.
    pub failures: Vec<Failure>,
    /// Folders where nothing was pruned though it was asked for.
    pub not_pruned: Vec<NotPruned>,
    /// How many files were passed over because they are no documents, by extension (empty: none).
    pub not_documents: BTreeMap<String, u64>,
    /// How many symbolic links were not followed.
    pub symlinks: u64,
    /// How long the run took.
    pub elapsed: Duration,
}

/// A document that was not ingested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which: a path, or a key. Safe to print: invisible characters are escaped.
    pub name: String,
    /// Why, with its causes. Safe to print, too.
    pub reason: String,
}

/// A folder whose documents were not pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotPruned {
    /// A part of it could not be listed, so nobody knows what is gone.
    NotListed {
        /// The folder's name in the keys.
        folder: String,
    },
    /// No document was found in it, which looks more like a drive that is not mounted than like the end of everything.
    NothingFound {
        /// The folder's name in the keys.
        folder: String,
    },
}

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Stored for the first time.
    New(StoredChunks),
    /// Stored in place of an older version.
    Updated(StoredChunks),
    /// It is stored as it is.
    Unchanged,
    /// Not stored. An older version stays.
    Failed(Failure),
}

/// What was stored of a document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoredChunks {
    /// Its chunks.
    pub chunks: u64,
    /// How many of them were embedded; the others had a vector already, or get none.
    pub embedded: u64,
}

/// Told of a run while it goes on.
pub trait IngestObserver: Send + Sync {
    /// The run begins; it will look at so many documents.
    fn begins(&self, documents: usize) {
        let _ = documents;
    }

    /// A document is done.
    fn document(&self, document: &SourceDocument, outcome: &Outcome) {
        let _ = (document, outcome);
    }

    /// The document of this key was deleted: its source is gone.
    fn pruned(&self, key: &str) {
        let _ = key;
    }
}

/// Looks away.
impl IngestObserver for () {}

impl IngestReport {
    /// The report of a run that has not begun: what the search for files found is in it.
    pub(super) fn beginning_with(source: &Source) -> Self {
        let failures = source.problems().iter();
        Self {
            failures: failures
                .map(|problem| Failure::new(&problem.path.to_string_lossy(), &problem.reason))
                .collect(),
            not_documents: source.not_documents().clone(),
            symlinks: source.symlinks(),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::New(stored) => {
                self.new += 1;
                self.add_chunks(stored);
            }
            Outcome::Updated(stored) => {
                self.updated += 1;
                self.add_chunks(stored);
            }
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Failed(failure) => self.failures.push(failure),
        }
    }

    fn add_chunks(&mut self, stored: StoredChunks) {
        self.chunks += stored.chunks;
        self.embedded_chunks += stored.embedded;
    }
}

impl Failure {
    pub(super) fn new(name: &str, error: &(dyn Error + 'static)) -> Self {
        let causes = std::iter::successors(Some(error), |error| (*error).source());
        let reason: Vec<String> = causes.map(ToString::to_string).collect();
        Self { name: printable(name), reason: printable(&reason.join(": ")) }
    }
}

/// File names are not ours: a control character in one must not steer the terminal.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if is_invisible(char) || matches!(char, '\n' | '\r' | '\t') {
            printable.extend(char.escape_default());
        } else {
            printable.push(char);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::walk::{FileProblem, FileProblemReason};

    #[test]
    fn a_failure_says_why_with_its_causes() {
        let source = std::io::Error::new(std::io::ErrorKind::PermissionDenied, "not yours").into();
        let failure = Failure::new("a/b.md", &FileProblemReason::Unreadable(source));
        assert_eq!(
            failure,
            Failure { name: "a/b.md".to_owned(), reason: "cannot be read: not yours".to_owned() }
        );
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        let problem = FileProblem { path: "x".into(), reason: FileProblemReason::NotADocument };
        assert_eq!(
            Failure::new("\u{1b}[2Jé\n\u{202e}.md", &problem.reason).name,
            "\\u{1b}[2Jé\\n\\u{202e}.md"
        );
    }
}
