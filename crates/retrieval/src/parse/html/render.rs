//! A pruned tree to Markdown, by htmd, with our own rules for what its rules lose, blow up or fetch from elsewhere.

use std::rc::Rc;

use htmd::element_handler::{HandlerResult, Handlers};
use htmd::options::{BulletListMarker, Options};
use htmd::{Element, HtmlToMarkdown, Node};

use super::table::table;
use super::{attribute, tag, text_content};
use crate::outline::{headings, one_line};
use crate::parse::escape::{begins_markup, fenced};
use crate::parse::link;
use crate::sanitize::is_invisible;

/// Characters that htmd would escape in running text; while it works, the noncharacters from U+FDD0 on stand for them.
/// The text is read by a model and indexed by words: `snake\_case`, `1\.` and `Vec&lt;T&gt;` serve neither.
///
/// Unicode leaves noncharacters to internal use; a page's own are removed first.
const SHIELDED: [char; 16] =
    ['_', '[', ']', '<', '>', '&', '\\', '*', '`', '~', '#', '=', '+', '-', '.', ')'];

const FIRST_STAND_IN: u32 = 0xfdd0;

/// Stands for the `~` that we write ourselves: those of a page's text stand behind [`FIRST_STAND_IN`].
const STRIKE: char = '\u{fde0}';

/// The text with [`SHIELDED`] characters replaced.
pub(super) fn shield_text(text: &str) -> String {
    let shield = |char: char| {
        let index = (0..).zip(SHIELDED).find(|(_, plain)| *plain == char).map(|(index, _)| index);
        index.and_then(|index: u32| char::from_u32(FIRST_STAND_IN + index)).unwrap_or(char)
    };
    text.chars().filter(|char| !is_noncharacter(*char)).map(shield).collect()
}

fn unshielded(char: char) -> char {
    if char == STRIKE {
        return '~';
    }
    let index = u32::from(char).checked_sub(FIRST_STAND_IN).and_then(|index| usize::try_from(index).ok());
    index.and_then(|index| SHIELDED.get(index)).copied().unwrap_or(char)
}

fn is_noncharacter(char: char) -> bool {
    matches!(char, '\u{fdd0}'..='\u{fdef}')
}

/// Code is not escaped; a page's own noncharacters in it would come out as marks, and could end it.
pub(super) fn shield_code(text: &str) -> String {
    text.replace(is_noncharacter, "")
}

/// Undoes [`shield_text`]. A line of text that would begin a heading, a fence, HTML or a quotation is escaped: only
/// that would make another document of what follows.
fn unshield(markdown: &str) -> String {
    let mut plain = String::with_capacity(markdown.len());
    // At what `sanitize::clean` will make line ends of, and past what it will remove.
    for line in markdown.split_inclusive(['\n', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let is_unseen = |char: char| char.is_whitespace() || (is_invisible(char) && !is_noncharacter(char));
        let text = line.trim_start_matches(is_unseen);
        let unshielded: String = text.chars().map(unshielded).collect();
        plain.push_str(&line[..line.len() - text.len()]);
        if text.starts_with(is_noncharacter) && begins_markup(unshielded.trim_end()) {
            plain.push('\\');
        }
        plain.push_str(&unshielded);
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
        .add_handler(vec!["a"], anchor)
        .add_handler(vec!["img"], image)
        .add_handler(vec!["del", "s", "strike"], struck)
        .add_handler(vec!["h1", "h2", "h3", "h4", "h5", "h6"], heading)
        .add_handler(vec!["pre", "xmp", "listing"], code_block)
        .add_handler(vec!["table"], table)
        .build();
    unshield(&converter.tree_to_markdown(node))
}

/// The text of a link, with its target only where that means something outside the page. A permalink (`§`, `#`, `¶`)
/// is nothing.
#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the signature is htmd's")]
fn anchor(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let content = handlers.walk_children(element.node).content;
    let href = attribute(element.node, "href").unwrap_or_default();
    if href.starts_with('#') && !content.chars().any(char::is_alphanumeric) {
        return Some(String::new().into());
    }
    let shown: String = content.trim().chars().map(unshielded).collect();
    let link = link::target(&href).and_then(|target| link::markdown(content.trim(), &shown, &target));
    Some(link.unwrap_or(content).into())
}

/// What is struck out, which [`super::struck`] has brought into paragraphs. Within it there are no other marks.
#[expect(clippy::needless_pass_by_value, clippy::unnecessary_wraps, reason = "the signature is htmd's")]
fn struck(handlers: &dyn Handlers, element: Element) -> Option<HandlerResult> {
    let content = handlers.walk_children(element.node).content.replace(STRIKE, "");
    let text = content.trim();
    if text.is_empty() {
        return Some(content.into());
    }
    let start = content.len() - content.trim_start().len();
    let (before, after) = (&content[..start], &content[start + text.len()..]);
    Some(format!("{before}{STRIKE}{STRIKE}{text}{STRIKE}{STRIKE}{after}").into())
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
    let text = one_line(content.trim().trim_start_matches(|char| unshielded(char) == '#'), usize::MAX / 8);
    if text.is_empty() {
        return None;
    }
    Some(format!("\n\n{} {}\n\n", "#".repeat(level), heading_text(&text)).into())
}

/// A heading's text, shielded, with no more escapes than it takes to be read back whole: `2 * 3` takes none, `__init__`
/// and `Vec<T>` do. It names the place of what is found below it.
fn heading_text(text: &str) -> String {
    const MARKS: [&str; 4] = ["", "<", "*_", "<*_[]`~&\\#"];
    let escaped = |marks: &str| {
        let is_escaped = |char| is_noncharacter(char) && marks.contains(unshielded(char));
        let chars = text.chars().flat_map(|char| is_escaped(char).then_some('\\').into_iter().chain([char]));
        chars.collect::<String>()
    };
    // A heading without the backticks around a word has lost nothing.
    let read_back = |text: &str| {
        headings(&format!("# {}", unshield(text))).pop().map(|heading| heading.text.replace('`', ""))
    };
    let all = escaped(MARKS[MARKS.len() - 1]);
    let whole = read_back(&all);
    MARKS.iter().map(|marks| escaped(marks)).find(|text| read_back(text) == whole).unwrap_or(all)
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
    Some(format!("\n\n{}\n\n", fenced(text, &language)).into())
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
