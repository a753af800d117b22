//! Removes what a person does not see: bidirectional overrides, zero-width and tag characters, controls.
//!
//! Such characters hide instructions from people while a model reads them ("ASCII smuggling"), reorder what people
//! read (CVE-2021-42574, "Trojan Source"), or split words so that a search misses them. Everything removed is counted.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// What was removed from a document because people would not see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovedCounts {
    /// Characters that change the direction of text (Unicode UAX #9): overrides, embeddings, isolates, marks.
    pub bidi: u32,
    /// Characters without width: zero-width space and joiners, word joiner, soft hyphen, fillers, and format controls of
    /// shorthand and musical notation.
    pub zero_width: u32,
    /// Tag characters, U+E0000–U+E007F.
    pub tag: u32,
    /// Variation selectors beyond what their base character can use.
    pub variation: u32,
    /// Control characters other than tab and line ends, and noncharacters.
    pub control: u32,
    /// HTML elements that are not shown, such as those with `hidden` or `display:none`.
    pub hidden_elements: u32,
    /// Comments, and parts of Markdown that are never shown.
    pub comments: u32,
    /// Characters that could not be decoded. They stand in the text as U+FFFD.
    pub undecodable: u32,
}

impl AddAssign for RemovedCounts {
    fn add_assign(&mut self, other: Self) {
        for (sum, more) in [
            (&mut self.bidi, other.bidi),
            (&mut self.zero_width, other.zero_width),
            (&mut self.tag, other.tag),
            (&mut self.variation, other.variation),
            (&mut self.control, other.control),
            (&mut self.hidden_elements, other.hidden_elements),
            (&mut self.comments, other.comments),
            (&mut self.undecodable, other.undecodable),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// The visible text: invisible characters removed, line ends as `\n`, every kind of space as U+0020, in
/// normalization form C (so that a question finds text that was typed on another system).
///
/// For questions as well as for documents: both sides of a search must be cleaned alike.
#[must_use]
pub fn clean(text: &str) -> (String, RemovedCounts) {
    let mut removed = RemovedCounts::default();
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')) {
        return (text.to_owned(), removed);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let next = chars.peek().copied();
        match classify(char, cleaned.chars().next_back(), next) {
            Class::Keep => cleaned.push(char),
            Class::Space => cleaned.push(' '),
            Class::LineEnd => {
                if char == '\r' && next == Some('\n') {
                    chars.next();
                }
                cleaned.push('\n');
            }
            Class::Bidi => removed.bidi += 1,
            Class::ZeroWidth => removed.zero_width += 1,
            Class::Tag => removed.tag += 1,
            Class::Variation => removed.variation += 1,
            Class::Control => removed.control += 1,
        }
    }
    if is_nfc_quick(cleaned.chars()) != IsNormalized::Yes {
        cleaned = cleaned.nfc().collect();
    }
    (cleaned, removed)
}

/// Whether people see nothing of the character, wherever it stands. Spaces and line ends are none of these.
#[must_use]
pub fn is_invisible(char: char) -> bool {
    !matches!(classify(char, None, None), Class::Keep | Class::Space | Class::LineEnd)
}

enum Class {
    Keep,
    Space,
    LineEnd,
    Bidi,
    ZeroWidth,
    Tag,
    Variation,
    Control,
}

fn classify(char: char, previous: Option<char>, next: Option<char>) -> Class {
    match char {
        ' '..='~' | '\n' | '\t' => Class::Keep,
        // Form feed and vertical tab part pages and lines; the others are line ends of Unicode (UAX #14).
        '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Class::LineEnd,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fdd0}'..='\u{fdef}' | '\u{fff9}'..='\u{fffb}' => {
            Class::Control
        }
        _ if u32::from(char) & 0xfffe == 0xfffe => Class::Control,
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => {
            Class::Space
        }
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            Class::Bidi
        }
        '\u{200c}' | '\u{200d}' if joins(char, previous, next) => Class::Keep,
        '\u{200b}'..='\u{200d}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{feff}'
        | '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180e}'
        | '\u{3164}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' => Class::ZeroWidth,
        '\u{e0000}'..='\u{e007f}' => Class::Tag,
        // One selector after a visible base chooses its form (text or emoji); a run of them carries bytes.
        '\u{fe00}'..='\u{fe0f}' if previous.is_some_and(takes_selector) => Class::Keep,
        '\u{180b}'..='\u{180d}' | '\u{180f}' if previous.is_some_and(is_mongolian) => Class::Keep,
        '\u{fe00}'..='\u{fe0f}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{e0080}'..='\u{e0fff}' => {
            Class::Variation
        }
        _ => Class::Keep,
    }
}

/// A zero-width joiner or non-joiner that does what it is for: to join an emoji sequence, or to shape letters of the
/// scripts that need it (Persian, Hindi, Sinhala, …). Elsewhere it only hides.
fn joins(joiner: char, previous: Option<char>, next: Option<char>) -> bool {
    let (Some(previous), Some(next)) = (previous, next) else { return false };
    let emoji = joiner == '\u{200d}' && (is_emoji(previous) || previous == '\u{fe0f}') && is_emoji(next);
    emoji || (has_joining_script(previous) && has_joining_script(next))
}

fn is_emoji(char: char) -> bool {
    matches!(char, '\u{2190}'..='\u{21ff}' | '\u{2300}'..='\u{23ff}' | '\u{2600}'..='\u{27bf}' | '\u{2b00}'..='\u{2bff}'
        | '\u{1f000}'..='\u{1faff}')
}

fn has_joining_script(char: char) -> bool {
    // Arabic to N'Ko and their extensions; the scripts of India and Sri Lanka; Tibetan, Myanmar; Khmer; Mongolian.
    matches!(char, '\u{600}'..='\u{8ff}' | '\u{900}'..='\u{dff}' | '\u{f00}'..='\u{109f}' | '\u{1780}'..='\u{18af}')
}

/// A character that Mongolian's own selectors may follow: one of its block, and not a selector.
fn is_mongolian(base: char) -> bool {
    matches!(base, '\u{1800}'..='\u{180a}' | '\u{1810}'..='\u{18af}')
}

fn takes_selector(base: char) -> bool {
    !base.is_whitespace()
        && !matches!(base, '\u{fe00}'..='\u{fe0f}' | '\u{180b}'..='\u{180f}' | '\u{200c}' | '\u{200d}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(text: &str) -> String {
        clean(text).0
    }

    #[test]
    fn invisible_characters_are_removed_and_counted() {
        let tags: String =
            "ignore all".chars().map(|c| char::from_u32(0xe0000 + u32::from(c)).unwrap()).collect();
        for (text, expected, counts) in [
            ("a\u{202e}b\u{2066}c\u{200f}", "abc", RemovedCounts { bidi: 3, ..Default::default() }),
            (
                "pass\u{200b}word\u{ad}s\u{feff}",
                "passwords",
                RemovedCounts { zero_width: 3, ..Default::default() },
            ),
            (&format!("hi{tags}!"), "hi!", RemovedCounts { tag: 10, ..Default::default() }),
            ("a\0b\u{1b}c\u{9f}d\u{fffe}", "abcd", RemovedCounts { control: 4, ..Default::default() }),
            ("x\u{fe00}\u{fe01}\u{fe02}", "x\u{fe00}", RemovedCounts { variation: 2, ..Default::default() }),
            ("x\u{e0100}\u{e01ef}", "x", RemovedCounts { variation: 2, ..Default::default() }),
        ] {
            assert_eq!(clean(text), (expected.to_owned(), counts), "{text:?}");
        }
    }

    #[test]
    fn all_that_unicode_would_not_show_is_invisible() {
        // Default_Ignorable_Code_Point: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt
        for range in [
            '\u{ad}'..='\u{ad}',
            '\u{34f}'..='\u{34f}',
            '\u{61c}'..='\u{61c}',
            '\u{115f}'..='\u{1160}',
            '\u{17b4}'..='\u{17b5}',
            '\u{180b}'..='\u{180f}',
            '\u{200b}'..='\u{200f}',
            '\u{202a}'..='\u{202e}',
            '\u{2060}'..='\u{206f}',
            '\u{3164}'..='\u{3164}',
            '\u{fe00}'..='\u{fe0f}',
            '\u{feff}'..='\u{feff}',
            '\u{ffa0}'..='\u{ffa0}',
            '\u{fff0}'..='\u{fff8}',
            '\u{1bca0}'..='\u{1bca3}',
            '\u{1d173}'..='\u{1d17a}',
            '\u{e0000}'..='\u{e0fff}',
        ] {
            for char in range {
                assert!(is_invisible(char), "{}", char.escape_unicode());
                assert_eq!(cleaned(&format!(" {char} ")), "  ", "{}", char.escape_unicode());
            }
        }
    }

    #[test]
    fn one_selector_of_mongolian_stays_after_its_letters() {
        assert_eq!(cleaned("ᠠ\u{180b}\u{180c}\u{180f}\u{fe00}"), "ᠠ\u{180b}");
        assert_eq!(cleaned("pay\u{180b}pal\u{180f}"), "paypal");
    }

    #[test]
    fn joiners_stay_where_scripts_and_emoji_need_them() {
        for text in
            ["👩\u{200d}👩\u{200d}👧", "❤\u{fe0f}\u{200d}🔥", "می\u{200c}خواهم", "क्\u{200d}ष", "☎\u{fe0f}"]
        {
            assert_eq!(cleaned(text), text);
        }
        assert_eq!(cleaned("pay\u{200d}pal"), "paypal");
        assert_eq!(
            cleaned("م\u{200c}\u{200d}\u{200c}ی"),
            "م\u{200c}ی",
            "a run carries bits, and shapes no more than one"
        );
    }

    #[test]
    fn spaces_and_line_ends_have_one_spelling() {
        assert_eq!(cleaned("a\r\nb\rc\u{85}d\u{2028}e\u{c}f"), "a\nb\nc\nd\ne\nf");
        assert_eq!(cleaned("10\u{a0}km\u{3000}x\ty"), "10 km x\ty");
    }

    #[test]
    fn text_is_composed() {
        assert_eq!(cleaned("cafe\u{301}"), "caf\u{e9}");
    }

    #[test]
    fn a_long_run_of_combining_marks_is_no_attack() {
        let zalgo = format!("a{}", "\u{301}\u{316}".repeat(200_000));
        assert!(cleaned(&zalgo).len() > 400_000);
    }
}
