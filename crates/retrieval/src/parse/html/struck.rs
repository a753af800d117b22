//! What is struck out: `~~500 EUR~~`. It stands in the text, and must not be read as what holds.

use std::cell::RefCell;
use std::rc::Rc;

use htmd::Node;
use html5ever::QualName;
use markup5ever_rcdom::NodeData;

use super::elements::is_block;
use super::{tag, text_content};

/// Whether browsers strike out the element's text.
fn is_struck(node: &Rc<Node>) -> bool {
    matches!(tag(node), Some("del" | "s" | "strike"))
}

/// Moves striking out into the paragraphs, headings, items and cells that an element strikes out: Markdown's marks hold
/// within one of them alone.
pub(super) fn push_down(document: &Rc<Node>) {
    push_down_below(document, None);
}

/// Says whether the node is a block, or holds one. Recursive: the tree's depth is bounded.
fn push_down_below(node: &Rc<Node>, struck: Option<&QualName>) -> bool {
    if matches!(tag(node), Some("pre" | "xmp" | "listing")) {
        // Code stands as it is written.
        return true;
    }
    let own_name = match &node.data {
        NodeData::Element { name, .. } if is_struck(node) => Some(name),
        _ => None,
    };
    let struck = own_name.or(struck);
    let mut has_blocks = false;
    let mut children = Vec::new();
    for child in std::mem::take(&mut *node.children.borrow_mut()) {
        let holds_block = push_down_below(&child, struck);
        has_blocks |= holds_block;
        if holds_block && is_struck(&child) {
            // Its blocks are struck out by themselves.
            children.extend(child.children.take().into_iter().map(|grandchild| (grandchild, true)));
        } else {
            children.push((child, holds_block));
        }
    }
    let is_block = tag(node).is_some_and(is_block);
    let strikes_here = struck.filter(|_| has_blocks || is_block);
    let children = match strikes_here {
        Some(name) => wrapped(children, name),
        None => children.into_iter().map(|(child, _)| child).collect(),
    };
    for child in &children {
        child.parent.set(Some(Rc::downgrade(node)));
    }
    *node.children.borrow_mut() = children;
    has_blocks || is_block
}

/// The children, with elements of the name around what lies between blocks.
fn wrapped(children: Vec<(Rc<Node>, bool)>, name: &QualName) -> Vec<Rc<Node>> {
    let mut all = Vec::with_capacity(children.len());
    let mut line = Vec::new();
    for (child, holds_block) in children {
        if holds_block {
            all.extend(wrap(std::mem::take(&mut line), name));
            all.push(child);
        } else {
            line.push(child);
        }
    }
    all.extend(wrap(line, name));
    all
}

fn wrap(line: Vec<Rc<Node>>, name: &QualName) -> Vec<Rc<Node>> {
    if line.iter().all(|node| text_content(node).trim().is_empty()) {
        return line;
    }
    let element = Node::new(NodeData::Element {
        name: name.clone(),
        attrs: RefCell::default(),
        template_contents: RefCell::default(),
        mathml_annotation_xml_integration_point: false,
    });
    for node in &line {
        node.parent.set(Some(Rc::downgrade(&element)));
    }
    *element.children.borrow_mut() = line;
    vec![element]
}

#[cfg(test)]
mod tests {
    use crate::{DocumentFormat, Limits, parse_document};

    fn text(format: DocumentFormat, source: &str) -> String {
        let document = parse_document("x", source.as_bytes(), format, &Limits::default()).unwrap();
        document.text.trim().to_owned()
    }

    #[test]
    fn struck_out_text_is_marked() {
        for (source, expected) in [
            ("<p>Price: <del>500 EUR</del> <ins>650 EUR</ins>", "Price: ~~500 EUR~~ 650 EUR"),
            ("<p>a<s> b </s>c<strike>d</strike>", "a ~~b~~ c~~d~~"),
            ("<p>a <del>b <s>c</s> <b>d</b></del>", "a ~~b c **d**~~"),
            ("<p>a <del> </del>b<s></s>", "a b"),
            ("<p>a <s>b<br>c</s>", "a ~~b  \nc~~"),
            ("<p><s><a href=https://example.com/a>b</a> c</s>", "~~[b](https://example.com/a) c~~"),
            ("<table><tr><td>a<td><s>b</s></table>", "| a | ~~b~~ |\n| --- | --- |"),
            ("<p>a ~~b~~ <s>~c</s>", "a ~~b~~ ~~~c~~"),
        ] {
            assert_eq!(text(DocumentFormat::Html, source), expected, "{source}");
        }
    }

    #[test]
    fn struck_out_blocks_are_marked_one_by_one() {
        for (source, expected) in [
            ("<del><p>a</p><p>b</p></del><p>c", "~~a~~\n\n~~b~~\n\nc"),
            ("<del>a<ul><li>b<li>c <del>d</del></ul>e</del>", "~~a~~\n\n- ~~b~~\n- ~~c d~~\n\n~~e~~"),
            ("<ol><li>a</li><del><li>b</li></del></ol>", "1. a\n2. ~~b~~"),
            ("<del><table><tr><td>a<td>b</table></del>", "| ~~a~~ | ~~b~~ |\n| --- | --- |"),
            ("<del><pre><code class=language-sh>a\n</code></pre></del>", "```sh\na\n```"),
            ("<div><del><div>a</div></del></div>", "~~a~~"),
        ] {
            assert_eq!(text(DocumentFormat::Html, source), expected, "{source}");
        }
    }

    #[test]
    fn markdown_that_is_rendered_keeps_its_marks() {
        let source = "a ~~b~~ <span id=x>c</span> ~~d\ne~~\n";
        assert_eq!(text(DocumentFormat::Markdown, source), "a ~~b~~ c ~~d e~~");
    }

    #[test]
    fn many_and_deep_ones_are_read() {
        let deep = "<del>".repeat(200) + "<p>a";
        assert_eq!(text(DocumentFormat::Html, &deep), "~~a~~");
        let wide = format!("<del>{}</del>", "<p>a</p><b>c</b>".repeat(20_000));
        assert_eq!(text(DocumentFormat::Html, &wide).matches("~~").count(), 80_000);
    }
}
