//! A table some of whose cells reach over several columns and rows, as a Markdown table, which knows no such cells.
//!
//! A cell's text stands in the first of its columns, and again in every row that it reaches into: then each column keeps
//! what is its own, and a row that is found alone says all that it says in the table.

use std::fmt::Write as _;
use std::rc::Rc;

use crate::outline::one_line;

/// How many cells, and how many bytes of repeated text, a Markdown table has at most for one of the document.
const MAX_GROWTH: usize = 8;

/// How many of them any table may have.
const ALWAYS_ALLOWED: usize = 4096;

/// A cell in its place.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// The first of its columns. In a row they ascend.
    pub(super) column: usize,
    /// May have several lines.
    pub(super) text: Rc<str>,
    /// Whether it reaches into this row from the one above.
    pub(super) is_repeated: bool,
}

/// How much of something that `written` has in the document the table may have.
pub(super) const fn most(written: usize) -> usize {
    written.saturating_mul(MAX_GROWTH).saturating_add(ALWAYS_ALLOWED)
}

/// The rows as a Markdown table with the first as its head. `None` for a table that would be nearly all empty cells, as only
/// a hostile one is: megabytes of them from a few numbers.
///
/// A text that would be repeated beyond all measure stands in its first row alone.
pub(super) fn markdown(rows: &[Vec<Cell>]) -> Option<String> {
    let own = || rows.iter().flatten().filter(|cell| !cell.is_repeated);
    // A column in which no cell begins tells nothing, however many of them a cell claims.
    let mut columns: Vec<usize> = own().map(|cell| cell.column).collect();
    columns.sort_unstable();
    columns.dedup();
    let place = |cell: &Cell| columns.partition_point(|column| *column < cell.column);
    let length = |row: &Vec<Cell>| row.last().map_or(0, |cell| place(cell) + 1);
    if rows.iter().map(length).sum::<usize>() > most(own().count()) {
        return None;
    }
    let mut repeats_left = most(own().map(|cell| cell.text.len()).sum());
    let mut markdown = String::new();
    for (index, row) in rows.iter().enumerate() {
        let mut filled = 0;
        for cell in row {
            let place = place(cell);
            push_empty(&mut markdown, place.saturating_sub(filled));
            filled = place + 1;
            let is_told = !cell.is_repeated || cell.text.len() <= repeats_left;
            if cell.is_repeated && is_told {
                repeats_left -= cell.text.len();
            }
            let text = if is_told { &cell.text } else { "" };
            let _ = write!(markdown, "| {} ", one_line(&text.replace('|', "\\|"), usize::MAX / 8));
        }
        if index == 0 {
            // A head that is too short would hide what stands beside it (GFM 0.29, §4.10).
            push_empty(&mut markdown, columns.len().saturating_sub(filled));
            markdown.push_str("|\n");
            markdown.push_str(&"| --- ".repeat(columns.len()));
        }
        markdown.push_str("|\n");
    }
    Some(markdown)
}

fn push_empty(markdown: &mut String, cells: usize) {
    markdown.push_str(&"|  ".repeat(cells));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(column: usize, text: &str) -> Cell {
        Cell { column, text: text.into(), is_repeated: false }
    }

    #[test]
    fn columns_in_which_nothing_begins_are_left_out() {
        let rows =
            [vec![cell(0, "a"), cell(1_000_000, "b|\nc")], vec![cell(0, "d")], vec![cell(usize::MAX, "e")]];
        let expected = "| a | b\\| c |  |\n| --- | --- | --- |\n| d |\n|  |  | e |\n";
        assert_eq!(markdown(&rows).as_deref(), Some(expected));
    }

    #[test]
    fn texts_are_not_repeated_without_end() {
        let text = "x".repeat(1000);
        let mut rows = vec![vec![cell(0, &text), cell(1, "a")]];
        let repeated = Cell { is_repeated: true, ..cell(0, &text) };
        rows.extend((0..1000).map(|_| vec![repeated.clone(), cell(1, "b")]));
        let table = markdown(&rows).unwrap();
        // The text itself, what all texts allow, what is always allowed, and the rest of the rows.
        assert_eq!(table.matches(&text).count(), 1 + (2001 * MAX_GROWTH + ALWAYS_ALLOWED) / 1000);
        assert_eq!(table.matches("| b |").count(), 1000);
    }

    #[test]
    fn a_table_of_nothing_but_gaps_is_none() {
        let wide = (0..1000).map(|column| cell(column, "")).collect();
        let mut rows: Vec<Vec<Cell>> = vec![wide];
        rows.extend((0..100).map(|_| vec![cell(999, "a")]));
        assert_eq!(markdown(&rows), None);
    }
}
