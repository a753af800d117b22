//! The tables that say which text a font's codes mean, made plain.
//!
//! What reads them further on fails on a range whose first text has three UTF-16 units or one (TeX's fonts have such), and
//! counts through a range of four thousand million codes. So each is read here, and written anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most codes of one font.
const MAX_CODES: usize = 70_000;

/// The longest text of one code, in bytes of UTF-16. Ligatures have up to four characters.
const MAX_TEXT_BYTES: usize = 64;

/// What a table is written with.
#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Hex(Vec<u8>),
    Word(&'a [u8]),
    ArrayStart,
    ArrayEnd,
}

/// The table, with nothing else in it, and how many codes it has.
pub(super) fn plain(table: &[u8]) -> (Vec<u8>, usize) {
    let mut texts: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    let mut tokens = Tokens { rest: table };
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(b"beginbfchar") => read_codes(&mut tokens, &mut texts),
            Token::Word(b"beginbfrange") => read_ranges(&mut tokens, &mut texts),
            _ => {}
        }
    }
    (written(&texts), texts.len())
}

fn read_codes(tokens: &mut Tokens<'_>, texts: &mut BTreeMap<u32, Vec<u8>>) {
    while let (Some(Token::Hex(code)), Some(Token::Hex(text))) = (tokens.next(), tokens.next()) {
        add(texts, number(&code), text);
    }
}

fn read_ranges(tokens: &mut Tokens<'_>, texts: &mut BTreeMap<u32, Vec<u8>>) {
    while let (Some(Token::Hex(first)), Some(Token::Hex(last))) = (tokens.next(), tokens.next()) {
        let codes = number(&first)..=number(&last);
        match tokens.next() {
            Some(Token::Hex(mut text)) => {
                for code in codes.take(MAX_CODES) {
                    add(texts, code, text.clone());
                    // The last byte counts on, as the last of a text's units (ISO 32000-2, §9.10.3).
                    increase(&mut text);
                }
            }
            Some(Token::ArrayStart) => {
                for code in codes {
                    match tokens.next() {
                        Some(Token::Hex(text)) => add(texts, code, text),
                        _ => return,
                    }
                }
                if tokens.next() != Some(Token::ArrayEnd) {
                    return;
                }
            }
            _ => return,
        }
    }
}

fn add(texts: &mut BTreeMap<u32, Vec<u8>>, code: u32, text: Vec<u8>) {
    let units: Vec<u16> = text.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]])).collect();
    let is_text = text.len().is_multiple_of(2) && !text.is_empty() && String::from_utf16(&units).is_ok();
    if is_text && text.len() <= MAX_TEXT_BYTES && texts.len() < MAX_CODES {
        texts.insert(code, text);
    }
}

fn number(code: &[u8]) -> u32 {
    code.iter().fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

/// Adds one to the last unit.
fn increase(text: &mut [u8]) {
    for byte in text.iter_mut().rev().take(2) {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
}

/// Few and short: the table is read again for each page. So codes that count on with their texts are a range, which is
/// understood further on as long as the texts have one unit.
fn written(texts: &BTreeMap<u32, Vec<u8>>) -> Vec<u8> {
    let mut ranges: Vec<(u32, u32, &[u8])> = Vec::new();
    for (code, text) in texts {
        match ranges.last_mut() {
            Some((first, last, begun)) if *last + 1 == *code && counts_on(begun, *code - *first, text) => {
                *last = *code;
            }
            _ => ranges.push((*code, *code, text)),
        }
    }
    let mut table = String::from("begincmap\n");
    let of_one = |range: &&(u32, u32, &[u8])| range.0 == range.1;
    let codes: Vec<_> = ranges.iter().filter(of_one).collect();
    let _ = writeln!(table, "{} beginbfchar", codes.len());
    for (code, _, text) in codes {
        let _ = writeln!(table, "<{}> <{}>", hex_of(*code), hex(text));
    }
    let ranges: Vec<_> = ranges.iter().filter(|range| !of_one(range)).collect();
    let _ = writeln!(table, "endbfchar\n{} beginbfrange", ranges.len());
    for (first, last, text) in ranges {
        let _ = writeln!(table, "<{}> <{}> <{}>", hex_of(*first), hex_of(*last), hex(text));
    }
    table.push_str("endbfrange\nendcmap\n");
    table.into_bytes()
}

fn counts_on(begun: &[u8], steps: u32, text: &[u8]) -> bool {
    let is_unit = begun.len() == 2 && text.len() == 2;
    is_unit && number(begun).checked_add(steps) == Some(number(text))
}

/// Whole bytes, as few as may be.
fn hex_of(code: u32) -> String {
    let bytes = code.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(3);
    hex(&bytes[first..])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02X}");
        hex
    })
}

struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let start = self.rest.iter().position(|byte| !is_space(*byte))?;
            self.rest = &self.rest[start..];
            match self.rest {
                [b'%', ..] => {
                    let end = self.rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                    self.rest = &self.rest[end.unwrap_or(self.rest.len())..];
                }
                [b'[', rest @ ..] => {
                    self.rest = rest;
                    return Some(Token::ArrayStart);
                }
                [b']', rest @ ..] => {
                    self.rest = rest;
                    return Some(Token::ArrayEnd);
                }
                [b'<', rest @ ..] if !rest.starts_with(b"<") => {
                    let end = rest.iter().position(|byte| *byte == b'>').unwrap_or(rest.len());
                    self.rest = rest.get(end + 1..).unwrap_or_default();
                    return Some(Token::Hex(bytes_of_hex(&rest[..end])));
                }
                _ => {
                    let ends = |byte: &u8| is_space(*byte) || matches!(byte, b'<' | b'[' | b']' | b'%');
                    // At least one byte, be it a `<` of a dictionary's `<<`.
                    let end = self.rest.iter().skip(1).position(ends).map_or(self.rest.len(), |at| at + 1);
                    let (word, rest) = self.rest.split_at(end);
                    self.rest = rest;
                    return Some(Token::Word(word));
                }
            }
        }
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0
}

fn bytes_of_hex(digits: &[u8]) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .iter()
        .filter_map(|digit| char::from(*digit).to_digit(16))
        .filter_map(|digit| u8::try_from(digit).ok())
        .collect();
    // A missing last digit is 0 (ISO 32000-2, §7.3.4.3).
    digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(table: &str) -> Vec<String> {
        let plain = String::from_utf8(plain(table.as_bytes()).0).unwrap();
        plain.lines().filter(|line| line.starts_with('<')).map(str::to_owned).collect()
    }

    #[test]
    fn a_table_is_written_anew() {
        let table = "% a comment <01>\n<< /Registry (TeX) >> def\n1 beginbfrange <0E> <0F><2039> endbfrange\n\
                     2 beginbfrange\n<1B><1C> <006600660069>\n<20> <21> [<0041> <0042>]\nendbfrange\n\
                     1 beginbfchar <7> <0043> <123> <0044> endbfchar";
        assert_eq!(
            codes(table),
            [
                "<1B> <006600660069>",
                "<1C> <00660066006A>",
                "<70> <0043>",
                "<1230> <0044>",
                "<0E> <0F> <2039>",
                "<20> <21> <0041>",
            ]
        );
    }

    #[test]
    fn hostile_tables_end() {
        for table in [
            "1 beginbfrange <00000000> <FFFFFFFF> <0041>",
            "1 beginbfrange <00000000> <FFFFFFFF> [<0041>",
            "9999999 beginbfchar <01>",
            "1 beginbfchar <01> <D800> <02> <00> <03> <> endbfchar",
            "<",
            "<<<<",
            "1 beginbfrange <05> <01> <0041>",
        ] {
            assert!(codes(table).len() <= MAX_CODES, "{table}");
        }
        assert_eq!(codes("1 beginbfchar <01> <D800> <02> <0041>"), ["<02> <0041>"]);
    }
}
