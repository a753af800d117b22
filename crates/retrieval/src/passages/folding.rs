//! Texts without what makes no difference to a reader, to tell whether one says what another says.
//!
//! What is found equal is hidden, so only what surely means nothing is left out: case, how wide a space is, and Markdown's
//! marks where they are markup. `2*10` is not `210`, nor is `C#` `C`. And only whole sentences, rows or lines are found:
//! `5 days` does not stand in `25 days`, nor `able to return` in `not able to return`.

use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use crate::snippet::sentences::End;

/// A text without what makes no difference.
#[derive(Debug)]
pub(super) struct Folded {
    text: String,
    /// The spaces at which a line ended, sorted.
    line_ends: Vec<usize>,
}

impl Folded {
    pub(super) fn of(text: &str) -> Self {
        Self::part(text, &markup(text), 0..text.len())
    }

    /// Parts of a text. What is markup there is told by the whole of it.
    pub(super) fn parts(text: &str, parts: Vec<Range<usize>>) -> Vec<Self> {
        let markup = markup(text);
        parts.into_iter().map(|part| Self::part(text, &markup, part)).collect()
    }

    fn part(text: &str, markup: &[Range<usize>], part: Range<usize>) -> Self {
        let mut folded = Self { text: String::with_capacity(part.len()), line_ends: Vec::new() };
        let (mut space, mut is_line_end) = (false, false);
        let mut markup = markup.iter().skip_while(|mark| mark.end <= part.start).peekable();
        for (at, char) in text[part.clone()].char_indices() {
            let at = part.start + at;
            while markup.next_if(|mark| mark.end <= at).is_some() {}
            if markup.peek().is_some_and(|mark| mark.start <= at) {
                continue;
            }
            if char.is_whitespace() {
                space = true;
                is_line_end |= char == '\n';
                continue;
            }
            if space && !folded.text.is_empty() {
                if is_line_end {
                    folded.line_ends.push(folded.text.len());
                }
                folded.text.push(' ');
            }
            (space, is_line_end) = (false, false);
            folded.text.extend(char.to_lowercase());
        }
        folded
    }

    /// Whether another text stands in this one, as whole sentences or lines.
    pub(super) fn says(&self, other: &Self) -> bool {
        let end = End::of(&other.text);
        let is_whole = |at: usize| {
            let (before, after) = (&self.text[..at], &self.text[at + other.text.len()..]);
            let begins = match before.strip_suffix(' ') {
                Some(before) => self.is_line_end(before.len()) || End::of(before) != End::Open,
                None => before.is_empty() || End::of(before) == End::Alone,
            };
            let ends = after.is_empty()
                || end == End::Alone
                || (after.starts_with(' ') && (end == End::Mark || self.is_line_end(at + other.text.len())));
            begins && ends
        };
        !other.text.is_empty() && self.text.match_indices(&other.text).any(|(at, _)| is_whole(at))
    }

    fn is_line_end(&self, space: usize) -> bool {
        self.line_ends.binary_search(&space).is_ok()
    }
}

/// The marks of Markdown that are nothing but markup: of headings and quotations before a letter, and pairs of asterisks
/// around words.
fn markup(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut opening: Option<Range<usize>> = None;
    let mut chars = text.char_indices().peekable();
    let mut is_line_start = true;
    let mut before = None;
    while let Some((at, char)) = chars.next() {
        match char {
            '#' | '>' if is_line_start => {
                let marks = run(at, char, &mut chars);
                let rest = &text[marks.end..];
                let is_markup =
                    rest.starts_with(' ') && rest.trim_start_matches(' ').starts_with(begins_words);
                // Elsewhere in the line it is none either.
                is_line_start = is_markup && char == '>';
                if is_markup && (char == '>' || marks.len() <= 6) {
                    found.push(marks);
                }
            }
            '*' => {
                let marks = run(at, char, &mut chars);
                let after = chars.peek().map(|(_, char)| *char);
                let opens = before.is_none_or(|char: char| char.is_whitespace())
                    && after.is_some_and(char::is_alphabetic);
                let closes = before
                    .is_some_and(|char| char.is_alphabetic() || matches!(char, '.' | '!' | '?'))
                    && after.is_none_or(|char| {
                        char.is_whitespace() || matches!(char, '.' | ',' | ';' | ':' | '!' | '?')
                    });
                if let Some(open) = opening.take_if(|open| closes && open.len() == marks.len()) {
                    found.extend([open, marks]);
                } else {
                    opening = opens.then_some(marks);
                }
                is_line_start = false;
            }
            '\n' => {
                // No emphasis goes on in another paragraph.
                if before == Some('\n') {
                    opening = None;
                }
                is_line_start = true;
            }
            ' ' => {}
            _ => is_line_start = false,
        }
        before = Some(char);
    }
    found.sort_unstable_by_key(|mark| mark.start);
    found
}

/// The run of a mark that begins at `at`, of which the first was taken.
fn run(at: usize, mark: char, chars: &mut Peekable<CharIndices<'_>>) -> Range<usize> {
    let mut end = at + mark.len_utf8();
    while chars.next_if(|(_, char)| *char == mark).is_some() {
        end += mark.len_utf8();
    }
    at..end
}

/// Before a digit or an operator, a mark may be one itself: `> 5`.
fn begins_words(char: char) -> bool {
    char.is_alphabetic() || matches!(char, '*' | '>' | '#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(text: &str, other: &str) -> bool {
        Folded::of(text).says(&Folded::of(other))
    }

    #[test]
    fn what_makes_no_difference_is_left_out() {
        for (text, other) in [
            ("Meals are paid.", "meals  are\npaid."),
            ("Before. Meals are paid. After.", "Meals are paid."),
            ("Before\nMeals are paid\nAfter", "Meals are paid"),
            ("“Before.” Meals are paid!", "Meals are paid!"),
            ("**Meals** are *always paid.*", "Meals are always paid."),
            ("## Meals", "# meals"),
            ("> > Meals are\n> paid.", "Meals are paid."),
            ("酒类除外。餐费报销。其他。", "餐费报销。"),
        ] {
            assert!(says(text, other), "{text} | {other}");
        }
    }

    #[test]
    fn another_answer_is_not_found_in_this_one() {
        for (one, other) in [
            ("The limit of a year is 25", "The limit of a year is 2"),
            ("25 days", "5 days"),
            ("5 days a week", "5 days"),
            ("The limit is 5.5.", "The limit is 5."),
            ("unable to return", "able to return"),
            ("You are not able to return it.", "Able to return it."),
            ("rm -rf /tmp/*", "rm -rf /tmp/"),
            ("limit >= 5", "limit = 5"),
            ("limit >= 5", "= 5"),
            ("limit\n> 5", "limit 5"),
            ("2*10", "210"),
            ("2 * 10", "2 10"),
            ("a *b* 2*c*", "a b 2c"),
            ("C#", "C"),
            ("Write C# 5.", "Write C 5."),
            ("2 | 4", "2 4"),
            ("2 | 4", "2"),
            ("C:\\new", "C:new"),
            ("__init__", "init"),
            ("snake_case", "snakecase"),
            ("a b", "ab"),
            ("ls *.rs and *.toml", "ls .rs and .toml"),
            ("https://help.example/*reset", "https://help.example/reset"),
            ("-1", "1"),
            ("不能退货。", "能退货。"),
            ("One.", ""),
        ] {
            assert!(!says(one, other) && (other.is_empty() || !says(other, one)), "{one} | {other}");
        }
    }

    #[test]
    fn a_part_is_read_as_it_stands_in_its_text() {
        let text = "Ask in # general. Or * here.";
        let parts = Folded::parts(text, vec![7..17, 18..text.len()]);
        assert_eq!([&*parts[0].text, &*parts[1].text], ["# general.", "or * here."]);
    }
}
