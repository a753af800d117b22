//! A table of a document, as Markdown.

use std::fmt::Write as _;

use crate::parse::{ParseError, grid};

/// The most columns. Word itself has at most 63.
pub(super) const MAX_COLUMNS: usize = 1_000;

/// A cell longer than this, in bytes, is text that a table lays out: it is written as paragraphs.
const MAX_CELL_BYTES: usize = 1_000;

/// Why a row is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unseen {
    /// By a tracked change.
    Deleted,
    Hidden,
}

/// A cell in its place.
#[derive(Debug)]
struct Cell {
    placed: grid::Cell,
    columns: usize,
    /// Whether it may go on in the row below.
    is_merged: bool,
}

/// What a cell's properties say.
#[derive(Debug, Default)]
struct Properties {
    columns: usize,
    is_merged: bool,
    /// Whether it goes on from the row above.
    goes_on: bool,
}

/// The rows so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
    /// The column of the next cell.
    column: usize,
    /// Of the next cell.
    properties: Properties,
    /// Of the last row.
    unseen: Option<Unseen>,
}

impl Table {
    pub(super) fn begin_row(&mut self) {
        self.rows.push(Vec::new());
        self.column = 0;
        self.unseen = None;
    }

    /// Says that the row that was begun last is not shown.
    pub(super) fn hide_row(&mut self, unseen: Unseen) {
        self.unseen = Some(unseen);
    }

    /// Ends a row, and takes it back if it is not shown.
    pub(super) fn end_row(&mut self) -> Option<Unseen> {
        let unseen = self.unseen.take();
        if unseen.is_some() {
            self.rows.pop();
        }
        unseen
    }

    /// Says that the row begins so many columns later.
    pub(super) fn leave_out(&mut self, columns: usize) {
        self.column = self.column.saturating_add(columns);
    }

    pub(super) fn begin_cell(&mut self) {
        self.properties = Properties { columns: 1, ..Properties::default() };
    }

    /// Says over how many columns the cell reaches.
    pub(super) fn span(&mut self, columns: usize) {
        self.properties.columns = columns.max(1);
    }

    /// Says that the cell is merged with those below it, and unless it is the first, with the one above.
    pub(super) fn merge(&mut self, is_first: bool) {
        self.properties.is_merged = true;
        self.properties.goes_on = !is_first;
    }

    /// Adds a cell, and says whether there is text in it that is not shown: what is merged shows its first cell's
    /// ([MS-DOC] §2.9.342, `VerticalMergeFlag`).
    pub(super) fn push_cell(&mut self, text: String) -> Result<bool, ParseError> {
        if self.rows.is_empty() {
            self.begin_row();
        }
        let Properties { columns, is_merged, goes_on } = std::mem::take(&mut self.properties);
        let column = self.column;
        self.column = column.saturating_add(columns);
        let Some((row, above)) = self.rows.split_last_mut() else { return Ok(false) };
        // A merger of others than the same columns is invalid (ECMA-376 part 1, §17.4.84).
        let is_same =
            |cell: &&Cell| cell.is_merged && cell.placed.column == column && cell.columns == columns;
        let first = above.last().filter(|_| goes_on).and_then(|above| {
            let at = above.partition_point(|cell| cell.placed.column < column);
            above.get(at).filter(is_same)
        });
        let hides_text = first.is_some() && !text.trim().is_empty();
        let placed = match first {
            Some(first) => grid::Cell { is_repeated: true, ..first.placed.clone() },
            None => grid::Cell { column, text: text.into(), is_repeated: false },
        };
        row.push(Cell { placed, columns, is_merged });
        if row.len() > MAX_COLUMNS {
            return Err(ParseError::TooManyColumns { limit: MAX_COLUMNS });
        }
        Ok(hides_text)
    }

    /// A Markdown table, or paragraphs if it only lays out text; empty if there is no text in it.
    pub(super) fn into_markdown(self) -> String {
        let rows = self.into_rows();
        let lays_out = rows.iter().all(|row| row.len() < 2)
            || rows.iter().flatten().any(|cell| cell.text.len() > MAX_CELL_BYTES);
        let flat = || rows.iter().map(|row| row.iter().map(without_fences).collect()).collect::<Vec<_>>();
        let table = if lays_out { None } else { grid::markdown(&flat()) };
        if let Some(table) = table {
            return table + "\n";
        }
        let mut markdown = String::new();
        for cell in rows.iter().flatten().filter(|cell| is_told(cell)) {
            let _ = write!(markdown, "{}\n\n", cell.text.trim());
        }
        markdown
    }

    /// All on one line, for a table within a cell.
    pub(super) fn into_line(self) -> String {
        let line = |row: Vec<grid::Cell>| {
            let own = row.iter().filter(|cell| !cell.is_repeated).map(without_fences);
            own.map(|cell| cell.text.to_string()).collect::<Vec<_>>().join(", ")
        };
        self.into_rows().into_iter().map(line).collect::<Vec<_>>().join("; ")
    }

    /// The rows that have text of their own.
    fn into_rows(self) -> Vec<Vec<grid::Cell>> {
        let rows = self.rows.into_iter().map(|row| row.into_iter().map(|cell| cell.placed).collect());
        rows.filter(|row: &Vec<grid::Cell>| row.iter().any(is_told)).collect()
    }
}

/// Whether there is text in a cell that has not been told in the row above.
fn is_told(cell: &grid::Cell) -> bool {
    !cell.is_repeated && !cell.text.trim().is_empty()
}

/// Code in a cell stands on one line with the rest of its row, where a fence is none.
fn without_fences(cell: &grid::Cell) -> grid::Cell {
    if !cell.text.contains("```") {
        return cell.clone();
    }
    let is_fence = |line: &&str| line.len() >= 3 && line.bytes().all(|byte| byte == b'`');
    let lines: Vec<&str> = cell.text.lines().filter(|line| !is_fence(line)).collect();
    grid::Cell { text: lines.join("\n").into(), ..cell.clone() }
}
