//! Text that somebody else chose, on its way into a log line.

/// The longest such text that a line holds, in characters.
const MAX_CHARS: usize = 200;

/// `text`, bounded, and without what could break a line for whoever reads the log: JSON escapes only some of it.
#[must_use]
pub fn shortened(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().take(MAX_CHARS).map(|c| if breaks(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_break_a_line_is_replaced_and_the_rest_is_cut() {
        assert_eq!(shortened("a\nb\u{2028}c\0é"), "a\u{fffd}b\u{fffd}c\u{fffd}é");
        assert_eq!(shortened(&"é".repeat(1_000)), "é".repeat(MAX_CHARS));
    }
}
