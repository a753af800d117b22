//! What a paragraph's or a run's style says of it.

use std::collections::HashMap;

use quick_xml::events::BytesStart;

use super::xml::{Item, Part, attribute, is_on, value};
use crate::limits::Deadline;
use crate::parse::ParseError;

/// How far a style is followed to what it is based on. Word refuses more than ten; a cycle is one without end.
const MAX_BASES: usize = 32;

/// A font of this size in half-points or less cannot be read.
const TINY_HALF_POINTS: u32 = 2;

/// What hides a run, or does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Visibility {
    vanish: Option<bool>,
    tiny: Option<bool>,
}

impl Visibility {
    /// Takes what a run property says.
    pub(super) fn read(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            "vanish" | "specVanish" => self.vanish = Some(is_on(element)),
            "sz" => {
                let size = value(element).and_then(|size| size.parse::<u32>().ok());
                self.tiny = size.map(|size| size <= TINY_HALF_POINTS);
            }
            _ => {}
        }
    }

    /// This, and where it says nothing, the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self { vanish: self.vanish.or(other.vanish), tiny: self.tiny.or(other.tiny) }
    }

    pub(super) fn hides(self) -> bool {
        self.vanish.unwrap_or(false) || self.tiny.unwrap_or(false)
    }
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
    pub(super) visibility: Visibility,
    pub(super) place: ListPlace,
}

/// A document's styles, by their ids.
#[derive(Debug, Default)]
pub(super) struct Styles {
    by_id: HashMap<String, Style>,
    default_paragraph: Option<String>,
    defaults: Visibility,
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
                    let name = element.local_name().into_inner().to_owned();
                    let parent = path.last().map_or("", String::as_str);
                    if name == "style" {
                        let id = attribute(&element, "styleId").unwrap_or_default();
                        let is_default =
                            attribute(&element, "default").is_some_and(|on| on == "1" || on == "true");
                        if is_default && attribute(&element, "type").as_deref() == Some("paragraph") {
                            styles.default_paragraph = Some(id.clone());
                        }
                        open = Some((id, Style::default()));
                    } else if let Some((_, style)) = &mut open {
                        style.read(&name, parent, &element);
                    } else if parent == "rPr" && path.iter().any(|above| above == "rPrDefault") {
                        styles.defaults.read(&name, &element);
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
        resolved
    }

    /// What a run's own style says of its visibility.
    pub(super) fn run(&self, id: &str) -> Visibility {
        self.resolve(Some(id)).visibility
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
            resolved.visibility = resolved.visibility.or(style.visibility);
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
    fn read(&mut self, name: &str, parent: &str, element: &BytesStart<'_>) {
        match (parent, name) {
            ("style", "name") => self.name = value(element).unwrap_or_default().to_lowercase(),
            ("style", "basedOn") => self.based_on = value(element),
            ("pPr", "outlineLvl") => {
                self.outline_level = value(element).and_then(|level| level.parse().ok());
            }
            ("numPr", "numId") => self.place.list = value(element),
            ("numPr", "ilvl") => self.place.level = value(element).and_then(|level| level.parse().ok()),
            ("rPr", _) => self.visibility.read(name, element),
            _ => {}
        }
    }
}
