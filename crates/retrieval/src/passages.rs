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
mod folding;

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use autri_db::search::Hit;

use crate::sanitize;
use crate::snippet::{Found, Terms, excerpt};
use crate::words::each_word;
use copies::Shingles;
use folding::Folded;

/// How many hits are looked at together: more than a first page needs, few enough to be compared in a few milliseconds.
pub const WINDOW: usize = 50;

/// How many similar passages are read to find out whether one says the same: the most similar ones.
const MAX_SIMILAR: usize = 4;

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
    /// What each of the list says, once it was compared.
    said: Vec<OnceCell<Folded>>,
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
        let mut passages = Self { hits, list: Vec::new(), said: Vec::new(), terms, snippet_chars };
        let documents = numbered(hits.iter().map(|hit| hit.document_id));
        let mut shingles = Shingles::default();
        for passage in neighbours(hits) {
            let words: Vec<u32> = passage.chunks.iter().flat_map(|&chunk| &words[chunk]).copied().collect();
            let similar = shingles.similar(&words);
            if let Some(original) = passages.original(&passage, &similar) {
                passages.list[original].copies.push(passage);
            } else {
                shingles.add(&words, documents[passage.best]);
                passages.list.push(passage);
                passages.said.push(OnceCell::new());
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
        let (text, best) = self.text(passage);
        excerpt(&text, best, &self.terms, self.snippet_chars).shown
    }

    /// The one of these passages of the list that already says what this one answers.
    fn original(&self, passage: &Passage, similar: &[usize]) -> Option<usize> {
        if similar.is_empty() {
            return None;
        }
        let (text, best) = self.text(passage);
        let whole = Folded::of(&text);
        // What is hidden must not be what differs: a page's older version may give another number.
        let answers: OnceCell<Vec<Folded>> = OnceCell::new();
        let answers = || {
            answers.get_or_init(|| {
                let excerpt = excerpt(&text, best.clone(), &self.terms, self.snippet_chars);
                Folded::parts(&text, excerpt.spans)
            })
        };
        let says_it = |other: &Folded| {
            other.says(&whole) || {
                let answers = answers();
                !answers.is_empty() && answers.iter().all(|answer| other.says(answer))
            }
        };
        similar.iter().copied().take(MAX_SIMILAR).find(|&at| says_it(self.said(at)))
    }

    /// What a passage of the list says. It is read once, however many are compared with it.
    fn said(&self, at: usize) -> &Folded {
        self.said[at].get_or_init(|| Folded::of(&self.text(&self.list[at]).0))
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
