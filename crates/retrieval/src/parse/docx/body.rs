//! A document's body, its paragraphs and tables in order, as Markdown.

use std::collections::HashMap;
use std::fmt::Write as _;

use quick_xml::events::BytesStart;

use super::numbering::{Label, Numbering};
use super::styles::{ListPlace, Resolved, Styles, Visibility, heading_level};
use super::table::Table;
use super::xml::{Item, Part, attribute, value};
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

/// The elements that mean something here, by what they are to their children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Paragraph,
    ParagraphProperties,
    ListPlace,
    Run,
    RunProperties,
    Text,
    Table,
    Row,
    RowProperties,
    Cell,
    TextBox,
    /// A footnote or an endnote, in the part that holds them.
    Note,
    /// Nothing below it is shown.
    Hidden,
    /// Nothing below it is text; not worth counting.
    Skipped,
    Other,
}

impl Tag {
    fn of(name: &str) -> Self {
        match name {
            "p" => Self::Paragraph,
            "pPr" => Self::ParagraphProperties,
            "numPr" => Self::ListPlace,
            "r" => Self::Run,
            "rPr" => Self::RunProperties,
            "t" => Self::Text,
            "tbl" => Self::Table,
            "tr" => Self::Row,
            "trPr" => Self::RowProperties,
            "tc" => Self::Cell,
            "txbxContent" => Self::TextBox,
            "footnote" | "endnote" => Self::Note,
            // Tracked changes: what was deleted, and where something was moved from.
            "del" | "moveFrom" => Self::Hidden,
            // The same text once more, for programs that do not know the newer drawing; properties as they were before a
            // change; the reading of a character.
            "Fallback" | "rt" => Self::Skipped,
            _ if name.ends_with("Change") => Self::Skipped,
            _ => Self::Other,
        }
    }
}

#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    style: Option<String>,
    /// What its style says, once that has been asked for.
    visibility: Option<Visibility>,
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
    style: Option<String>,
    /// Whether text of it was left out.
    hid_text: bool,
}

/// Blocks that follow each other: the document, a cell, a text box, a note.
#[derive(Debug, Default)]
struct Flow {
    markdown: String,
    in_list: bool,
}

impl Flow {
    fn push_block(&mut self, block: &str) {
        if self.in_list {
            self.markdown.push('\n');
            self.in_list = false;
        }
        self.markdown.push_str(block);
        self.markdown.push_str("\n\n");
    }

    fn push_item(&mut self, item: &str) {
        self.markdown.push_str(item);
        self.markdown.push('\n');
        self.in_list = true;
    }

    fn finish(self) -> String {
        self.markdown
    }
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
    tables: Vec<Table>,
    row_is_deleted: bool,
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
    deadline: Deadline,
) -> Result<HashMap<String, String>, ParseError> {
    let with = Surroundings { styles, numbering: Numbering::default(), notes: HashMap::new() };
    let mut reader = Reader::new(with);
    reader.read(xml, deadline)?;
    Ok(reader.notes.into_iter().map(|(id, text)| (format!("{prefix}{id}"), text)).collect())
}

impl<'a> Reader<'a> {
    fn new(with: Surroundings<'a>) -> Self {
        Self {
            with,
            path: Vec::new(),
            skipping_from: None,
            flows: vec![Flow::default()],
            paragraphs: Vec::new(),
            runs: Vec::new(),
            boxes_are_hidden: Vec::new(),
            tables: Vec::new(),
            row_is_deleted: false,
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

    fn open(&mut self, element: &BytesStart<'_>) {
        let name = element.local_name().into_inner();
        let parent = self.path.last().copied().unwrap_or(Tag::Other);
        let tag = Tag::of(name);
        self.path.push(tag);
        if self.skipping_from.is_some() {
            return;
        }
        match (parent, tag) {
            // Empty, this says that the row or the paragraph's end is deleted.
            (Tag::RowProperties, Tag::Hidden) => self.row_is_deleted = true,
            (Tag::RunProperties, Tag::Hidden) => {}
            (_, Tag::Hidden) => {
                self.removed.comments += 1;
                self.skipping_from = Some(self.path.len());
            }
            (_, Tag::Skipped) => self.skipping_from = Some(self.path.len()),
            (_, Tag::Paragraph) => self.paragraphs.push(Paragraph::default()),
            (_, Tag::Run) => self.runs.push(Run::default()),
            (_, Tag::Table) => self.tables.push(Table::default()),
            (_, Tag::Row) => {
                self.row_is_deleted = false;
                if let Some(table) = self.tables.last_mut() {
                    table.begin_row();
                }
            }
            (_, Tag::Cell) => self.flows.push(Flow::default()),
            (_, Tag::TextBox) => {
                let is_hidden = self.hides();
                self.boxes_are_hidden.push(is_hidden);
                self.flows.push(Flow::default());
            }
            (_, Tag::Note) => {
                self.flows.push(Flow::default());
                self.note = attribute(element, "id").unwrap_or_default();
            }
            (Tag::ParagraphProperties | Tag::ListPlace, _) => self.paragraph_property(name, element),
            (Tag::RunProperties, _) if self.is_in_run() => self.run_property(name, element),
            (Tag::Run, _) => self.run_content(name, element),
            _ => {}
        }
    }

    /// Whether the properties that are read are a run's, and not those of a paragraph's mark.
    fn is_in_run(&self) -> bool {
        self.path.iter().rev().nth(2) == Some(&Tag::Run)
    }

    fn paragraph_property(&mut self, name: &str, element: &BytesStart<'_>) {
        let Some(paragraph) = self.paragraphs.last_mut() else { return };
        let number = || value(element).and_then(|number| number.parse().ok());
        match name {
            "pStyle" => paragraph.style = value(element),
            "outlineLvl" => paragraph.outline_level = number(),
            "numId" => paragraph.place.list = value(element),
            "ilvl" => paragraph.place.level = number().map(usize::from),
            _ => {}
        }
    }

    fn run_property(&mut self, name: &str, element: &BytesStart<'_>) {
        let Some(run) = self.runs.last_mut() else { return };
        match name {
            "rStyle" => run.style = value(element),
            _ => run.visibility.read(name, element),
        }
    }

    fn run_content(&mut self, name: &str, element: &BytesStart<'_>) {
        match name {
            "tab" | "ptab" => self.push_text(" "),
            "br" | "cr" => self.push_text("\n"),
            "noBreakHyphen" => self.push_text("-"),
            "footnoteReference" => self.push_note("", element),
            "endnoteReference" => self.push_note("e", element),
            "commentReference" => self.removed.comments += 1,
            _ => {}
        }
    }

    fn push_note(&mut self, prefix: &str, element: &BytesStart<'_>) {
        let mark = format!("{prefix}{}", attribute(element, "id").unwrap_or_default());
        if !self.with.notes.contains_key(&mark) {
            return;
        }
        // A note's text stands below the paragraph that first refers to it, and is then taken.
        let is_own_mark = attribute(element, "customMarkFollows").is_some();
        if !is_own_mark {
            self.push_text(&format!("[^{mark}]"));
        }
        if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.notes.push(mark);
        }
    }

    fn text(&mut self, text: &str) {
        let is_text = self.path.last() == Some(&Tag::Text);
        if is_text && self.skipping_from.is_none() {
            self.push_text(text);
        }
    }

    fn push_text(&mut self, text: &str) {
        if self.hides() {
            if let Some(run) = self.runs.last_mut().filter(|run| !run.hid_text && !text.trim().is_empty()) {
                run.hid_text = true;
                self.removed.hidden_elements += 1;
            }
        } else if let Some(paragraph) = self.paragraphs.last_mut() {
            paragraph.text.push_str(text);
        }
    }

    /// Whether text in this place is hidden.
    fn hides(&mut self) -> bool {
        if self.boxes_are_hidden.last() == Some(&true) {
            return true;
        }
        let styles = self.with.styles;
        let of_paragraph = self.paragraphs.last_mut().map(|paragraph| {
            let style = paragraph.style.as_deref();
            *paragraph.visibility.get_or_insert_with(|| styles.paragraph(style).visibility)
        });
        let run = self.runs.last().map(|run| {
            let of_style = run.style.as_deref().map(|style| styles.run(style)).unwrap_or_default();
            run.visibility.or(of_style)
        });
        run.unwrap_or_default().or(of_paragraph.unwrap_or_default()).hides()
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
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.finish_paragraph(paragraph);
                }
            }
            Tag::Run => drop(self.runs.pop()),
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
                    table.push_cell(text)?;
                }
            }
            Tag::Row => {
                if let Some(table) = self.tables.last_mut().filter(|_| self.row_is_deleted) {
                    table.drop_row();
                    self.removed.comments += 1;
                }
                self.row_is_deleted = false;
            }
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
        if !text.trim().is_empty() && !resolved.is_contents {
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
        text: &str,
        resolved: &Resolved,
        outline_level: Option<u8>,
        label: Option<Label>,
    ) {
        let is_in_document = self.flows.len() == 1;
        let mut markdown = String::new();
        if resolved.is_title && is_in_document {
            self.title.get_or_insert_with(|| text.trim().to_owned());
            push_heading(&mut markdown, 1, text);
            self.flow().push_block(&markdown);
            return;
        }
        let heading = outline_level.map_or(resolved.heading, heading_level);
        if let Some(level) = heading.filter(|_| is_in_document) {
            let number = label.map(|label| label.number).unwrap_or_default();
            push_heading(&mut markdown, level, &format!("{number} {text}"));
            self.flow().push_block(&markdown);
            return;
        }
        if let Some(Label { number, level }) = label {
            let marker = if number.is_empty() { "-" } else { &number };
            let _ = write!(markdown, "{}{marker} ", "  ".repeat(level.min(MAX_INDENT)));
            markdown.push_str(&text.split_whitespace().collect::<Vec<_>>().join(" "));
            self.flow().push_item(&markdown);
        } else {
            push_lines(&mut markdown, text);
            self.flow().push_block(&markdown);
        }
    }
}
