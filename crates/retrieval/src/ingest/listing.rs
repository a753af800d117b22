//! Looking through a source, page by page.

use std::error::Error;

use super::error::SourceError;
use super::report::Failure;
use super::source::{Place, Source, SourceContent, SourceDocument};
use crate::walk::{FileProblemReason, FoundFile, MAX_KEY_CHARS, SourceBaseUrl, SourceFile, Walk};

/// How many files make a page. A page of objects is the store's.
const PAGE: usize = 500;

/// What was found, and where.
#[derive(Debug)]
pub(super) struct Page {
    /// The place's number in the source.
    pub(super) place: usize,
    pub(super) found: Vec<Found>,
}

/// What stands in a place.
#[derive(Debug)]
pub(super) enum Found {
    Document(SourceDocument),
    /// A document that cannot be ingested.
    Problem(Failure),
    /// A part of the place could not be listed, so nobody knows what is in it.
    Unlisted(Failure),
    /// By extension; empty: none.
    NotADocument(String),
    Symlink,
}

impl Found {
    pub(super) fn problem(name: &str, error: &(dyn Error + 'static)) -> Self {
        Self::Problem(Failure::new(name, error))
    }
}

/// A way through a source, from its beginning to its end.
pub(super) struct Listing<'a> {
    source: &'a Source,
    place: usize,
    state: State,
}

/// Where in its place a listing is.
enum State {
    Begin,
    Documents(usize),
    Walk(Box<Walk>),
    Objects { continuation: String },
}

impl<'a> Listing<'a> {
    pub(super) fn of(source: &'a Source) -> Self {
        Self { source, place: 0, state: State::Begin }
    }

    /// The next page, which may be empty; none after the last.
    pub(super) async fn next_page(&mut self) -> Result<Option<Page>, SourceError> {
        let Some(place) = self.source.places.get(self.place) else { return Ok(None) };
        let (found, next) = match place {
            Place::Documents(documents) => {
                let done = if let State::Documents(done) = self.state { done } else { 0 };
                let until = documents.len().min(done + PAGE);
                let found = documents[done..until].iter().cloned().map(checked).collect();
                (found, (until < documents.len()).then_some(State::Documents(until)))
            }
            Place::Path { root, base_url, folder_name, .. } => {
                let walk = match std::mem::replace(&mut self.state, State::Begin) {
                    State::Walk(walk) => walk,
                    _ => Box::new(begin_walk(root, base_url.as_ref()).await?),
                };
                let (found, rest) = walk_on(walk, folder_name.clone()).await?;
                (found, rest.map(State::Walk))
            }
            Place::Objects(folder) => {
                let continuation = match &self.state {
                    State::Objects { continuation } => Some(continuation.as_str()),
                    _ => None,
                };
                let (found, continuation) = folder.page(continuation).await?;
                let found = found.into_iter().map(|found| match found {
                    Found::Document(document) => checked(document),
                    other => other,
                });
                (found.collect(), continuation.map(|continuation| State::Objects { continuation }))
            }
        };
        let page = Page { place: self.place, found };
        if next.is_none() {
            self.place += 1;
        }
        self.state = next.unwrap_or(State::Begin);
        Ok(Some(page))
    }
}

async fn begin_walk(root: &std::path::Path, base_url: Option<&SourceBaseUrl>) -> Result<Walk, SourceError> {
    let (root, base_url) = (root.to_owned(), base_url.cloned());
    let begun = tokio::task::spawn_blocking(move || Walk::of(&root, base_url.as_ref())).await;
    Ok(begun.map_err(SourceError::Ended)??)
}

/// Files of the walk, and the walk if there may be more.
async fn walk_on(
    mut walk: Box<Walk>,
    folder_name: Option<String>,
) -> Result<(Vec<Found>, Option<Box<Walk>>), SourceError> {
    let walked = tokio::task::spawn_blocking(move || {
        let found: Vec<Found> =
            walk.by_ref().take(PAGE).map(|found| found_file(found, folder_name.as_deref())).collect();
        let rest = (found.len() == PAGE).then_some(walk);
        (found, rest)
    });
    walked.await.map_err(SourceError::Ended)
}

fn found_file(found: FoundFile, folder_name: Option<&str>) -> Found {
    match found {
        FoundFile::Document(file) => checked(to_document(file, folder_name)),
        FoundFile::Problem(problem) => {
            let failure = Failure::new(&problem.path.to_string_lossy(), &problem.reason);
            match problem.reason {
                FileProblemReason::Unreadable(_) => Found::Unlisted(failure),
                FileProblemReason::NotSupportedYet(_)
                | FileProblemReason::NotADocument
                | FileProblemReason::SameKey(_)
                | FileProblemReason::KeyTooLong => Found::Problem(failure),
            }
        }
        FoundFile::NotADocument(extension) => Found::NotADocument(extension),
        FoundFile::Symlink => Found::Symlink,
    }
}

fn to_document(file: SourceFile, folder_name: Option<&str>) -> SourceDocument {
    SourceDocument {
        key: folder_name.map_or(file.key.clone(), |folder| format!("{folder}/{}", file.key)),
        title: None,
        format: file.format,
        source_url: file.source_url,
        modified: file.modified,
        content: SourceContent::File { path: file.path, found_in: file.found_in, size: file.size },
    }
}

fn checked(document: SourceDocument) -> Found {
    if document.key.chars().count() > MAX_KEY_CHARS {
        return Found::problem(&document.name(), &FileProblemReason::KeyTooLong);
    }
    Found::Document(document)
}
