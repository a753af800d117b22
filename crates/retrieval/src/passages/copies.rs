//! Whether a text says what others say, measured by shingles: runs of words that both have.
//!
//! The measure is Broder's containment ("On the resemblance and containment of documents", 1997): the share of a text's
//! shingles that another text has. Of two documents it is asked both ways: what a page's copy adds to it must not be what
//! hides the page. A few hundred texts are compared exactly; sketches are for millions.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// The words of a shingle: enough that texts about one subject share few of them.
const SHINGLE: usize = 3;

/// How much of a text must stand in another to be a copy. One word in other words breaks three shingles: at nine tenths,
/// one word in thirty may differ. The tests have texts on both sides.
const COPY: f64 = 0.9;

/// How many words in a row may be others: a date, a name, an address. A sentence that tells the reader what to do is longer,
/// however small a share of the page it is.
const MAX_OTHER_WORDS: usize = 6;

/// Stands where a text has fewer words than a shingle.
const NO_WORD: u32 = u32::MAX;

type Shingle = [u32; SHINGLE];

/// In how many documents a shingle is known: the first ones. Pages of one template share nearly all shingles; without a
/// bound each would be counted against all that came before. A copy of a later one of them is shown as another passage.
const MAX_DOCUMENTS: usize = 8;

/// The shingles of passages, and the documents that they are from.
#[derive(Debug, Default)]
pub(super) struct Shingles {
    /// The first place of a shingle, in `places`.
    first: HashMap<Shingle, usize>,
    places: Vec<Place>,
    /// The documents of the passages that were added.
    documents: Vec<u32>,
}

/// Where a shingle stands.
#[derive(Debug)]
struct Place {
    document: u32,
    /// The first passage of the document that has it.
    passage: usize,
    /// The place of the same shingle in another document.
    next: Option<usize>,
}

impl Shingles {
    /// Adds the words of a passage of a document. Passages are numbered as they are added.
    pub(super) fn add(&mut self, words: &[u32], document: u32) {
        let passage = self.documents.len();
        self.documents.push(document);
        for shingle in shingles(words) {
            let next = self.first.get(&shingle).copied();
            let (mut known, mut is_known) = (0, false);
            for place in self.from(next) {
                known += 1;
                is_known |= place.document == document;
            }
            if !is_known && known < MAX_DOCUMENTS {
                self.first.insert(shingle, self.places.len());
                self.places.push(Place { document, passage, next });
            }
        }
    }

    /// The passages that may say what these words do: of documents of which the passages that were added have nearly all
    /// of the words in the same order. The document that has most of them is first, and in it the passage that has; of
    /// equals the one that was added first.
    pub(super) fn similar(&self, words: &[u32]) -> Vec<usize> {
        let mut by_passage = vec![0_usize; self.documents.len()];
        let mut all = 0_usize;
        for shingle in shingles(words) {
            all += 1;
            for place in self.from(self.first.get(&shingle).copied()) {
                by_passage[place.passage] += 1;
            }
        }
        let mut by_document: HashMap<u32, usize> = HashMap::new();
        for (document, count) in self.documents.iter().zip(&by_passage) {
            *by_document.entry(*document).or_default() += count;
        }
        let of = |passage: usize| by_document[&self.documents[passage]];
        let mut found: Vec<usize> = (0..by_passage.len())
            .filter(|&passage| by_passage[passage] > 0 && is_copy(of(passage), all))
            .collect();
        found.sort_by_key(|&passage| {
            (Reverse(of(passage)), self.documents[passage], Reverse(by_passage[passage]))
        });
        found
    }

    /// The places of a shingle.
    fn from(&self, first: Option<usize>) -> impl Iterator<Item = &Place> {
        std::iter::successors(first.map(|at| &self.places[at]), |place| place.next.map(|at| &self.places[at]))
    }
}

/// The shingles of one text.
#[derive(Debug)]
pub(super) struct Holds(HashSet<Shingle>);

impl Holds {
    pub(super) fn of(words: &[u32]) -> Self {
        Self(shingles(words).collect())
    }

    /// Whether nearly all of these words stand in the text in the same order, and nowhere many others in a row.
    pub(super) fn nearly(&self, words: &[u32]) -> bool {
        let (mut held, mut all, mut missing) = (0, 0, 0);
        for shingle in shingles(words) {
            all += 1;
            if self.0.contains(&shingle) {
                held += 1;
                missing = 0;
            } else {
                missing += 1;
                if missing > MAX_OTHER_WORDS + SHINGLE - 1 {
                    return false;
                }
            }
        }
        is_copy(held, all)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand words")]
fn is_copy(count: usize, all: usize) -> bool {
    count > 0 && count as f64 >= COPY * all as f64
}

fn shingles(words: &[u32]) -> impl Iterator<Item = Shingle> {
    let short = (1..SHINGLE).contains(&words.len()).then(|| {
        let mut shingle = [NO_WORD; SHINGLE];
        shingle[..words.len()].copy_from_slice(words);
        shingle
    });
    let windows = words.windows(SHINGLE).filter_map(|window| Shingle::try_from(window).ok());
    short.into_iter().chain(windows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_within_another_is_a_copy_and_the_other_is_not() {
        let long: Vec<u32> = (0..200).collect();
        let mut shingles = Shingles::default();
        shingles.add(&long, 7);
        assert_eq!(shingles.similar(&long[50..120]), [0]);
        let mut shingles = Shingles::default();
        shingles.add(&long[50..120], 7);
        assert!(shingles.similar(&long).is_empty());
    }

    #[test]
    fn texts_of_one_document_are_measured_together() {
        let words: Vec<u32> = (0..200).collect();
        let mut shingles = Shingles::default();
        shingles.add(&words[..100], 7);
        shingles.add(&words[100..], 7);
        assert_eq!(shingles.similar(&words), [0, 1], "cut elsewhere");
        assert_eq!(shingles.similar(&words[90..]), [1, 0], "the one that has more of it first");
        let mut shingles = Shingles::default();
        shingles.add(&words[..100], 7);
        shingles.add(&words[100..], 8);
        assert!(shingles.similar(&words).is_empty(), "of two documents");
    }

    #[test]
    fn a_repeated_text_counts_once() {
        let half: Vec<u32> = (0..100).collect();
        let other: Vec<u32> = (100..200).collect();
        let mut shingles = Shingles::default();
        shingles.add(&half, 7);
        shingles.add(&half, 7);
        assert!(shingles.similar(&[half, other].concat()).is_empty());
    }

    #[test]
    fn a_text_holds_its_parts_and_no_more() {
        let words: Vec<u32> = (0..200).collect();
        let text = Holds::of(&words[50..150]);
        assert!(text.nearly(&words[50..150]) && text.nearly(&words[60..100]) && text.nearly(&words[48..150]));
        assert!(!text.nearly(&words[30..150]) && !text.nearly(&words[..50]) && !text.nearly(&[]));
        let with = |others: u32| {
            [&words[50..100], &(900..900 + others).collect::<Vec<_>>(), &words[100..150]].concat()
        };
        assert!(text.nearly(&with(6)) && !text.nearly(&with(7)), "a sentence of others");
    }

    #[test]
    fn few_words_must_be_the_same_and_none_are_no_copy() {
        let mut shingles = Shingles::default();
        for words in [&[1, 2][..], &[3], &[]] {
            shingles.add(words, 7);
        }
        assert_eq!(shingles.similar(&[1, 2]), [0]);
        assert!(shingles.similar(&[1]).is_empty());
        assert!(shingles.similar(&[2, 1]).is_empty());
        assert!(shingles.similar(&[]).is_empty());
    }

    #[test]
    fn pages_of_one_template_are_not_counted_against_all_before() {
        let template: Vec<u32> = (0..100).collect();
        let mut shingles = Shingles::default();
        for page in 0..200 {
            shingles.add(&[&template[..], &[1_000 + page]].concat(), page);
        }
        let shared = template.len() - (SHINGLE - 1);
        assert_eq!(shingles.places.len(), shared * MAX_DOCUMENTS + 200);
        let similar = shingles.similar(&[&template[..], &[1_007]].concat());
        assert_eq!((similar.len(), similar[0]), (MAX_DOCUMENTS, 7), "the page itself first");
    }
}
