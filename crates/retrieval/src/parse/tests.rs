//! Odd and hostile documents, in each format.

use std::time::Duration;

use super::*;

fn parse_as(format: DocumentFormat, source: &str) -> Result<ParsedDocument, ParseError> {
    parse_document("guide/some_file-name.x", source.as_bytes(), format, &Limits::default())
}

fn markdown(source: &str) -> ParsedDocument {
    parse_as(DocumentFormat::Markdown, source).unwrap()
}

fn html(source: &str) -> ParsedDocument {
    parse_as(DocumentFormat::Html, source).unwrap()
}

fn words(document: &ParsedDocument) -> Vec<&str> {
    document.text.split_whitespace().collect()
}

#[test]
fn files_without_text_are_told_so() {
    for (format, source) in [
        (DocumentFormat::Markdown, ""),
        (DocumentFormat::Markdown, "---\ntitle: only front matter\n---\n"),
        (DocumentFormat::Markdown, "<!-- only a comment -->\n"),
        (DocumentFormat::Markdown, "\u{feff}\u{200b}\u{e0041}\n"),
        (DocumentFormat::PlainText, " \r\n\t\n"),
        (DocumentFormat::Html, ""),
        (DocumentFormat::Html, "<title>A title</title><p hidden>text"),
        (DocumentFormat::Html, "<script>let text = 1;</script>"),
    ] {
        assert!(matches!(parse_as(format, source), Err(ParseError::NoText)), "{source:?}");
    }
}

#[test]
fn files_that_are_not_text_are_refused() {
    let parse = |bytes| parse_document("x.md", bytes, DocumentFormat::Markdown, &Limits::default());
    for (bytes, message) in [
        (&b"\x89PNG\r\n\x1a\n"[..], "this is a PNG image, not text"),
        (b"text\0text", "this is binary data, not text"),
        (b"%PDF-1.7", "this is PDF, not text; name it .pdf"),
    ] {
        assert_eq!(parse(bytes).unwrap_err().to_string(), message);
    }
    let limits = Limits { max_file_bytes: 3, ..Limits::default() };
    let too_large = parse_document("x.md", b"1234", DocumentFormat::Markdown, &limits);
    assert!(matches!(too_large, Err(ParseError::TooLarge { bytes: 4, limit: 3 })));
}

#[test]
fn titles() {
    for (format, source, title) in [
        (DocumentFormat::Markdown, "---\ntitle: Front\n---\n# Heading\n", "Front"),
        (DocumentFormat::Markdown, "## Two\n\n# One\n\n# Other\n", "One"),
        (DocumentFormat::Markdown, "Setext *title*\n===\ntext", "Setext title"),
        (DocumentFormat::Markdown, "just text", "some file name"),
        (DocumentFormat::Markdown, "```\n# no heading\n```\n", "some file name"),
        (DocumentFormat::Markdown, "# Ev\u{202e}il\u{200b}\n\ntext", "Evil"),
        (DocumentFormat::PlainText, "The Licence\n\ntext", "The Licence"),
        (DocumentFormat::PlainText, "# text\nmore", "some file name"),
        (DocumentFormat::PlainText, "= The Manual\nAn Author\n\ntext", "The Manual"),
        (DocumentFormat::Html, "<title> A &amp;\n B </title><h1>H</h1>text", "A & B"),
        (DocumentFormat::Html, "<meta property=og:title content=Og><h1>H</h1>text", "Og"),
        (DocumentFormat::Html, "<h1>H <b>1</b></h1>text", "H **1**".replace("**", "").as_str()),
        (DocumentFormat::Html, "<svg><title>Icon</title></svg><p>text", "some file name"),
        (DocumentFormat::Html, "<h1 hidden>Hidden</h1><p>text", "some file name"),
    ] {
        assert_eq!(parse_as(format, source).unwrap().title, title, "{source:?}");
    }
    assert_eq!(title_from_name("guide/README.md"), "guide");
    assert_eq!(title_from_name("index.html"), "index");
    assert_eq!(title_from_name("\u{202e}.md"), "untitled");
    assert_eq!(title_from_name(&"x".repeat(400)).chars().count(), 300);
}

#[test]
fn markdown_keeps_its_source() {
    let source = "# A\n\n- one\n  - two\n    1. three\n\n| a | b |\n|---|---|\n| `x` | y_z |\n\n```rust\n# [attr]\n<b \
                  hidden>\n```\n\n[link](https://example.com) and [ref].\n\n[ref]: https://example.com/ref\n\nVec<T> \
                  <br> <kbd>x</kbd> &amp; &lt;\n";
    let document = markdown(source);
    assert_eq!(document.text, source);
    assert_eq!(document.removed, RemovedCounts::default());
}

#[test]
fn markdown_cannot_hide_text() {
    for source in [
        "see <!-- secret --> this",
        "see\n\n<!--\nsecret\n-->\n\nthis",
        "> see\n>\n> <!--\n> secret\n> -->\n\nthis",
        "see <span style=\"display:none\">secret</span> this",
        "see\n\n<div hidden>\n\nsecret **text**\n\n</div>\n\nthis",
        "see\n\n<DIV\nstyle='font-size:0'\n>secret</DIV>\n\nthis",
        "see\n\n<details><template>secret</template></details>\n\nthis",
        "see\n\n<script>\nsecret\n</script>\n\nthis",
        "see\n\n[//]: # (secret)\n\nthis",
        "see\n\n[//]: # (x)\n[//]: # (secret)\n\nthis",
        "see\n\n> [a]: <secret>\n\nthis",
        "see this\n\n[unused]: https://example.com \"secret\"\n",
        "see this\n\n[^unused]: secret\n",
        "see <a id=\"secret\"></a> this",
        "see <input type=hidden value=secret> this",
        "see\n\n<!-- open comment secret\n\nsecret\n\n",
        "see\n\n<?php secret ?>\n\nthis",
        "see\n\n<![CDATA[secret]]>\n\nthis",
        &format!("see this\n\n```rust {} secret\ncode\n```\n", "x".repeat(100)),
    ] {
        let document = markdown(source);
        assert!(document.text.contains("see"), "{source:?} became {:?}", document.text);
        assert!(!document.text.contains("secret"), "{source:?} became {:?}", document.text);
    }
}

#[test]
fn markdown_with_html_reads_as_it_is_shown() {
    let document = markdown(
        "# Top\n\n<p align=\"center\"><img src=\"x.png\" alt=\"A logo\"> shown</p>\n\n## Use `Vec<T>` of <T> & \
         snake_case\n\n- [ ] open\n- a\n  - b\n\n| a | b |\n|---|---|\n| 1 | 2_3 |\n\n```rust\nlet x: Vec<T>; // a_b\n\
         # x\n```\n\n1. one\n2. two\n\n[out](https://example.com/a_b) [in](#top)\n",
    );
    assert_eq!(
        document.text,
        "# Top\n\nA logo shown\n\n## Use `Vec<T>` of \\<T> & snake_case\n\n- open\n- a\n  - b\n\n| a | b |\n| --- | --- \
         |\n| 1 | 2_3 |\n\n```rust\nlet x: Vec<T>; // a_b\n# x\n```\n\n1. one\n2. two\n\n[out](https://example.com/a_b) \
         in"
    );
}

#[test]
fn markdown_entities_and_data_urls_are_no_channel() {
    let document =
        markdown("a&#xE0049;&#x202E;&ZeroWidthSpace;b &amp; `&#xE0049;` ![x](data:image/png;base64,AAAA)");
    assert_eq!(document.text, "ab &amp; `&#xE0049;` ![x]()");
    assert_eq!(document.removed.zero_width, 3);
}

#[test]
fn titles_of_links_are_cut() {
    for (source, text) in [
        ("a [b](c \"secret\") d", "a [b](c) d"),
        ("a ![b](<c> 'se\\'c\"ret' ) d", "a ![b](<c> ) d"),
        ("a [b](c\n(secret \\( \"x\")) d", "a [b](c) d"),
        ("a [b](c \"sec&#114;et &amp; \\\\\") d", "a [b](c) d"),
        ("[![b](c \"secret\")](d \"secret\") e", "[![b](c)](d) e"),
        ("> a [b](c \"one\n> secret\") d", "> a [b](c) d"),
        ("a [b]\n\n[b]: c \"secret\"\n", "a [b]\n\n[b]: c\n"),
        ("a [b] and [c]\n\n[b]: x\n  'secret'\n[c]: y\n", "a [b] and [c]\n\n[b]: x\n[c]: y\n"),
    ] {
        let document = markdown(source);
        assert_eq!(document.text, text, "{source:?}");
        assert!(document.removed.comments > 0, "{source:?}");
    }
    // Not titles.
    for source in ["[b](c)", "[b](<c \"d\">)", "[b](c \"\")", "[b (c)](d) \"e\"", "<https://example.com/(a)>"]
    {
        assert_eq!(markdown(source).text, source);
    }
}

#[test]
fn line_ends_and_marks_are_normalised() {
    let document = parse_document(
        "x.md",
        b"\xef\xbb\xbf# A\r\n\r\ntext\rmore\r\n",
        DocumentFormat::Markdown,
        &Limits::default(),
    );
    let document = document.unwrap();
    assert_eq!((document.title.as_str(), document.text.as_str()), ("A", "# A\n\ntext\nmore\n"));
}

#[test]
fn html_reads_as_it_is_shown() {
    let document = html(
        "<!doctype html><html><head><title>T</title><style>p{}</style>\
         </head><body><nav>menu</nav><header>site</header><main><h1>One<a href=#one>§</a></h1><p>Vec&lt;T&gt; and \
         snake_case [x] <em>now</em> <a href=other.html title=t>in</a> <a href=https://example.com/x>out</a><br>next</p>\
         <h2>Two<br>lines</h2><pre># not a heading\n<span>x</span> &lt;y&gt;</pre><pre><code class=language-rust>fn \
         a() {}\n</code></pre><ul><li>one<ul><li>two</ul></ul><table><tr><th>k<th>v<tr><th>a<td>1|2</table><aside>a \
         note</aside><button>Copy</button></main><footer>foot</footer></body></html>",
    );
    assert_eq!(document.title, "T");
    assert_eq!(
        document.text,
        "# One\n\nVec<T> and snake_case [x] *now* in [out](https://example.com/x)  \nnext\n\n## Two lines\n\n```\n# not a \
         heading\nx <y>\n```\n\n```rust\nfn a() {}\n```\n\n- one\n  - two\n\n| k | v |\n| --- | --- |\n| a | 1\\|2 |\n\na \
         note"
    );
}

#[test]
fn html_cannot_hide_text() {
    for hidden in [
        "<p hidden>secret</p>",
        "<p hidden=until-found>secret</p>",
        "<p aria-hidden=TRUE>secret</p>",
        "<p style='display: none'>secret</p>",
        "<div style=\"position:absolute;left:-10000px\"><b>secret</b></div>",
        "<span style='font-size:0px'>secret</span>",
        "<span style='opacity:0'>secret</span>",
        "<span style='visibility:hidden'>secret</span>",
        "<span class='x sr-only'>secret</span>",
        "<input type=hidden value=secret>",
        "<!-- secret -->",
        "<!secret>",
        "<template>secret</template>",
        "<noscript>secret</noscript>",
        "<script type=text/plain>secret</script>",
        "<style>/* secret */</style>",
        "<textarea>secret</textarea>",
        "<select><option>secret</select>",
        "<iframe>secret</iframe>",
        "<object>secret</object>",
        "<video>secret</video>",
        "<svg><text>secret</text></svg>",
        "<dialog>secret</dialog>",
        "<div popover>secret</div>",
        "<div popover=MANUAL>secret</div>",
        "<dialog popover>secret</dialog>",
        "<ruby>x<rp>secret</rp></ruby>",
        "<ruby>x<rp><b>(</b>secret</rp></ruby>",
        "<math><mphantom><mtext>secret</mtext></mphantom></math>",
        "<img src=x title=secret>",
        "<a href='#' title=secret>x</a>",
        "<p data-x=secret>x</p>",
        "<table><tr hidden><td>secret</table>",
        "<a href='javascript:secret'>x</a>",
        "<a href='data:text/html,secret'>x</a>",
    ] {
        let document = html(&format!("<p>seen</p>{hidden}<p>text</p>"));
        assert!(
            document.text.contains("seen") && document.text.contains("text"),
            "{hidden}: {:?}",
            document.text
        );
        assert!(!document.text.contains("secret"), "{hidden}: {:?}", document.text);
    }
    let ruby = "<ruby>word<rp>(</rp><rt>reading</rt><rp>)</rp></ruby><dialog open popover>open</dialog>";
    assert_eq!(words(&html(ruby)), ["word(reading)", "open"]);
    let document = html("<p hidden>a</p><p style=display:none>b</p><!-- c -->&#x202e;d&#xE0041;");
    let expected = RemovedCounts { hidden_elements: 2, comments: 1, bidi: 1, tag: 1, ..Default::default() };
    assert_eq!((words(&document), document.removed), (vec!["d"], expected));
}

#[test]
fn broken_html_is_read_as_browsers_do() {
    for (source, expected) in [
        ("<p>a<p>b</div></b><li>c", vec!["a", "b", "-", "c"]),
        ("a <b>b <i>c</b> d</i>", vec!["a", "**b", "*c***", "*d*"]),
        ("<table>a<tr>b<td>c", vec!["ab", "c"]),
        ("a &amp b &nosuch; c &#0;", vec!["a", "&", "b", "&nosuch;", "c", "\u{fffd}"]),
        ("a <", vec!["a", "<"]),
        ("a <p", vec!["a"]),
    ] {
        assert_eq!(words(&html(source)), expected, "{source}");
    }
}

#[test]
fn a_page_without_main_part_is_read_whole() {
    let long = "word ".repeat(100);
    assert_eq!(words(&html(&format!("<p>intro {long}<main>x</main>")))[0], "intro");
    assert_eq!(words(&html(&format!("<p>intro<main>{long}</main>")))[0], "word");
    assert_eq!(words(&html(&format!("<p>intro<article>{long}</article>")))[0], "word");
    assert_eq!(words(&html("<article>one</article><article>two</article>")), ["one", "two"]);
}

#[test]
fn navigation_is_left_out() {
    for navigation in [
        "<nav>away</nav>",
        "<div class=navheader><table summary='Navigation header'><tr><th>away</table></div>",
        "<table summary='Navigation footer'><tr><td>away</table>",
        "<div class='x sphinxsidebar'><h3>away</h3><p>away</p></div>",
        "<div class=nosearch>away</div>",
        "<div class='menu mainmenu'><ul><li><a href=a>away</a><li><a href=b>away</a></ul></div>",
        "<ol id=breadcrumbs><li><a href=a>away</a> / <li><a href=b>away</a></ol>",
        "<p>Next: <a href=a rel=next accesskey=n>away</a>, Up: <a href=b rel=up>away</a> [<a href=c \
         rel=contents>away</a>]</p>",
        "<ul><li class=previous><a accesskey=p href=a>away</a><li><a accesskey=h href=b>away</a></ul>",
    ] {
        let document = html(&format!("{navigation}<h1>Title</h1><p>text</p>"));
        assert_eq!(words(&document), ["#", "Title", "text"], "{navigation}");
    }
}

#[test]
fn links_that_are_the_text_are_kept() {
    for links in [
        "<h1>Contents</h1><ul><li><a href=a>kept</a><li><a href=b>kept</a><li><a href=c>kept</a></ul>",
        "<h1>Node</h1><ul class=menu><li><a href=a accesskey=1>kept</a>: what it says</ul>",
        "<h1>Node</h1><ul class=menu><li><a href=a>kept</a><li><a href=b>kept</a></ul>",
        "<ul class=menu><li><a href=a>kept</a><li><a href=b>kept</a></ul>",
        "<div class=menu><p>Choose from the menu what is kept.</p></div><h1>Menus</h1>",
        "<div class=sidebar><h3>Aside</h3><p>A note that is kept, with <a href=a>a link</a>.</p></div>",
        "<section id=navigation><h2>Navigation</h2><p>Dead reckoning is kept.</p></section>",
        "<p>See <a class=nav href=a>what is kept</a> there.</p>",
        "<div class=nosearch><h2>kept</h2></div>",
        "<h1>Title</h1><div class=navbar><h2>See also</h2><ul><li><a href=a>kept and kept</a></ul></div>",
        "<div class=navigation><a href=a>kept</a> <a href=b>kept</a></div>",
        "<nav><a href=a>kept</a></nav>",
        "<h1>See also</h1><p><a href=a rel=next>kept</a>, <a href=b>kept</a></p>",
        &format!("<div><a href=a rel=prev>x</a> {} <a href=b rel=next>y</a></div>", "kept ".repeat(20)),
    ] {
        assert!(html(links).text.contains("kept"), "{links}");
    }
}

#[test]
fn text_of_a_page_is_not_escaped() {
    let document = html(
        "<h2>1. Overview</h2><p>synchronous=NORMAL, 2 * 3, *args, `x`, ~/.ssh, C:\\tmp</p><p>=NORMAL</p><p>-1 + \
         2</p><p>1. First</p><p>#include</p><p>- dash</p><table><tr><td>1.<td>*</table>",
    );
    assert_eq!(
        document.text,
        "## 1. Overview\n\nsynchronous=NORMAL, 2 * 3, *args, `x`, ~/.ssh, C:\\tmp\n\n=NORMAL\n\n-1 + 2\n\n1. \
         First\n\n#include\n\n- dash\n\n| 1. | * |\n| --- | --- |"
    );
    // What stands for a mark while a page is read is none in the page.
    assert_eq!(html("<pre>a\u{fdd7}b</pre><p>c\u{fdd7}d").text, "```\nab\n```\n\ncd");
}

#[test]
fn a_heading_of_a_page_is_read_back_whole() {
    for (heading, text) in [
        ("4. Source packages", "4. Source packages"),
        ("2 * 3 = 6", "2 * 3 = 6"),
        ("snake_case [x]", "snake_case [x]"),
        ("The `const` item", "The `const` item"),
        ("impl&lt;T&gt; Vec&lt;T&gt;", "impl\\<T> Vec\\<T>"),
        ("Module __init__", "Module \\_\\_init\\_\\_"),
        ("SELECT *, count(*)", "SELECT \\*, count(\\*)"),
        ("C #", "C \\#"),
    ] {
        let document = html(&format!("<h2>{heading}</h2>"));
        assert_eq!(document.text, format!("## {text}"));
        assert_eq!(document.title, text.replace(['\\', '`'], ""));
    }
}

#[test]
fn text_of_a_page_begins_no_heading_and_no_code() {
    for text in [
        "# fake",
        " # fake",
        "\u{200b}# fake",
        "\u{a0}# fake",
        "text\u{2028}# fake",
        "text<br># fake",
        "<b></b># fake",
        "fake<br>===",
        "fake<br>-",
        "```",
        "~~~ sh",
        "&lt;!-- open",
        "&lt;pre>",
    ] {
        let document = html(&format!("<p>{text}</p><h2>After it</h2>"));
        let found: Vec<_> =
            crate::outline::headings(&document.text).into_iter().map(|heading| heading.text).collect();
        assert_eq!(found, ["After it"], "{text:?} became {:?}", document.text);
    }
}

#[test]
fn hostile_nesting_is_refused_quickly() {
    for tag in
        ["<div>", "<b>", "<table><tr><td>", "<ul><li>", "<blockquote>", "<x-y>", "<svg><g>", "<template>"]
    {
        let refused = parse_as(DocumentFormat::Html, &tag.repeat(100_000));
        // What stands in a template is never shown, however deep.
        let is_refused = match tag {
            "<template>" => matches!(refused, Err(ParseError::NoText)),
            _ => matches!(refused, Err(ParseError::NestedTooDeeply { .. })),
        };
        assert!(is_refused, "{tag}: {refused:?}");
    }
    let quotations = "> ".repeat(100_000);
    let refused = parse_as(DocumentFormat::Markdown, &format!("{quotations}<span id=x>"));
    assert!(matches!(refused, Err(ParseError::NestedTooDeeply { .. })), "{refused:?}");
    // Behind a tag they are text.
    assert!(parse_as(DocumentFormat::Markdown, &format!("<span>{quotations}")).is_ok());
}

#[test]
fn the_deepest_allowed_nesting_is_read() {
    let depth = 400;
    for (open, close) in [("<div>", "</div>"), ("<blockquote>", "</blockquote>"), ("<ul><li>", "</li></ul>")]
    {
        let depth = depth / open.matches('<').count();
        let source = format!("{}deep{}", open.repeat(depth), close.repeat(depth));
        assert!(html(&source).text.contains("deep"), "{open}");
    }
}

#[test]
fn elements_that_multiply_are_refused() {
    // Every paragraph opens all unclosed formatting elements again (WHATWG HTML, "reconstruct the active formatting
    // elements"): here four hundred for each three bytes.
    let fonts: String = (0..400).fold(String::new(), |fonts, index| fonts + &format!("<font id=f{index}>"));
    let source = format!("{fonts}{}", "<p>x".repeat(100_000));
    let limits = Limits { max_parse_time: Duration::from_secs(2), ..Limits::default() };
    let refused = parse_document("x.html", source.as_bytes(), DocumentFormat::Html, &limits);
    // Whichever bound comes first on this machine.
    assert!(
        matches!(refused, Err(ParseError::TooManyElements { .. } | ParseError::TookTooLong { .. })),
        "{refused:?}"
    );
}

#[test]
fn time_is_limited() {
    let limits = Limits { max_parse_time: Duration::ZERO, ..Limits::default() };
    let refused = parse_document("x.html", b"<p>text", DocumentFormat::Html, &limits);
    assert!(matches!(refused, Err(ParseError::TookTooLong { .. })));
}

#[test]
fn tables_do_not_blow_up() {
    let rows = "<tr><td>a<td>b".repeat(2_000);
    let source = format!("<table><tr><th>{}<th>x{rows}</table>", "wide ".repeat(10_000));
    assert!(html(&source).text.len() < source.len());
}

#[test]
fn many_neighbours_are_read_in_linear_time() {
    let source = "<b>x</b>".repeat(50_000);
    assert!(html(&source).text.contains("**x**"));
}

#[test]
fn long_runs_of_white_space_are_cut() {
    let document = parse_as(DocumentFormat::PlainText, &format!("a{}b", " ".repeat(10_000))).unwrap();
    assert_eq!(document.text.len(), 102);
}

#[test]
fn the_hash_covers_what_is_stored() {
    let document = parse_as(DocumentFormat::PlainText, "Title\n\ntext").unwrap();
    let hash = document.content_hash(None);
    assert_eq!(hash, document.clone().content_hash(None));
    assert_ne!(hash, document.content_hash(Some("https://example.com")));
    assert_ne!(hash, ParsedDocument { title: "Other".into(), ..document.clone() }.content_hash(None));
    assert_ne!(hash, ParsedDocument { text: "Other".into(), ..document.clone() }.content_hash(None));
    assert_ne!(hash, ParsedDocument { syntax: Syntax::Markdown, ..document.clone() }.content_hash(None));
    assert_ne!(hash, ParsedDocument { page_starts: vec![0, 5], ..document.clone() }.content_hash(None));
    // What was removed is reported, not stored.
    let removed = RemovedCounts { bidi: 1, ..Default::default() };
    assert_eq!(hash, ParsedDocument { removed, ..document }.content_hash(None));
}
