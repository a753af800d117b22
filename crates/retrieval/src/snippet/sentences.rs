//! Where sentences end: after a mark that ends one, unless it ends an abbreviation, an initial or an ordinal.
//!
//! By these rules, and not by those of Unicode (UAX #29), which know no abbreviations and take most of a snippet's time.

use std::ops::Range;

/// Whether a character ends a sentence where white space follows, in one of many scripts: Arabic, Indian, Armenian,
/// Ethiopic, Burmese and Khmer ones are the last.
const fn ends(char: char) -> bool {
    matches!(char, '.' | '!' | '?')
        || (!char.is_ascii() && matches!(char, '…' | '‼' | '؟' | '۔' | '।' | '॥' | '։' | '።' | '။' | '។'))
}

/// Whether it ends one whatever follows: such scripts have no spaces.
const fn ends_alone(char: char) -> bool {
    !char.is_ascii() && matches!(char, '。' | '！' | '？' | '．' | '｡')
}

/// How many characters after a mark tell whether the sentence goes on. Without a bound, marks that no word follows
/// would each be followed to the end of the text.
const AHEAD: usize = 50;

/// Whether it may stand between the mark and the end.
const fn closes(char: char) -> bool {
    matches!(char, ')' | ']' | '"' | '\'' | '”' | '’' | '»' | '*' | '_' | '」' | '』' | '）')
}

/// How many of these are looked at behind a mark: nobody closes more at once.
const MAX_CLOSING: usize = 8;

/// Words that a sentence goes on after, whatever follows.
const ABBREVIATIONS: &[&str] = &[
    "abb", "approx", "bspw", "bzw", "ca", "cf", "ch", "dr", "eq", "eqs", "evtl", "fig", "figs", "ggf",
    "inkl", "kap", "mr", "mrs", "ms", "mt", "nr", "pp", "prof", "ref", "resp", "sec", "sect", "sog", "st",
    "tab", "vgl", "viz", "vol", "vs", "zzgl",
];

/// Words that a sentence goes on after if a number follows: "No. 5", but "The answer is no."
const BEFORE_NUMBERS: &[&str] = &[
    "art", "chap", "col", "ed", "eds", "ex", "line", "no", "nos", "para", "rev", "rfc", "sections", "ver",
    "version",
];

/// Months, which follow a German ordinal: "am 3. Oktober".
const GERMAN_MONTHS: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

/// The sentences of one paragraph in their places, white space at their ends included.
pub(super) fn sentences(paragraph: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut rest = 0;
    while let Some(mark) = paragraph[rest..].find(|char| ends(char) || ends_alone(char)) {
        let mark = rest + mark;
        let after =
            paragraph[mark..].trim_start_matches(|char| ends(char) || ends_alone(char) || closes(char));
        let next = after.trim_start();
        let has_space = next.len() < after.len();
        let is_alone = paragraph[mark..paragraph.len() - after.len()].contains(ends_alone);
        let end = paragraph.len() - next.len();
        if (has_space || is_alone) && !goes_on(&paragraph[start..paragraph.len() - after.len()], next) {
            found.push(start..end);
            start = end;
        }
        rest = end;
    }
    if start < paragraph.len() {
        found.push(start..paragraph.len());
    }
    found
}

/// How a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Within a sentence.
    Open,
    /// With a mark that ends a sentence if white space follows.
    Mark,
    /// With a mark that ends one whatever follows.
    Alone,
}

impl End {
    pub(crate) fn of(text: &str) -> Self {
        match text.chars().rev().take(MAX_CLOSING).find(|char| !closes(*char)) {
            Some(mark) if ends_alone(mark) => Self::Alone,
            Some(mark) if ends(mark) => Self::Mark,
            _ => Self::Open,
        }
    }
}

/// Whether the mark that the first part ends with is not the end of a sentence.
fn goes_on(before: &str, after: &str) -> bool {
    let Some(first) = after.chars().take(AHEAD).find(|char| char.is_alphanumeric()) else { return true };
    if first.is_lowercase() && !after.starts_with("![") {
        return true;
    }
    let Some(without_point) = before.strip_suffix('.') else { return false };
    let word = without_point.rsplit(|char: char| char.is_whitespace() || "([„“\"'/".contains(char)).next();
    let word = word.unwrap_or_default();
    if word.chars().all(|char| char.is_ascii_digit()) {
        // A list's own number, or an ordinal.
        let is_marker = !word.is_empty() && word.len() == without_point.len();
        return is_marker || GERMAN_MONTHS.iter().any(|month| after.starts_with(month));
    }
    let lower = word.to_lowercase();
    is_initials(word)
        || ABBREVIATIONS.contains(&lower.as_str())
        || (first.is_numeric() && BEFORE_NUMBERS.contains(&lower.as_str()))
}

/// `J`, `z`, `e.g`, `U.S`: letters with points between them.
fn is_initials(word: &str) -> bool {
    let mut parts = word.split('.');
    word != "I" && parts.all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| text[range].trim()).collect()
    }

    #[test]
    fn sentences_end_where_a_reader_sees_the_end() {
        for (text, expected) in [
            ("One. Two! Three? Four", vec!["One.", "Two!", "Three?", "Four"]),
            ("Use a proxy, e.g. Squid. It caches.", vec!["Use a proxy, e.g. Squid.", "It caches."]),
            ("See Fig. 3 and Sec. IV. Then go on.", vec!["See Fig. 3 and Sec. IV.", "Then go on."]),
            (
                "Mit Belegen, z. B. Quittungen. Sonst nicht.",
                vec!["Mit Belegen, z. B. Quittungen.", "Sonst nicht."],
            ),
            ("Since 1.2.3. It works.", vec!["Since 1.2.3.", "It works."]),
            ("Edit Cargo.toml. Then build.", vec!["Edit Cargo.toml.", "Then build."]),
            ("Ask Dr. Who or J. Smith. They know.", vec!["Ask Dr. Who or J. Smith.", "They know."]),
            ("Bis zum 3. Oktober 2025. Danach nicht.", vec!["Bis zum 3. Oktober 2025.", "Danach nicht."]),
            ("It grew to 40. The rest fell.", vec!["It grew to 40.", "The rest fell."]),
            ("The answer is no. Ask No. 5 instead.", vec!["The answer is no.", "Ask No. 5 instead."]),
            ("1. Open the door.", vec!["1. Open the door."]),
            ("So did I. Then we left.", vec!["So did I.", "Then we left."]),
            ("“Is it?” he asked. Yes.", vec!["“Is it?” he asked.", "Yes."]),
            ("餐费每天报销40元。酒类除外！其他？", vec!["餐费每天报销40元。", "酒类除外！", "其他？"]),
            ("経費は精算できる。「はい。」次へ。", vec!["経費は精算できる。", "「はい。」", "次へ。"]),
        ] {
            assert_eq!(split(text), expected);
        }
    }

    #[test]
    fn some_characters_after_a_mark_are_looked_at_and_no_more() {
        let split = |marks: usize| sentences(&format!("One。{}Two", "¤".repeat(marks))).len();
        assert_eq!([split(0), split(AHEAD - 1), split(AHEAD), split(5_000)], [2, 2, 1, 1]);
    }

    #[test]
    fn a_text_ends_with_its_sentence_or_within_it() {
        for (text, expected) in [
            ("It is 5.", End::Mark),
            ("“Is it?”", End::Mark),
            ("报销。」", End::Alone),
            ("It is 5", End::Open),
            ("rm /tmp/*", End::Open),
            ("", End::Open),
        ] {
            assert_eq!(End::of(text), expected, "{text}");
        }
    }

    #[test]
    fn nothing_is_lost_between_sentences() {
        let text = " A b. C d!  „E f.“ g? \u{301} h ";
        assert_eq!(sentences(text).into_iter().map(|range| &text[range]).collect::<String>(), text);
    }
}
