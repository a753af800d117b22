//! A file reduced to what shows text, before text is looked for.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _};

use flate2::read::ZlibDecoder;
use pdf_extract::content::{Content, Operation};
use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream};

use super::fonts;
use super::forms::{self, Known, Shows};
use super::to_unicode;
use crate::limits::{Deadline, Limits};
use crate::parse::{Flaw, ParseError};
use crate::sanitize::RemovedCounts;

/// How far a page is followed up the tree of pages. A cycle is one without end.
const MAX_PARENTS: usize = 64;

/// What a stream counts for beside its bytes, so that a million empty ones on each page are not free.
const STREAM_BYTES: u64 = 64;

/// The deepest that the state is saved. Writers keep to 28 (ISO 32000-2, annex C), or forget to restore it.
const MAX_SAVED_STATES: usize = 512;

/// A4 in points, for pages that do not say their size.
const USUAL_PAGE: [i64; 4] = [0, 0, 595, 842];

/// The text rendering modes that show nothing: invisible, and added to the clipping path alone (ISO 32000-2, table 104).
const INVISIBLE_MODES: [i64; 2] = [3, 7];

/// What is left of a file.
pub(super) struct Reduced {
    /// The pages in order.
    pub(super) pages: Vec<ObjectId>,
    /// Whether there were pictures.
    pub(super) had_pictures: bool,
    pub(super) removed: RemovedCounts,
}

/// Makes the pages one flat list without doubles, and leaves of pictures nothing and of pages' contents what shows text.
pub(super) fn to_text(
    document: &mut Document,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Reduced, ParseError> {
    let pages = pages(document, limits)?;
    flatten(document, &pages)?;
    let mut budget = Budget { left: limits.max_unpacked_bytes, limit: limits.max_unpacked_bytes };
    fonts::make_plain(document);
    let had_pictures = empty_pictures(document);
    let codes = make_tables_plain(document, &mut budget)?;
    drop_font_programs(document);
    let mut removed = RemovedCounts::default();
    let mut all_shows: HashMap<ObjectId, Shows> = HashMap::new();
    let mut contents = Vec::with_capacity(pages.len());
    for page in &pages {
        deadline.check()?;
        for stream in document.get_page_contents(*page) {
            if let Ok(stream) = document.get_object(stream).and_then(Object::as_stream) {
                budget.take(stream)?;
            }
        }
        let content = document.get_page_content(*page).map_err(|_| ParseError::Broken(Flaw::PdfPage))?;
        let (kept, shows) = showing_text(&content, None, &mut removed)?;
        let content = document.add_object(Stream::new(Dictionary::new(), kept).with_compression(false));
        all_shows.insert(content, shows);
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
        let (kept, shows) = showing_text(&content, Some(had_pictures), &mut removed)?;
        stream.set_plain_content(kept);
        all_shows.insert(form, shows);
    }
    forms::bound(document, &contents, &Known { shows: all_shows, codes }, limits)?;
    Ok(Reduced { pages, had_pictures, removed })
}

/// What the streams may unpack to, all together. It is measured by unpacking into nothing, before memory is taken for it.
struct Budget {
    left: u64,
    limit: u64,
}

impl Budget {
    fn take(&mut self, stream: &Stream) -> Result<(), ParseError> {
        let mut bytes = stream.content.len() as u64;
        if stream.filters().is_ok_and(|filters| filters.first() == Some(&&b"FlateDecode"[..])) {
            let most = self.left.saturating_add(1);
            let unpacked =
                io::copy(&mut ZlibDecoder::new(stream.content.as_slice()).take(most), &mut io::sink());
            // What cannot be unpacked is not unpacked further on either.
            bytes = unpacked.unwrap_or(bytes);
        }
        self.left = self
            .left
            .checked_sub(bytes.saturating_add(STREAM_BYTES))
            .ok_or(ParseError::UnpacksTooLarge { limit: self.limit })?;
        Ok(())
    }
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
            for key in [&b"Resources"[..], b"MediaBox"] {
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
        let page = document.get_dictionary_mut(*page).map_err(|_| FLAW)?;
        page.remove(b"Parent");
        page.remove(b"ArtBox");
        for (key, value) in inherited {
            page.set(key, value);
        }
    }
    let root = document.catalog().and_then(|catalog| catalog.get(b"Pages")).and_then(Object::as_reference);
    let root = document.get_dictionary_mut(root.map_err(|_| FLAW)?).map_err(|_| FLAW)?;
    root.set("Kids", pages.iter().copied().map(Object::Reference).collect::<Vec<_>>());
    Ok(())
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

/// The operations of a content stream that show text or say where.
///
/// Invisible text stays only beside a picture: it is what OCR puts below a scanned page. `beside_pictures` says whether
/// there is one where the stream itself does not show it.
fn showing_text(
    content: &[u8],
    beside_pictures: Option<bool>,
    removed: &mut RemovedCounts,
) -> Result<(Vec<u8>, Shows), ParseError> {
    let content = Content::decode(content).map_err(|_| ParseError::Broken(Flaw::PdfPage))?;
    let shows_picture =
        || content.operations.iter().any(|operation| matches!(operation.operator.as_str(), "Do" | "BI"));
    let keep_invisible = beside_pictures.unwrap_or_else(shows_picture);
    let mut mode = 0;
    let mut saved_modes = Vec::new();
    let mut unsaved = 0_usize;
    let mut has_font = false;
    let mut kept = Vec::with_capacity(content.operations.len());
    for operation in content.operations {
        let Operation { operator, operands } = &operation;
        let numbers = |count: usize| operands.len() == count && operands.iter().all(is_number);
        match operator.as_str() {
            "BT" | "ET" | "T*" => kept.push(operation),
            // pdf-extract saves some hundred bytes for each `q`, two bytes of content.
            "q" if saved_modes.len() < MAX_SAVED_STATES => {
                saved_modes.push(mode);
                kept.push(operation);
            }
            "q" => unsaved += 1,
            "Q" if unsaved > 0 => unsaved -= 1,
            "Q" => {
                mode = saved_modes.pop().unwrap_or(mode);
                kept.push(operation);
            }
            "cm" | "Tm" if numbers(6) => kept.push(operation),
            "Td" | "TD" if numbers(2) => kept.push(operation),
            "Tc" | "Tw" | "Tz" | "TL" | "Ts" if numbers(1) => kept.push(operation),
            "Tr" if numbers(1) => mode = operands[0].as_i64().unwrap_or_default(),
            "Tf" if is_font(operands) => {
                has_font = true;
                kept.push(operation);
            }
            "Do" if matches!(operands.as_slice(), [Object::Name(_)]) => kept.push(operation),
            "Tj" | "TJ" | "'" | "\"" if has_font => {
                if INVISIBLE_MODES.contains(&mode) && !keep_invisible {
                    removed.hidden_elements += 1;
                } else {
                    kept.extend(plainly_shown(operation));
                }
            }
            _ => {}
        }
    }
    let kept = Content { operations: kept };
    let content = kept.encode().map_err(|_| ParseError::Broken(Flaw::PdfPage))?;
    let shows = Shows::of(&kept.operations, content.len());
    Ok((content, shows))
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
