//! A document's body, its paragraphs and tables in order, as Markdown.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::rc::Rc;

use super::flow::Flow;
use super::inline::{Format, Inline};
use super::links::{self, Links};
use super::look::Look;
use super::namespaces::Space;
use super::numbering::{Label, Numbering};
use super::styles::{ListPlace, Resolved, Styles, Visibility, heading_level};
use super::table::{Table, Unseen};
use super::tag::Tag;
use super::xml::{Element, Item, Part};
use crate::limits::Deadline;
use crate::parse::ParseError;
use crate::parse::escape::{push_heading, push_lines};
use crate::sanitize::RemovedCounts;

/// How deep a list is indented at most.
const MAX_INDENT: usize = 6;

/// What the body is read with.
pub(super) struct Surroundings<'a> {
    pub(super) styles: &'a Styles,
    pub(super) numbering: Numbering,
    /// The texts of footnotes and endnotes, by their marks.
    pub(super) notes: HashMap<String, String>,
    pub(super) links: Links,
}

/// What a body says.
#[derive(Debug, Default)]
pub(super) struct Body {
    pub(super) markdown: String,
    /// The first paragraph of the style `Title`.
    pub(super) title: Option<String>,
    pub(super) removed: RemovedCounts,
}

/// Reads a whole part.
pub(super) fn read(xml: &str, with: Surroundings<'_>, deadline: Deadline) -> Result<Body, ParseError> {
    let mut reader = Reader::new(with);
    reader.read(xml, deadline)?;
    reader.flows.truncate(1);
    let markdown = reader.flows.pop().map(Flow::finish).unwrap_or_default();
    Ok(Body { markdown, title: reader.title, removed: reader.removed })
}

#[derive(Debug, Default)]
struct Paragraph {
    text: Inline,
    style: Option<String>,
    /// What its style says, once that has been asked for.
    of_style: Option<(Visibility, Look)>,
    outline_level: Option<u8>,
    place: ListPlace,
    /// Notes that it refers to.
    notes: Vec<String>,
    /// Text boxes that are anchored in it.
    boxes: String,
}

#[derive(Debug, Default)]
struct Run {
    visibility: Visibility,
    look: Look,
    style: Option<String>,
    /// Whether text of it was left out.
    hid_text: bool,
}

/// A field: an instruction, and what its result was when the document was saved.
#[derive(Debug)]
struct Field {
    instruction: String,
    is_result: bool,
    /// Where the result leads.
    target: Option<Rc<str>>,
}

struct Reader<'a> {
    with: Surroundings<'a>,
    path: Vec<Tag>,
    /// Below this depth nothing is read.
    skipping_from: Option<usize>,
    flows: Vec<Flow>,
    paragraphs: Vec<Paragraph>,
    /// The innermost run is the last: a text box stands within one.
    runs: Vec<Run>,
    /// For each open text box, whether the run that it stands in is hidden.
    boxes_are_hidden: Vec<bool>,
    /// Where the open links lead.
    links: Vec<Option<Rc<str>>>,
    /// The fields that are open in the paragraph.
    fields: Vec<Field>,
    /// Whether prose is typed in a font for code, which then says nothing.
    is_all_monospaced: bool,
    tables: Vec<Table>,
    /// The notes of a part that holds them.
    notes: HashMap<String, String>,
    note: String,
    title: Option<String>,
    removed: RemovedCounts,
}

/// Reads the part that holds the footnotes or the endnotes: their texts, by their ids with the prefix.
pub(super) fn read_notes(
    xml: &str,
    prefix: &str,
    styles: &Styles,
    links: Links,
    deadline: Deadline,
) -> Result<HashMap<String, String>, ParseError> {
    let with = Surroundings { styles, numbering: Numbering::default(), notes: HashMap::new(), links };
    let mut reader = Reader::new(with);
    reader.read(xml, deadline)?;
    Ok(reader.notes.into_iter().map(|(id, text)| (format!("{prefix}{id}"), text)).collect())
}

impl<'a> Reader<'a> {
    fn new(with: Surroundings<'a>) -> Self {
        let is_all_monospaced = with.styles.paragraph(None).look.is_monospaced();
        Self {
            with,
            is_all_monospaced,
            links: Vec::new(),
            fields: Vec::new(),
            path: Vec::new(),
            skipping_from: None,
            flows: vec![Flow::default()],
            paragraphs: Vec::new(),
            runs: Vec::new(),
            boxes_are_hidden: Vec::new(),
            tables: Vec::new(),
            notes: HashMap::new(),
            note: String::new(),
            title: None,
            removed: RemovedCounts::default(),
        }
    }

    fn read(&mut self, xml: &str, deadline: Deadline) -> Result<(), ParseError> {
        let mut part = Part::new(xml, deadline);
        while let Some(item) = part.next()? {
            match item {
                Item::Open(element) => self.open(&element),
                Item::Close => self.close()?,
                Item::Text(text) => self.text(&text),
            }
        }
        Ok(())
    }

    fn open(&mut self, element: &Element<'_>) {
        let name = element.word_name().unwrap_or_default();
        let parent = self.path.last().copied().unwrap_or(Tag::Other);
        let tag = Tag::of(element);
        self.path.push(tag);
        if self.skipping_from.is_some() {
            return;
        }
        match (parent, tag) {
            // Empty, this says that the row or the paragraph's end is deleted.
            (Tag::RowProperties, Tag::Hidden) => self.hide_row(Unseen::Deleted),
            (Tag::RowProperties, _) if name == "hidden" && element.is_on() => self.hide_row(Unseen::Hidden),
            (Tag::RunProperties, Tag::Hidden) => {}
            (_, Tag::Hidden) => {
                match element.space() {
                    Space::Math => self.removed.hidden_elements += 1,
                    _ => self.removed.comments += 1,
                }
                self.skipping_from = Some(self.path.len());
            }
            (_, Tag::Skipped) => self.skipping_from = Some(self.path.len()),
            (_, Tag::Paragraph) => self.paragraphs.push(Paragraph::default()),
            (_, Tag::Run | Tag::MathRun) => self.runs.push(Run::default()),
            (_, Tag::Table) => self.tables.push(Table::default()),
            (_, Tag::Row) => {
                if let Some(table) = self.tables.last_mut() {
                    table.begin_row();
                }
            }
            (Tag::RowProperties, _) if name == "gridBefore" => {
                if let Some(table) = self.tables.last_mut() {
                    table.leave_out(columns(element));
                }
            }
            (_, Tag::Cell) => {
                self.flows.push(Flow::default());
                if let Some(table) = self.tables.last_mut() {
                    table.begin_cell();
                }
            }
            (Tag::CellProperties, _) => self.cell_property(name, element),
            (_, Tag::Link) => {
                let target = match name {
                    "fldSimple" => {
                        element.attribute("instr").and_then(|instruction| links::of_field(&instruction))
                    }
                    _ => element
                        .relationship()
                        .and_then(|id| self.with.links.target(&id, element.attribute("anchor").as_deref())),
                };
                self.links.push(target);
            }
            (_, Tag::TextBox) => {
                let is_hidden = self.hides();
                self.boxes_are_hidden.push(is_hidden);
                self.flows.push(Flow::default());
            }
            (_, Tag::Note) => {
                self.flows.push(Flow::default());
                self.note = element.attribute("id").unwrap_or_default();
            }
            (Tag::ParagraphProperties | Tag::ListPlace, _) => self.paragraph_property(name, element),
            (Tag::RunProperties, _) if self.is_in_run() => self.run_property(name, element),
            (Tag::Run | Tag::MathRun, _) => self.run_content(name, element),
            _ => {}
        }
    }

    /// Whether the properties that are read are a run's, and not those of a paragraph's mark.
    fn is_in_run(&self) -> bool {
        matches!(self.path.iter().rev().nth(2), Some(Tag::Run | Tag::MathRun))
    }

    fn hide_row(&mut self, unseen: Unseen) {
        if let Some(table) = self.tables.last_mut() {
            table.hide_row(unseen);
        }
    }

    fn cell_property(&mut self, name: &str, element: &Element<'_>) {
        let Some(table) = self.tables.last_mut() else { return };
        match name {
            "gridSpan" => table.span(columns(element)),
            "vMerge" => table.merge(element.value().as_deref() == Some("restart")),
            _ => {}
        }
    }

    fn field(&mut self, element: &Element<'_>) {
        match element.attribute("fldCharType").as_deref() {
            Some("begin") => {
                let field = Field { instruction: String::new(), is_result: false, target: self.target() };
                self.fields.push(field);
            }
            Some("separate") => {
                if let Some(field) = self.fields.last_mut() {
                    field.is_result = true;
                    field.target = links::of_field(&field.instruction).or(field.target.take());
                }
            }
            Some("end") => drop(self.fields.pop()),
            _ => {}
        }
    }

    /// Where text in this place leads.
    fn target(&self) -> Option<Rc<str>> {
        let of_field = self.fields.last().and_then(|field| field.target.clone());
        of_field.or_else(|| self.links.last().cloned().flatten())
    }

    fn paragraph_property(&mut self, name: &str, element: &Element<'_>) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        let number = || element.value().and_then(|number| number.parse().ok());
        match name {
            "pStyle" => paragraph.style = element.value(),
            "outlineLvl" => paragraph.outline_level = number(),
            "numId" => paragraph.place.list = element.value(),
            "ilvl" => paragraph.place.level = number().map(usize::from),
            _ => {}
        }
    }

    fn run_property(&mut self, name: &str, element: &Element<'_>) {
        let Some(run) = self.runs.last_mut() else { return };
        if name == "rStyle" {
            run.style = element.value();
        }
        run.visibility.read(element);
        run.look.read(element);
    }

    fn run_content(&mut self, name: &str, element: &Element<'_>) {
        match name {
            "tab" | "ptab" => self.push_text("\t"),
            "br" | "cr" => self.push_text("\n"),
            "noBreakHyphen" => self.push_text("-"),
            "footnoteReference" => self.push_note("", element),
            "endnoteReference" => self.push_note("e", element),
            "commentReference" => self.removed.comments += 1,
            "fldChar" => self.field(element),
            _ => {}
        }
    }

    fn push_note(&mut self, prefix: &str, element: &Element<'_>) {
        let mark = format!("{prefix}{}", element.attribute("id").unwrap_or_default());
        if !self.with.notes.contains_key(&mark) {
            return;
        }
        // A note's text stands below the paragraph that first refers to it, and is then taken.
        let is_own_mark = element.attribute("customMarkFollows").is_some();
        if !is_own_mark {
            self.push_text(&format!("[^{mark}]"));
        }
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.notes.push(mark);
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipping_from.is_some() {
            return;
        }
        match self.path.as_slice() {
            [.., Tag::Text] | [.., Tag::MathRun, Tag::MathText] => self.push_text(text),
            [.., Tag::Instruction] => {
                let field = self.fields.last_mut().filter(|field| !field.is_result);
                let has_room =
                    |field: &&mut Field| field.instruction.len() + text.len() <= links::MAX_INSTRUCTION_BYTES;
                if let Some(field) = field.filter(has_room) {
                    field.instruction.push_str(text);
                }
            }
            _ => {}
        }
    }

    fn push_text(&mut self, text: &str) {
        let (visibility, look) = self.properties();
        if self.boxes_are_hidden.last() == Some(&true) || visibility.hides() {
            if let Some(run) = self.runs.last_mut().filter(|run| !run.hid_text && !text.trim().is_empty()) {
                run.hid_text = true;
                self.removed.hidden_elements += 1;
            }
            return;
        }
        let format = Format {
            is_struck: look.is_struck(),
            is_monospaced: look.is_monospaced(),
            target: self.target(),
        };
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push(text, format);
        }
    }

    /// Whether text in this place is hidden.
    fn hides(&mut self) -> bool {
        self.boxes_are_hidden.last() == Some(&true) || self.properties().0.hides()
    }

    /// What the innermost run and its paragraph say of text in this place.
    fn properties(&mut self) -> (Visibility, Look) {
        let styles = self.with.styles;
        let of_paragraph = self.paragraphs.last_mut().map(|paragraph| {
            let style = paragraph.style.as_deref();
            *paragraph.of_style.get_or_insert_with(|| {
                let resolved = styles.paragraph(style);
                (resolved.visibility, resolved.look)
            })
        });
        let of_run = self.runs.last().map(|run| {
            let (visibility, look) = run.style.as_deref().map(|style| styles.run(style)).unwrap_or_default();
            (run.visibility.or(visibility), run.look.or(look))
        });
        let (of_run, of_paragraph) = (of_run.unwrap_or_default(), of_paragraph.unwrap_or_default());
        (of_run.0.or(of_paragraph.0), of_run.1.or(of_paragraph.1))
    }

    fn close(&mut self) -> Result<(), ParseError> {
        let depth = self.path.len();
        let tag = self.path.pop().unwrap_or(Tag::Other);
        if let Some(from) = self.skipping_from {
            if depth == from {
                self.skipping_from = None;
            }
            return Ok(());
        }
        match tag {
            Tag::Paragraph => {
                // A field that goes on makes no link of all that follows.
                self.fields.clear();
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.finish_paragraph(paragraph);
                }
            }
            Tag::Run | Tag::MathRun => drop(self.runs.pop()),
            Tag::Link => drop(self.links.pop()),
            Tag::TextBox => {
                self.boxes_are_hidden.pop();
                let text = self.pop_flow();
                match self.paragraphs.last_mut() {
                    Some(around) => around.boxes.push_str(&text),
                    None => self.flow().push_block(text.trim()),
                }
            }
            Tag::Cell => {
                let text = self.pop_flow();
                if let Some(table) = self.tables.last_mut() {
                    self.removed.hidden_elements += u32::from(table.push_cell(text)?);
                }
            }
            Tag::Row => match self.tables.last_mut().and_then(Table::end_row) {
                Some(Unseen::Deleted) => self.removed.comments += 1,
                Some(Unseen::Hidden) => self.removed.hidden_elements += 1,
                None => {}
            },
            Tag::Table => self.finish_table(),
            Tag::Note => {
                let text = self.pop_flow();
                let id = std::mem::take(&mut self.note);
                if !text.trim().is_empty() {
                    self.notes.insert(id, text.split_whitespace().collect::<Vec<_>>().join(" "));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The innermost flow. The document's is never popped: what pops one has pushed it.
    fn flow(&mut self) -> &mut Flow {
        if self.flows.is_empty() {
            self.flows.push(Flow::default());
        }
        let last = self.flows.len() - 1;
        &mut self.flows[last]
    }

    fn pop_flow(&mut self) -> String {
        self.flows.pop().map(Flow::finish).unwrap_or_default()
    }

    fn finish_table(&mut self) {
        let Some(table) = self.tables.pop() else { return };
        if self.tables.is_empty() {
            let markdown = table.into_markdown();
            if !markdown.trim().is_empty() {
                self.flow().push_block(markdown.trim_end());
            }
        } else {
            let line = table.into_line();
            self.flow().push_block(&line);
        }
    }

    fn finish_paragraph(&mut self, paragraph: Paragraph) {
        let Paragraph { text, style, outline_level, place, notes, boxes, .. } = paragraph;
        let resolved = self.with.styles.paragraph(style.as_deref());
        // Counted even if it is empty: Word counts it too, and shows the number.
        let place = ListPlace {
            list: place.list.or_else(|| resolved.place.list.clone()),
            level: place.level.or(resolved.place.level),
        };
        let is_listed = place.list.as_deref().is_some_and(|list| list != "0");
        let label = if is_listed { self.with.numbering.next(&place, style.as_deref()) } else { None };
        if text.is_blank() {
            self.flow().push_empty_line();
        } else if !resolved.is_contents {
            self.write_paragraph(&text, &resolved, outline_level, label);
        }
        for mark in notes {
            if let Some(note) = self.with.notes.remove(&mark) {
                self.flow().push_block(&format!("[^{mark}]: {note}"));
            }
        }
        if !boxes.trim().is_empty() {
            self.flow().push_block(boxes.trim());
        }
    }

    fn write_paragraph(
        &mut self,
        text: &Inline,
        resolved: &Resolved,
        outline_level: Option<u8>,
        label: Option<Label>,
    ) {
        let is_in_document = self.flows.len() == 1;
        let mut markdown = String::new();
        if resolved.is_title && is_in_document {
            self.title.get_or_insert_with(|| text.plain().trim().to_owned());
            push_heading(&mut markdown, 1, &text.markdown());
            self.flow().push_block(&markdown);
            return;
        }
        let heading = outline_level.map_or(resolved.heading, heading_level);
        if let Some(level) = heading.filter(|_| is_in_document) {
            let number = label.map(|label| label.number).unwrap_or_default();
            push_heading(&mut markdown, level, &format!("{number} {}", text.markdown()));
            self.flow().push_block(&markdown);
            return;
        }
        // Code within an item is listed too, with an empty bullet.
        let is_item = label.as_ref().is_some_and(|label| !resolved.is_code || !label.number.is_empty());
        if let Some(Label { number, level }) = label.filter(|_| is_item) {
            let marker = if number.is_empty() { "-" } else { &number };
            let _ = write!(markdown, "{}{marker} ", "  ".repeat(level.min(MAX_INDENT)));
            markdown.push_str(&text.markdown().split_whitespace().collect::<Vec<_>>().join(" "));
            self.flow().push_item(&markdown);
        } else if self.is_code(text, resolved) {
            self.flow().push_code(&text.verbatim());
        } else {
            push_lines(&mut markdown, &text.markdown());
            self.flow().push_block(&markdown);
        }
    }

    /// Whether a paragraph is a block of code. A note is one line.
    fn is_code(&self, text: &Inline, resolved: &Resolved) -> bool {
        let is_typed_as_code = || !self.is_all_monospaced && text.is_typed_as_code();
        !self.path.contains(&Tag::Note) && (resolved.is_code || is_typed_as_code())
    }
}

fn columns(element: &Element<'_>) -> usize {
    element.value().and_then(|columns| columns.parse().ok()).unwrap_or(1)
}
