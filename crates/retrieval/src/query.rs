//! A question's operators: `"phrases"` must occur, `-word` and `-"phrase"` must not, and of `one OR other` either must.
//! All other words rank; none of them is required.
//!
//! Options of commands begin with a dash, too, and what excludes them hides the very passage that is looked for. So a dash before
//! a single letter or a value (`-n`, `-Dname=x`) excludes nothing, and in a sentence that asks (`What does java -jar do?`) only one
//! that ends it does. Where it is not clear the dash excludes, as it does in every search engine, and whoever shows the results says so.

use std::collections::BTreeSet;

use crate::words::each_word;

/// The longest question, in characters: some ten times what people ask.
pub const MAX_QUERY_CHARS: usize = 2_000;

/// The most phrases, exclusions and either-or alternatives in a question: each costs a look at the index.
const MAX_OPERANDS: usize = 32;

/// A question, taken apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedQuery {
    /// The words that rank, those of phrases and groups included.
    pub words: String,
    /// Each must occur.
    pub phrases: Vec<String>,
    /// None may occur.
    pub negated: Vec<String>,
    /// Of each group, one must occur.
    pub any_of: Vec<Vec<String>>,
}

/// A question that cannot be asked. The text says what to do instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing but white space.
    #[error("query is empty: pass a question or keywords")]
    Empty,
    /// Longer than [`MAX_QUERY_CHARS`].
    #[error(
        "query is too long: pass at most {MAX_QUERY_CHARS} characters, such as the question's key sentence"
    )]
    TooLong,
    /// More than 32 phrases, exclusions and alternatives.
    #[error(
        "query has too many operators: use at most {MAX_OPERANDS} phrases, exclusions and OR alternatives"
    )]
    TooManyOperators,
    /// Only exclusions.
    #[error("query only excludes words: add a word to look for")]
    OnlyExclusions,
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    Phrase(&'a str),
    /// A phrase that must not occur.
    Negated(&'a str),
    /// A word that must not occur, with the dash before it.
    Dashed(&'a str),
    Or,
}

impl ParsedQuery {
    /// Takes a question apart. Every text is a question: a quote that is never closed is an ordinary character.
    ///
    /// # Errors
    /// [`QueryError`] for one that is empty, too long, or nothing but exclusions.
    pub fn parse(query: &str) -> Result<Self, QueryError> {
        if query.chars().nth(MAX_QUERY_CHARS).is_some() {
            return Err(QueryError::TooLong);
        }
        let tokens = tokens(query);
        let mut parsed = Self::default();
        let mut position = 0;
        while let Some(token) = tokens.get(position) {
            let group = alternatives(&tokens[position..]);
            if group.len() > 1 {
                for words in &group {
                    parsed.rank(words);
                }
                position += group.len() * 2 - 1;
                parsed.any_of.push(group.into_iter().map(str::to_owned).collect());
                continue;
            }
            match token {
                Token::Word(word) => parsed.rank(word),
                Token::Phrase(phrase) => {
                    parsed.rank(phrase);
                    parsed.phrases.push((*phrase).to_owned());
                }
                Token::Negated(phrase) => parsed.negated.push((*phrase).to_owned()),
                Token::Dashed(word) => parsed.negated.push(word.trim_start_matches('-').to_owned()),
                // An OR without two sides is a word like any other.
                Token::Or => parsed.rank("OR"),
            }
            position += 1;
        }
        parsed.drop_repetitions();
        if parsed.phrases.len() + parsed.negated.len() + parsed.any_of.iter().map(Vec::len).sum::<usize>()
            > MAX_OPERANDS
        {
            return Err(QueryError::TooManyOperators);
        }
        match (parsed.words.is_empty(), parsed.negated.is_empty()) {
            (true, true) => Err(QueryError::Empty),
            (true, false) => Err(QueryError::OnlyExclusions),
            (false, _) => Ok(parsed),
        }
    }

    /// What is demanded twice is demanded once.
    fn drop_repetitions(&mut self) {
        self.any_of.iter_mut().for_each(drop_repeated);
        for demands in [&mut self.phrases, &mut self.negated] {
            drop_repeated(demands);
        }
        drop_repeated(&mut self.any_of);
    }

    fn rank(&mut self, words: &str) {
        if !self.words.is_empty() {
            self.words.push(' ');
        }
        self.words.push_str(words);
    }
}

fn drop_repeated<T: Ord + Clone>(items: &mut Vec<T>) {
    let mut seen = BTreeSet::new();
    items.retain(|item| seen.insert(item.clone()));
}

/// The operands at the beginning that are joined by OR.
fn alternatives<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let mut group = Vec::new();
    for pair in tokens.chunks(2) {
        match pair[0] {
            Token::Word(words) | Token::Phrase(words) => group.push(words),
            Token::Negated(_) | Token::Dashed(_) | Token::Or => break,
        }
        if pair.get(1) != Some(&Token::Or) {
            return group;
        }
    }
    // An OR was followed by nothing that could be its other side.
    group
}

fn tokens(query: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while !rest.is_empty() {
        let (token, consumed) = next_token(rest);
        tokens.extend(token);
        rest = rest[consumed..].trim_start();
    }
    if opens_a_question(query) {
        keep_options(&mut tokens);
    }
    tokens
}

/// In a sentence that asks, a word with a dash is an option of a command, unless nothing of the sentence follows.
fn keep_options(tokens: &mut [Token<'_>]) {
    let ends =
        |token: &Token<'_>| matches!(token, Token::Word(word) | Token::Dashed(word) if word.ends_with('?'));
    let end = tokens.iter().position(ends);
    let is_of_sentence = |token: &Token<'_>| matches!(token, Token::Word(_) | Token::Or);
    let last = end.or_else(|| tokens.iter().rposition(is_of_sentence)).unwrap_or_default();
    for token in tokens.iter_mut().take(last + 1) {
        if let Token::Dashed(word) = *token {
            *token = Token::Word(word);
        }
    }
}

/// What English questions and requests begin with, as they are asked of a search.
const OPENERS: [&str; 27] = [
    "are", "can", "could", "describe", "did", "do", "does", "explain", "had", "has", "have", "how", "is",
    "may", "must", "shall", "should", "tell", "was", "were", "what", "when", "where", "which", "who", "why",
    "will",
];

fn opens_a_question(query: &str) -> bool {
    let first = query.split_whitespace().next().unwrap_or_default();
    let mut is_opener = false;
    // "What's", "who're": the word before the apostrophe.
    each_word(first, |word| {
        let word = word.split('\'').next().unwrap_or_default();
        is_opener = is_opener || OPENERS.binary_search(&word).is_ok();
    });
    is_opener
}

/// The token that `text` begins with, and its bytes.
fn next_token(text: &str) -> (Option<Token<'_>>, usize) {
    if let Some((phrase, consumed)) = quoted(text) {
        return (non_empty(phrase).map(Token::Phrase), consumed);
    }
    let word_end = text.find(char::is_whitespace).unwrap_or(text.len());
    let word = &text[..word_end];
    if let Some(excluded) = text.strip_prefix('-') {
        if let Some((phrase, consumed)) = quoted(excluded) {
            return (non_empty(phrase).map(Token::Negated), consumed + 1);
        }
        if can_be_excluded(&word[1..]) {
            return (Some(Token::Dashed(word)), word_end);
        }
    }
    // In capitals only: "or" is a word of ordinary questions.
    (Some(if word == "OR" { Token::Or } else { Token::Word(word) }), word_end)
}

/// Whether a dash before this may exclude it. `-5` is a number, `--all`, `-n` and `-Dname=x` are options, and a lone dash is a dash.
fn can_be_excluded(word: &str) -> bool {
    // One character is a word in scripts that have no spaces.
    let is_longer = !word.is_ascii() || word.chars().filter(char::is_ascii_alphanumeric).nth(1).is_some();
    word.starts_with(char::is_alphabetic) && is_longer && !word.contains('=')
}

/// The text between the quotes that `text` begins with, and the bytes up to the closing one.
fn quoted(text: &str) -> Option<(&str, usize)> {
    let opening = text.chars().next().filter(|c| matches!(c, '"' | '“' | '„'))?;
    let inside = &text[opening.len_utf8()..];
    let (end, closing) = inside.char_indices().find(|(_, c)| matches!(c, '"' | '”' | '“'))?;
    Some((&inside[..end], opening.len_utf8() + end + closing.len_utf8()))
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &str, phrases: &[&str], negated: &[&str], any_of: &[&[&str]]) -> ParsedQuery {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        ParsedQuery {
            words: words.to_owned(),
            phrases: owned(phrases),
            negated: owned(negated),
            any_of: any_of.iter().map(|group| owned(group)).collect(),
        }
    }

    #[test]
    fn operators_are_taken_out_of_the_words() {
        for (query, expected) in [
            ("how many days of leave?", parsed("how many days of leave?", &[], &[], &[])),
            (
                r#"wing "boundary layer" -supersonic"#,
                parsed("wing boundary layer", &["boundary layer"], &["supersonic"], &[]),
            ),
            (r#"x -"two words" y"#, parsed("x y", &[], &["two words"], &[])),
            ("cat OR dog food", parsed("cat dog food", &[], &[], &[&["cat", "dog"]])),
            (r#"a OR "b c" OR d e"#, parsed("a b c d e", &[], &[], &[&["a", "b c", "d"]])),
            ("this or that", parsed("this or that", &[], &[], &[])),
            ("OR", parsed("OR", &[], &[], &[])),
            ("a OR", parsed("a OR", &[], &[], &[])),
            ("a OR -bc", parsed("a OR", &[], &["bc"], &[])),
            ("at -5 degrees with --all - done", parsed("at -5 degrees with --all - done", &[], &[], &[])),
            ("well-known", parsed("well-known", &[], &[], &[])),
            (r#"an "unclosed quote"#, parsed(r#"an "unclosed quote"#, &[], &[], &[])),
            ("“curly quotes” too", parsed("curly quotes too", &["curly quotes"], &[], &[])),
            (r#""" x"#, parsed("x", &[], &[], &[])),
            (r#""a b" -cd "a b" -cd"#, parsed("a b a b", &["a b"], &["cd"], &[])),
            ("x OR y OR x", parsed("x y x", &[], &[], &[&["x", "y"]])),
        ] {
            assert_eq!(ParsedQuery::parse(query), Ok(expected), "{query}");
        }
    }

    #[test]
    fn an_option_of_a_command_excludes_nothing() {
        for query in [
            "What does zork -n do?",
            "what is tar -x for",
            "zork -n",
            "zork -n.",
            "mvn -Dskip=true",
            "git commit --dry-run",
            "How does rm -rf work?",
            "What does java -jar?",
            "what's the use of gcc -Wall when I debug",
            "Explain find -name and -type to me",
        ] {
            assert_eq!(ParsedQuery::parse(query), Ok(parsed(query, &[], &[], &[])), "{query}");
        }
    }

    #[test]
    fn other_dashes_exclude() {
        for (query, words, negated) in [
            ("jaguar -car", "jaguar", &["car"][..]),
            ("jaguar -car speed", "jaguar speed", &["car"]),
            ("-car jaguar -dealer", "jaguar", &["car", "dealer"]),
            ("how fast is a jaguar -car", "how fast is a jaguar", &["car"]),
            ("How fast is a jaguar? -car -dealer speed", "How fast is a jaguar? speed", &["car", "dealer"]),
            (
                "how many days of leave -sick -\"unpaid leave\"",
                "how many days of leave",
                &["sick", "unpaid leave"],
            ),
            ("node -node.js", "node", &["node.js"]),
            ("水 -石", "水", &["石"]),
        ] {
            assert_eq!(ParsedQuery::parse(query), Ok(parsed(words, &[], negated, &[])), "{query}");
        }
    }

    #[test]
    fn openers_are_sorted_for_the_search_in_them() {
        assert!(OPENERS.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        assert_eq!(ParsedQuery::parse(" \n"), Err(QueryError::Empty));
        assert_eq!(ParsedQuery::parse(r#""""#), Err(QueryError::Empty));
        assert_eq!(ParsedQuery::parse("-ab -\"b c\""), Err(QueryError::OnlyExclusions));
        let many: Vec<String> = (0..33).map(|number| format!("\"{number}\"")).collect();
        assert_eq!(ParsedQuery::parse(&many.join(" ")), Err(QueryError::TooManyOperators));
        assert_eq!(ParsedQuery::parse(&"x".repeat(2_001)), Err(QueryError::TooLong));
        assert!(ParsedQuery::parse(&"ä".repeat(2_000)).is_ok());
    }
}
