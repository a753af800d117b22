//! Tables: short cells as a Markdown table, with cells that reach over several columns and rows.

use std::fmt::Write as _;
use std::rc::Rc;

use htmd::element_handler::{HandlerResult, Handlers};
use htmd::{Element, Node};

use super::{attribute, tag};
use crate::parse::grid;

/// The most columns that a cell reaches over (HTML, "colspan").
const MAX_COLSPAN: usize = 1_000;

/// A table of short cells as a Markdown table; any other (a layout, a cell with blocks in it) as its cells' texts one
/// after the other. htmd's own drops the row headers, and pads every cell to the widest of its column.
#[expect(clippy::needless_pass_by_value, reason = "the signature is htmd's")]
pub(super) fn table(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let mut parts = TableParts::default();
    parts.collect(element.node);
    let cells = || parts.rows.iter().flat_map(|row| &row.cells);
    let is_simple = cells().all(|cell| !has_blocks(cell)) && parts.rows.iter().any(|row| row.cells.len() > 1);
    let render = |cell: &Rc<Node>| handlers.walk_children(cell).content;
    let mut markdown = String::from("\n\n");
    for caption in &parts.captions {
        let _ = write!(markdown, "{}\n\n", render(caption).trim());
    }
    let rows = if is_simple { placed(&parts.rows, render) } else { None };
    if let Some(table) = rows.and_then(|rows| grid::markdown(&rows)) {
        markdown.push_str(&table);
    } else {
        for cell in cells() {
            let content = render(cell);
            if !content.trim().is_empty() {
                let _ = write!(markdown, "{}\n\n", content.trim_matches('\n'));
            }
        }
    }
    let has_text = !markdown.trim().is_empty();
    markdown.push('\n');
    has_text.then(|| markdown.into())
}

#[derive(Default)]
struct TableParts {
    captions: Vec<Rc<Node>>,
    rows: Vec<Row>,
}

struct Row {
    /// Of `<thead>`, `<tbody>` or `<tfoot>`; no cell reaches from one of them into another.
    begins_group: bool,
    cells: Vec<Rc<Node>>,
}

impl TableParts {
    /// The parser puts rows into `<tbody>`, `<thead>` or `<tfoot>`, so this goes no deeper than that.
    fn collect(&mut self, node: &Rc<Node>) {
        let mut begins_group = true;
        for child in node.children.borrow().iter() {
            match tag(child) {
                Some("caption") => self.captions.push(Rc::clone(child)),
                Some("thead" | "tbody" | "tfoot") => self.collect(child),
                Some("tr") => {
                    let is_cell = |node: &&Rc<Node>| matches!(tag(node), Some("td" | "th"));
                    let cells = child.children.borrow().iter().filter(is_cell).cloned().collect();
                    self.rows.push(Row { begins_group, cells });
                    begins_group = false;
                }
                _ => {}
            }
        }
    }
}

/// A cell that reaches into the rows below.
struct Reaching {
    cell: grid::Cell,
    /// The column behind its last.
    end: usize,
    rows_left: usize,
}

/// The cells in their columns, as browsers find them: <https://html.spec.whatwg.org/multipage/tables.html#forming-a-table>.
/// `None` if cells that reach over others are far more work than the table has cells.
fn placed(rows: &[Row], render: impl Fn(&Rc<Node>) -> String) -> Option<Vec<Vec<grid::Cell>>> {
    let mut repeats_left = grid::most(rows.iter().map(|row| row.cells.len()).sum());
    let mut placed = Vec::with_capacity(rows.len());
    let mut above: Vec<Reaching> = Vec::new();
    for row in rows {
        if row.begins_group {
            above.clear();
        }
        repeats_left = repeats_left.checked_sub(above.len())?;
        let mut here = Vec::with_capacity(row.cells.len() + above.len());
        let (mut column, mut passed) = (0, 0);
        for cell in &row.cells {
            while let Some(reaching) = above.get(passed).filter(|reaching| reaching.cell.column <= column) {
                column = column.max(reaching.end);
                passed += 1;
            }
            let end = column + span(cell, "colspan").clamp(1, MAX_COLSPAN);
            let rows_left = match attribute(cell, "rowspan").map_or(1, |_| span(cell, "rowspan")) {
                0 => usize::MAX,
                rows => rows - 1,
            };
            let cell = grid::Cell { column, text: render(cell).into(), is_repeated: false };
            here.push(Reaching { cell, end, rows_left });
            column = end;
        }
        here.extend(above);
        here.sort_by_key(|reaching| reaching.cell.column);
        // A row without cells of its own says nothing.
        if !row.cells.is_empty() {
            placed.push(here.iter().map(|reaching| reaching.cell.clone()).collect());
        }
        let into_next = |reaching: Reaching| {
            let cell = grid::Cell { is_repeated: true, ..reaching.cell };
            Reaching { cell, rows_left: reaching.rows_left.saturating_sub(1), ..reaching }
        };
        above = here.into_iter().filter(|reaching| reaching.rows_left > 0).map(into_next).collect();
    }
    Some(placed)
}

/// The number that an attribute begins with, 1 if it does with none
/// (<https://html.spec.whatwg.org/multipage/common-microsyntaxes.html#rules-for-parsing-non-negative-integers>).
fn span(cell: &Rc<Node>, name: &str) -> usize {
    let value = attribute(cell, name).unwrap_or_default();
    let value = value.trim_ascii_start();
    let value = value.strip_prefix('+').unwrap_or(value);
    let digits = value.len() - value.trim_start_matches(|char: char| char.is_ascii_digit()).len();
    if digits == 0 { 1 } else { value[..digits].parse().unwrap_or(usize::MAX) }
}

/// Whether a table cell holds more than one line of a Markdown table can.
fn has_blocks(cell: &Rc<Node>) -> bool {
    let mut paragraphs = 0;
    let mut pending: Vec<Rc<Node>> = cell.children.borrow().iter().cloned().collect();
    while let Some(node) = pending.pop() {
        match tag(&node) {
            Some(
                "table" | "pre" | "ul" | "ol" | "dl" | "blockquote" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6",
            ) => {
                return true;
            }
            Some("p") => paragraphs += 1,
            _ => {}
        }
        pending.extend(node.children.borrow().iter().cloned());
    }
    paragraphs > 1
}

#[cfg(test)]
mod tests;
