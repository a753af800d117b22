//! The part of a page that people see and that is the page's own: no hidden elements, no navigation.

use std::rc::Rc;

use htmd::Node;
use html5ever::tendril::StrTendril;
use markup5ever_rcdom::NodeData;

use super::elements::has_no_text;
use super::hidden::is_hidden;
use super::navigation::is_navigation;
use super::render::{shield_code, shield_text};
use super::{attribute, is_heading, tag, text_content};
use crate::sanitize::RemovedCounts;

/// A main part with fewer characters than this counts only if it is most of the page.
const SUBSTANTIAL_CHARS: usize = 200;

/// htmd joins neighbouring inline elements by shifting all that follow, which takes hours for a million of them. Among
/// more children than this, an empty text keeps neighbours apart.
const MANY_CHILDREN: usize = 2_000;

/// What a page's head calls it: `<title>`, else `og:title`.
pub(super) fn title(document: &Rc<Node>) -> Option<String> {
    let (mut title, mut og_title) = (None, None);
    walk(document, &mut |node| match tag(node) {
        Some("title") => {
            title = title.take().or_else(|| Some(text_content(node)).filter(|text| !text.trim().is_empty()));
            false
        }
        Some("meta") if attribute(node, "property").as_deref() == Some("og:title") => {
            og_title = og_title.take().or_else(|| attribute(node, "content"));
            false
        }
        // An icon's <title> is not the page's.
        Some("svg" | "body") => false,
        _ => true,
    });
    title.or(og_title)
}

/// Whether navigation, footers and the like are taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boilerplate {
    Keep,
    Remove,
}

/// Takes off what is not shown, and counts it; makes the texts that stay ready for [`super::render`].
pub(super) fn prune(document: &Rc<Node>, boilerplate: Boilerplate, removed: &mut RemovedCounts) {
    let mut has_heading = false;
    walk(document, &mut |node| {
        has_heading |= is_heading(node);
        !has_heading
    });
    Pruner { boilerplate, removed, is_above_heading: has_heading }.prune(document, Place::default());
}

/// Where in the page an element stands.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    in_code: bool,
    in_main: bool,
}

struct Pruner<'a> {
    boilerplate: Boilerplate,
    removed: &'a mut RemovedCounts,
    /// Whether the page's first heading is still to come.
    is_above_heading: bool,
}

impl Pruner<'_> {
    /// Recursive: the tree's depth is bounded.
    fn prune(&mut self, node: &Rc<Node>, place: Place) {
        let children = std::mem::take(&mut *node.children.borrow_mut());
        let mut kept = Vec::with_capacity(children.len());
        // A child with all below it before the next, so that `is_above_heading` is as in the text.
        for child in children {
            if !self.keeps(&child, place) {
                continue;
            }
            self.is_above_heading &= !is_heading(&child);
            let inside = Place {
                in_code: place.in_code || matches!(tag(&child), Some("pre" | "code" | "xmp" | "listing")),
                in_main: place.in_main || is_main(&child) || tag(&child) == Some("article"),
            };
            self.prune(&child, inside);
            kept.push(child);
        }
        if kept.len() > MANY_CHILDREN {
            kept = kept_apart(kept);
        }
        *node.children.borrow_mut() = kept;
    }

    fn keeps(&mut self, node: &Rc<Node>, place: Place) -> bool {
        match &node.data {
            NodeData::Text { contents } => {
                let text = if place.in_code { shield_code } else { shield_text }(&contents.borrow());
                contents.replace(StrTendril::from(text));
                true
            }
            NodeData::Comment { .. } => {
                self.removed.comments += 1;
                false
            }
            NodeData::Element { .. } => self.keeps_element(node, place),
            NodeData::Document => true,
            NodeData::Doctype { .. } | NodeData::ProcessingInstruction { .. } => false,
        }
    }

    fn keeps_element(&mut self, element: &Rc<Node>, place: Place) -> bool {
        if is_hidden(element) {
            self.removed.hidden_elements += 1;
            return false;
        }
        let tag = tag(element).unwrap_or_default();
        !has_no_text(tag)
            && (self.boilerplate == Boilerplate::Keep || !self.is_boilerplate(element, tag, place))
    }

    fn is_boilerplate(&self, element: &Rc<Node>, tag: &str, place: Place) -> bool {
        let has_role =
            |roles: &[&str]| attribute(element, "role").is_some_and(|role| roles.contains(&role.as_str()));
        match tag {
            "nav" | "footer" => true,
            // In an article, asides are notes and warnings.
            "aside" if !place.in_main => true,
            _ => {
                has_role(&["navigation", "banner", "contentinfo", "search"])
                    || (!place.in_code && is_navigation(element, tag, self.is_above_heading))
            }
        }
    }
}

fn kept_apart(children: Vec<Rc<Node>>) -> Vec<Rc<Node>> {
    let is_element = |node: &Rc<Node>| tag(node).is_some();
    let mut apart: Vec<Rc<Node>> = Vec::with_capacity(children.len());
    for child in children {
        if is_element(&child) && apart.last().is_some_and(is_element) {
            apart.push(Node::new(NodeData::Text { contents: StrTendril::new().into() }));
        }
        apart.push(child);
    }
    apart
}

/// The page's `<main>`, else its only `<article>`, if that holds a substantial text; else the page. After [`prune`].
pub(super) fn main_part(document: &Rc<Node>) -> Rc<Node> {
    let (mut mains, mut articles) = (Vec::new(), Vec::new());
    walk(document, &mut |node| {
        if is_main(node) {
            mains.push(Rc::clone(node));
        } else if tag(node) == Some("article") {
            articles.push(Rc::clone(node));
            return false;
        }
        true
    });
    let all = visible_chars(document);
    let is_substantial = |node: &Rc<Node>| {
        let chars = visible_chars(node);
        chars >= SUBSTANTIAL_CHARS || chars * 2 >= all
    };
    let is_most = |node: &Rc<Node>| visible_chars(node) * 2 >= all;
    let main = mains.into_iter().next().filter(is_substantial);
    let only_article = if articles.len() == 1 { articles.pop().filter(is_most) } else { None };
    main.or(only_article).unwrap_or_else(|| Rc::clone(document))
}

fn is_main(node: &Rc<Node>) -> bool {
    tag(node) == Some("main") || attribute(node, "role").as_deref() == Some("main")
}

fn visible_chars(node: &Rc<Node>) -> usize {
    text_content(node).chars().filter(|char| !char.is_whitespace()).count()
}

/// Visits nodes in document order; goes below a node only if `visit` says so.
fn walk(root: &Rc<Node>, visit: &mut impl FnMut(&Rc<Node>) -> bool) {
    let mut pending = vec![Rc::clone(root)];
    while let Some(node) = pending.pop() {
        if visit(&node) {
            pending.extend(node.children.borrow().iter().rev().cloned());
        }
    }
}
