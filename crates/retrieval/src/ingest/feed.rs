//! What is found in a source, on its way to be worked at: each document with what is stored of it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use autri_db::ingest::{KnowledgeBaseContent, StoredDocument};
use tokio::sync::mpsc;

use super::error::StopReason;
use super::listing::{Found, Listing, Page};
use super::report::Failure;
use super::source::{Source, SourceDocument};
use crate::walk::FileProblemReason;

/// What a run works at.
#[derive(Debug)]
pub(super) enum Event {
    Document(Box<Candidate>),
    Aside(Aside),
}

/// A document that was found.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) document: SourceDocument,
    pub(super) stored: Option<StoredDocument>,
}

/// What was found besides.
#[derive(Debug, Default)]
pub(super) struct Aside {
    pub(super) failures: Vec<Failure>,
    pub(super) not_documents: BTreeMap<String, u64>,
    pub(super) symlinks: u64,
}

/// All that was found, in as little memory as will do: a number for each key, and what is known of each folder.
#[derive(Debug, Default)]
pub(super) struct Everything {
    keys: HashSet<u64>,
    /// With another seed in each run: nobody can name a document so that another one's number is met.
    hasher: RandomState,
    pub(super) folders: BTreeMap<String, Folder>,
}

/// A folder that was searched, or several with one name, which are one to the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folder {
    /// Whether all of it could be listed.
    pub(super) is_listed: bool,
    /// Whether a document was found in each.
    pub(super) has_documents: bool,
}

impl Everything {
    /// Whether there is a document with this key. Two keys have the same number once in 2⁶⁴ pairs.
    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains(&self.hasher.hash_one(key))
    }

    /// Whether it is new.
    fn add(&mut self, key: &str) -> bool {
        self.keys.insert(self.hasher.hash_one(key))
    }
}

/// Looks through the source, and asks for what is stored of each page's documents at once.
pub(super) struct Feed<'a> {
    source: &'a Source,
    content: &'a KnowledgeBaseContent,
    events: mpsc::Sender<Event>,
    everything: Everything,
    /// What is known of each place, by its number.
    places: Vec<Folder>,
}

impl<'a> Feed<'a> {
    pub(super) fn new(
        source: &'a Source,
        content: &'a KnowledgeBaseContent,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let unseen = Folder { is_listed: true, has_documents: false };
        let places = vec![unseen; source.places.len()];
        Self { source, content, events, everything: Everything::default(), places }
    }

    /// Goes on until all is found. Gives nothing if nobody listens any more, and that at once: a page may be long in coming.
    pub(super) async fn run(self) -> Result<Option<Everything>, StopReason> {
        let events = self.events.clone();
        tokio::select! {
            () = events.closed() => Ok(None),
            found = self.everything() => found,
        }
    }

    async fn everything(mut self) -> Result<Option<Everything>, StopReason> {
        let mut listing = Listing::of(self.source);
        while let Some(page) = listing.next_page().await? {
            if !self.page(page).await? {
                return Ok(None);
            }
        }
        for (place, facts) in self.source.places.iter().zip(&self.places) {
            let Some(prefix) = place.folder_prefix() else { continue };
            let folder = self.everything.folders.entry(prefix).or_insert(*facts);
            folder.is_listed &= facts.is_listed;
            folder.has_documents &= facts.has_documents;
        }
        Ok(Some(self.everything))
    }

    /// Whether anybody listens.
    async fn page(&mut self, page: Page) -> Result<bool, StopReason> {
        let mut aside = Aside::default();
        let mut documents = Vec::new();
        let prefix = self.source.places[page.place].folder_prefix();
        let facts = &mut self.places[page.place];
        for found in page.found {
            match found {
                Found::Document(document) => {
                    // A single object is not in the folder of its name, of which nothing is known then.
                    facts.has_documents |= prefix.as_ref().is_none_or(|it| document.key.starts_with(it));
                    if self.everything.add(&document.key) {
                        documents.push(document);
                    } else {
                        let reason = FileProblemReason::SameKey(document.key.clone());
                        aside.failures.push(Failure::new(&document.name(), &reason));
                    }
                }
                Found::Problem(failure) => aside.failures.push(failure),
                Found::Unlisted(failure) => {
                    facts.is_listed = false;
                    aside.failures.push(failure);
                }
                Found::NotADocument(extension) => *aside.not_documents.entry(extension).or_default() += 1,
                Found::Symlink => aside.symlinks += 1,
            }
        }
        let mut stored = self.stored(&documents).await?;
        let candidates = documents.into_iter().map(|document| {
            let stored = stored.remove(&document.key);
            Event::Document(Box::new(Candidate { document, stored }))
        });
        for event in std::iter::once(Event::Aside(aside)).chain(candidates) {
            if self.events.send(event).await.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn stored(
        &self,
        documents: &[SourceDocument],
    ) -> Result<HashMap<String, StoredDocument>, StopReason> {
        if documents.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<&str> = documents.iter().map(|document| document.key.as_str()).collect();
        Ok(self.content.find_documents(&keys).await?)
    }
}
