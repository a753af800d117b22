//! HTML: what a browser would show of it, as Markdown.

mod attributes;
mod bounded_dom;
mod elements;
mod hidden;
mod navigation;
mod render;
mod struck;
mod table;
mod visible;

use std::rc::Rc;
use std::thread;

use htmd::Node;
use markup5ever_rcdom::NodeData;

pub(super) use self::elements::{has_only_bare_tags, is_placeholder};
use self::visible::Boilerplate;
use super::{Draft, ParseError, Syntax, markdown};
use crate::DocumentFormat;
use crate::limits::Deadline;
use crate::sanitize::RemovedCounts;

/// htmd walks the tree recursively. In a debug build a level takes some kilobytes, and the depth is bounded by
/// [`bounded_dom::MAX_DEPTH`]; the memory is only touched as far as it is used.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Reads a whole page: its title, and the main part of its text.
pub(super) fn parse_page(html: &str, deadline: Deadline) -> Result<Draft, ParseError> {
    on_own_stack(|| {
        let mut draft = read_page(html, Boilerplate::Remove, deadline)?;
        if draft.text.trim().is_empty() {
            // Its links are what such a page is for: the contents in a frame of their own.
            draft = read_page(html, Boilerplate::Keep, deadline)?;
        }
        Ok(draft)
    })
}

fn read_page(html: &str, boilerplate: Boilerplate, deadline: Deadline) -> Result<Draft, ParseError> {
    let document = bounded_dom::parse(html, deadline)?;
    let title = visible::title(&document);
    let mut removed = RemovedCounts::default();
    struck::push_down(&document);
    visible::prune(&document, boilerplate, &mut removed);
    deadline.check()?;
    let text = render::to_markdown(&visible::main_part(&document));
    deadline.check()?;
    let title = title.or_else(|| markdown::first_title(&text));
    Ok(Draft { title, text, syntax: Syntax::Markdown, page_starts: Vec::new(), removed })
}

/// Reads HTML that was rendered from Markdown: all of it is the document's own text.
pub(super) fn parse_fragment(
    html: &str,
    removed: &mut RemovedCounts,
    deadline: Deadline,
) -> Result<String, ParseError> {
    let (text, found) = on_own_stack(|| {
        let document = bounded_dom::parse(html, deadline)?;
        let mut removed = RemovedCounts::default();
        struck::push_down(&document);
        visible::prune(&document, Boilerplate::Keep, &mut removed);
        deadline.check()?;
        Ok((render::to_markdown(&document), removed))
    })?;
    *removed += found;
    Ok(text)
}

/// Runs on a thread of its own with a stack of known size; a panic of a library becomes an error about this file.
fn on_own_stack<T: Send>(work: impl FnOnce() -> Result<T, ParseError> + Send) -> Result<T, ParseError> {
    let failed = ParseError::ParserFailed(DocumentFormat::Html);
    thread::scope(|scope| {
        let worker =
            thread::Builder::new().name("html".to_owned()).stack_size(STACK_BYTES).spawn_scoped(scope, work);
        worker.map(thread::ScopedJoinHandle::join)
    })
    .map_or(Err(failed), |joined| joined.unwrap_or(Err(ParseError::ParserFailed(DocumentFormat::Html))))
}

/// The element's name in lower case, if the node is an element.
fn tag(node: &Rc<Node>) -> Option<&str> {
    match &node.data {
        NodeData::Element { name, .. } => Some(&name.local),
        _ => None,
    }
}

fn is_heading(node: &Rc<Node>) -> bool {
    matches!(tag(node), Some("h1" | "h2" | "h3" | "h4" | "h5" | "h6"))
}

/// The element's attribute.
fn attribute(node: &Rc<Node>, wanted: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else { return None };
    attrs.borrow().iter().find(|attr| &*attr.name.local == wanted).map(|attr| attr.value.to_string())
}

/// All text below the node.
fn text_content(node: &Rc<Node>) -> String {
    let mut text = String::new();
    let mut pending = vec![Rc::clone(node)];
    while let Some(node) = pending.pop() {
        if let NodeData::Text { contents } = &node.data {
            text.push_str(&contents.borrow());
        } else if tag(&node) == Some("br") {
            text.push('\n');
        }
        pending.extend(node.children.borrow().iter().rev().cloned());
    }
    text
}
