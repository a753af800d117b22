//! From ranked chunks to passages: neighbours as one, and what is said twice once.
//!
//! A chunk ends where it had to, not where its thought ends. Chunks that follow each other in a document and were both
//! found are one passage. And what several documents say – copied pages, versions of a page, boilerplate – is one
//! passage with the other places named, so that an answer has room for what is different.
//!
//! What becomes of a chunk depends on others that were found, so a search's chunks are looked at in windows of
//! [`WINDOW`], whichever page of its results is wanted. The passages of a window are the same whether the next one is
//! looked at or not: the next page neither repeats nor skips.

mod copies;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use autri_db::search::Hit;

use crate::sanitize;
use crate::snippet::{Excerpt, Found, Terms, excerpt};
use crate::words::each_word;
use copies::{Shingles, folded};

/// How many hits are looked at together: more than a first page needs, few enough to be compared in about a millisecond.
pub const WINDOW: usize = 50;

/// The most chunks of a passage: about a page of text, of which a snippet can still show the part that answers.
const MAX_CHUNKS: usize = 3;

/// A passage. Chunks are given by their places among the ranked hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// The best of its chunks, by which it is ranked, cited and fetched.
    pub best: usize,
    /// Its chunks, in the order of the text.
    pub chunks: Vec<usize>,
    /// The passages that say the same, the best first. They have no copies themselves.
    pub copies: Vec<Passage>,
}

/// The passages that a search's hits make.
#[derive(Debug)]
pub struct Passages<'h> {
    hits: &'h [Hit],
    list: Vec<Passage>,
    terms: Terms,
    snippet_chars: usize,
}

impl<'h> Passages<'h> {
    /// Makes passages of ranked hits, from the first one on, to be shown by snippets of at most `snippet_chars`
    /// characters. `question` has the words that rank. Each hit is in one passage, or in a copy of one.
    #[must_use]
    pub fn of(hits: &'h [Hit], question: &str, snippet_chars: usize) -> Self {
        let mut vocabulary = Vocabulary::default();
        let words: Vec<Vec<u32>> = hits.iter().map(|hit| vocabulary.add(&hit.body)).collect();
        let mut terms = Terms::new(question);
        terms.weigh(&vocabulary.found(&terms, &words[..hits.len().min(WINDOW)]));
        let mut passages = Self { hits, list: Vec::new(), terms, snippet_chars };
        let documents = numbered(hits.iter().map(|hit| hit.document_id));
        let mut shingles = Shingles::default();
        for passage in neighbours(hits) {
            let words: Vec<u32> = passage.chunks.iter().flat_map(|&chunk| &words[chunk]).copied().collect();
            let with = shingles.documents_with(&words);
            if let Some(original) = passages.original(&passage, &with, &documents) {
                passages.list[original].copies.push(passage);
            } else {
                shingles.add(&words, documents[passage.best]);
                passages.list.push(passage);
            }
        }
        passages
    }

    /// The passages, the best first.
    #[must_use]
    pub fn list(&self) -> &[Passage] {
        &self.list
    }

    /// The sentences of a passage that answer the question.
    #[must_use]
    pub fn snippet(&self, passage: &Passage) -> String {
        self.excerpt(passage).1.shown
    }

    /// The passage of one of these documents that already says what this one answers.
    fn original(&self, passage: &Passage, with: &[u32], documents: &[u32]) -> Option<usize> {
        if with.is_empty() {
            return None;
        }
        let whole = self.text(passage).0;
        // What is hidden must not be what differs: a page's older version may give another number.
        let answers: OnceCell<Vec<String>> = OnceCell::new();
        let answers = || {
            answers.get_or_init(|| {
                let (text, excerpt) = self.excerpt(passage);
                excerpt.spans.into_iter().map(|span| folded(&text[span])).collect()
            })
        };
        let says_it = |other: &Passage| {
            let other = self.text(other).0;
            other.contains(&whole) || {
                let other = folded(&other);
                answers().iter().all(|answer| other.contains(answer))
            }
        };
        let of = |document: &u32| {
            let said =
                self.list.iter().enumerate().filter(move |(_, other)| documents[other.best] == *document);
            said.into_iter().find(|(_, other)| says_it(other)).map(|(at, _)| at)
        };
        with.iter().find_map(of)
    }

    /// A passage's text, in which chunks follow each other without gap, and the place of its best chunk there. What
    /// people do not see was removed when it was stored; should any of it be there still, it is not shown.
    fn text(&self, passage: &Passage) -> (String, Range<usize>) {
        let mut text = String::new();
        let mut best = 0..0;
        for &chunk in &passage.chunks {
            let start = text.len();
            text.push_str(&sanitize::clean(&self.hits[chunk].body).0);
            if chunk == passage.best {
                best = start..text.len();
            }
        }
        (text, best)
    }

    fn excerpt(&self, passage: &Passage) -> (String, Excerpt) {
        let (text, best) = self.text(passage);
        let excerpt = excerpt(&text, best, &self.terms, self.snippet_chars);
        (text, excerpt)
    }
}

/// Hits with those that stand beside them, in the order of the best of each.
fn neighbours(hits: &[Hit]) -> Vec<Passage> {
    let places: HashMap<_, usize> =
        hits.iter().enumerate().map(|(at, hit)| ((hit.document_id, hit.ordinal), at)).collect();
    let mut is_taken = vec![false; hits.len()];
    let mut passages = Vec::new();
    for best in 0..hits.len() {
        if std::mem::replace(&mut is_taken[best], true) {
            continue;
        }
        let mut chunks = vec![best];
        while chunks.len() < MAX_CHUNKS {
            let beside = |chunk: usize, step: i32| {
                let ordinal = hits[chunk].ordinal.checked_add(step)?;
                let at = places.get(&(hits[chunk].document_id, ordinal)).copied()?;
                (at / WINDOW == best / WINDOW && !is_taken[at]).then_some(at)
            };
            let before = beside(chunks[0], -1);
            let after = beside(chunks[chunks.len() - 1], 1);
            // The better of the two.
            let Some(next) = before.into_iter().chain(after).min() else { break };
            is_taken[next] = true;
            chunks.insert(if before == Some(next) { 0 } else { chunks.len() }, next);
        }
        passages.push(Passage { best, chunks, copies: Vec::new() });
    }
    passages
}

/// Equal values as equal numbers, from 0.
fn numbered<T: Eq + std::hash::Hash>(values: impl Iterator<Item = T>) -> Vec<u32> {
    let mut numbers = HashMap::new();
    let number = |value| {
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        *numbers.entry(value).or_insert(next)
    };
    values.map(number).collect()
}

/// The words of all texts, numbered.
#[derive(Default)]
struct Vocabulary {
    numbers: HashMap<String, u32>,
}

impl Vocabulary {
    /// The words of a text.
    fn add(&mut self, text: &str) -> Vec<u32> {
        let mut words = Vec::with_capacity(text.len() / 5);
        each_word(text, |word| {
            let number = self.numbers.get(word).copied().unwrap_or_else(|| {
                let number = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
                self.numbers.insert(word.to_owned(), number);
                number
            });
            words.push(number);
        });
        words
    }

    /// What each text has of a question. Each word is looked up once, however many texts have it.
    fn found(&self, terms: &Terms, texts: &[Vec<u32>]) -> Vec<Found> {
        let mut by_word = vec![0; self.numbers.len()];
        for (word, number) in &self.numbers {
            by_word[*number as usize] = terms.find(word);
        }
        texts
            .iter()
            .map(|words| words.iter().fold(0, |found, word| found | by_word[*word as usize]))
            .collect()
    }
}

#[cfg(test)]
mod tests;
