//! From ranked chunks to passages: neighbours as one, and what is said twice once.
//!
//! A chunk ends where it had to, not where its thought ends. Chunks that follow each other in a document and were both
//! found are one passage. And what several documents say – copied pages, versions of a page, boilerplate – is one
//! passage with the other places named, so that an answer has room for what is different. Each must say what the other
//! says: a page that was copied and added to is not hidden behind the copy, whoever made that.
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
use copies::{Holds, Shingles};
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
    /// The words of each hit.
    words: Vec<Vec<u32>>,
    /// The document of each hit, numbered.
    documents: Vec<u32>,
    /// What was found of each document up to the end of each window, once it was compared.
    of_documents: Vec<OnceCell<OfDocument>>,
    list: Vec<Passage>,
    /// What each of the list says, once it was compared.
    said: Vec<OnceCell<Folded>>,
    terms: Terms,
    snippet_chars: usize,
}

/// What was found of a document.
#[derive(Debug)]
struct OfDocument {
    holds: Holds,
    said: Folded,
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
        let documents = numbered(hits.iter().map(|hit| hit.document_id));
        let mut passages = Self {
            hits,
            words,
            of_documents: (0..hits.len() * windows(hits.len())).map(|_| OnceCell::new()).collect(),
            documents,
            list: Vec::new(),
            said: Vec::new(),
            terms,
            snippet_chars,
        };
        let mut shingles = Shingles::default();
        for passage in neighbours(hits) {
            let words = passages.words(&passage.chunks);
            let similar = shingles.similar(&words);
            if let Some(original) = passages.original(&passage, &similar) {
                passages.list[original].copies.push(passage);
            } else {
                shingles.add(&words, passages.documents[passage.best]);
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

    /// The one of these passages of the list that already says what this one answers. Of another document, it must not say
    /// more either.
    fn original(&self, passage: &Passage, similar: &[usize]) -> Option<usize> {
        if similar.is_empty() {
            return None;
        }
        let whole = Folded::of(&self.text(passage).0);
        // What is hidden must not be what differs: a page's older version may give another number.
        let answers = OnceCell::new();
        let says_it = |other: &Folded| {
            other.says(&whole) || says_all(other, answers.get_or_init(|| self.answers(passage)))
        };
        let is_original = |at: usize| says_it(self.said(at)) && self.say_the_same(&self.list[at], passage);
        similar.iter().copied().take(MAX_SIMILAR).find(|&at| is_original(at))
    }

    /// Whether of two documents each has nearly all of the other's passage, and the second what the first one shows. Of one
    /// document, what it says twice needs no second place: both have one author.
    fn say_the_same(&self, original: &Passage, passage: &Passage) -> bool {
        let [first, second] = [original, passage].map(|one| self.documents[one.best]);
        if first == second {
            return true;
        }
        let window = passage.best / WINDOW;
        let (first, second) = (self.of_document(first, window), self.of_document(second, window));
        second.holds.nearly(&self.words(&original.chunks))
            && first.holds.nearly(&self.words(&passage.chunks))
            && says_all(&second.said, &self.answers(original))
    }

    /// The sentences that a passage's snippet shows.
    fn answers(&self, passage: &Passage) -> Vec<Folded> {
        let (text, best) = self.text(passage);
        let spans = excerpt(&text, best, &self.terms, self.snippet_chars).spans;
        Folded::parts(&text, spans)
    }

    fn words(&self, chunks: &[usize]) -> Vec<u32> {
        chunks.iter().flat_map(|&chunk| &self.words[chunk]).copied().collect()
    }

    /// What was found of a document up to the end of a window: it may be cut elsewhere than its copy.
    fn of_document(&self, document: u32, window: usize) -> &OfDocument {
        let cell = document as usize * windows(self.hits.len()) + window;
        self.of_documents[cell].get_or_init(|| {
            let end = self.hits.len().min((window + 1) * WINDOW);
            let mut chunks: Vec<usize> = (0..end).filter(|&at| self.documents[at] == document).collect();
            chunks.sort_by_key(|&at| self.hits[at].ordinal);
            let mut text = String::new();
            for (at, &chunk) in chunks.iter().enumerate() {
                let follows = at > 0
                    && self.hits[chunks[at - 1]].ordinal.checked_add(1) == Some(self.hits[chunk].ordinal);
                if !follows {
                    // No sentence goes on where something is left out.
                    text.push_str("\n\n");
                }
                text.push_str(&sanitize::clean(&self.hits[chunk].body).0);
            }
            OfDocument { holds: Holds::of(&self.words(&chunks)), said: Folded::of(&text) }
        })
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

/// Whether a text says all of these, of which there are some.
fn says_all(text: &Folded, answers: &[Folded]) -> bool {
    !answers.is_empty() && answers.iter().all(|answer| text.says(answer))
}

/// How many windows that many hits fill.
fn windows(hits: usize) -> usize {
    hits.div_ceil(WINDOW)
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
