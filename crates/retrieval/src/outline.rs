//! The headings of a Markdown text.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::sanitize;

/// The longest heading that is kept, in characters; what is longer is no heading but a paragraph in disguise.
pub(crate) const MAX_HEADING_CHARS: usize = 200;

/// A heading of the document itself, not of a quotation or a list item in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// 1 to 6.
    pub(crate) level: u8,
    /// Its text without markup, on one line.
    pub(crate) text: String,
    /// Its place in the text, with the whole lines it stands on.
    pub(crate) lines: Range<usize>,
}

/// The Markdown we read: `CommonMark` and what GitHub adds to it.
pub(crate) fn markdown_options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM
}

/// The headings in the order in which they stand; those without text are left out.
pub(crate) fn headings(markdown: &str) -> Vec<Heading> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut open: Option<Heading> = None;
    for (event, range) in Parser::new_ext(markdown, markdown_options()).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                depth += 1;
                open = Some(Heading {
                    level: level as u8,
                    text: String::new(),
                    lines: whole_lines(markdown, range),
                });
            }
            Event::End(TagEnd::Heading(_)) if depth == 1 => {
                depth = 0;
                found.extend(open.take().and_then(finish));
            }
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) | Event::Code(text) => push_text(open.as_mut(), &text),
            Event::SoftBreak | Event::HardBreak => push_text(open.as_mut(), " "),
            _ => {}
        }
    }
    found
}

fn push_text(open: Option<&mut Heading>, text: &str) {
    if let Some(heading) = open {
        heading.text.push_str(text);
    }
}

fn finish(heading: Heading) -> Option<Heading> {
    // A character reference (`&#x202e;`) is text in Markdown's source and may be an invisible character here.
    let text = one_line(&sanitize::clean(&heading.text).0, MAX_HEADING_CHARS);
    (!text.is_empty()).then_some(Heading { text, ..heading })
}

/// Indented by up to three spaces, a heading's range begins after them (`CommonMark` §4.2).
fn whole_lines(markdown: &str, range: Range<usize>) -> Range<usize> {
    let start = markdown[..range.start].rfind('\n').map_or(0, |at| at + 1);
    start..range.end
}

/// The text's words with one space between them, at most `max_chars` characters.
pub(crate) fn one_line(text: &str, max_chars: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max_chars * 4));
    let mut chars = 0;
    for word in text.split_whitespace() {
        let gap = usize::from(!line.is_empty());
        let room = max_chars.saturating_sub(chars + gap);
        if room == 0 {
            break;
        }
        if gap == 1 {
            line.push(' ');
        }
        line.extend(word.chars().take(room));
        chars += gap + word.chars().take(room).count();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headings_are_headings() {
        let text = "# One `code` *x*\n\ntext\n\nTwo\n---\n\n```sh\n# not one\n```\n\n> # quoted\n\n- # in a list\n\ntext\n\n    # \
                    indented code\n\n   ### Three ###\n\n#\n\n#hashtag\n";
        let found: Vec<_> = headings(text).into_iter().map(|heading| (heading.level, heading.text)).collect();
        let expected = [(1, "One code x"), (2, "Two"), (3, "Three")];
        assert_eq!(found, expected.map(|(level, text)| (level, text.to_owned())));
    }

    #[test]
    fn a_heading_begins_at_its_line() {
        let text = "para\n\n   ## Indented\nmore";
        assert_eq!(headings(text)[0].lines.start, 6);
    }

    #[test]
    fn a_character_reference_hides_nothing_in_a_heading() {
        assert_eq!(headings("# a&#x202e;b&amp;c")[0].text, "ab&c");
    }

    #[test]
    fn lines_are_joined_and_bounded() {
        assert_eq!(one_line("  a\n b\tc  ", 100), "a b c");
        assert_eq!(one_line("abc def", 5), "abc d");
        assert_eq!(one_line("éééé", 2), "éé");
        assert_eq!(one_line("abc def", 3), "abc");
    }
}
