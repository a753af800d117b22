//! A pruned tree to Markdown, by htmd, with our own rules for what its rules lose, blow up or fetch from elsewhere.

use std::fmt::Write as _;
use std::rc::Rc;

use htmd::element_handler::{HandlerResult, Handlers};
use htmd::options::{BulletListMarker, Options};
use htmd::{Element, HtmlToMarkdown, Node};

use super::visible::http_url;
use super::{attribute, tag, text_content};
use crate::outline::one_line;

/// Characters that htmd would escape in running text, and what stands for them while it works. The text is read by a
/// model and indexed by words: `snake\_case` and `Vec&lt;T&gt;` serve neither.
///
/// What stands for them are noncharacters, which Unicode leaves to internal use; a page's own are removed first.
const SHIELDED: [(char, char); 7] = [
    ('_', '\u{fdd0}'),
    ('[', '\u{fdd1}'),
    (']', '\u{fdd2}'),
    ('<', '\u{fdd3}'),
    ('>', '\u{fdd4}'),
    ('&', '\u{fdd5}'),
    ('\\', '\u{fdd6}'),
];

/// The text with [`SHIELDED`] characters replaced.
pub(super) fn shield_text(text: &str) -> String {
    let shield = |char: char| match char {
        '\u{fdd0}'..='\u{fdef}' => None,
        _ => Some(SHIELDED.iter().find(|(plain, _)| *plain == char).map_or(char, |(_, shielded)| *shielded)),
    };
    text.chars().filter_map(shield).collect()
}

/// Undoes [`shield_text`]. A `<` or `>` that begins a line stays escaped: it would begin HTML or a quotation.
fn unshield(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    let mut at_line_start = true;
    for char in markdown.chars() {
        let original = SHIELDED.iter().find(|(_, shielded)| *shielded == char).map(|(original, _)| *original);
        if at_line_start && matches!(original, Some('<' | '>')) {
            plain.push('\\');
        }
        plain.push(original.unwrap_or(char));
        at_line_start = char == '\n' || (at_line_start && char == ' ');
    }
    plain
}

/// Converts what [`super::visible::prune`] left.
pub(super) fn to_markdown(node: &Rc<Node>) -> String {
    let options = Options {
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    let converter = HtmlToMarkdown::builder()
        .options(options)
        .add_handler(vec!["a"], link)
        .add_handler(vec!["img"], image)
        .add_handler(vec!["h1", "h2", "h3", "h4", "h5", "h6"], heading)
        .add_handler(vec!["pre", "xmp", "listing"], code_block)
        .add_handler(vec!["table"], table)
        .build();
    unshield(&converter.tree_to_markdown(node))
}

/// The text of a link, with its target only where that means something outside the page. A permalink (`§`, `#`, `¶`)
/// is nothing.
#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the signature is htmd's")]
fn link(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let content = handlers.walk_children(element.node).content;
    let href = attribute(element.node, "href").unwrap_or_default();
    if href.starts_with('#') && !content.chars().any(char::is_alphanumeric) {
        return Some(String::new().into());
    }
    let is_one_line = !content.trim().is_empty() && !content.trim().contains('\n');
    let target = http_url(&href).filter(|url| is_one_line && url.trim_end_matches('/') != content.trim());
    Some(match target {
        Some(url) => format!("[{}]({})", content.trim(), url.replace('(', "%28").replace(')', "%29")).into(),
        None => content.into(),
    })
}

/// What an image says of itself. Its source is nothing to read, and may be a megabyte of `data:`.
#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the signature is htmd's")]
fn image(_: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let alt = attribute(element.node, "alt").unwrap_or_default();
    Some(one_line(&shield_text(&alt), 500).into())
}

/// A heading on one line; Markdown knows no other.
#[expect(clippy::needless_pass_by_value, reason = "the signature is htmd's")]
fn heading(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let level = element.tag.strip_prefix('h')?.parse::<usize>().ok()?;
    let content = handlers.walk_children(element.node).content;
    let text = one_line(content.trim().trim_start_matches('#'), usize::MAX / 8);
    if text.is_empty() {
        return None;
    }
    Some(format!("\n\n{} {text}\n\n", "#".repeat(level)).into())
}

/// Preformatted text as a fenced block, also without `<code>` in it, so that a `#` in it begins no section.
#[expect(clippy::needless_pass_by_value, reason = "the signature is htmd's")]
fn code_block(_: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let text = text_content(element.node);
    let text = text.trim_matches('\n').trim_end();
    if text.is_empty() {
        return None;
    }
    let code = element.node.children.borrow().iter().find(|child| tag(child) == Some("code")).cloned();
    let language =
        code.as_ref().and_then(language_of).or_else(|| language_of(element.node)).unwrap_or_default();
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    Some(format!("\n\n{fence}{language}\n{text}\n{fence}\n\n").into())
}

/// The language that highlighters write into the class: `language-rust`, `lang-rust`, `highlight-source-rust`.
fn language_of(element: &Rc<Node>) -> Option<String> {
    let class = attribute(element, "class")?;
    let name = class.split_ascii_whitespace().find_map(|name| {
        ["language-", "lang-", "highlight-source-"].iter().find_map(|prefix| name.strip_prefix(prefix))
    })?;
    let is_name =
        name.len() <= 20 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-#_".contains(&byte));
    is_name.then(|| name.to_owned())
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for char in text.chars() {
        run = if char == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A table of short cells as a Markdown table; any other (a layout, a cell with blocks in it) as its cells' texts one
/// after the other. htmd's own drops the row headers, and pads every cell to the widest of its column.
#[expect(clippy::needless_pass_by_value, reason = "the signature is htmd's")]
fn table(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let mut parts = TableParts::default();
    parts.collect(element.node);
    let is_simple = parts.rows.iter().flatten().all(|cell| !has_blocks(cell))
        && parts.rows.iter().any(|row| row.len() > 1);
    let render = |cell: &Rc<Node>| handlers.walk_children(cell).content;
    let mut markdown = String::from("\n\n");
    for caption in &parts.captions {
        let _ = write!(markdown, "{}\n\n", render(caption).trim());
    }
    if is_simple {
        write_rows(&mut markdown, &parts.rows, render);
    } else {
        for cell in parts.rows.iter().flatten() {
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

fn write_rows(markdown: &mut String, rows: &[Vec<Rc<Node>>], render: impl Fn(&Rc<Node>) -> String) {
    for (index, row) in rows.iter().enumerate() {
        for cell in row {
            let text = one_line(&render(cell).replace('|', "\\|"), usize::MAX / 8);
            let _ = write!(markdown, "| {text} ");
        }
        markdown.push_str("|\n");
        if index == 0 {
            markdown.push_str(&"| --- ".repeat(row.len()));
            markdown.push_str("|\n");
        }
    }
}

#[derive(Default)]
struct TableParts {
    captions: Vec<Rc<Node>>,
    rows: Vec<Vec<Rc<Node>>>,
}

impl TableParts {
    /// The parser puts rows into `<tbody>`, `<thead>` or `<tfoot>`, so this goes no deeper than that.
    fn collect(&mut self, node: &Rc<Node>) {
        for child in node.children.borrow().iter() {
            match tag(child) {
                Some("caption") => self.captions.push(Rc::clone(child)),
                Some("thead" | "tbody" | "tfoot") => self.collect(child),
                Some("tr") => {
                    let is_cell = |node: &&Rc<Node>| matches!(tag(node), Some("td" | "th"));
                    let cells: Vec<_> = child.children.borrow().iter().filter(is_cell).cloned().collect();
                    if !cells.is_empty() {
                        self.rows.push(cells);
                    }
                }
                _ => {}
            }
        }
    }
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
