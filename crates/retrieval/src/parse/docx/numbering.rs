//! The numbers and bullets of lists and headings, which stand in no text.

use std::collections::HashMap;

use super::styles::ListPlace;
use super::xml::{Item, Part};
use crate::limits::Deadline;
use crate::parse::ParseError;

/// Word's levels.
const LEVELS: usize = 9;

/// The longest pattern of a number, in bytes; `%1.%2.%3.%4.%5.%6.%7.%8.%9.` has 27.
const MAX_PATTERN_BYTES: usize = 60;

#[derive(Debug, Clone)]
struct Level {
    format: String,
    pattern: String,
    start: u32,
    /// The paragraph style that this level belongs to.
    style: Option<String>,
}

impl Default for Level {
    fn default() -> Self {
        Self { format: "decimal".to_owned(), pattern: String::new(), start: 1, style: None }
    }
}

/// A document's lists, and how far each has been counted.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// From a list to its definition.
    lists: HashMap<String, String>,
    definitions: HashMap<String, Vec<Level>>,
    /// None where nothing was counted since the level above went on.
    counted: HashMap<String, [Option<u32>; LEVELS]>,
}

/// What stands before a paragraph in a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// `1.2`, `a)`; empty for a bullet.
    pub(super) number: String,
    /// From 0.
    pub(super) level: usize,
}

impl Numbering {
    pub(super) fn read(xml: &str, deadline: Deadline) -> Result<Self, ParseError> {
        let mut numbering = Self::default();
        let mut part = Part::new(xml, deadline);
        let mut path: Vec<String> = Vec::new();
        let (mut definition, mut list, mut level) = (String::new(), String::new(), 0);
        while let Some(item) = part.next()? {
            match item {
                Item::Open(element) => {
                    let name = element.word_name().unwrap_or_default().to_owned();
                    let parent = path.last().map_or("", String::as_str);
                    match (parent, name.as_str()) {
                        (_, "abstractNum") => {
                            definition = element.attribute("abstractNumId").unwrap_or_default();
                            numbering.definitions.insert(definition.clone(), vec![Level::default(); LEVELS]);
                        }
                        ("abstractNum", "lvl") => {
                            let number = element.attribute("ilvl").and_then(|level| level.parse().ok());
                            level = number.unwrap_or(LEVELS);
                        }
                        ("lvl", property) => {
                            let levels = numbering.definitions.get_mut(&definition);
                            if let Some(level) = levels.and_then(|levels| levels.get_mut(level)) {
                                level.read(property, element.value().unwrap_or_default());
                            }
                        }
                        (_, "num") => list = element.attribute("numId").unwrap_or_default(),
                        ("num", "abstractNumId") => {
                            numbering.lists.insert(list.clone(), element.value().unwrap_or_default());
                        }
                        _ => {}
                    }
                    path.push(name);
                }
                Item::Close => drop(path.pop()),
                Item::Text(_) => {}
            }
        }
        Ok(numbering)
    }

    /// Counts a paragraph, and says what stands before it.
    pub(super) fn next(&mut self, place: &ListPlace, style: Option<&str>) -> Option<Label> {
        let definition = self.lists.get(place.list.as_ref()?)?;
        let levels = self.definitions.get(definition)?;
        let by_style =
            || levels.iter().position(|level| level.style.is_some() && level.style.as_deref() == style);
        let level = place.level.or_else(by_style).unwrap_or(0).min(LEVELS - 1);
        let counted = self.counted.entry(definition.clone()).or_insert([None; LEVELS]);
        let number = counted[level].map_or(levels[level].start, |number| number.saturating_add(1));
        counted[level] = Some(number);
        counted[level + 1..].fill(None);
        let number = if levels[level].format == "bullet" || levels[level].format == "none" {
            String::new()
        } else {
            written(&levels[level].pattern, levels, counted)
        };
        Some(Label { number, level })
    }
}

impl Level {
    fn read(&mut self, property: &str, value: String) {
        match property {
            "numFmt" => self.format = value,
            "lvlText" if value.len() <= MAX_PATTERN_BYTES => self.pattern = value,
            "start" => self.start = value.parse().unwrap_or(1),
            "pStyle" => self.style = Some(value),
            _ => {}
        }
    }
}

/// The pattern with its `%1` to `%9` replaced by the numbers of those levels.
fn written(pattern: &str, levels: &[Level], counted: &[Option<u32>; LEVELS]) -> String {
    let mut number = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        let level = chars.peek().and_then(|next| next.to_digit(10)).filter(|digit| char == '%' && *digit > 0);
        if let Some(level) = level {
            chars.next();
            let level = level as usize - 1;
            let counted = counted[level].unwrap_or(levels[level].start);
            number.push_str(&in_format(counted, &levels[level].format));
        } else {
            number.push(char);
        }
    }
    number.trim().to_owned()
}

fn in_format(number: u32, format: &str) -> String {
    match format {
        // Neither letters nor Roman numerals have one.
        _ if number == 0 => "0".to_owned(),
        "lowerLetter" => letters(number).to_lowercase(),
        "upperLetter" => letters(number),
        "lowerRoman" => roman(number).to_lowercase(),
        "upperRoman" => roman(number),
        _ => number.to_string(),
    }
}

/// A to Z, then AA, BB, …: Word repeats the letter.
fn letters(number: u32) -> String {
    let (repeats, letter) = ((number - 1) / 26 + 1, (number - 1) % 26);
    let letter = char::from(b'A' + u8::try_from(letter).unwrap_or_default());
    std::iter::repeat_n(letter, repeats.min(10) as usize).collect()
}

fn roman(number: u32) -> String {
    const DIGITS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if number >= 4000 {
        return number.to_string();
    }
    let mut rest = number;
    let mut written = String::new();
    for (value, digit) in DIGITS {
        while rest >= value {
            written.push_str(digit);
            rest -= value;
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_list_is_counted_from_where_it_starts() {
        let xml = r#"<w:numbering xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">
            <w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:start w:val="0"/>
            <w:lvlText w:val="%1."/></w:lvl><w:lvl w:ilvl="1"><w:start w:val="3"/><w:lvlText w:val="%1.%2"/></w:lvl>
            </w:abstractNum><w:num w:numId="7"><w:abstractNumId w:val="1"/></w:num></w:numbering>"#;
        let mut numbering = Numbering::read(xml, Deadline::after(Duration::MAX)).unwrap();
        let levels = [1, 0, 1, 1, 0, 1];
        let labels = levels.map(|level| {
            let place = ListPlace { list: Some("7".to_owned()), level: Some(level) };
            numbering.next(&place, None).unwrap().number
        });
        assert_eq!(labels, ["0.3", "0.", "0.3", "0.4", "1.", "1.3"]);
    }

    #[test]
    fn numbers_are_written_as_word_writes_them() {
        for (number, format, expected) in [
            (3, "decimal", "3"),
            (1, "lowerLetter", "a"),
            (28, "upperLetter", "BB"),
            (1994, "upperRoman", "MCMXCIV"),
            (4, "lowerRoman", "iv"),
            (7, "chicago", "7"),
            (0, "decimal", "0"),
            (0, "lowerLetter", "0"),
            (0, "upperRoman", "0"),
        ] {
            assert_eq!(in_format(number, format), expected);
        }
    }
}
