//! HTML to a tree, within bounds on depth, size and time.
//!
//! html5ever does as the standard says, and that costs: every start tag may look at all open elements, every attribute is
//! compared with all before it in its tag, and unclosed formatting elements are opened again in every paragraph. A few
//! hundred kilobytes can so ask for hours or for all memory. The input is therefore fed in pieces, and the bounds are
//! checked between them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use htmd::Node;
use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagToken, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts};
use html5ever::{Attribute, ExpandedName, QualName, TokenizerResult};
use markup5ever_rcdom::{NodeData, RcDom};

use super::attributes::Unfinished;
use super::tag;
use crate::limits::Deadline;
use crate::parse::ParseError;

/// The deepest nesting. Browsers stop at 512.
pub(super) const MAX_DEPTH: usize = 512;

/// The most elements and comments; each takes some 200 bytes.
const MAX_NODES: usize = 1_000_000;

/// How many attributes a tag may have at no charge. No document that people wrote comes near, and for so few it is no matter
/// that each is compared with all before it.
const USUAL_ATTRIBUTES: usize = 100;

/// The most attributes beyond those, of all tags together: the last of them is then compared with as many others. Here it
/// matters that text after a forgotten `>` is attributes too.
const MAX_SURPLUS_ATTRIBUTES: usize = 10_000;

/// The most that tags and the elements open around them may be, multiplied. html5ever looks at every one of those for a
/// closing tag without an opening one, for a paragraph, for a list's item. A large page has some tens of millions.
const MAX_STEPS: usize = 100_000_000;

/// What an attribute of a formatting tag counts for: it is sorted, with the others, for each formatting element open around
/// it (<https://html.spec.whatwg.org/multipage/parsing.html#push-onto-the-list-of-active-formatting-elements>).
const ATTRIBUTE_STEPS: usize = 20;

/// How much is fed between two checks.
const PIECE_BYTES: usize = 4096;

/// Parses a page. The tree is at most [`MAX_DEPTH`] deep, so that it may be walked recursively.
pub(super) fn parse(html: &str, deadline: Deadline) -> Result<Rc<Node>, ParseError> {
    let builder = TreeBuilder::new(BoundedDom::default(), TreeBuilderOpts::default());
    let tokenizer = Tokenizer::new(Tokens::before(builder), TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut unfinished = Unfinished::new();
    let mut rest = html;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
        rest = after;
        input.push_back(StrTendril::from_slice(piece));
        // It stops at the end of each script, for somebody to run it.
        while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
        let tokens = &tokenizer.sink;
        let dom = &tokens.builder.sink;
        deadline.check()?;
        dom.check_size()?;
        dom.check_open()?;
        let open = unfinished.attributes_after(piece, tokens.came.take());
        check_attributes(dom.surplus_attributes.get() + surplus(open))?;
    }
    tokenizer.end();
    let dom = tokenizer.sink.builder.sink;
    dom.check_size()?;
    check_attributes(dom.surplus_attributes.get())?;
    check_depth(&dom.dom.document)?;
    Ok(Rc::clone(&dom.dom.document))
}

const fn surplus(attributes: usize) -> usize {
    attributes.saturating_sub(USUAL_ATTRIBUTES)
}

fn check_attributes(surplus: usize) -> Result<(), ParseError> {
    if surplus > MAX_SURPLUS_ATTRIBUTES {
        return Err(ParseError::TooManyAttributes { usual: USUAL_ATTRIBUTES, limit: MAX_SURPLUS_ATTRIBUTES });
    }
    Ok(())
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

/// Passes tokens on, and knows whether any came.
struct Tokens {
    builder: TreeBuilder<Rc<Node>, BoundedDom>,
    came: Cell<bool>,
}

impl Tokens {
    const fn before(builder: TreeBuilder<Rc<Node>, BoundedDom>) -> Self {
        Self { builder, came: Cell::new(false) }
    }
}

impl TokenSink for Tokens {
    type Handle = Rc<Node>;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Self::Handle> {
        // These come in the middle of a tag too.
        if !matches!(token, Token::ParseError(_)) {
            self.came.set(true);
        }
        if let TagToken(tag) = &token {
            self.builder.sink.count_tag(tag);
        }
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// The tree that htmd reads, with a count of what was put into it.
#[derive(Default)]
struct BoundedDom {
    dom: RcDom,
    nodes: Cell<usize>,
    surplus_attributes: Cell<usize>,
    /// See [`MAX_STEPS`].
    steps: Cell<usize>,
    /// The element that was put in last.
    newest: RefCell<Option<Rc<Node>>>,
    /// Where it stands.
    place: Cell<Place>,
}

/// Where an element stands: the next one stands there too, or near it.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// How many elements are around it, and itself.
    depth: usize,
    /// How many of those are formatting.
    formatting: usize,
}

impl Place {
    const fn within(self, formatting: bool) -> Self {
        Self { depth: self.depth + 1, formatting: self.formatting + formatting as usize }
    }
}

impl BoundedDom {
    fn count(&self) {
        self.nodes.set(self.nodes.get() + 1);
    }

    fn count_tag(&self, tag: &Tag) {
        let attributes = tag.attrs.len();
        self.surplus_attributes.set(self.surplus_attributes.get() + surplus(attributes));
        let Place { depth, formatting } = self.place.get();
        let sorted = if is_formatting(&tag.name) { formatting * attributes * ATTRIBUTE_STEPS } else { 0 };
        self.take_steps(depth + sorted);
    }

    fn take_steps(&self, steps: usize) {
        self.steps.set(self.steps.get().saturating_add(steps));
    }

    fn check_size(&self) -> Result<(), ParseError> {
        if self.nodes.get() > MAX_NODES {
            return Err(ParseError::TooManyElements { limit: MAX_NODES });
        }
        Ok(())
    }

    /// The newest element stands where the next one will, or beside that, so this sees growth early and cheaply.
    fn check_open(&self) -> Result<(), ParseError> {
        if self.place.get().depth > MAX_DEPTH {
            return Err(ParseError::NestedTooDeeply { limit: MAX_DEPTH });
        }
        if self.steps.get() > MAX_STEPS {
            return Err(ParseError::TooEntangled { limit: MAX_STEPS });
        }
        Ok(())
    }

    /// Notes where the child stands that is put into the parent.
    fn put_in(&self, into: &Rc<Node>, child: &NodeOrText<Rc<Node>>) {
        let NodeOrText::AppendNode(node) = child else { return };
        let is_below = self.newest.borrow().as_ref().is_some_and(|newest| Rc::ptr_eq(newest, into));
        let around = if is_below { self.place.get() } else { self.place_of(into) };
        self.place.set(around.within(is_formatting_element(node)));
        self.newest.replace(Some(Rc::clone(node)));
    }

    fn place_of(&self, node: &Rc<Node>) -> Place {
        let mut place = Place::default();
        let mut above = Some(Rc::clone(node));
        while let Some(node) = above.filter(|_| place.depth <= MAX_DEPTH) {
            if tag(&node).is_some() {
                place = place.within(is_formatting_element(&node));
            }
            above = parent(&node);
        }
        self.take_steps(place.depth);
        place
    }
}

fn is_formatting_element(node: &Rc<Node>) -> bool {
    tag(node).is_some_and(is_formatting)
}

/// The elements that are opened again in the next paragraph
/// (<https://html.spec.whatwg.org/multipage/parsing.html#formatting>).
fn is_formatting(tag: &str) -> bool {
    matches!(
        tag,
        "a" | "b"
            | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}

fn parent(node: &Rc<Node>) -> Option<Rc<Node>> {
    // The cell can be read by taking alone.
    let parent = node.parent.take();
    let above = parent.as_ref().and_then(Weak::upgrade);
    node.parent.set(parent);
    above
}

/// The node's parent and its place there. It is looked for from the end, where it nearly always is: a table into which a
/// million elements are put, as browsers put them before it, would otherwise be looked for past all those before.
fn parent_and_place(node: &Rc<Node>) -> Option<(Rc<Node>, usize)> {
    let parent = parent(node)?;
    let place = parent.children.borrow().iter().rposition(|child| Rc::ptr_eq(child, node))?;
    Some((parent, place))
}

/// Passes everything on, but for parse errors (a list without bound that nobody reads), the cloning of options into
/// `<selectedcontent>` (recursive without bound, and no text), and what takes [`RcDom`] quadratic time.
impl TreeSink for BoundedDom {
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
        self.put_in(parent, &child);
        self.dom.append(parent, child);
    }

    fn append_before_sibling(&self, sibling: &Self::Handle, child: NodeOrText<Self::Handle>) {
        let Some((parent, place)) = parent_and_place(sibling) else { return };
        self.put_in(&parent, &child);
        let node = match child {
            NodeOrText::AppendNode(node) => node,
            NodeOrText::AppendText(text) => {
                let before = place.checked_sub(1).map(|before| Rc::clone(&parent.children.borrow()[before]));
                if let Some(NodeData::Text { contents }) = before.as_ref().map(|node| &node.data) {
                    contents.borrow_mut().push_tendril(&text);
                    return;
                }
                Node::new(NodeData::Text { contents: RefCell::new(text) })
            }
        };
        self.remove_from_parent(&node);
        node.parent.set(Some(Rc::downgrade(&parent)));
        parent.children.borrow_mut().insert(place, node);
    }

    fn append_based_on_parent_node(
        &self,
        element: &Self::Handle,
        previous: &Self::Handle,
        child: NodeOrText<Self::Handle>,
    ) {
        if parent(element).is_some() {
            self.append_before_sibling(element, child);
        } else {
            self.append(previous, child);
        }
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

    /// For `<html>` and `<body>` that come again: a million of them, with an attribute each, are one tag with a million.
    fn add_attrs_if_missing(&self, target: &Self::Handle, attrs: Vec<Attribute>) {
        let NodeData::Element { attrs: present, .. } = &target.data else { return };
        let mut present = present.borrow_mut();
        for attribute in attrs {
            if present.iter().any(|other| other.name == attribute.name) {
                continue;
            }
            present.push(attribute);
            if present.len() > USUAL_ATTRIBUTES {
                self.surplus_attributes.set(self.surplus_attributes.get() + 1);
            }
        }
    }

    fn remove_from_parent(&self, target: &Self::Handle) {
        if let Some((parent, place)) = parent_and_place(target) {
            parent.children.borrow_mut().remove(place);
            target.parent.set(None);
            self.newest.replace(None);
        }
    }

    fn reparent_children(&self, node: &Self::Handle, new_parent: &Self::Handle) {
        self.newest.replace(None);
        self.dom.reparent_children(node, new_parent);
    }

    fn is_mathml_annotation_xml_integration_point(&self, target: &Self::Handle) -> bool {
        matches!(&target.data, NodeData::Element { mathml_annotation_xml_integration_point: true, .. })
    }
}
