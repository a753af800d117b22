//! Which parts of a page lead to other pages and tell nothing: menus, breadcrumbs, "previous" and "next".
//!
//! HTML has an element and roles for them. Much documentation is older than these, or does without; there the names
//! that its generator gives tell. A name that a page may also give to its own text counts only if there is no heading
//! and little beside links, so that links that are the page's content stay: a table of contents, "See also", a note.

use std::rc::Rc;

use htmd::Node;
use markup5ever_rcdom::NodeData;

use super::{attribute, is_heading, tag};

/// Classes that generators give to navigation and to nothing else.
const SURE: [&str; 23] = [
    // DocBook XSL (Debian, PostgreSQL), and Publican on top of it.
    "docnav",
    "navfooter",
    "navheader",
    // Sphinx and its themes: alabaster, Read the Docs, PyData, Furo.
    "bd-sidebar",
    "prev-next-area",
    "related-pages",
    "rst-footer-buttons",
    "sidebar-drawer",
    "sphinxsidebar",
    "toc-drawer",
    "wy-breadcrumbs",
    "wy-nav-side",
    // MkDocs.
    "bs-sidebar",
    "md-sidebar",
    "md-tabs",
    // Docusaurus.
    "pagination-nav",
    "theme-doc-breadcrumbs",
    "theme-doc-sidebar-container",
    // Doxygen, javadoc, texi2any.
    "navpath",
    "bottom-nav",
    "sub-nav",
    "top-nav",
    "nav-panel",
];

/// Classes and ids that name navigation, and now and then a part of the text.
const LIKELY: [&str; 19] = [
    "breadcrumb",
    "breadcrumb-section",
    "breadcrumbs",
    "mainmenu",
    "nav",
    "nav-bar",
    "nav-links",
    "nav-path",
    "navbar",
    "navbar-nav",
    "navigation",
    "navlinks",
    "nextprev",
    "pager",
    "pagination",
    "prevnext",
    "sidenav",
    "submenu",
    "topnav",
];

/// Classes and ids that name a menu above the text, and the text's own list of what follows (Texinfo's) below its
/// heading.
const ABOVE_THE_HEADING: [&str; 3] = ["header", "menu", "tabs"];

/// What a link to a neighbour in a series says of itself: `rel` (WHATWG HTML, "sequential link types", and its
/// predecessors in HTML 4.01 §6.12).
const NEIGHBOURS: [&str; 4] = ["next", "prev", "previous", "up"];

/// What else stands among links to neighbours.
const ENTRANCES: [&str; 5] = ["contents", "home", "index", "start", "top"];

/// Navigation is small: what has more letters than this is text.
const MAX_LETTERS: usize = 2_000;

/// Between links to neighbours stand words like "Next:", in any language.
const MAX_LETTERS_BETWEEN: usize = 60;

/// How deep an element is looked into. A node is looked at from so many of those that it stands in and no more, however
/// deep a page is nested.
const MAX_LEVELS: usize = 16;

/// Whether an element is navigation by its names or by its links. `is_above_heading`: the page's first heading follows.
pub(super) fn is_navigation(element: &Rc<Node>, tag: &str, is_above_heading: bool) -> bool {
    // A link or a word in a sentence is part of it, whatever its class.
    if !matches!(tag, "center" | "div" | "dl" | "header" | "menu" | "ol" | "p" | "section" | "table" | "ul") {
        return false;
    }
    // DocBook XSL and gtk-doc: "Navigation header", "Navigation footer".
    if tag == "table" && attribute(element, "summary").is_some_and(|text| text.starts_with("Navigation ")) {
        return true;
    }
    if has_name(element, &["class"], &SURE) {
        return true;
    }
    // SQLite leaves banner, menu and list of contents out of its own search in this way, and some headings.
    if has_name(element, &["class"], &["nosearch"]) {
        return !holds_heading(element);
    }
    let is_named = has_name(element, &["class", "id"], &LIKELY)
        || (is_above_heading && has_name(element, &["class", "id"], &ABOVE_THE_HEADING));
    let max_beside = if is_named { MAX_LETTERS } else { MAX_LETTERS_BETWEEN };
    Links::of(element, max_beside)
        .is_some_and(|links| (is_named && links.are_nearly_all()) || links.are_to_neighbours())
}

/// Looks no deeper than navigation reaches.
fn holds_heading(element: &Rc<Node>) -> bool {
    let mut pending = vec![(Rc::clone(element), 0)];
    while let Some((node, level)) = pending.pop() {
        if is_heading(&node) || level > MAX_LEVELS {
            return true;
        }
        pending.extend(node.children.borrow().iter().map(|child| (Rc::clone(child), level + 1)));
    }
    false
}

fn has_name(element: &Rc<Node>, attributes: &[&str], names: &[&str]) -> bool {
    attributes.iter().filter_map(|name| attribute(element, name)).any(|value| {
        value.split_ascii_whitespace().any(|found| names.iter().any(|name| found.eq_ignore_ascii_case(name)))
    })
}

/// The links in an element, and what is beside them.
#[derive(Debug, Default)]
struct Links {
    count: usize,
    /// How many lead to a page's neighbours in a series, or to its beginning or index.
    in_series: usize,
    to_neighbours: usize,
    letters_in: usize,
    letters_beside: usize,
}

impl Links {
    /// `None` if the element holds a heading, or more than navigation does.
    fn of(element: &Rc<Node>, max_beside: usize) -> Option<Self> {
        let mut links = Self::default();
        let mut pending = vec![(Rc::clone(element), false, 0)];
        while let Some((node, in_link, level)) = pending.pop() {
            let begins_link = tag(&node) == Some("a") && attribute(&node, "href").is_some();
            if begins_link {
                links.add(&node);
            }
            let in_link = in_link || begins_link;
            if let NodeData::Text { contents } = &node.data {
                let letters = contents.borrow().chars().filter(|char| char.is_alphanumeric()).count();
                *(if in_link { &mut links.letters_in } else { &mut links.letters_beside }) += letters;
            }
            if level > MAX_LEVELS
                || is_heading(&node)
                || links.letters_beside > max_beside
                || links.letters_in > MAX_LETTERS
            {
                return None;
            }
            pending.extend(node.children.borrow().iter().map(|child| (Rc::clone(child), in_link, level + 1)));
        }
        Some(links)
    }

    fn add(&mut self, link: &Rc<Node>) {
        let rel = attribute(link, "rel").unwrap_or_default().to_ascii_lowercase();
        let is_any = |names: &[&str]| rel.split_ascii_whitespace().any(|name| names.contains(&name));
        // DocBook XSL and Publican have no `rel` here, but keys: next, previous, up, home.
        let key = attribute(link, "accesskey").unwrap_or_default();
        let is_neighbour = is_any(&NEIGHBOURS) || matches!(key.as_str(), "n" | "p" | "u");
        self.count += 1;
        self.to_neighbours += usize::from(is_neighbour);
        self.in_series += usize::from(is_neighbour || key == "h" || is_any(&ENTRANCES));
    }

    fn are_nearly_all(&self) -> bool {
        self.count > 0 && self.letters_beside * 4 <= self.letters_in
    }

    fn are_to_neighbours(&self) -> bool {
        self.count > 1
            && self.to_neighbours > 0
            && self.in_series == self.count
            && self.letters_beside <= MAX_LETTERS_BETWEEN
    }
}
