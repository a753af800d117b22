//! A table of a document, as Markdown.

use std::fmt::Write as _;

use crate::outline::one_line;
use crate::parse::ParseError;

/// The most columns. Word itself has at most 63.
pub(super) const MAX_COLUMNS: usize = 1_000;

/// A cell longer than this, in bytes, is text that a table lays out: it is written as paragraphs.
const MAX_CELL_BYTES: usize = 1_000;

/// The rows so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn begin_row(&mut self) {
        self.rows.push(Vec::new());
    }

    /// Takes back a row that is deleted by a tracked change.
    pub(super) fn drop_row(&mut self) {
        self.rows.pop();
    }

    pub(super) fn push_cell(&mut self, text: String) -> Result<(), ParseError> {
        if self.rows.is_empty() {
            self.begin_row();
        }
        if let Some(row) = self.rows.last_mut() {
            row.push(text);
            if row.len() > MAX_COLUMNS {
                return Err(ParseError::TooManyColumns { limit: MAX_COLUMNS });
            }
        }
        Ok(())
    }

    /// A Markdown table, or paragraphs if it only lays out text; empty if there is no text in it.
    pub(super) fn into_markdown(self) -> String {
        let mut rows = self.rows;
        let is_blank = |text: &String| text.trim().is_empty();
        rows.retain(|row| !row.iter().all(is_blank));
        let lays_out = rows.iter().all(|row| row.len() < 2)
            || rows.iter().flatten().any(|cell| cell.len() > MAX_CELL_BYTES);
        let mut markdown = String::new();
        if lays_out {
            for cell in rows.iter().flatten().filter(|cell| !is_blank(cell)) {
                let _ = write!(markdown, "{}\n\n", cell.trim());
            }
            return markdown;
        }
        for (index, row) in rows.iter().enumerate() {
            for cell in row {
                let _ = write!(markdown, "| {} ", one_line(&cell.replace('|', "\\|"), usize::MAX / 8));
            }
            markdown.push_str("|\n");
            if index == 0 {
                markdown.push_str(&"| --- ".repeat(row.len()));
                markdown.push_str("|\n");
            }
        }
        markdown.push('\n');
        markdown
    }

    /// All on one line, for a table within a cell.
    pub(super) fn into_line(self) -> String {
        let rows = self.rows.into_iter().map(|row| row.join(", "));
        rows.filter(|row| !row.trim().is_empty()).collect::<Vec<_>>().join("; ")
    }
}
