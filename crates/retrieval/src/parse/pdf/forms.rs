//! Forms: contents that pages show by name, as often as they like, and that show others in turn (ISO 32000-2, §8.10).
//!
//! A form is read anew each time that it is shown. Ten of them, each of which shows the next a hundred times, are
//! two kilobytes that ask for 100¹⁰ readings; two that show each other have no end. What a form shows is therefore added up
//! before: a document beyond the bounds is refused. Pictures, and forms that show no text, are not shown at all, so that only
//! what makes text is counted: a diagram may show its marks a million times. The same goes for fonts, whose tables are read
//! anew for each page. What is left is what `inline` writes.

use std::collections::{HashMap, HashSet};

use pdf_extract::content::Operation;
use pdf_extract::{Dictionary, Document, Object, ObjectId};

use super::fonts;
use super::layers::Layers;
use super::sight::Ink;
use crate::limits::Limits;
use crate::parse::ParseError;

/// How deep forms with text may be inside each other: a few in real documents, which are pages put onto pages.
const MAX_DEPTH: usize = 32;

/// How often forms with text may be shown, all in all: ten times on each of 10,000 pages.
const MAX_SHOWN: u64 = 100_000;

/// How many entries of fonts' tables and widths may be read, all in all: eight fonts of a hundred glyphs on each of 10,000
/// pages, twice. A million take about a second.
const MAX_FONT_ENTRIES: usize = 16_000_000;

/// How many bytes of an encoding's own table are taken for an entry.
const ENTRY_BYTES: usize = 16;

/// What is known of the document's streams.
pub(super) struct Known {
    /// What each content and form shows.
    pub(super) shows: HashMap<ObjectId, Shows>,
    /// How many codes each font's table has.
    pub(super) codes: HashMap<ObjectId, usize>,
    pub(super) layers: Layers,
}

/// What a content shows: that of a page, or a form.
pub(super) struct Shows {
    text: bool,
    /// How often it shows what goes by that name in its resources.
    named: HashMap<Vec<u8>, u64>,
    /// The names of the fonts that it sets its text in.
    fonts: HashSet<Vec<u8>>,
    /// The names of the graphics states that it sets.
    states: HashSet<Vec<u8>>,
    /// The names of the layers that parts of it belong to.
    layers: HashSet<Vec<u8>>,
    /// The content's length.
    bytes: u64,
}

impl Shows {
    pub(super) fn of(operations: &[Operation], bytes: usize) -> Self {
        let text = operations.iter().any(|operation| matches!(operation.operator.as_str(), "Tj" | "TJ"));
        let mut named = HashMap::new();
        for name in operations.iter().filter_map(shown_name) {
            *named.entry(name.to_vec()).or_default() += 1;
        }
        let all_by = |name: fn(&Operation) -> Option<&[u8]>| {
            operations.iter().filter_map(name).map(<[u8]>::to_vec).collect()
        };
        let (fonts, states, layers) = (all_by(font_name), all_by(state_name), all_by(layer_name));
        Self { text, named, fonts, states, layers, bytes: bytes as u64 }
    }
}

pub(super) fn shown_name(operation: &Operation) -> Option<&[u8]> {
    match (operation.operator.as_str(), operation.operands.as_slice()) {
        ("Do", [Object::Name(name)]) => Some(name),
        _ => None,
    }
}

pub(super) fn font_name(operation: &Operation) -> Option<&[u8]> {
    match (operation.operator.as_str(), operation.operands.as_slice()) {
        ("Tf", [Object::Name(name), _]) => Some(name),
        _ => None,
    }
}

pub(super) fn state_name(operation: &Operation) -> Option<&[u8]> {
    match (operation.operator.as_str(), operation.operands.as_slice()) {
        ("gs", [Object::Name(name)]) => Some(name),
        _ => None,
    }
}

/// Of marked content that may be switched off (ISO 32000-2, §8.11.3.2).
pub(super) fn layer_name(operation: &Operation) -> Option<&[u8]> {
    match (operation.operator.as_str(), operation.operands.as_slice()) {
        ("BDC", [Object::Name(tag), Object::Name(name)]) if tag == b"OC" => Some(name),
        _ => None,
    }
}

/// What a content's names mean.
pub(super) struct Uses {
    /// Those that show text.
    pub(super) forms: Vec<Form>,
    pub(super) fonts: Vec<Font>,
    /// What of its graphics states makes text seen or not.
    pub(super) inks: HashMap<Vec<u8>, Ink>,
    /// Its layers that are off.
    pub(super) layers_off: HashSet<Vec<u8>>,
}

/// The form that a content shows, by which name, and how often.
pub(super) struct Form {
    pub(super) name: Vec<u8>,
    pub(super) id: ObjectId,
    /// Whether it is in a layer that is off.
    pub(super) is_off: bool,
    /// Whether it is put onto the page as a whole.
    pub(super) is_group: bool,
    times: u64,
}

/// The font that a content sets its text in, by which name.
pub(super) struct Font {
    pub(super) name: Vec<u8>,
    pub(super) id: ObjectId,
    /// How many entries are read to make it.
    entries: usize,
}

/// Counts what the pages show, and tells what their contents' names mean.
///
/// `pages` are the pages with their contents.
pub(super) fn bound(
    document: &mut Document,
    pages: &[(ObjectId, ObjectId)],
    known: &Known,
    limits: &Limits,
) -> Result<HashMap<ObjectId, Uses>, ParseError> {
    let shows = &known.shows;
    let mut uses = HashMap::new();
    for (page, content) in pages {
        find_uses(document, *page, *content, known, &mut uses);
    }
    let with_text = with_text(shows, &uses);
    for used in uses.values_mut() {
        used.forms.retain(|form| with_text.contains(&form.id));
    }
    let mut sum =
        Sum { uses: &uses, shows, max_bytes: limits.max_unpacked_bytes, shown: 0, bytes: 0, font_entries: 0 };
    for (_, content) in pages {
        // pdf-extract keeps a font for a page's length.
        sum.add(*content, 1, 0, &mut HashSet::new())?;
    }
    Ok(uses)
}

/// Finds what the page's content uses, and what that uses in turn.
///
/// A form without resources has those of the page that shows it (ISO 32000-2, table 93). It is given them, so that a name
/// means the same wherever a form is shown.
fn find_uses(
    document: &mut Document,
    page: ObjectId,
    content: ObjectId,
    known: &Known,
    uses: &mut HashMap<ObjectId, Uses>,
) {
    let mut pending = vec![(content, resources(document, page))];
    while let Some((content, resources)) = pending.pop() {
        if uses.contains_key(&content) {
            continue;
        }
        let found = named_by(document, resources, &known.shows[&content], known);
        for form in found.forms.iter().map(|form| form.id).filter(|form| !uses.contains_key(form)) {
            let own = self::resources(document, form);
            if let (None, Some(resources), Some(Object::Stream(stream))) =
                (own, resources, document.objects.get_mut(&form))
            {
                stream.dict.set("Resources", Object::Reference(resources));
            }
            pending.push((form, own.or(resources)));
        }
        uses.insert(content, found);
    }
}

/// The resources of a page or a form; they become an object of their own if they are none.
fn resources(document: &mut Document, holder: ObjectId) -> Option<ObjectId> {
    let dictionary = match document.objects.get(&holder)? {
        Object::Dictionary(page) => page,
        Object::Stream(form) => &form.dict,
        _ => return None,
    };
    match dictionary.get(b"Resources").ok()? {
        Object::Reference(id) => document.get_dictionary(*id).is_ok().then_some(*id),
        Object::Dictionary(resources) => {
            let resources = resources.clone();
            let id = document.add_object(resources);
            match document.objects.get_mut(&holder)? {
                Object::Dictionary(page) => page.set("Resources", Object::Reference(id)),
                Object::Stream(form) => form.dict.set("Resources", Object::Reference(id)),
                _ => return None,
            }
            Some(id)
        }
        _ => None,
    }
}

/// What the names of the content mean, by its resources. What is no form is left out.
fn named_by(document: &Document, resources: Option<ObjectId>, content: &Shows, known: &Known) -> Uses {
    let resources = resources.and_then(|resources| document.get_dictionary(resources).ok());
    let kind = |kind: &[u8]| resources?.get_deref(kind, document).and_then(Object::as_dict).ok();
    let (objects, named_fonts) = (kind(b"XObject"), kind(b"Font"));
    let (states, properties) = (kind(b"ExtGState"), kind(b"Properties"));
    let ink = |name: &Vec<u8>| {
        let state = states?.get_deref(name, document).and_then(Object::as_dict).ok()?;
        Some((name.clone(), Ink::of(document, state)))
    };
    let is_off = |name: &&Vec<u8>| {
        let layer = properties.and_then(|properties| properties.get(name).ok());
        layer.is_some_and(|layer| known.layers.hide(document, layer))
    };
    let form = |(name, times): (&Vec<u8>, &u64)| {
        let id = objects?.get(name).and_then(Object::as_reference).ok()?;
        let dictionary = &document.get_object(id).and_then(Object::as_stream).ok()?.dict;
        let is_off = dictionary.get(b"OC").is_ok_and(|layer| known.layers.hide(document, layer));
        let is_group = dictionary.has(b"Group");
        let form = || Form { name: name.clone(), id, is_off, is_group, times: *times };
        known.shows.contains_key(&id).then(form)
    };
    let font = |name: &Vec<u8>| {
        let id = named_fonts?.get(name).and_then(Object::as_reference).ok()?;
        let font = document.get_dictionary(id).ok().filter(|font| fonts::is_known(document, font))?;
        Some(Font { name: name.clone(), id, entries: font_entries(document, font, &known.codes) })
    };
    Uses {
        forms: content.named.iter().filter_map(form).collect(),
        fonts: content.fonts.iter().filter_map(font).collect(),
        inks: content.states.iter().filter_map(ink).collect(),
        layers_off: content.layers.iter().filter(is_off).cloned().collect(),
    }
}

/// How many entries are read to make the font: of its tables, and its widths.
fn font_entries(document: &Document, font: &Dictionary, codes: &HashMap<ObjectId, usize>) -> usize {
    let table = font.get(b"ToUnicode").and_then(Object::as_reference).ok();
    let encoding = font.get_deref(b"Encoding", document).and_then(Object::as_stream);
    let length = |object: &Object| object.as_array().map_or(0, Vec::len);
    let descendants = font.get_deref(b"DescendantFonts", document).and_then(Object::as_array).ok();
    let descendant =
        descendants.and_then(|fonts| document.dereference(fonts.first()?).ok()?.1.as_dict().ok());
    let wide = descendant.and_then(|font| font.get_deref(b"W", document).and_then(Object::as_array).ok());
    table.and_then(|table| codes.get(&table)).copied().unwrap_or(0)
        + encoding.map_or(0, |encoding| encoding.content.len() / ENTRY_BYTES)
        + font.get_deref(b"Widths", document).map_or(0, length)
        + wide.map_or(0, |widths| widths.iter().map(|width| 1 + length(width)).sum())
}

/// The contents that show text, themselves or by a form.
fn with_text(shows: &HashMap<ObjectId, Shows>, uses: &HashMap<ObjectId, Uses>) -> HashSet<ObjectId> {
    let mut shown_by: HashMap<ObjectId, Vec<ObjectId>> = HashMap::new();
    for (content, used) in uses {
        for form in &used.forms {
            shown_by.entry(form.id).or_default().push(*content);
        }
    }
    let mut pending: Vec<ObjectId> = uses.keys().copied().filter(|content| shows[content].text).collect();
    let mut found = HashSet::new();
    while let Some(content) = pending.pop() {
        if found.insert(content) {
            pending.extend(shown_by.get(&content).into_iter().flatten());
        }
    }
    found
}

/// What is read, added up.
struct Sum<'a> {
    uses: &'a HashMap<ObjectId, Uses>,
    shows: &'a HashMap<ObjectId, Shows>,
    max_bytes: u64,
    shown: u64,
    bytes: u64,
    font_entries: usize,
}

impl Sum<'_> {
    /// Adds what the content shows when it is shown that often. Each step adds one or more, so there are not more of them than
    /// may be shown.
    fn add(
        &mut self,
        content: ObjectId,
        times: u64,
        depth: usize,
        page_fonts: &mut HashSet<ObjectId>,
    ) -> Result<(), ParseError> {
        if depth > MAX_DEPTH {
            return Err(ParseError::NestedTooDeeply { limit: MAX_DEPTH });
        }
        let used = &self.uses[&content];
        for font in &used.fonts {
            if page_fonts.insert(font.id) {
                self.font_entries = self.font_entries.saturating_add(font.entries);
            }
        }
        if self.font_entries > MAX_FONT_ENTRIES {
            return Err(ParseError::TooLargeFonts { limit: MAX_FONT_ENTRIES });
        }
        for form in &used.forms {
            let times = times.saturating_mul(form.times);
            self.shown = self.shown.saturating_add(times);
            if self.shown > MAX_SHOWN {
                return Err(ParseError::TooManyForms { limit: MAX_SHOWN });
            }
            self.bytes = self.bytes.saturating_add(times.saturating_mul(self.shows[&form.id].bytes));
            if self.bytes > self.max_bytes {
                return Err(ParseError::UnpacksTooLarge { limit: self.max_bytes });
            }
            self.add(form.id, times, depth + 1, page_fonts)?;
        }
        Ok(())
    }
}
