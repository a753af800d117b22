//! How much of a page its pictures cover.
//!
//! Below a scanned page, OCR puts what it read as text that nobody sees: there, and only there, such text is what people see.
//! So it matters whether there is a picture that words can be read on; one that is not there, or is a dot, is none.

use std::collections::{HashMap, HashSet};

use pdf_extract::content::Operation;
use pdf_extract::{Dictionary, Document, Object, ObjectId};

use super::annotations::Area;
use super::forms::shown_name;

/// Pictures that cover so much of a page make its invisible text that of a scan. A receipt on a sheet of A4 covers a tenth.
const MIN_SHARE: f64 = 0.05;

/// The most square points that a pixel stands for where words can be read: 36 pixels an inch.
const MAX_AREA_OF_PIXEL: f64 = 4.0;

/// How deep forms are followed for pictures.
const MAX_DEPTH: usize = 32;

/// The pictures of a content, by the names that it shows them by, and those inside it.
#[derive(Default)]
pub(super) struct Drawn {
    inline: Coverage,
    named: HashMap<Vec<u8>, Coverage>,
}

/// Pictures together: of how many square points, and how many pixels. As a name's, what one of area 1 and of one pixel makes.
#[derive(Debug, Clone, Copy, Default)]
struct Coverage {
    area: f64,
    pixels: f64,
}

impl Coverage {
    fn add(&mut self, other: Self, times: Self) {
        self.area += other.area * times.area;
        self.pixels += other.pixels * times.pixels;
    }
}

impl Drawn {
    pub(super) fn of(operations: &[Operation]) -> Self {
        let mut drawn = Self::default();
        // Of the matrix, the area that it makes of 1.
        let mut scale = 1.0;
        let mut saved = Vec::new();
        for operation in operations {
            let operands = operation.operands.as_slice();
            match operation.operator.as_str() {
                "q" => saved.push(scale),
                "Q" => scale = saved.pop().unwrap_or(scale),
                "cm" => scale *= matrix(operands).map_or(1.0, area_factor),
                "BI" => {
                    let pixels = match operands {
                        [Object::Stream(picture)] => pixels(&picture.dict),
                        // lopdf passes over those in colours that it does not know, `G` for grey among them: it may be a scan.
                        _ => scale / MAX_AREA_OF_PIXEL,
                    };
                    drawn.inline.area += scale;
                    drawn.inline.pixels += pixels;
                }
                _ => {}
            }
            if let Some(name) = shown_name(operation) {
                let shown = drawn.named.entry(name.to_vec()).or_default();
                shown.area += scale;
                shown.pixels += 1.0;
            }
        }
        drawn
    }
}

/// The pages' contents beside whose invisible text is a picture. `pages` are the pages with their contents.
pub(super) fn pictured(
    document: &Document,
    pages: &[(ObjectId, ObjectId)],
    drawn: HashMap<ObjectId, Drawn>,
) -> HashSet<ObjectId> {
    let mut known = Known { document, drawn, covered: HashMap::new() };
    let is_pictured = |(page, content): &&(ObjectId, ObjectId)| {
        let Ok(page) = document.get_dictionary(*page) else { return false };
        let Some(area) = Area::read(document, page, b"MediaBox") else { return false };
        let Coverage { area: covered, pixels } = known.coverage(*content, page, 0);
        let enough = area.width() * area.height() * MIN_SHARE;
        covered >= enough && pixels * MAX_AREA_OF_PIXEL >= enough
    };
    pages.iter().filter(is_pictured).map(|(_, content)| *content).collect()
}

struct Known<'a> {
    document: &'a Document,
    drawn: HashMap<ObjectId, Drawn>,
    covered: HashMap<ObjectId, Coverage>,
}

impl<'a> Known<'a> {
    /// What the pictures of a page's or form's content cover, and those of the forms that it shows.
    fn coverage(&mut self, content: ObjectId, holder: &'a Dictionary, depth: usize) -> Coverage {
        if let Some(covered) = self.covered.get(&content) {
            return *covered;
        }
        // For forms that show each other.
        self.covered.insert(content, Coverage::default());
        let Some(Drawn { inline, named }) = self.drawn.remove(&content) else { return Coverage::default() };
        let mut covered = inline;
        let document = self.document;
        let resources = holder.get_deref(b"Resources", document).and_then(Object::as_dict);
        let objects =
            resources.and_then(|resources| resources.get_deref(b"XObject", document)?.as_dict()).ok();
        for (name, times) in named {
            let id = objects.and_then(|objects| objects.get(&name).and_then(Object::as_reference).ok());
            let Some(id) = id else { continue };
            let Ok(shown) = document.get_object(id).and_then(Object::as_stream) else { continue };
            match shown.dict.get_deref(b"Subtype", document).and_then(Object::as_name) {
                Ok(b"Image") => {
                    covered.add(Coverage { area: 1.0, pixels: pixels(&shown.dict) }, times);
                }
                Ok(b"Form") if depth < MAX_DEPTH => {
                    let mut form = self.coverage(id, &shown.dict, depth + 1);
                    let given = shown.dict.get_deref(b"Matrix", document).and_then(Object::as_array);
                    form.area *= given.ok().and_then(|given| matrix(given)).map_or(1.0, area_factor);
                    covered.add(form, times);
                }
                _ => {}
            }
        }
        self.covered.insert(content, covered);
        covered
    }
}

/// By its entries, which are abbreviated inside of contents (ISO 32000-2, tables 87 and 91).
fn pixels(picture: &Dictionary) -> f64 {
    let side = |short: &[u8], long: &[u8]| {
        let side = picture.get(short).or_else(|_| picture.get(long)).and_then(Object::as_float);
        side.map_or(0.0, |side| f64::from(side.max(0.0)))
    };
    side(b"W", b"Width") * side(b"H", b"Height")
}

fn matrix(given: &[Object]) -> Option<[f64; 6]> {
    let number = |object: &Object| object.as_float().ok().filter(|number| number.is_finite()).map(f64::from);
    given.iter().map(number).collect::<Option<Vec<_>>>()?.try_into().ok()
}

fn area_factor([a, b, c, d, _, _]: [f64; 6]) -> f64 {
    (a * d - b * c).abs()
}
