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
        removed: RemovedCounts::default(),
    }
}

/// A short first line that stands alone, or is underlined as in reStructuredText; or an `AsciiDoc` title, which is
/// marked, and may have its author and attributes below it
/// (<https://docs.asciidoctor.org/asciidoc/latest/document/header/>).
fn first_line_title(text: &str) -> Option<String> {
    let mut lines =
        text.lines().map(str::trim).skip_while(|line| line.is_empty() || is_rule(line) || is_label(line));
    let line = lines.next()?;
    let stands_alone =
        line.starts_with("= ") || lines.next().is_none_or(|next| next.is_empty() || is_rule(next));
    let title = without_mark(line);
    let is_short = title.chars().count() <= MAX_TITLE_LINE_CHARS;
    (stands_alone && is_short && title.chars().any(char::is_alphabetic)).then(|| title.to_owned())
}

/// A heading of `AsciiDoc` without its mark, which may be repeated after it.
fn without_mark(line: &str) -> &str {
    let title = line.trim_start_matches('=');
    let mark = &line[..line.len() - title.len()];
    match title.strip_prefix(' ') {
        Some(title) if (1..=6).contains(&mark.len()) => {
            title.strip_suffix(mark).filter(|title| title.ends_with(' ')).unwrap_or(title).trim()
        }
        _ => line,
    }
}

/// A target for references, which reStructuredText puts above a heading: `.. _name:`.
fn is_label(line: &str) -> bool {
    line.starts_with(".. _") && line.ends_with(':')
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
            ("= Git User Manual\n\ntext", Some("Git User Manual")),
            ("= Manual =\nAn Author\n:toc:\n", Some("Manual")),
            ("== A section\n\ntext", Some("A section")),
            ("== a text\nthat goes on", None),
            ("=> an arrow\n\ntext", Some("=> an arrow")),
            ("= 1 =\n\ntext", None),
            (".. _install:\n\nInstalling\n==========\n", Some("Installing")),
            ("12345\n\ntext", None),
            ("", None),
        ] {
            assert_eq!(first_line_title(text).as_deref(), expected, "{text:?}");
        }
    }
}
