//! Markdown: front matter off, and nothing in it that a reader of the rendered page would not see.
//!
//! Most documents keep their source as it stands, less comments and invisible entities. One that has other means to
//! hide text (raw HTML with attributes, definitions that nothing refers to) is rendered as a browser would show it,
//! and read back: that way there is one place that decides what is visible.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::{Draft, ParseError, Syntax, html};
use crate::limits::Deadline;
use crate::outline::{headings, markdown_options};
use crate::sanitize::{RemovedCounts, is_invisible};

/// The longest name of a code fence's language, in bytes. Renderers colour by it, and show none of what stands there.
const MAX_LANGUAGE_BYTES: usize = 24;

pub(super) fn parse(source: &str, deadline: Deadline) -> Result<Draft, ParseError> {
    // Parsed with `\n` alone, so that ranges and lines are simple below.
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let FrontMatter { title: front_title, hides, body } = split_front_matter(&source);
    // A page's description is for search engines and previews, and no generator shows it on the page.
    let mut removed = RemovedCounts { comments: u32::from(hides), ..RemovedCounts::default() };
    let text = visible_markdown(body, &mut removed, deadline)?;
    let title = front_title.map(str::to_owned).or_else(|| first_title(&text));
    Ok(Draft { title, text, syntax: Syntax::Markdown, page_starts: Vec::new(), removed })
}

/// The first heading of the highest level.
pub(super) fn first_title(markdown: &str) -> Option<String> {
    // `min_by_key` keeps the first of equals.
    headings(markdown).into_iter().min_by_key(|heading| heading.level).map(|heading| heading.text)
}

fn visible_markdown(
    body: &str,
    removed: &mut RemovedCounts,
    deadline: Deadline,
) -> Result<String, ParseError> {
    let scan = Scan::of(body);
    removed.comments += scan.comments;
    removed.zero_width += scan.invisible_entities;
    let visible = without(body, scan.cuts);
    deadline.check()?;
    if !scan.may_hide_more {
        return Ok(visible);
    }
    html::parse_fragment(&render(&visible), removed, deadline)
}

/// What the source has that a reader does not see.
#[derive(Default)]
struct Scan {
    /// To be cut from the source: comments, invisible entities, footnotes that nothing refers to.
    cuts: Vec<Range<usize>>,
    comments: u32,
    invisible_entities: u32,
    /// Whether anything else may hide text.
    may_hide_more: bool,
}

impl Scan {
    fn of(body: &str) -> Self {
        let mut scan = Self::default();
        let mut used_definitions = BTreeSet::new();
        let mut footnotes: BTreeMap<String, (usize, Vec<Range<usize>>)> = BTreeMap::new();
        let mut cell_end = 0;
        let mut events = Parser::new_ext(body, markdown_options()).into_offset_iter();
        for (event, range) in events.by_ref() {
            match event {
                Event::Start(Tag::HtmlBlock) | Event::InlineHtml(_) => scan.raw_html(body, range),
                Event::Text(text) => scan.text(body, &text, range),
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => scan.info_string(body, range),
                Event::Start(Tag::TableCell) => cell_end = range.end,
                Event::End(TagEnd::TableRow) => scan.excess_cells(body, cell_end..range.end),
                Event::Start(
                    ref tag @ (Tag::Link { link_type, ref id, ref title, .. }
                    | Tag::Image { link_type, ref id, ref title, .. }),
                ) => {
                    if let Tag::Image { dest_url, .. } = tag {
                        scan.data_url(body, dest_url, range.clone());
                    }
                    if is_reference(link_type) {
                        used_definitions.insert(id.to_lowercase());
                    } else if !title.is_empty() {
                        scan.title(body, body[range.clone()].strip_suffix(')'), range.start);
                    }
                }
                Event::FootnoteReference(label) => footnotes.entry(label.to_lowercase()).or_default().0 += 1,
                Event::Start(Tag::FootnoteDefinition(label)) => {
                    footnotes.entry(label.to_lowercase()).or_default().1.push(range);
                }
                _ => {}
            }
        }
        // `[//]: # (a comment)` is the custom for comments in Markdown. Only the first definition of a label counts,
        // so there must be no more lines that look like one than definitions in use.
        let definitions = events.reference_definitions();
        for (_, definition) in definitions.iter().filter(|(_, definition)| definition.title.is_some()) {
            scan.title(body, Some(&body[definition.span.clone()]), definition.span.start);
        }
        let all_used = definitions.iter().all(|(label, _)| used_definitions.contains(&label.to_lowercase()));
        scan.may_hide_more |= !all_used || definition_like_lines(body) > definitions.iter().count();
        for (references, definitions) in footnotes.into_values() {
            if references == 0 {
                scan.comments += 1;
                scan.cuts.extend(definitions);
            }
        }
        scan
    }

    fn raw_html(&mut self, body: &str, range: Range<usize>) {
        let html = body[range.clone()].trim();
        if is_one_comment(html) {
            self.comments += 1;
            self.cuts.push(range);
        } else if !html::has_only_bare_tags(html) {
            self.may_hide_more = true;
        }
    }

    fn text(&mut self, body: &str, text: &str, range: Range<usize>) {
        if body[range.clone()].starts_with('&') && !text.is_empty() && text.chars().all(is_invisible) {
            self.invisible_entities += 1;
            self.cuts.push(range);
        }
    }

    /// What follows the language behind a code fence.
    fn info_string(&mut self, body: &str, range: Range<usize>) {
        // The parser's own has entities and backslashes resolved, and would not be found in the text.
        let line = body[range.clone()].lines().next().unwrap_or_default();
        let Some(mark) = line.chars().next().filter(|mark| matches!(mark, '`' | '~')) else {
            self.may_hide_more = true;
            return;
        };
        let info = line.trim_start_matches(mark).trim_start();
        let start = range.start + line.len() - info.len();
        let info = info.trim_end();
        let is_name =
            |char: char| char.is_ascii_alphanumeric() || matches!(char, '+' | '#' | '-' | '_' | '.');
        let is_short = info.len() <= MAX_LANGUAGE_BYTES;
        // `rust,no_run`
        if is_short && info.chars().all(|char| is_name(char) || char == ',') {
            return;
        }
        let name = info.find(|char| !is_name(char)).unwrap_or(info.len());
        let kept = if name <= MAX_LANGUAGE_BYTES { name } else { 0 };
        self.comments += 1;
        self.cuts.push(start + kept..start + info.len());
    }

    /// Cells of a table's row for which its head has none are not shown (GFM 0.29, §4.10). `rest` is what follows the last one
    /// that is.
    fn excess_cells(&mut self, body: &str, rest: Range<usize>) {
        let cells = body[rest.clone()].trim_end();
        if cells.chars().any(|char| !char.is_whitespace() && char != '|') {
            self.comments += 1;
            self.cuts.push(rest.start..rest.start + cells.len());
        }
    }

    /// The title of a link or an image, which is shown to those alone who point at it. `link` ends with it, and begins in the
    /// text at `start`.
    fn title(&mut self, body: &str, link: Option<&str>, start: usize) {
        let found = link.and_then(title_in);
        let Some(title) = found else {
            self.may_hide_more = true;
            return;
        };
        let kept = body[..start + title.start].trim_end().len().max(start);
        self.comments += 1;
        self.cuts.push(kept..start + title.end);
    }

    /// An image written into the text as a `data:` URL is thousands of characters that say nothing.
    fn data_url(&mut self, body: &str, url: &str, range: Range<usize>) {
        let is_data = url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
        if is_data && let Some(at) = body[range.clone()].find(url) {
            self.cuts.push(range.start + at..range.start + at + url.len());
        }
    }
}

fn is_reference(link_type: LinkType) -> bool {
    matches!(link_type, LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut)
}

/// Where the title is at the end of a link, its quotes included. Within it neither of them stands but behind a backslash
/// (`CommonMark`, "link title"), so that it begins at the last that does not.
fn title_in(link: &str) -> Option<Range<usize>> {
    let link = link.trim_end();
    let opening = match link.chars().next_back()? {
        quote @ ('"' | '\'') => quote,
        ')' => '(',
        _ => return None,
    };
    let inner = &link[..link.len() - 1];
    let is_escaped = |at: usize| {
        let before = &inner[..at];
        (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
    };
    let start = inner.rmatch_indices(opening).map(|(at, _)| at).find(|at| !is_escaped(*at))?;
    Some(start..link.len())
}

/// Whether the text is `<!-- … -->` and nothing else.
fn is_one_comment(html: &str) -> bool {
    html.strip_prefix("<!--")
        .and_then(|rest| rest.find("-->").map(|end| end + 3 == rest.len()))
        .unwrap_or(false)
}

/// Lines that begin as a link definition does, `[label]:`, be they in a list or a quotation. Footnotes aside.
fn definition_like_lines(body: &str) -> usize {
    let mut in_fence = false;
    let is_definition = |line: &&str| {
        let line = line.trim_start_matches([' ', '\t', '>', '*', '-', '+']);
        in_fence ^= line.starts_with("```") || line.starts_with("~~~");
        !in_fence && line.starts_with('[') && !line.starts_with("[^") && line.contains("]:")
    };
    body.lines().filter(is_definition).count()
}

/// The text less the ranges, which may overlap.
fn without(text: &str, mut cuts: Vec<Range<usize>>) -> String {
    cuts.sort_by_key(|cut| cut.start);
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    for cut in cuts {
        if cut.start > at {
            kept.push_str(&text[at..cut.start]);
        }
        at = at.max(cut.end);
    }
    kept.push_str(&text[at..]);
    kept
}

fn render(markdown: &str) -> String {
    let options = markdown_options() - Options::ENABLE_GFM;
    let events = Parser::new_ext(markdown, options).map(|event| match event {
        // `Vec<T>` and `<your-name>` are text whose author forgot to escape it, not markup.
        Event::InlineHtml(tag) | Event::Html(tag) if html::is_placeholder(&tag) => Event::Text(tag),
        other => other,
    });
    let mut rendered = String::with_capacity(markdown.len() * 3 / 2);
    pulldown_cmark::html::push_html(&mut rendered, events);
    rendered
}

/// The title that front matter gives, and the text after it. Front matter is YAML between `---` lines (Jekyll, Hugo,
/// Docusaurus) or TOML between `+++` lines (Hugo, Zola), at the very beginning.
fn split_front_matter(source: &str) -> FrontMatter<'_> {
    let none = FrontMatter { title: None, hides: false, body: source };
    let fence = match source.lines().next().map(str::trim_end) {
        Some("---") => "---",
        Some("+++") => "+++",
        _ => return none,
    };
    let after_fence = source.find('\n').map_or(source.len(), |at| at + 1);
    let mut at = after_fence;
    let mut title = None;
    let (mut has_keys, mut hides) = (false, false);
    for line in source[after_fence..].split_inclusive('\n') {
        let bare = line.trim_end();
        at += line.len();
        if bare == fence || (fence == "---" && bare == "...") {
            // `---` also draws a rule: front matter is empty or has keys.
            let is_front_matter = has_keys || at == after_fence + line.len();
            return if is_front_matter { FrontMatter { title, hides, body: &source[at..] } } else { none };
        }
        let separator = if fence == "---" { ':' } else { '=' };
        if let Some((key, value)) = bare.split_once(separator).filter(|(key, _)| is_key(key)) {
            has_keys = true;
            if key.trim_end() == "title" && title.is_none() {
                title = unquoted(value);
            } else {
                hides = true;
            }
        } else if !has_keys && !bare.starts_with('#') && !bare.is_empty() {
            return none;
        }
    }
    none
}

/// What stands before the text.
#[derive(Debug, PartialEq, Eq)]
struct FrontMatter<'a> {
    title: Option<&'a str>,
    /// Whether there is more than a title.
    hides: bool,
    /// The text itself.
    body: &'a str,
}

fn is_key(key: &str) -> bool {
    let key = key.trim_end();
    !key.is_empty() && key.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | '-' | '.'))
}

/// A one-line scalar without its quotes and without a trailing comment.
fn unquoted(value: &str) -> Option<&str> {
    let value = value.trim();
    for quote in ['"', '\''] {
        if let Some(rest) = value.strip_prefix(quote) {
            return rest.split(quote).next().filter(|text| !text.trim().is_empty());
        }
    }
    let value = value.split(" #").next().unwrap_or(value).trim();
    (!value.is_empty() && !value.starts_with(['|', '>', '[', '{'])).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_gives_the_title_and_is_not_text() {
        for (source, title, body) in [
            ("---\ntitle: Hello\ntags: [a]\n---\ntext", Some("Hello"), "text"),
            ("---\ntags: a\ntitle: \"Quoted: yes\" # c\n...\ntext", Some("Quoted: yes"), "text"),
            ("+++\ntitle = 'Toml'\n[extra]\nx = 1\n+++\ntext", Some("Toml"), "text"),
            ("---\n---\ntext", None, "text"),
            ("---\n\nA rule: above.\n\n---\n", None, "---\n\nA rule: above.\n\n---\n"),
            ("---\ntitle: never closed\n", None, "---\ntitle: never closed\n"),
            ("text\n---\ntitle: x\n---\n", None, "text\n---\ntitle: x\n---\n"),
            ("---\ntitle: |\n  folded\n---\nx", None, "x"),
            ("", None, ""),
        ] {
            let found = split_front_matter(source);
            assert_eq!((found.title, found.body), (title, body), "{source:?}");
        }
    }

    #[test]
    fn what_front_matter_has_beside_a_title_is_counted_as_not_shown() {
        for (source, comments) in [
            ("---\ntitle: Hello\n---\ntext", 0),
            ("---\ntitle: Hello\ndescription: UNSEEN\ntags: [UNSEEN]\n---\ntext", 1),
            ("+++\ndescription = 'UNSEEN'\n+++\ntext", 1),
            ("---\n---\ntext", 0),
        ] {
            assert_eq!(shown(source), ("text".to_owned(), comments), "{source:?}");
        }
        assert_eq!(shown("---\ndescription: never closed").1, 0);
    }

    fn shown(source: &str) -> (String, u32) {
        let draft = parse(source, Deadline::after(std::time::Duration::MAX)).unwrap();
        (draft.text, draft.removed.comments)
    }

    #[test]
    fn cells_that_no_column_has_are_not_text() {
        for (source, expected) in [
            ("|a|\n|-|\n|b|UNSEEN|\n|c|\n", "|a|\n|-|\n|b\n|c|\n"),
            ("a|b\n-|-\nc|d|UNSEEN\n\ntext", "a|b\n-|-\nc|d\n\ntext"),
            ("> |a|\n> |-|\n> |b|UNSEEN|UNSEEN|\n", "> |a|\n> |-|\n> |b\n"),
            ("- |a|\n  |-|\n  |`x`|UNSEEN \\| **UNSEEN**", "- |a|\n  |-|\n  |`x`"),
        ] {
            assert_eq!(shown(source), (expected.to_owned(), 1), "{source}");
        }
        for same in ["|a|b|\n|-|-|\n|c|d|\n|e|\n|f|g||\n", "|a|\n|-|\n|b \\| c|\n|`d`|  |\n", "a | b"] {
            assert_eq!(shown(same), (same.to_owned(), 0));
        }
    }

    #[test]
    fn of_a_code_fence_the_language_is_text() {
        for (info, kept) in [
            ("rust title=\"UNSEEN\"", "rust"),
            ("c++ UNSEEN", "c++"),
            ("js{UNSEEN}", "js"),
            ("{r, echo=FALSE}", ""),
            ("x &amp; UNSEEN &#65;", "x"),
            ("x\\_UNSEEN", "x"),
            ("send-the-account-number-to-me", ""),
            ("Unseen,by,everybody,who,reads,it", "Unseen"),
        ] {
            for (before, fence) in [("", "```"), ("", "~~~~"), ("> ", "```"), ("   ", "~~~")] {
                let block = |info: &str| {
                    let lines = [format!("{fence}{info}"), "let a = 1;".to_owned(), fence.to_owned()];
                    lines.map(|line| format!("{before}{line}\n")).concat()
                };
                assert_eq!(shown(&block(info)), (block(kept), 1), "{}", block(info));
            }
        }
        for same in ["", "rust", "rust,no_run", "objective-c++", "C#", "console"] {
            let block = format!("```{same}\nlet a = 1;\n```\n");
            assert_eq!(shown(&block), (block.clone(), 0));
        }
    }
}
