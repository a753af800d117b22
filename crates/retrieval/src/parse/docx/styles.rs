//! What a paragraph's or a run's style says of it.

use std::collections::HashMap;

use super::look::Look;
use super::xml::{Element, Item, Part};
use crate::limits::Deadline;
use crate::parse::ParseError;

/// How far a style is followed to what it is based on. Word refuses more than ten; a cycle is one without end.
const MAX_BASES: usize = 32;

/// A font smaller than this, in half-points, cannot be read.
const MIN_HALF_POINTS: f64 = 4.0;

/// Letters narrower than this, in percent of their width, cannot be read.
const MIN_WIDTH_PERCENT: f64 = 10.0;

/// Styles of code: pandoc's, those that people make, those of Word and of `LibreOffice`.
const CODE_STYLES: [&str; 6] =
    ["source code", "code", "code block", "html preformatted", "preformatted text", "macro text"];

/// What hides a run, or does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Visibility {
    vanish: Option<bool>,
    tiny: Option<bool>,
    narrow: Option<bool>,
}

impl Visibility {
    /// Takes what a run property says. Among properties of one run, what hides it is not taken back by a second one, and a
    /// measure that cannot be read hides. `specVanish` is left out: it is of the mark at a paragraph's end alone.
    pub(super) fn read(&mut self, element: &Element<'_>) {
        let (hides, says_so) = match element.word_name() {
            Some("vanish") => (&mut self.vanish, element.is_on()),
            Some("sz") => {
                let Some(size) = element.value() else { return };
                (&mut self.tiny, half_points(&size).is_none_or(|size| size < MIN_HALF_POINTS))
            }
            Some("w") => {
                let Some(width) = element.value() else { return };
                let percent = number(width.strip_suffix('%').unwrap_or(&width));
                (&mut self.narrow, percent.is_none_or(|percent| percent < MIN_WIDTH_PERCENT))
            }
            _ => return,
        };
        *hides = Some(hides.unwrap_or(false) || says_so);
    }

    /// This, and where it says nothing, the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            vanish: self.vanish.or(other.vanish),
            tiny: self.tiny.or(other.tiny),
            narrow: self.narrow.or(other.narrow),
        }
    }

    pub(super) fn hides(self) -> bool {
        [self.vanish, self.tiny, self.narrow].contains(&Some(true))
    }
}

/// A font's size in half-points: a number of them, or a number and a unit (ECMA-376 part 1, §17.18.42).
fn half_points(size: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 6] =
        [("mm", 144.0 / 25.4), ("cm", 144.0 / 2.54), ("in", 144.0), ("pt", 2.0), ("pc", 24.0), ("pi", 24.0)];
    let in_unit = UNITS.iter().find_map(|(unit, half_points)| {
        size.strip_suffix(unit).map(|count| number(count).map(|count| count * half_points))
    });
    in_unit.unwrap_or_else(|| number(size))
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// A place in a numbered or bulleted list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListPlace {
    pub(super) list: Option<String>,
    pub(super) level: Option<usize>,
}

#[derive(Debug, Clone, Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline_level: Option<u8>,
    visibility: Visibility,
    look: Look,
    place: ListPlace,
}

/// A style with what it is based on.
#[derive(Debug, Clone, Default)]
pub(super) struct Resolved {
    /// 1 to 6 if it is that of a heading.
    pub(super) heading: Option<u8>,
    pub(super) is_title: bool,
    /// An entry of a table of contents, which repeats the headings.
    pub(super) is_contents: bool,
    pub(super) is_code: bool,
    pub(super) visibility: Visibility,
    pub(super) look: Look,
    pub(super) place: ListPlace,
}

/// A document's styles, by their ids.
#[derive(Debug, Default)]
pub(super) struct Styles {
    by_id: HashMap<String, Style>,
    default_paragraph: Option<String>,
    defaults: Visibility,
    default_look: Look,
}

impl Styles {
    pub(super) fn read(xml: &str, deadline: Deadline) -> Result<Self, ParseError> {
        let mut styles = Self::default();
        let mut part = Part::new(xml, deadline);
        let mut path: Vec<String> = Vec::new();
        let mut open: Option<(String, Style)> = None;
        while let Some(item) = part.next()? {
            match item {
                Item::Open(element) => {
                    let name = element.word_name().unwrap_or_default().to_owned();
                    let parent = path.last().map_or("", String::as_str);
                    if name == "style" {
                        let id = element.attribute("styleId").unwrap_or_default();
                        let is_default =
                            element.attribute("default").is_some_and(|on| on == "1" || on == "true");
                        if is_default && element.attribute("type").as_deref() == Some("paragraph") {
                            styles.default_paragraph = Some(id.clone());
                        }
                        open = Some((id, Style::default()));
                    } else if let Some((_, style)) = &mut open {
                        style.read(&name, parent, &element);
                    } else if parent == "rPr" && path.iter().any(|above| above == "rPrDefault") {
                        styles.defaults.read(&element);
                        styles.default_look.read(&element);
                    }
                    path.push(name);
                }
                Item::Close => {
                    if path.pop().as_deref() == Some("style")
                        && let Some((id, style)) = open.take()
                    {
                        styles.by_id.insert(id, style);
                    }
                }
                Item::Text(_) => {}
            }
        }
        Ok(styles)
    }

    /// A paragraph's style, or what a paragraph without one has.
    pub(super) fn paragraph(&self, id: Option<&str>) -> Resolved {
        let id = id.filter(|id| self.by_id.contains_key(*id)).or(self.default_paragraph.as_deref());
        let mut resolved = self.resolve(id);
        resolved.visibility = resolved.visibility.or(self.defaults);
        resolved.look = resolved.look.or(self.default_look);
        resolved
    }

    /// What a run's own style says of it.
    pub(super) fn run(&self, id: &str) -> (Visibility, Look) {
        let resolved = self.resolve(Some(id));
        (resolved.visibility, resolved.look)
    }

    fn resolve(&self, id: Option<&str>) -> Resolved {
        let mut resolved = Resolved::default();
        let mut outline_level = None;
        let mut next = id.and_then(|id| self.by_id.get(id));
        for _ in 0..MAX_BASES {
            let Some(style) = next else { break };
            // Word keeps the English name of a style of its own in every language; the id is translated.
            let name = style.name.as_str();
            outline_level = outline_level.or(style.outline_level).or_else(|| level_of_name(name));
            resolved.is_title |= name == "title";
            resolved.is_contents |=
                name.strip_prefix("toc ").is_some_and(|level| level.parse::<u8>().is_ok());
            resolved.is_code |= CODE_STYLES.contains(&name);
            resolved.visibility = resolved.visibility.or(style.visibility);
            resolved.look = resolved.look.or(style.look);
            resolved.place.list = resolved.place.list.or_else(|| style.place.list.clone());
            resolved.place.level = resolved.place.level.or(style.place.level);
            next = style.based_on.as_ref().and_then(|id| self.by_id.get(id));
        }
        resolved.heading = outline_level.and_then(heading_level);
        resolved
    }
}

/// The heading level for an outline level: 0 is the highest, 9 is text (ECMA-376 part 1, §17.3.1.20).
pub(super) fn heading_level(outline_level: u8) -> Option<u8> {
    (outline_level < 9).then(|| (outline_level + 1).min(6))
}

/// The outline level that the name `heading 2` means.
fn level_of_name(name: &str) -> Option<u8> {
    let number = name.strip_prefix("heading ")?.parse::<u8>().ok()?;
    (1..=9).contains(&number).then(|| number - 1)
}

impl Style {
    fn read(&mut self, name: &str, parent: &str, element: &Element<'_>) {
        match (parent, name) {
            ("style", "name") => self.name = element.value().unwrap_or_default().to_lowercase(),
            ("style", "basedOn") => self.based_on = element.value(),
            ("pPr", "outlineLvl") => {
                self.outline_level = element.value().and_then(|level| level.parse().ok());
            }
            ("numPr", "numId") => self.place.list = element.value(),
            ("numPr", "ilvl") => self.place.level = element.value().and_then(|level| level.parse().ok()),
            ("rPr", _) => {
                self.visibility.read(element);
                self.look.read(element);
            }
            _ => {}
        }
    }
}
