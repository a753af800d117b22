//! Words as a reader compares them: without case, punctuation and, for a question's words, endings.

use rust_stemmers::{Algorithm, Stemmer};

/// Calls `each` with every word of the text, in lower case. A letter of a script that is written without spaces is a
/// word; `1.2.3` and `don't` are one word each, `snake_case` is two.
pub(crate) fn each_word(text: &str, mut each: impl FnMut(&str)) {
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char.is_alphanumeric() {
            if !is_word_of_its_own(char) {
                push_lower(&mut word, char);
                continue;
            }
            flush(&mut word, &mut each);
            push_lower(&mut word, char);
        } else if let Some(inner) = inner_mark(&word, char, chars.peek().copied()) {
            word.push(inner);
            continue;
        }
        flush(&mut word, &mut each);
    }
    flush(&mut word, &mut each);
}

fn push_lower(word: &mut String, char: char) {
    if char.is_ascii() {
        word.push(char.to_ascii_lowercase());
    } else {
        word.extend(char.to_lowercase());
    }
}

fn flush(word: &mut String, each: &mut impl FnMut(&str)) {
    if !word.is_empty() {
        each(word);
        word.clear();
    }
}

/// Han, Hiragana and Katakana are written without spaces between words.
pub(crate) const fn is_word_of_its_own(char: char) -> bool {
    matches!(char, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// A mark that belongs to the word around it: an apostrophe between letters, a point or comma between digits.
fn inner_mark(word: &str, mark: char, next: Option<char>) -> Option<char> {
    let (last, next) = (word.chars().next_back()?, next?);
    match mark {
        '\'' | '’' if last.is_alphabetic() && next.is_alphabetic() => Some('\''),
        '.' | ',' if last.is_ascii_digit() && next.is_ascii_digit() => Some(mark),
        _ => None,
    }
}

/// The stem by which the search finds a word: Postgres' configuration `english` stems with the same algorithm
/// (Snowball, <https://www.postgresql.org/docs/16/textsearch-dictionaries.html>).
pub(crate) fn stem(word: &str) -> String {
    thread_local! {
        static ENGLISH: Stemmer = Stemmer::create(Algorithm::English);
    }
    ENGLISH.with(|english| english.stem(word).into_owned())
}

/// Whether a word says how a question is asked and not what it is about: what grammars call function words, and the verbs that
/// questions are put with ("what happens when", "what does it mean"). Most rank in no search either; where a question has nothing
/// else they still tell sentences apart.
pub(crate) fn is_function_word(word: &str) -> bool {
    FUNCTION_WORDS.binary_search(&word).is_ok()
}

/// English, as in the search; sorted.
#[rustfmt::skip] // One word a line is no list to read.
const FUNCTION_WORDS: [&str; 139] = [
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "anybody", "anyone", "anything",
    "are", "as", "at", "be", "because", "been", "before", "being", "between", "both", "but", "by", "can",
    "can't", "could", "did", "do", "does", "doesn't", "doing", "don't", "during", "each", "everybody",
    "everyone", "everything", "for", "from", "get", "had", "happen", "happened", "happening", "happens",
    "has", "have", "having", "he", "her", "here", "his", "how", "i", "if", "in", "into", "is", "isn't",
    "it", "it's", "its", "just", "like", "many", "may", "me", "mean", "might", "more", "most", "much",
    "must", "my", "need", "no", "nobody", "not", "nothing", "of", "on", "once", "one", "only", "or",
    "other", "our", "out", "over", "own", "please", "same", "shall", "she", "should", "so", "some",
    "somebody", "someone", "something", "such", "tell", "than", "that", "the", "their", "them", "then",
    "there", "these", "they", "this", "those", "through", "to", "too", "under", "until", "up", "us",
    "very", "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "whose", "why",
    "will", "with", "would", "you", "your",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each_word(text, |word| words.push(word.to_owned()));
        words
    }

    #[test]
    fn words_are_what_a_reader_takes_for_one() {
        for (text, expected) in [
            ("Don't panic!", vec!["don't", "panic"]),
            ("v1.2.3, 1,000.", vec!["v1.2.3", "1,000"]),
            ("snake_case::Path/x.toml", vec!["snake", "case", "path", "x", "toml"]),
            ("GRÄßLICH’s", vec!["gräßlich's"]),
            ("报销40元", vec!["报", "销", "40", "元"]),
            ("… -- '' .", vec![]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn function_words_are_sorted_for_the_search_in_them() {
        assert!(FUNCTION_WORDS.is_sorted_by(|one, next| one < next));
        assert!(is_function_word("what") && !is_function_word("leave"));
        assert!(is_function_word("happens") && is_function_word("nobody"));
    }

    #[test]
    fn a_word_is_stemmed_as_the_search_stems_it() {
        for (word, expected) in [
            ("leaves", "leav"),
            ("leave", "leav"),
            ("reimbursed", "reimburs"),
            ("policies", "polici"),
            ("police", "polic"),
        ] {
            assert_eq!(stem(word), expected);
        }
    }
}
