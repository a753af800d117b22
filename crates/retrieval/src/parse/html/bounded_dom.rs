//! HTML to a tree, within bounds on depth, size and time.
//!
//! html5ever does as the standard says, and that costs: every start tag may look at all open elements, and unclosed
//! formatting elements are opened again in every paragraph. A few hundred kilobytes can so ask for hours or for all
//! memory. The input is therefore fed in pieces, and the bounds are checked between them.

use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use htmd::Node;
use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::{Attribute, ExpandedName, ParseOpts, QualName, parse_document};
use markup5ever_rcdom::{NodeData, RcDom};

use crate::limits::Deadline;
use crate::parse::ParseError;

/// The deepest nesting. Browsers stop at 512.
pub(super) const MAX_DEPTH: usize = 512;

/// The most elements and comments; each takes some 200 bytes.
const MAX_NODES: usize = 1_000_000;

/// How much is fed between two checks.
const PIECE_BYTES: usize = 4096;

/// Parses a page. The tree is at most [`MAX_DEPTH`] deep, so that it may be walked recursively.
pub(super) fn parse(html: &str, deadline: Deadline) -> Result<Rc<Node>, ParseError> {
    let mut parser = parse_document(CountingDom::default(), ParseOpts::default());
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        rest = after;
        parser.process(StrTendril::from_slice(piece));
        let sink = &parser.tokenizer.sink.sink;
        deadline.check()?;
        sink.check_size()?;
        check_open_depth(&sink.dom.document)?;
    }
    let dom = parser.finish();
    dom.check_size()?;
    check_depth(&dom.dom.document)?;
    Ok(Rc::clone(&dom.dom.document))
}

/// New elements are nearly always the last child of the last child, so this sees growth early and cheaply.
fn check_open_depth(document: &Rc<Node>) -> Result<(), ParseError> {
    let mut node = Rc::clone(document);
    for _ in 0..=MAX_DEPTH {
        let last = node.children.borrow().last().cloned();
        let Some(last) = last else { return Ok(()) };
        node = last;
    }
    Err(ParseError::NestedTooDeeply { limit: MAX_DEPTH })
}

fn check_depth(document: &Rc<Node>) -> Result<(), ParseError> {
    let mut pending = vec![(Rc::clone(document), 0)];
    while let Some((node, depth)) = pending.pop() {
        if depth > MAX_DEPTH {
            return Err(ParseError::NestedTooDeeply { limit: MAX_DEPTH });
        }
        pending.extend(node.children.borrow().iter().map(|child| (Rc::clone(child), depth + 1)));
    }
    Ok(())
}

/// The tree that htmd reads, with a count of what was put into it.
#[derive(Default)]
struct CountingDom {
    dom: RcDom,
    nodes: Cell<usize>,
}

impl CountingDom {
    fn count(&self) {
        self.nodes.set(self.nodes.get() + 1);
    }

    fn check_size(&self) -> Result<(), ParseError> {
        if self.nodes.get() > MAX_NODES {
            return Err(ParseError::TooManyElements { limit: MAX_NODES });
        }
        Ok(())
    }
}

/// Passes everything on, but for parse errors (a list without bound that nobody reads) and the cloning of options into
/// `<selectedcontent>` (recursive without bound, and no text).
impl TreeSink for CountingDom {
    type Handle = Rc<Node>;
    type Output = Self;
    type ElemName<'a> = ExpandedName<'a>;

    fn finish(self) -> Self {
        self
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn maybe_clone_an_option_into_selectedcontent(&self, _option: &Self::Handle) {}

    fn create_element(&self, name: QualName, attrs: Vec<Attribute>, flags: ElementFlags) -> Self::Handle {
        self.count();
        self.dom.create_element(name, attrs, flags)
    }

    fn create_comment(&self, text: StrTendril) -> Self::Handle {
        self.count();
        self.dom.create_comment(text)
    }

    fn create_pi(&self, target: StrTendril, data: StrTendril) -> Self::Handle {
        self.count();
        self.dom.create_pi(target, data)
    }

    fn get_document(&self) -> Self::Handle {
        self.dom.get_document()
    }

    fn elem_name<'a>(&'a self, target: &'a Self::Handle) -> ExpandedName<'a> {
        self.dom.elem_name(target)
    }

    fn append(&self, parent: &Self::Handle, child: NodeOrText<Self::Handle>) {
        self.dom.append(parent, child);
    }

    fn append_before_sibling(&self, sibling: &Self::Handle, child: NodeOrText<Self::Handle>) {
        self.dom.append_before_sibling(sibling, child);
    }

    fn append_based_on_parent_node(
        &self,
        element: &Self::Handle,
        previous: &Self::Handle,
        child: NodeOrText<Self::Handle>,
    ) {
        self.dom.append_based_on_parent_node(element, previous, child);
    }

    fn append_doctype_to_document(&self, name: StrTendril, public_id: StrTendril, system_id: StrTendril) {
        self.dom.append_doctype_to_document(name, public_id, system_id);
    }

    fn get_template_contents(&self, target: &Self::Handle) -> Self::Handle {
        self.dom.get_template_contents(target)
    }

    fn same_node(&self, one: &Self::Handle, other: &Self::Handle) -> bool {
        Rc::ptr_eq(one, other)
    }

    fn set_quirks_mode(&self, mode: QuirksMode) {
        self.dom.set_quirks_mode(mode);
    }

    fn add_attrs_if_missing(&self, target: &Self::Handle, attrs: Vec<Attribute>) {
        self.dom.add_attrs_if_missing(target, attrs);
    }

    fn remove_from_parent(&self, target: &Self::Handle) {
        self.dom.remove_from_parent(target);
    }

    fn reparent_children(&self, node: &Self::Handle, new_parent: &Self::Handle) {
        self.dom.reparent_children(node, new_parent);
    }

    fn is_mathml_annotation_xml_integration_point(&self, target: &Self::Handle) -> bool {
        matches!(&target.data, NodeData::Element { mathml_annotation_xml_integration_point: true, .. })
    }
}
