use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::{DocumentFormat, parse_document};

fn document(text: &str, format: DocumentFormat) -> ParsedDocument {
    parse_document("some.file", text.as_bytes(), format, &Limits::default()).unwrap()
}

/// Chunks the text, and checks what holds for every document.
fn chunked(document: &ParsedDocument) -> Vec<Chunk> {
    let chunks = Chunker::new(&Limits::default()).chunks(document).unwrap();
    let mut end = 0;
    for (ordinal, chunk) in (0..).zip(&chunks) {
        assert_eq!(chunk.ordinal, ordinal);
        assert_eq!(chunk.byte_range.start, end, "no gap, no overlap");
        assert_eq!(chunk.text, document.text[chunk.byte_range.clone()]);
        assert!(!chunk.text.trim().is_empty(), "white space only: {:?}", chunk.text);
        assert!(chunk.text.chars().count() <= MAX_CHARS, "{} characters", chunk.text.chars().count());
        end = chunk.byte_range.end;
    }
    assert_eq!(end, document.text.len());
    chunks
}

fn markdown_chunks(text: &str) -> Vec<Chunk> {
    chunked(&document(text, DocumentFormat::Markdown))
}

fn paths(chunks: &[Chunk]) -> Vec<String> {
    chunks.iter().map(|chunk| chunk.heading_path.join("/")).collect()
}

#[test]
fn sections_become_chunks_under_their_headings() {
    let body = "Some words of a section that is long enough to stand alone. ".repeat(6);
    let text = format!(
        "preamble {body}\n\n# Top\n\n## Install\n\n{body}\n\n### Linux\n\n{body}\n\n## Use\n\n{body}\n\n# Other\n\n{body}"
    );
    let chunks = markdown_chunks(&text);
    assert_eq!(paths(&chunks), ["", "Top/Install", "Top/Install/Linux", "Top/Use", "Other"]);
    assert!(
        chunks[1].text.starts_with("# Top\n\n## Install\n"),
        "a heading without text stays with what follows"
    );
}

#[test]
fn tiny_sections_are_joined() {
    let text = "# Changes\n\n## 1.2\n\nFixed a.\n\n## 1.1\n\nFixed b.\n\n## 1.0\n\nFirst.\n";
    assert_eq!(paths(&markdown_chunks(text)), ["Changes"]);
    assert_eq!(paths(&markdown_chunks("badge\n\n# Title\n\ntext")), ["Title"]);
    assert_eq!(paths(&markdown_chunks("# Only headings\n\n## Here\n")), ["Only headings"]);
}

#[test]
fn a_large_section_is_split_at_paragraphs() {
    let mut text = "# Long\n\n".to_owned();
    for index in 0..40 {
        let _ = write!(text, "Paragraph {index} has a few words. {}\n\n", "And more of them. ".repeat(10));
    }
    let chunks = markdown_chunks(&text);
    assert!(chunks.len() > 4);
    for chunk in &chunks {
        assert_eq!(chunk.heading_path, ["Long"]);
        assert!(chunk.text.trim_start().starts_with("Paragraph ") || chunk.ordinal == 0, "{:?}", chunk.text);
    }
}

#[test]
fn a_code_block_that_fits_stays_whole() {
    let code = format!("```sh\n# not a heading\n{}```\n", "echo some command with arguments\n".repeat(40));
    let words = "Words before the code. ".repeat(40);
    let chunks = markdown_chunks(&format!("# A\n\n{words}\n\n{code}\n{words}\n"));
    assert!(chunks.iter().any(|chunk| chunk.text.contains(code.trim_end())), "{chunks:#?}");
    assert!(chunks.iter().all(|chunk| chunk.heading_path == ["A"]));
}

#[test]
fn plain_text_has_no_headings() {
    let chunks = chunked(&document("# a comment\nvalue = 1\n", DocumentFormat::PlainText));
    assert_eq!(paths(&chunks), [""]);
}

#[test]
fn odd_documents_are_chunked_whole() {
    let family = "👩\u{200d}👩\u{200d}👧\u{200d}👦";
    for text in [
        "x".to_owned(),
        "x".repeat(50_000),
        "日本語の文章です。".repeat(5_000),
        family.repeat(1_000),
        "a\u{301}\u{316}".repeat(3_000),
        "word\n".repeat(10_000),
        "\n\n\n# \n\n#\n\ntext".to_owned(),
        "- item\n".repeat(2_000),
        "| a | b |\n|---|---|\n".to_owned() + &"| cell | other |\n".repeat(2_000),
        "> ".repeat(5_000) + "x",
        "    ".repeat(50) + "x",
        "```\n".to_owned() + &"never closed\n".repeat(1_000),
        "# h\n".repeat(3_000),
        format!("{}\n\n{}", "###### deep\n\nt\n\n".repeat(500), "# up\n\nt\n\n".repeat(500)),
        format!("# {}\n\ntext", "long heading ".repeat(1_000)),
        "a".to_owned() + &" ".repeat(5_000) + "b" + &"\n".repeat(5_000) + "c",
    ] {
        chunked(&document(&text, DocumentFormat::Markdown));
        chunked(&document(&text, DocumentFormat::PlainText));
    }
}

#[test]
fn a_line_of_a_megabyte_is_split() {
    let chunks = chunked(&document(&"x".repeat(1_000_000), DocumentFormat::PlainText));
    assert!(chunks.len() > 500);
}

#[test]
fn a_chunk_knows_its_page_and_reaches_over_no_more_than_two() {
    let mut document = document("x", DocumentFormat::PlainText);
    document.syntax = Syntax::Markdown;
    for page in ["## Slide\n\nA few words.\n\n", "A few words without a heading.\n\n"] {
        document.text = page.repeat(9);
        document.page_starts = (0..9).map(|number| number * page.len()).collect();
        let chunks = chunked(&document);
        let pages: Vec<_> = chunks.iter().map(|chunk| chunk.page).collect();
        assert_eq!(pages, [Some(1), Some(3), Some(5), Some(7), Some(9)], "{page:?}");
    }
    document.text = format!("{}\n\n# End\n\nlast", "A sentence of some words. ".repeat(200));
    document.page_starts = vec![0, 3_000, 5_202];
    let chunks = chunked(&document);
    assert_eq!(chunks[0].page, Some(1));
    assert!(chunks.iter().all(|chunk| chunk.byte_range.start != 3_000), "no cut in a sentence");
    assert_eq!(chunks.last().unwrap().page, Some(3));
}

#[test]
fn there_is_a_limit_on_chunks() {
    let document = document(&"word ".repeat(10_000), DocumentFormat::PlainText);
    let few = Limits { max_chunks: 3, ..Limits::default() };
    assert!(matches!(Chunker::new(&few).chunks(&document), Err(ParseError::TooManyChunks { limit: 3 })));
}

#[test]
fn a_chunk_is_known_by_what_is_indexed() {
    let hash = |text: &str| markdown_chunks(text)[0].content_hash;
    let text = "# T\n\nsame words";
    assert_eq!(hash(text), hash(text));
    assert_ne!(hash(text), hash("# T\n\nother words"));
    assert_ne!(chunk_hash("T", &["a".into()], "x"), chunk_hash("T", &["b".into()], "x"));
    assert_ne!(chunk_hash("T", &[], "x"), chunk_hash("U", &[], "x"));
    assert_ne!(chunk_hash("T", &["ab".into()], "c"), chunk_hash("T", &["a".into()], "bc"));
}

#[test]
fn the_embedded_text_says_where_it_stands() {
    let chunk = &markdown_chunks("# Guide\n\n## Install\n\nRun it.")[0];
    assert!(chunk.embedding_input("Guide").starts_with("Guide > Install\n\n# Guide"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn chunks_joined_are_the_text(parts in prop::collection::vec(part(), 1..60)) {
        let text = parts.concat();
        for format in [DocumentFormat::Markdown, DocumentFormat::PlainText, DocumentFormat::Html] {
            // Some texts have nothing to see in them.
            if let Ok(document) = parse_document("x", text.as_bytes(), format, &Limits::default()) {
                chunked(&document);
            }
        }
    }
}

/// What Markdown and HTML are made of, and any text at all.
fn part() -> impl Strategy<Value = String> {
    let pieces = [
        "\n",
        "\n\n",
        " ",
        "# ",
        "\n## ",
        "\n### a\n",
        "\n===\n",
        "\n---\n",
        "```",
        "\n~~~\n",
        "- ",
        "1. ",
        "> ",
        "|",
        "\n| a | b |\n|---|---|\n",
        "*",
        "_",
        "`",
        "<div hidden>",
        "</div>",
        "<!--",
        "-->",
        "<p>",
        "<table><tr><td>",
        "[a]",
        "(b)",
        "[a]: b",
        "&amp;",
        "&#x200b;",
        "\\",
        "\t",
        "\r\n",
        "日本",
        "👩\u{200d}👧",
        "\u{202e}",
        "\u{301}",
    ];
    prop_oneof![
        4 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned),
        2 => "[a-z ]{1,80}",
        1 => "[a-z .]{500,900}",
        1 => "[^\\x00]{0,20}",
    ]
}
