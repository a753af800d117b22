//! Whether a text says what others say, measured by shingles: runs of words that both have.
//!
//! The measure is Broder's containment ("On the resemblance and containment of documents", 1997): the share of a text's
//! shingles that another text has. Containment and not resemblance, because a page's copy may be found in part only,
//! and because a short passage that a long one holds adds nothing to it, however much the long one adds. A few hundred
//! texts are compared exactly; sketches are for millions.

use std::collections::HashMap;

/// The words of a shingle: enough that texts about one subject share few of them.
const SHINGLE: usize = 3;

/// How much of a text must stand in another to be a copy. One word in other words breaks three shingles: at nine tenths,
/// one word in thirty may differ. The tests have texts on both sides.
const COPY: f64 = 0.9;

/// Stands where a text has fewer words than a shingle.
const NO_WORD: u32 = u32::MAX;

type Shingle = [u32; SHINGLE];

/// The shingles of texts, and the documents that they are from.
#[derive(Debug, Default)]
pub(super) struct Shingles {
    /// The first document of a shingle, in `documents`.
    first: HashMap<Shingle, usize>,
    /// Documents, each with the place of the next one of the same shingle.
    documents: Vec<(u32, Option<usize>)>,
}

impl Shingles {
    /// Adds the words of a document's text.
    pub(super) fn add(&mut self, words: &[u32], document: u32) {
        for shingle in shingles(words) {
            let first = self.first.get(&shingle).copied();
            if !self.from(first).any(|known| known == document) {
                self.first.insert(shingle, self.documents.len());
                self.documents.push((document, first));
            }
        }
    }

    /// The documents of which the texts that were added have nearly all of these words in the same order, the one that
    /// has most of them first; of equals the one that was added first.
    pub(super) fn documents_with(&self, words: &[u32]) -> Vec<u32> {
        let mut counts: HashMap<u32, usize> = HashMap::new();
        let mut all = 0_usize;
        for shingle in shingles(words) {
            all += 1;
            for document in self.from(self.first.get(&shingle).copied()) {
                *counts.entry(document).or_default() += 1;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a few thousand words")]
        let is_copy = |count: usize| count as f64 >= COPY * all as f64;
        let mut found: Vec<(u32, usize)> = counts.into_iter().filter(|(_, count)| is_copy(*count)).collect();
        found.sort_unstable_by_key(|&(document, count)| (std::cmp::Reverse(count), document));
        found.into_iter().map(|(document, _)| document).collect()
    }

    fn from(&self, first: Option<usize>) -> impl Iterator<Item = u32> {
        std::iter::successors(first.map(|at| &self.documents[at]), |(_, next)| {
            next.map(|at| &self.documents[at])
        })
        .map(|(document, _)| *document)
    }
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

/// A text without case, white space and the marks of Markdown. All else counts: `-1` is not `1`.
pub(super) fn folded(text: &str) -> String {
    let kept = text.chars().filter(|char| !char.is_whitespace() && !"*_`#|>\\".contains(*char));
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_within_another_is_a_copy_and_the_other_is_not() {
        let long: Vec<u32> = (0..200).collect();
        let mut shingles = Shingles::default();
        shingles.add(&long, 7);
        assert_eq!(shingles.documents_with(&long[50..120]), [7]);
        let mut shingles = Shingles::default();
        shingles.add(&long[50..120], 7);
        assert!(shingles.documents_with(&long).is_empty());
    }

    #[test]
    fn texts_of_one_document_are_measured_together() {
        let words: Vec<u32> = (0..200).collect();
        let mut shingles = Shingles::default();
        shingles.add(&words[..100], 7);
        shingles.add(&words[100..], 7);
        assert_eq!(shingles.documents_with(&words), [7], "cut elsewhere");
        let mut shingles = Shingles::default();
        shingles.add(&words[..100], 7);
        shingles.add(&words[100..], 8);
        assert!(shingles.documents_with(&words).is_empty(), "of two documents");
    }

    #[test]
    fn a_repeated_text_counts_once() {
        let half: Vec<u32> = (0..100).collect();
        let other: Vec<u32> = (100..200).collect();
        let mut shingles = Shingles::default();
        shingles.add(&half, 7);
        shingles.add(&half, 7);
        assert!(shingles.documents_with(&[half, other].concat()).is_empty());
    }

    #[test]
    fn few_words_must_be_the_same_and_none_are_no_copy() {
        let mut shingles = Shingles::default();
        for words in [&[1, 2][..], &[3], &[]] {
            shingles.add(words, 7);
        }
        assert_eq!(shingles.documents_with(&[1, 2]), [7]);
        assert!(shingles.documents_with(&[1]).is_empty());
        assert!(shingles.documents_with(&[2, 1]).is_empty());
        assert!(shingles.documents_with(&[]).is_empty());
    }
}
