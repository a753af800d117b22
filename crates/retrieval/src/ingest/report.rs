//! What a run did, at its end and while it goes on.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use super::SourceDocument;
use super::feed::Aside;
use crate::parsers::PreparedDocument;
use crate::sanitize::{RemovedCounts, is_invisible};

/// How many failures a report names. The others are counted: a report must not grow with what is wrong.
pub const MAX_NAMED_FAILURES: usize = 1_000;

/// How many extensions of files that are no documents a report names; the others are counted under [`OTHER_EXTENSIONS`].
const MAX_NAMED_EXTENSIONS: usize = 100;

/// Stands for the extensions beyond those that are named. No extension is like it.
pub const OTHER_EXTENSIONS: &str = "…";

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IngestReport {
    /// Documents stored for the first time.
    pub new: u64,
    /// Documents stored in place of an older version.
    pub updated: u64,
    /// Documents that are stored as they are.
    pub unchanged: u64,
    /// How many of these were not even read: their store says that they have not changed.
    pub unread: u64,
    /// Documents deleted because their source is gone.
    pub pruned: u64,
    /// Chunks of the new and updated documents.
    pub chunks: u64,
    /// How many of these were embedded; the others had a vector already, or get none.
    pub embedded_chunks: u64,
    /// What people would not have seen, removed from all the documents that were read, unchanged ones too.
    pub removed: RemovedCounts,
    /// Documents without a word of text: there is nothing to find in them.
    pub empty: u64,
    /// Which, safe to print; the first [`MAX_NAMED_FAILURES`] of them.
    pub empty_names: Vec<String>,
    /// Documents of which a part is pictures without text, as scanned pages are: they are stored without it. Unchanged ones
    /// too, of those that were read.
    pub partly_scanned: u64,
    /// Which; the first [`MAX_NAMED_FAILURES`] of them.
    pub partly_scanned_documents: Vec<PartlyScanned>,
    /// Documents that do not tell how their text is encoded, and are not UTF-8: they were read as windows-1252, and one that
    /// is something else is gibberish now. Unchanged ones too, of those that were read.
    pub guessed: u64,
    /// Which, safe to print; the first [`MAX_NAMED_FAILURES`] of them.
    pub guessed_names: Vec<String>,
    /// Documents that were found and gone when it was their turn.
    pub vanished: u64,
    /// Which, safe to print; the first [`MAX_NAMED_FAILURES`] of them.
    pub vanished_names: Vec<String>,
    /// How many documents were not ingested.
    pub failed: u64,
    /// Which, and why; the first [`MAX_NAMED_FAILURES`] of them.
    pub failures: Vec<Failure>,
    /// Whether the run was stopped before its end. The next one goes on.
    pub interrupted: bool,
    /// Folders where nothing was pruned though it was asked for.
    pub not_pruned: Vec<NotPruned>,
    /// How many files were passed over because they are no documents, by extension (empty: none). At most a hundred
    /// extensions; the files of others stand under [`OTHER_EXTENSIONS`].
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

/// A document of which some pages are pictures without text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartlyScanned {
    /// Which: a path, or a key. Safe to print: invisible characters are escaped.
    pub name: String,
    /// How many of its pages are.
    pub pages_without_text: u32,
    /// How many pages it has.
    pub pages: u32,
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
    /// It is stored as it is, which its store says: it was not read.
    Unread,
    /// There is no text in it. An older version is deleted: its text is not what the source says any more.
    Empty {
        /// Which: a path, or a key. Safe to print.
        name: String,
    },
    /// It was gone before it could be read, as files go that somebody works at. An older version stays until a run prunes it.
    Vanished {
        /// Which: a path, or a key. Safe to print.
        name: String,
    },
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

/// How much there is to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceSize {
    /// Documents.
    pub documents: u64,
    /// What those of them have together that are text, in bytes. What is embedded is hardly more, and less of HTML.
    pub text_bytes: u64,
    /// Those that are not text: PDF and Word. How much text is in them is known when they are read.
    pub packed_documents: u64,
    /// What these have together, in bytes.
    pub packed_bytes: u64,
}

impl SourceSize {
    pub(super) fn add(&mut self, document: &SourceDocument) {
        self.documents += 1;
        if document.format.is_text() {
            self.text_bytes += document.size();
        } else {
            self.packed_documents += 1;
            self.packed_bytes += document.size();
        }
    }
}

/// Told of a run while it goes on.
pub trait IngestObserver: Send + Sync {
    /// The documents are being counted; there are so many at least.
    fn counts(&self, so_far: SourceSize) {
        let _ = so_far;
    }

    /// The run begins; it will look at so much.
    fn begins(&self, size: SourceSize) {
        let _ = size;
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

/// Ignores all of it.
impl IngestObserver for () {}

impl IngestReport {
    /// What was found beside documents.
    pub(super) fn add_aside(&mut self, aside: Aside) {
        aside.failures.into_iter().for_each(|failure| self.fail(failure));
        for (extension, count) in aside.not_documents {
            let is_named = self.not_documents.len() < MAX_NAMED_EXTENSIONS
                || self.not_documents.contains_key(&extension);
            let name = if is_named { extension } else { OTHER_EXTENSIONS.to_owned() };
            *self.not_documents.entry(name).or_default() += count;
        }
        self.symlinks += aside.symlinks;
    }

    /// How many documents the run has dealt with.
    #[must_use]
    pub fn documents(&self) -> u64 {
        self.new + self.updated + self.unchanged + self.empty + self.vanished + self.failed
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
            Outcome::Unread => {
                self.unchanged += 1;
                self.unread += 1;
            }
            Outcome::Empty { name } => {
                self.empty += 1;
                push_bounded(&mut self.empty_names, name);
            }
            Outcome::Vanished { name } => {
                self.vanished += 1;
                push_bounded(&mut self.vanished_names, name);
            }
            Outcome::Failed(failure) => self.fail(failure),
        }
    }

    pub(super) fn add_partly_scanned(&mut self, document: PartlyScanned) {
        self.partly_scanned += 1;
        push_bounded(&mut self.partly_scanned_documents, document);
    }

    pub(super) fn add_guessed(&mut self, name: &str) {
        self.guessed += 1;
        push_bounded(&mut self.guessed_names, printable(name));
    }

    fn fail(&mut self, failure: Failure) {
        self.failed += 1;
        push_bounded(&mut self.failures, failure);
    }

    fn add_chunks(&mut self, stored: StoredChunks) {
        self.chunks += stored.chunks;
        self.embedded_chunks += stored.embedded;
    }
}

/// The others are counted.
fn push_bounded<T>(named: &mut Vec<T>, one: T) {
    if named.len() < MAX_NAMED_FAILURES {
        named.push(one);
    }
}

impl Outcome {
    pub(super) fn empty(name: &str) -> Self {
        Self::Empty { name: printable(name) }
    }

    pub(super) fn vanished(name: &str) -> Self {
        Self::Vanished { name: printable(name) }
    }
}

impl PartlyScanned {
    /// None of a document without such pages.
    pub(super) fn of(name: &str, prepared: &PreparedDocument) -> Option<Self> {
        let PreparedDocument { pages_without_text, pages, .. } = *prepared;
        (pages_without_text > 0).then(|| Self { name: printable(name), pages_without_text, pages })
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
    fn a_report_does_not_grow_with_what_is_wrong() {
        let mut report = IngestReport::default();
        let failure = Failure { name: "a".to_owned(), reason: "b".to_owned() };
        for number in 0..2_000 {
            report.add(Outcome::Failed(failure.clone()));
            report.add(Outcome::vanished("gone.md"));
            report.add_guessed("old.txt");
            let name = format!("{number}.pdf");
            report.add_partly_scanned(PartlyScanned { name, pages_without_text: 1, pages: 2 });
            let not_documents = BTreeMap::from([(format!("x{number}"), 1)]);
            report.add_aside(Aside { not_documents, ..Aside::default() });
        }
        assert_eq!((report.failed, report.failures.len(), report.documents()), (2_000, 1_000, 4_000));
        assert_eq!((report.partly_scanned, report.partly_scanned_documents.len()), (2_000, 1_000));
        assert_eq!((report.guessed, report.guessed_names.len()), (2_000, 1_000));
        assert_eq!((report.vanished, report.vanished_names.len()), (2_000, 1_000));
        assert_eq!(report.not_documents.len(), MAX_NAMED_EXTENSIONS + 1);
        assert_eq!(report.not_documents[OTHER_EXTENSIONS], 1_900);
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
