//! What annotations show: values that people filled in, signatures, remarks that were typed onto a page.
//!
//! Each appearance (ISO 32000-2, §12.5.5) is given a page of its own behind the others, so that it is reduced and bounded as
//! they are, and its lines are known for its own. Then they are put beside their labels: `Name: Ada Lovelace` is what a form
//! says, and in its file all labels come first. A field that is to be drawn by who opens the file has its value taken.
//!
//! What nobody sees is left out: hidden annotations, passwords, values below another appearance. So are buttons.

use std::collections::BTreeMap;

use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream, decode_text_string, dictionary};

use super::budget::Budget;
use super::layers::Layers;
use super::{Line, Page};
use crate::limits::Deadline;
use crate::parse::ParseError;

/// The most annotations that show something: two on each of 10,000 pages. A form of a hundred pages has some thousands.
const MAX_ANNOTATIONS: usize = 20_000;

/// How far a field is followed up to the field that it is part of. A cycle is one without end.
const MAX_PARENTS: usize = 32;

/// The flags of annotations that nobody sees: hidden, and seen in print alone (ISO 32000-2, table 167).
const UNSEEN: i64 = 1 << 1 | 1 << 5;

/// The flag of a field whose value is a password (ISO 32000-2, table 231).
const PASSWORD: i64 = 1 << 13;

/// The size of type, in points, that values are taken to be in: the usual one of forms.
const VALUE_SIZE: f64 = 10.0;

/// Narrower or lower than that, in points, nothing is seen.
const MIN_SIDE: f64 = 1.0;

/// A label stands as far as that, in points, below or above its field at most, and a field as far out of its page.
const ROW_SLACK: f64 = 2.0;

/// So many dots or lines behind a label were there to be written on, or lead over to its field.
const MIN_LEADERS: usize = 3;

/// The annotations of a document that show something.
#[derive(Default)]
pub(super) struct Annotations {
    found: Vec<Annotation>,
    /// Pages that each show one, of those that have an appearance, in their order.
    pub(super) pages: Vec<ObjectId>,
    /// How many values have no room where anybody would see them.
    pub(super) hidden: u32,
}

struct Annotation {
    /// The number of its page, from 0.
    page: usize,
    area: Area,
    shows: Shows,
}

enum Shows {
    /// What this form shows, which has that box (ISO 32000-2, table 93).
    Appearance {
        form: ObjectId,
        matrix: [f64; 6],
    },
    Value(String),
}

/// Where on its page an annotation is, in points.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Area {
    left: f64,
    bottom: f64,
    right: f64,
    top: f64,
}

impl Area {
    pub(super) fn read(document: &Document, holder: &Dictionary, key: &[u8]) -> Option<Self> {
        let [x, y, other_x, other_y] = numbers(document, holder, key)?;
        Some(Self {
            left: x.min(other_x),
            bottom: y.min(other_y),
            right: x.max(other_x),
            top: y.max(other_y),
        })
    }

    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.top - self.bottom
    }

    /// What both have, if it is more than nothing.
    pub(super) fn within(&self, other: &Self) -> Option<Self> {
        let both = Self {
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.min(other.right),
            top: self.top.min(other.top),
        };
        (both.width() >= MIN_SIDE && both.height() >= MIN_SIDE).then_some(both)
    }

    /// As a file has it.
    pub(super) fn to_array(self) -> Vec<Object> {
        [self.left, self.bottom, self.right, self.top].map(Object::from).to_vec()
    }

    fn is_within(&self, page: &Self) -> bool {
        let slack = ROW_SLACK;
        let (left, right) = (page.left - slack, page.right + slack);
        let (bottom, top) = (page.bottom - slack, page.top + slack);
        self.left >= left && self.right <= right && self.bottom >= bottom && self.top <= top
    }
}

impl Annotations {
    /// Finds the annotations, and puts pages that show them into the document. `pages` are its own.
    pub(super) fn of(
        document: &mut Document,
        pages: &[ObjectId],
        layers: &Layers,
        budget: &mut Budget,
        deadline: Deadline,
    ) -> Result<Self, ParseError> {
        let mut annotations = Self::default();
        let reader = Reader::new(document);
        for (number, page) in pages.iter().enumerate() {
            let Ok(page) = document.get_dictionary(*page) else { continue };
            let given = page.get_deref(b"Annots", document).and_then(Object::as_array);
            for annotation in given.into_iter().flatten() {
                deadline.check()?;
                let Ok(dictionary) = document.dereference(annotation).and_then(|found| found.1.as_dict())
                else {
                    continue;
                };
                if dictionary.get(b"OC").is_ok_and(|layer| layers.hide(document, layer)) {
                    annotations.hidden = annotations.hidden.saturating_add(1);
                    continue;
                }
                let Some((area, shows)) = reader.shown(dictionary, budget)? else { continue };
                if matches!(&shows, Shows::Value(_)) && !reader.is_seen(&area, page) {
                    annotations.hidden = annotations.hidden.saturating_add(1);
                    continue;
                }
                if annotations.found.len() >= MAX_ANNOTATIONS {
                    return Err(ParseError::TooManyForms { limit: MAX_ANNOTATIONS as u64 });
                }
                annotations.found.push(Annotation { page: number, area, shows });
            }
        }
        annotations.add_pages(document, pages);
        Ok(annotations)
    }

    fn add_pages(&mut self, document: &mut Document, pages: &[ObjectId]) {
        // What the appearances that name no fonts of their own name them by (ISO 32000-2, table 224).
        let fonts =
            form(document).and_then(|form| form.get_deref(b"DR", document).and_then(Object::as_dict).ok());
        let fonts =
            fonts.and_then(|shared| shared.get_deref(b"Font", document).and_then(Object::as_dict).ok());
        let fonts = fonts.cloned().unwrap_or_default();
        let fonts = document.add_object(fonts);
        for Annotation { page, shows, .. } in &self.found {
            let Shows::Appearance { form, matrix } = shows else { continue };
            if let Some(Object::Stream(stream)) = document.objects.get_mut(form) {
                // It is one, but not all writers say so.
                stream.dict.set("Subtype", Object::Name(b"Form".to_vec()));
            }
            let matrix = matrix.map(|number| number.to_string()).join(" ");
            let content = Stream::new(Dictionary::new(), format!("{matrix} cm /A Do").into_bytes());
            let content = document.add_object(content);
            let media_box = document.get_dictionary(pages[*page]).and_then(|page| page.get(b"MediaBox"));
            let media_box = media_box.cloned().unwrap_or(Object::Null);
            self.pages.push(document.add_object(dictionary! {
                "Type" => "Page",
                "MediaBox" => media_box,
                "Contents" => content,
                "Resources" => dictionary! { "Font" => fonts, "XObject" => dictionary! { "A" => *form } },
            }));
        }
    }

    /// Puts what the annotations show onto their pages. `shown` are the pages that were made for them, as they were read.
    pub(super) fn place(
        self,
        pages: &mut [Page],
        shown: Vec<Page>,
        deadline: Deadline,
    ) -> Result<(), ParseError> {
        let mut shown = shown.into_iter();
        let mut by_page: BTreeMap<usize, Vec<(Area, Vec<Line>)>> = BTreeMap::new();
        for Annotation { page, area, shows } in self.found {
            let lines = match shows {
                Shows::Appearance { .. } => shown.next().map(|page| page.lines).unwrap_or_default(),
                Shows::Value(text) => value_lines(&text, area),
            };
            if !lines.is_empty() {
                by_page.entry(page).or_default().push((area, lines));
            }
        }
        for (number, annotations) in by_page {
            if let Some(page) = pages.get_mut(number) {
                put_onto(page, annotations, deadline)?;
            }
        }
        Ok(())
    }
}

/// What is the same for all annotations.
struct Reader<'a> {
    document: &'a Document,
    /// Fields are drawn by their values, whatever appearance they have.
    draws_values: bool,
}

impl<'a> Reader<'a> {
    fn new(document: &'a Document) -> Self {
        let draws_values = form(document)
            .and_then(|form| form.get_deref(b"NeedAppearances", document).and_then(Object::as_bool).ok());
        Self { document, draws_values: draws_values.unwrap_or(false) }
    }

    fn shown(
        &self,
        annotation: &'a Dictionary,
        budget: &mut Budget,
    ) -> Result<Option<(Area, Shows)>, ParseError> {
        let flags = self.get(annotation, b"F").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        let Some(area) = Area::read(self.document, annotation, b"Rect").filter(|_| flags & UNSEEN == 0)
        else {
            return Ok(None);
        };
        let kind = self.get(annotation, b"Subtype").and_then(|kind| kind.as_name().ok());
        let mut value = None;
        match kind {
            Some(b"Widget") => match self.inherited(annotation, b"FT").and_then(|kind| kind.as_name().ok()) {
                Some(b"Tx" | b"Ch") if self.is_password(annotation) => return Ok(None),
                Some(b"Tx" | b"Ch") => value = self.inherited(annotation, b"V"),
                Some(b"Sig") => {}
                _ => return Ok(None),
            },
            // A window that opens by itself.
            Some(b"Popup") | None => return Ok(None),
            Some(_) => {}
        }
        let appearance = self.appearance(annotation, &area);
        let takes_value = appearance.is_none() || self.draws_values;
        if let Some(value) = value.filter(|_| takes_value) {
            let text = self.text(annotation, value, budget)?;
            if text.contains(char::is_alphanumeric) {
                return Ok(Some((area, Shows::Value(text))));
            }
        }
        Ok(appearance.map(|shows| (area, shows)))
    }

    fn is_password(&self, field: &'a Dictionary) -> bool {
        self.inherited(field, b"Ff")
            .and_then(|flags| flags.as_i64().ok())
            .is_some_and(|flags| flags & PASSWORD != 0)
    }

    /// The normal appearance, and the matrix that brings its box to the area (ISO 32000-2, §12.5.5).
    fn appearance(&self, annotation: &'a Dictionary, area: &Area) -> Option<Shows> {
        let all = self.get(annotation, b"AP")?.as_dict().ok()?;
        let (id, mut normal) = self.document.dereference(all.get(b"N").ok()?).ok()?;
        let mut form = id;
        if let Object::Dictionary(states) = normal {
            let state = self.get(annotation, b"AS")?.as_name().ok()?;
            (form, normal) = self.document.dereference(states.get(state).ok()?).ok()?;
        }
        let form = form?;
        let dictionary = &normal.as_stream().ok()?.dict;
        let from = self.transformed_box(dictionary).unwrap_or_default();
        let factor = |to: f64, from: f64| if from > 0.0 { to / from } else { 1.0 };
        let (across, up) = (factor(area.width(), from.width()), factor(area.height(), from.height()));
        let matrix = [across, 0.0, 0.0, up, area.left - from.left * across, area.bottom - from.bottom * up];
        matrix.iter().all(|number| number.is_finite()).then_some(Shows::Appearance { form, matrix })
    }

    /// The form's box in the space that it is shown in.
    fn transformed_box(&self, form: &Dictionary) -> Option<Area> {
        let area = Area::read(self.document, form, b"BBox")?;
        let matrix: [f64; 6] =
            numbers(self.document, form, b"Matrix").unwrap_or([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        let empty = Area { left: f64::MAX, bottom: f64::MAX, right: f64::MIN, top: f64::MIN };
        let corners = [area.left, area.right].map(|x| [area.bottom, area.top].map(|y| (x, y)));
        Some(corners.concat().into_iter().fold(empty, |area, (x, y)| {
            let across = matrix[0] * x + matrix[2] * y + matrix[4];
            let up = matrix[1] * x + matrix[3] * y + matrix[5];
            Area {
                left: area.left.min(across),
                bottom: area.bottom.min(up),
                right: area.right.max(across),
                top: area.top.max(up),
            }
        }))
    }

    /// The value of a field in words; of a choice, those that it is shown by.
    fn text(
        &self,
        field: &'a Dictionary,
        value: &'a Object,
        budget: &mut Budget,
    ) -> Result<String, ParseError> {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let options = self.inherited(field, b"Opt").and_then(|options| options.as_array().ok());
        let mut texts = Vec::new();
        for value in values {
            let Ok((_, value)) = self.document.dereference(value) else { continue };
            let text = match value {
                Object::String(bytes, _) => {
                    let shown = options.and_then(|options| self.shown_option(options, bytes));
                    decoded(shown.unwrap_or(bytes))
                }
                Object::Stream(stream) => {
                    budget.take(stream)?;
                    decoded(&stream.decompressed_content().unwrap_or_default())
                }
                _ => continue,
            };
            budget.take_bytes(text.len() as u64)?;
            texts.push(text);
        }
        Ok(texts.join("\n"))
    }

    /// What an option is shown by, if that is something else (ISO 32000-2, table 234).
    fn shown_option(&self, options: &'a [Object], value: &[u8]) -> Option<&'a [u8]> {
        options.iter().find_map(|option| {
            let [exported, shown] = self.document.dereference(option).ok()?.1.as_array().ok()?.as_slice()
            else {
                return None;
            };
            let exported = self.document.dereference(exported).ok()?.1.as_str().ok()?;
            let shown = self.document.dereference(shown).ok()?.1.as_str().ok()?;
            (exported == value).then_some(shown)
        })
    }

    fn is_seen(&self, area: &Area, page: &Dictionary) -> bool {
        let has_room = area.width() >= MIN_SIDE && area.height() >= MIN_SIDE;
        has_room && Area::read(self.document, page, b"MediaBox").is_some_and(|page| area.is_within(&page))
    }

    fn get(&self, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
        dictionary.get_deref(key, self.document).ok()
    }

    /// What a field has, or the field that it is part of.
    fn inherited(&self, field: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
        let mut field = field;
        for _ in 0..MAX_PARENTS {
            if let Some(value) = self.get(field, key) {
                return Some(value);
            }
            field = self.get(field, b"Parent")?.as_dict().ok()?;
        }
        None
    }
}

fn form(document: &Document) -> Option<&Dictionary> {
    let form = document.catalog().and_then(|catalog| catalog.get_deref(b"AcroForm", document));
    form.and_then(Object::as_dict).ok()
}

/// As many numbers as there have to be.
fn numbers<const COUNT: usize>(document: &Document, holder: &Dictionary, key: &[u8]) -> Option<[f64; COUNT]> {
    let given = holder.get_deref(key, document).and_then(Object::as_array).ok()?;
    let number = |object| {
        let number = document.dereference(object).ok()?.1.as_float().ok()?;
        number.is_finite().then_some(f64::from(number))
    };
    given.iter().take(COUNT + 1).map(number).collect::<Option<Vec<_>>>()?.try_into().ok()
}

/// The text of a string. Its lines are parted before: lopdf's table of `PDFDocEncoding` leaves their ends out.
fn decoded(bytes: &[u8]) -> String {
    let text = |bytes: &[u8]| decode_text_string(&Object::string_literal(bytes)).unwrap_or_default();
    if bytes.starts_with(b"\xFE\xFF") || bytes.starts_with(b"\xEF\xBB\xBF") {
        return text(bytes);
    }
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.map(text).collect::<Vec<_>>().join("\n")
}

/// A value's lines, from the top of its area. Nobody has set them: where they end on the page is not known, so that they are
/// taken for short.
fn value_lines(text: &str, area: Area) -> Vec<Line> {
    let texts = text.split(['\n', '\r']).map(|line| line.replace(char::is_control, " "));
    let texts = texts.filter(|line| !line.trim().is_empty());
    let line =
        |(text, baseline)| Line { text, left: area.left, right: area.left, baseline, size: VALUE_SIZE };
    let baselines = (1..).map(|row| area.top - f64::from(row) * VALUE_SIZE);
    texts.zip(baselines).map(line).collect()
}

/// Puts lines beside, or below, their labels; those without one come last.
fn put_onto(
    page: &mut Page,
    annotations: Vec<(Area, Vec<Line>)>,
    deadline: Deadline,
) -> Result<(), ParseError> {
    let usual_size = usual_size(&page.lines);
    let mut below: BTreeMap<usize, Vec<Line>> = BTreeMap::new();
    for (area, mut lines) in annotations {
        deadline.check()?;
        // Larger type would make a heading of it.
        for line in &mut lines {
            line.size = usual_size.unwrap_or(line.size);
        }
        let beside = label_beside(&page.lines, &area);
        if let (Some(label), [value]) = (beside, lines.as_slice()) {
            put_beside(&mut page.lines[label], value);
        } else {
            let label = beside.or_else(|| label_above(&page.lines, &area)).unwrap_or(page.lines.len());
            below.entry(label).or_default().extend(lines);
        }
    }
    let before = std::mem::take(&mut page.lines);
    let last = before.len();
    for (index, line) in before.into_iter().enumerate() {
        page.lines.push(line);
        page.lines.extend(below.remove(&index).unwrap_or_default());
    }
    page.lines.extend(below.remove(&last).unwrap_or_default());
    Ok(())
}

fn usual_size(lines: &[Line]) -> Option<f64> {
    let mut sizes: Vec<f64> = lines.iter().map(|line| line.size).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len() / 2).copied()
}

/// The line on the area's left, the nearest of those that there are.
fn label_beside(lines: &[Line], area: &Area) -> Option<usize> {
    let row = area.bottom - ROW_SLACK..=area.top + ROW_SLACK;
    let is_beside = |line: &Line| row.contains(&line.baseline) && line.left < area.left;
    let beside = lines.iter().enumerate().filter(|(_, line)| is_beside(line));
    Some(beside.max_by(|(_, one), (_, other)| one.left.total_cmp(&other.left))?.0)
}

/// The line above the area, the nearest of those that there are.
fn label_above(lines: &[Line], area: &Area) -> Option<usize> {
    let is_above = |line: &Line| {
        line.baseline >= area.top - ROW_SLACK && line.left < area.right && line.right > area.left
    };
    let above = lines.iter().enumerate().filter(|(_, line)| is_above(line));
    Some(above.min_by(|(_, one), (_, other)| one.baseline.total_cmp(&other.baseline))?.0)
}

/// Without what was there to be written on. Dots before a number would be taken for an entry of a table of contents. The label
/// stays as short as it was: what stands below does not go on with a value.
fn put_beside(label: &mut Line, value: &Line) {
    let told = label.text.trim_end_matches([' ', '.', '_', '…']);
    let leaders = label.text[told.len()..].chars().filter(|char| *char != ' ').count();
    if leaders >= MIN_LEADERS {
        label.text.truncate(told.len());
    }
    label.text.push(' ');
    label.text.push_str(value.text.trim());
}

#[cfg(test)]
mod tests;
