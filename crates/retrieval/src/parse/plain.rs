//! Plain text: kept as it stands.

use super::{Draft, Syntax};
use crate::sanitize::RemovedCounts;

/// A first line longer than this, in characters, is text and no title.
const MAX_TITLE_LINE_CHARS: usize = 100;

pub(super) fn parse(text: &str) -> Draft {
    Draft {
        title: first_line_title(text),
        text: text.to_owned(),
        syntax: Syntax::Plain,
        page_starts: Vec::new(),
        canonical_url: None,
        removed: RemovedCounts::default(),
    }
}

/// A short first line that stands alone, or is underlined as in reStructuredText.
fn first_line_title(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim).skip_while(|line| line.is_empty() || is_rule(line));
    let title = lines.next()?;
    let stands_alone = lines.next().is_none_or(|next| next.is_empty() || is_rule(next));
    let is_short = title.chars().count() <= MAX_TITLE_LINE_CHARS;
    (stands_alone && is_short && title.chars().any(char::is_alphabetic)).then(|| title.to_owned())
}

fn is_rule(line: &str) -> bool {
    let mut chars = line.chars();
    let Some(first) = chars.next() else { return false };
    line.len() >= 3 && first.is_ascii_punctuation() && chars.all(|char| char == first)
}

#[cfg(test)]
mod tests {
    use super::first_line_title;

    #[test]
    fn a_title_is_a_short_line_that_stands_alone() {
        for (text, expected) in [
            ("MIT License\n\nCopyright", Some("MIT License")),
            ("=====\nTitle\n=====\ntext", Some("Title")),
            ("Title\n-----\ntext", Some("Title")),
            ("This text begins\nand goes on.", None),
            ("\n\n  Alone  ", Some("Alone")),
            ("12345\n\ntext", None),
            ("", None),
        ] {
            assert_eq!(first_line_title(text).as_deref(), expected, "{text:?}");
        }
    }
}
