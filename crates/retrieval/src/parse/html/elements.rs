//! Which elements are text, which are not, and which names are no elements at all.

/// Elements whose content is never shown as text of the page, or is no text: code for the browser, embedded content,
/// controls.
const NO_TEXT: &[&str] = &[
    "annotation",
    "annotation-xml",
    "applet",
    "area",
    "audio",
    "base",
    "button",
    "canvas",
    "datalist",
    "embed",
    "frame",
    "frameset",
    "head",
    "iframe",
    "input",
    "link",
    "map",
    "meta",
    "meter",
    "mphantom",
    "noembed",
    "noframes",
    "noscript",
    "object",
    "optgroup",
    "option",
    "param",
    "plaintext",
    "progress",
    "script",
    "select",
    "source",
    "style",
    "svg",
    "template",
    "textarea",
    "title",
    "track",
    "video",
];

/// Every other element of the HTML standard, with the obsolete ones that browsers still show.
const WITH_TEXT: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "b",
    "bdi",
    "bdo",
    "big",
    "blink",
    "blockquote",
    "body",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "dd",
    "del",
    "details",
    "dfn",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "em",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "html",
    "i",
    "image",
    "img",
    "ins",
    "kbd",
    "label",
    "legend",
    "li",
    "listing",
    "main",
    "mark",
    "marquee",
    "math",
    "menu",
    "mi",
    "mn",
    "mo",
    "ms",
    "mtext",
    "nav",
    "nobr",
    "ol",
    "output",
    "p",
    "picture",
    "pre",
    "q",
    "rb",
    "rp",
    "rt",
    "rtc",
    "ruby",
    "s",
    "samp",
    "search",
    "section",
    "slot",
    "small",
    "span",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "ul",
    "var",
    "wbr",
    "xmp",
    "semantics",
    "selectedcontent",
    "spacer",
    "multicol",
];

/// Elements that begin a line of their own, or stand around some that do.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "html",
    "legend",
    "li",
    "listing",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "search",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
    "xmp",
];

pub(super) fn is_block(tag: &str) -> bool {
    BLOCKS.contains(&tag)
}

/// Whether the element's content is no text of the page.
pub(super) fn has_no_text(tag: &str) -> bool {
    NO_TEXT.contains(&tag)
}

fn is_known(name: &str) -> bool {
    NO_TEXT.contains(&name) || WITH_TEXT.contains(&name)
}

/// The name in `<name>`, `</name>` or `<name/>`, lower case; `None` for anything with an attribute.
fn bare_tag_name(tag: &str) -> Option<String> {
    let inner = tag.strip_prefix('<')?.strip_suffix('>')?;
    let inner = inner.strip_prefix('/').unwrap_or(inner);
    let name = inner.strip_suffix('/').unwrap_or(inner).trim_end_matches([' ', '\n', '\t']);
    let is_name = name.starts_with(|char: char| char.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_name.then(|| name.to_ascii_lowercase())
}

/// Whether raw HTML in Markdown consists of text and tags without attributes, of elements that are always shown: then
/// it cannot hide anything.
pub(in crate::parse) fn has_only_bare_tags(html: &str) -> bool {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let Some(end) = rest[at..].find('>') else { return false };
        let Some(name) = bare_tag_name(&rest[at..=at + end]) else { return false };
        if has_no_text(&name) || matches!(name.as_str(), "dialog" | "rp") {
            return false;
        }
        rest = &rest[at + end + 1..];
    }
    true
}

/// Whether a tag is no markup but a word in angle brackets: `<T>`, `<your-name>`.
pub(in crate::parse) fn is_placeholder(tag: &str) -> bool {
    bare_tag_name(tag.trim()).is_some_and(|name| !is_known(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_tags_hide_nothing() {
        for html in [
            "<br>",
            "<br/>",
            "<kbd>Ctrl</kbd>",
            "<details>\n<summary>More</summary>",
            "a > b",
            "<T>",
            "</p >",
        ] {
            assert!(has_only_bare_tags(html), "{html}");
        }
        for html in [
            "<p hidden>",
            "<script>",
            "<template>x</template>",
            "<!-- x -->",
            "<p",
            "<?php ?>",
            "<dialog>",
            "<rp>",
            "<mphantom>",
            "<a href=x>",
        ] {
            assert!(!has_only_bare_tags(html), "{html}");
        }
    }

    #[test]
    fn words_in_brackets_are_placeholders() {
        assert!(is_placeholder("<T>") && is_placeholder("<your-name>") && is_placeholder("</T>"));
        assert!(!is_placeholder("<b>") && !is_placeholder("<SCRIPT>") && !is_placeholder("<T hidden>"));
    }
}
