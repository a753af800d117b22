//! The part of a passage that tells most about a question.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

/// Words are alike when they begin alike: `expense` and `expenses`, `reimburse` and `reimbursed`.
const STEM_CHARS: usize = 5;
/// Shorter words are compared, but too many of them are `of` and `the` to weigh as much.
const SHORT_WORD_CHARS: usize = 3;

/// Up to `max_chars` characters of `text`: from the sentence with which the run that holds most of the question's words
/// begins. White space is folded, and what is left out at either end is marked by an ellipsis.
#[must_use]
pub fn snippet(text: &str, query: &str, max_chars: usize) -> String {
    let wanted: HashSet<String> = stems(query).collect();
    let sentences: Vec<Sentence> =
        text.unicode_sentences().filter_map(|text| Sentence::new(text, &wanted)).collect();
    let start = best_start(&sentences, max_chars);
    let mut snippet = if start > 0 { "… ".to_owned() } else { String::new() };
    for sentence in &sentences[start.min(sentences.len())..] {
        let room = max_chars.saturating_sub(snippet.chars().count());
        if sentence.text.chars().count() > room {
            // A sentence is cut only where none would fit whole.
            if snippet.chars().count() <= 2 {
                snippet.extend(sentence.text.chars().take(room));
            }
            snippet.push('…');
            break;
        }
        snippet.push_str(&sentence.text);
        snippet.push(' ');
    }
    snippet.truncate(snippet.trim_end().len());
    snippet
}

struct Sentence {
    text: String,
    found: HashSet<String>,
}

impl Sentence {
    fn new(text: &str, wanted: &HashSet<String>) -> Option<Self> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let found = stems(&text).filter(|stem| wanted.contains(stem)).collect();
        (!text.is_empty()).then_some(Self { text, found })
    }
}

/// The first sentence of the run, as long as a snippet, whose words say most; the earliest of equals.
fn best_start(sentences: &[Sentence], max_chars: usize) -> usize {
    let score = |start: usize| {
        let mut chars = 0;
        let mut found = HashSet::new();
        for sentence in &sentences[start..] {
            chars += sentence.text.chars().count();
            if chars > max_chars && !found.is_empty() {
                break;
            }
            found.extend(&sentence.found);
        }
        found
            .into_iter()
            .map(|stem| if stem.chars().count() <= SHORT_WORD_CHARS { 1 } else { 4 })
            .sum::<usize>()
    };
    // `max_by_key` gives the last of equals.
    (0..sentences.len()).rev().max_by_key(|&start| score(start)).unwrap_or(0)
}

fn stems(text: &str) -> impl Iterator<Item = String> {
    text.unicode_words().map(|word| word.to_lowercase().chars().take(STEM_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Expenses\n\nKeep every receipt. Travel is booked by the office. Meals are reimbursed up to \
                        40 euros a day. Alcohol is not. Ask your lead when in doubt.";

    #[test]
    fn a_snippet_begins_with_the_sentence_that_answers() {
        let snippet = snippet(TEXT, "What is reimbursed for a meal per day?", 70);
        assert_eq!(snippet, "… Meals are reimbursed up to 40 euros a day. Alcohol is not. …");
    }

    #[test]
    fn a_short_text_is_its_own_snippet() {
        assert_eq!(snippet("One  line\nonly.", "nothing of it", 400), "One line only.");
        assert_eq!(snippet("", "x", 400), "");
    }

    #[test]
    fn a_sentence_without_end_is_cut_between_characters() {
        let endless = "ä".repeat(5_000);
        let snippet = snippet(&endless, "x", 100);
        assert_eq!(snippet.chars().count(), 101);
        assert!(snippet.ends_with('…'));
    }
}
