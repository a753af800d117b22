//! A file reduced to what shows text, before text is looked for.

use std::collections::{HashMap, HashSet};

use pdf_extract::content::{Content, Operation};
use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream};

use super::annotations::{Annotations, Area};
use super::budget::Budget;
use super::fonts;
use super::forms::{self, Known, Shows, layer_name, state_name};
use super::layers::Layers;
use super::pictures::{self, Drawn};
use super::{inline, to_unicode};
use crate::limits::{Deadline, Limits};
use crate::parse::{Flaw, ParseError};

/// How far a page is followed up the tree of pages. A cycle is one without end.
const MAX_PARENTS: usize = 64;

/// The deepest that the state is saved. Writers keep to 28 (ISO 32000-2, annex C), or forget to restore it.
const MAX_SAVED_STATES: usize = 512;

/// A4 in points, for pages that do not say their size.
const USUAL_PAGE: [i64; 4] = [0, 0, 595, 842];

/// What is left of a file.
pub(super) struct Reduced {
    /// The pages in order. Behind them are those of the annotations.
    pub(super) pages: Vec<ObjectId>,
    pub(super) annotations: Annotations,
    /// Whether there were pictures.
    pub(super) had_pictures: bool,
    /// Of each page, whether words could be read on its pictures.
    pub(super) pictured: Vec<bool>,
    /// How often something was left out that nobody sees.
    pub(super) hidden: u32,
}

/// Makes the pages one flat list without doubles, and leaves of pictures nothing and of pages' contents what shows text.
pub(super) fn to_text(
    document: &mut Document,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Reduced, ParseError> {
    let pages = pages(document, limits)?;
    flatten(document, &pages)?;
    let mut budget = Budget::new(limits.max_unpacked_bytes);
    let layers = Layers::of(document);
    let annotations = Annotations::of(document, &pages, &layers, &mut budget, deadline)?;
    let all_pages = [pages.as_slice(), &annotations.pages].concat();
    set_pages(document, &all_pages)?;
    fonts::make_plain(document);
    let had_pictures = empty_pictures(document);
    let codes = make_tables_plain(document, &mut budget)?;
    drop_font_programs(document);
    let mut all_shows: HashMap<ObjectId, Shows> = HashMap::new();
    let mut drawn: HashMap<ObjectId, Drawn> = HashMap::new();
    let mut contents = Vec::with_capacity(all_pages.len());
    for page in &all_pages {
        deadline.check()?;
        for stream in document.get_page_contents(*page) {
            if let Ok(stream) = document.get_object(stream).and_then(Object::as_stream) {
                budget.take(stream)?;
            }
        }
        let content = document.get_page_content(*page).map_err(|_| ParseError::Broken(Flaw::PdfPage))?;
        let (kept, shows, pictures) = showing_text(&content)?;
        let content = document.add_object(Stream::new(Dictionary::new(), kept).with_compression(false));
        all_shows.insert(content, shows);
        drawn.insert(content, pictures);
        contents.push((*page, content));
        let page = document.get_dictionary_mut(*page).map_err(|_| ParseError::Broken(Flaw::PdfPage))?;
        page.set("Contents", Object::Reference(content));
    }
    let forms: Vec<ObjectId> = document
        .objects
        .iter()
        .filter(|(_, object)| is_xobject(object, b"Form"))
        .map(|(id, _)| *id)
        .collect();
    for form in forms {
        deadline.check()?;
        let Some(Object::Stream(stream)) = document.objects.get_mut(&form) else { continue };
        budget.take(stream)?;
        let content = stream.decompressed_content().unwrap_or_default();
        let (kept, shows, pictures) = showing_text(&content)?;
        stream.set_plain_content(kept);
        all_shows.insert(form, shows);
        drawn.insert(form, pictures);
    }
    let uses = forms::bound(document, &contents, &Known { shows: all_shows, codes, layers }, limits)?;
    let all_pictured = pictures::pictured(document, &contents, drawn);
    let hidden = inline::pages(document, &contents, &uses, &all_pictured, deadline)?;
    let own = contents.iter().take(pages.len());
    let pictured = own.map(|(_, content)| all_pictured.contains(content)).collect();
    Ok(Reduced { pages, annotations, had_pictures, pictured, hidden })
}

fn pages(document: &Document, limits: &Limits) -> Result<Vec<ObjectId>, ParseError> {
    let most = limits.max_pages as usize;
    let mut seen = HashSet::new();
    let mut pages = Vec::new();
    for page in document.page_iter().filter(|page| seen.insert(*page)) {
        pages.push(page);
        if pages.len() > most {
            return Err(ParseError::TooManyPages { limit: limits.max_pages });
        }
    }
    if pages.is_empty() { Err(ParseError::Broken(Flaw::NoPages)) } else { Ok(pages) }
}

/// Gives each page what it inherits, so that nobody has to climb the tree any more: in a hostile one that has no end.
fn flatten(document: &mut Document, pages: &[ObjectId]) -> Result<(), ParseError> {
    const FLAW: ParseError = ParseError::Broken(Flaw::PdfStructure);
    for page in pages {
        let mut inherited = Dictionary::new();
        let mut above = *page;
        let mut parents = 0;
        loop {
            let node = document.get_dictionary(above).map_err(|_| FLAW)?;
            for key in [&b"Resources"[..], b"MediaBox", b"CropBox"] {
                if let (false, Ok(value)) = (inherited.has(key), node.get(key)) {
                    inherited.set(key, value.clone());
                }
            }
            parents += 1;
            match node.get(b"Parent").and_then(Object::as_reference) {
                Ok(parent) if parents < MAX_PARENTS => above = parent,
                Ok(_) => return Err(FLAW),
                Err(_) => break,
            }
        }
        if !is_media_box(document, &inherited) {
            inherited.set("MediaBox", USUAL_PAGE.map(Object::Integer).to_vec());
        }
        if let Some(shown) = shown_area(document, &inherited) {
            inherited.set("MediaBox", shown.to_array());
        }
        inherited.remove(b"CropBox");
        let page = document.get_dictionary_mut(*page).map_err(|_| FLAW)?;
        page.remove(b"Parent");
        page.remove(b"ArtBox");
        page.remove(b"CropBox");
        for (key, value) in inherited {
            page.set(key, value);
        }
    }
    Ok(())
}

/// Makes these all pages that there are.
fn set_pages(document: &mut Document, pages: &[ObjectId]) -> Result<(), ParseError> {
    const FLAW: ParseError = ParseError::Broken(Flaw::PdfStructure);
    let root = document.catalog().and_then(|catalog| catalog.get(b"Pages")).and_then(Object::as_reference);
    let root = document.get_dictionary_mut(root.map_err(|_| FLAW)?).map_err(|_| FLAW)?;
    root.set("Kids", pages.iter().copied().map(Object::Reference).collect::<Vec<_>>());
    Ok(())
}

/// What viewers show of a page that is cut (ISO 32000-2, §14.11.2). One that is cut to nothing is shown whole.
fn shown_area(document: &Document, page: &Dictionary) -> Option<Area> {
    let crop_box = Area::read(document, page, b"CropBox")?;
    crop_box.within(&Area::read(document, page, b"MediaBox")?)
}

fn is_media_box(document: &Document, page: &Dictionary) -> bool {
    let media_box = page.get_deref(b"MediaBox", document).and_then(Object::as_array);
    media_box.is_ok_and(|sides| sides.len() == 4 && sides.iter().all(is_number))
}

fn is_xobject(object: &Object, kind: &[u8]) -> bool {
    let subtype = object.as_stream().and_then(|stream| stream.dict.get(b"Subtype")).and_then(Object::as_name);
    subtype.is_ok_and(|subtype| subtype == kind)
}

/// Whether there were any.
fn empty_pictures(document: &mut Document) -> bool {
    let mut found = false;
    for object in document.objects.values_mut().filter(|object| is_xobject(object, b"Image")) {
        if let Object::Stream(stream) = object {
            stream.set_plain_content(Vec::new());
            found = true;
        }
    }
    found
}

/// Takes the programs of fonts away where nothing is read from them: those of TrueType, and of fonts that have a table. They
/// would be unpacked, and parsed, for each page anew.
fn drop_font_programs(document: &mut Document) {
    let descriptor = |object: &Object| {
        let font = object.as_dict().ok()?;
        let descriptor = font.get(b"FontDescriptor").and_then(Object::as_reference).ok()?;
        Some((descriptor, font.has(b"ToUnicode")))
    };
    let descriptors: Vec<(ObjectId, bool)> = document.objects.values().filter_map(descriptor).collect();
    for (descriptor, has_table) in descriptors {
        if let Ok(descriptor) = document.get_dictionary_mut(descriptor) {
            descriptor.remove(b"FontFile2");
            if has_table {
                descriptor.remove(b"FontFile");
                descriptor.remove(b"FontFile3");
            }
        }
    }
}

/// How many codes each table has.
fn make_tables_plain(
    document: &mut Document,
    budget: &mut Budget,
) -> Result<HashMap<ObjectId, usize>, ParseError> {
    let table = |object: &Object| {
        let dictionary = object.as_dict().ok()?;
        dictionary.get(b"ToUnicode").and_then(Object::as_reference).ok()
    };
    let tables: HashSet<ObjectId> = document.objects.values().filter_map(table).collect();
    let mut all_codes = HashMap::new();
    for table in tables {
        if let Some(Object::Stream(stream)) = document.objects.get_mut(&table) {
            budget.take(stream)?;
            let (plain, codes) = to_unicode::plain(&stream.decompressed_content().unwrap_or_default());
            stream.set_plain_content(plain);
            all_codes.insert(table, codes);
        }
    }
    Ok(all_codes)
}

/// The operations of a content stream that show text or say where, or whether anybody sees it; and its pictures.
fn showing_text(content: &[u8]) -> Result<(Vec<u8>, Shows, Drawn), ParseError> {
    let content = Content::decode(content).map_err(|_| ParseError::Broken(Flaw::PdfPage))?;
    let pictures = Drawn::of(&content.operations);
    let mut saved = 0_usize;
    let mut unsaved = 0_usize;
    // Of what is marked, whether it is in a layer.
    let mut marked = Vec::new();
    let mut has_font = false;
    let mut kept = Vec::with_capacity(content.operations.len());
    for operation in content.operations {
        let Operation { operator, operands } = &operation;
        let numbers = |count: usize| operands.len() == count && operands.iter().all(is_number);
        match operator.as_str() {
            "BT" | "ET" | "T*" | "Tr" => kept.push(operation),
            // pdf-extract saves some hundred bytes for each `q`, two bytes of content.
            "q" if saved < MAX_SAVED_STATES => {
                saved += 1;
                kept.push(operation);
            }
            "q" => unsaved += 1,
            "Q" if unsaved > 0 => unsaved -= 1,
            // One that restores nothing here would restore what the page saved that shows this form.
            "Q" if saved > 0 => {
                saved -= 1;
                kept.push(operation);
            }
            "BMC" | "BDC" => {
                let is_layer = layer_name(&operation).is_some();
                marked.push(is_layer);
                kept.extend(is_layer.then_some(operation));
            }
            "EMC" => kept.extend(marked.pop().unwrap_or(false).then_some(operation)),
            "gs" if state_name(&operation).is_some() => kept.push(operation),
            "cm" | "Tm" if numbers(6) => kept.push(operation),
            "Td" | "TD" if numbers(2) => kept.push(operation),
            "Tc" | "Tw" | "Tz" | "TL" | "Ts" if numbers(1) => kept.push(operation),
            "Tf" if is_font(operands) => {
                has_font = true;
                kept.push(operation);
            }
            "Do" if matches!(operands.as_slice(), [Object::Name(_)]) => kept.push(operation),
            "Tj" | "TJ" | "'" | "\"" if has_font => kept.extend(plainly_shown(operation)),
            _ => {}
        }
    }
    let ends = |count: usize, operator: &'static str| {
        std::iter::repeat_with(move || Operation::new(operator, Vec::new())).take(count)
    };
    kept.extend(ends(marked.iter().filter(|is_layer| **is_layer).count(), "EMC"));
    kept.extend(ends(saved, "Q"));
    let kept = Content { operations: kept };
    let content = kept.encode().map_err(|_| ParseError::Broken(Flaw::PdfPage))?;
    let shows = Shows::of(&kept.operations, content.len());
    Ok((content, shows, pictures))
}

/// `'` and `"` in the operations that they stand for (ISO 32000-2, table 107): they are not understood further on.
fn plainly_shown(operation: Operation) -> Vec<Operation> {
    let Operation { operator, mut operands } = operation;
    let last = operands.pop();
    match (operator.as_str(), last) {
        ("Tj", Some(text @ Object::String(..))) => vec![Operation::new("Tj", vec![text])],
        ("TJ", Some(texts @ Object::Array(_))) => vec![Operation::new("TJ", vec![texts])],
        ("'", Some(text @ Object::String(..))) => {
            vec![Operation::new("T*", vec![]), Operation::new("Tj", vec![text])]
        }
        ("\"", Some(text @ Object::String(..))) => {
            let spacing = operands.iter().zip(["Tw", "Tc"]).filter(|(number, _)| is_number(number));
            let mut plain: Vec<_> =
                spacing.map(|(number, operator)| Operation::new(operator, vec![number.clone()])).collect();
            plain.push(Operation::new("T*", vec![]));
            plain.push(Operation::new("Tj", vec![text]));
            plain
        }
        _ => Vec::new(),
    }
}

fn is_font(operands: &[Object]) -> bool {
    matches!(operands, [Object::Name(_), size] if is_number(size))
}

fn is_number(object: &Object) -> bool {
    matches!(object, Object::Integer(_) | Object::Real(_))
}
