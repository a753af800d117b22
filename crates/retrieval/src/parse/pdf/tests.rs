use std::fmt::Write as _;

use crate::{Chunker, DocumentFormat, Limits, ParsedDocument, parse_document};

/// A file of one page a content, in Helvetica; `more` objects follow from number 4 + 2 × the number of pages.
fn file(contents: &[String], catalog: &str, info: &str) -> Vec<u8> {
    let kids: Vec<String> = (0..contents.len()).map(|page| format!("{} 0 R", 4 + page * 2)).collect();
    let kids = kids.join(" ");
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"),
        format!(
            "<< /Type /Pages /Kids [{kids}] /Count {} /MediaBox [0 0 612 792] /Resources << /Font << /F 3 0 R >> >> >>",
            contents.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    for (page, content) in contents.iter().enumerate() {
        objects.push(format!("<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>", 5 + page * 2));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
    objects.push(format!("<< {info} >>"));
    written(&objects)
}

/// A file of one page: catalog, pages, page, Helvetica, content, and more objects from number 6 on.
pub(super) fn one_page(
    catalog: &str,
    resources: &str,
    page: &str,
    content: &str,
    more: &[String],
) -> Vec<u8> {
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << {resources} >> {page} >>"
        ),
        helvetica(""),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
    ];
    objects.extend_from_slice(more);
    objects.push("<< >>".to_owned());
    written(&objects)
}

pub(super) fn helvetica(encoding: &str) -> String {
    format!(
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica \
         /Encoding << /BaseEncoding /WinAnsiEncoding {encoding} >> >>"
    )
}

/// The first object is the catalog, and the last the information.
fn written(objects: &[String]) -> Vec<u8> {
    let mut file = String::from("%PDF-1.7\n");
    let mut table = String::new();
    for (number, object) in (1..).zip(objects) {
        let _ = write!(table, "{:010} 00000 n\r\n", file.len());
        let _ = write!(file, "{number} 0 obj\n{object}\nendobj\n");
    }
    let (start, size, last) = (file.len(), objects.len() + 1, objects.len());
    let _ = write!(
        file,
        "xref\n0 {size}\n0000000000 65535 f\r\n{table}trailer\n<< /Size {size} /Root 1 0 R /Info {last} 0 R >>\nstartxref\n{start}\n%%EOF\n"
    );
    file.into_bytes()
}

/// Lines with their size and height.
fn content(lines: &[(&str, u32, u32)]) -> String {
    let lines = lines.iter();
    let shown = lines.map(|(text, size, height)| format!("BT /F {size} Tf 72 {height} Td ({text}) Tj ET"));
    shown.collect::<Vec<_>>().join(
        "
",
    )
}

fn parse(contents: &[String]) -> ParsedDocument {
    parse_file(&file(contents, "", ""))
}

pub(super) fn parse_file(bytes: &[u8]) -> ParsedDocument {
    parse_document("some_file.pdf", bytes, DocumentFormat::Pdf, &Limits::default()).unwrap()
}

pub(super) fn text(bytes: &[u8]) -> String {
    parse_file(bytes).text
}

const FULL: &str = "a line that is as wide as the lines of its column are";

#[test]
fn lines_become_paragraphs_and_hyphens_are_taken_back() {
    let page = content(&[
        (&format!("{FULL} and a hyphen-"), 10, 700),
        (&format!("ated word, then {FULL} of re-"), 10, 688),
        (&format!("entry, and then {FULL} and as"), 10, 676),
        ("it ends.", 10, 664),
        ("A short line,", 10, 630),
        ("as of a program, with re-entry.", 10, 618),
    ]);
    assert_eq!(
        parse(&[page]).text,
        format!(
            "{FULL} and a hyphenated word, then {FULL} of re-entry, and then {FULL} and as it ends.\n\nA short line,\nas of \
             a program, with re-entry."
        )
    );
}

#[test]
fn larger_type_makes_headings_where_there_are_no_bookmarks() {
    let mut lines = vec![("The Manual", 24, 740), ("First part", 16, 700)];
    let rows: Vec<u32> = (0..12).map(|row| 670 - row * 12).collect();
    lines.extend(rows.iter().map(|height| ("Text of the first part.", 10, *height)));
    lines.push(("# Not a heading", 10, 500));
    let document = parse(&[content(&lines)]);
    assert_eq!(document.title, "The Manual");
    assert!(document.text.starts_with("# The Manual\n\n## First part\n\nText of"), "{}", document.text);
    assert!(document.text.ends_with("\\# Not a heading"), "{}", document.text);
}

#[test]
fn bookmarks_name_the_headings() {
    // The outline stands behind the pages and before the information, which is the last object.
    let page = content(&[("1.2 Setting up", 10, 700), ("Text below it.", 10, 688)]);
    let catalog = "/Outlines << /First 6 0 R >>";
    let info = "/Title (Setting up) /Dest [4 0 R /Fit]";
    let document = parse_file(&file(&[page], catalog, info));
    assert_eq!(document.text, "# 1.2 Setting up\n\nText below it.");
    assert_eq!(document.title, "Setting up");
}

#[test]
fn a_paragraph_goes_on_over_the_page_and_pages_are_known() {
    let first = content(&[(&format!("{FULL} and goes"), 10, 700), ("Running head", 8, 780), ("1", 8, 20)]);
    let second = content(&[("Running head", 8, 780), ("on, over the page.", 10, 700), ("2", 8, 20)]);
    let third = content(&[("Running head", 8, 780), ("A new one.", 10, 700), ("3", 8, 20)]);
    let document = parse(&[first, second, third]);
    assert_eq!(document.text, format!("{FULL} and goes on, over the page.\n\nA new one."));
    let pages: Vec<&str> = document.page_starts.iter().map(|start| &document.text[*start..]).collect();
    assert_eq!(&pages[1..], ["on, over the page.\n\nA new one.", "A new one."]);
    let chunks = Chunker::new(&Limits::default()).chunks(&document).unwrap();
    let found: Vec<_> = chunks.iter().map(|chunk| chunk.page).collect();
    assert_eq!(found, [Some(1), Some(3)]);
}

#[test]
fn a_table_of_contents_is_left_out() {
    let page =
        content(&[("Contents", 10, 700), ("One . . . . . . . . 3", 10, 688), ("Version 1.2.3.4", 10, 676)]);
    assert_eq!(parse(&[page]).text, "Contents\n\nVersion 1.2.3.4");
}

#[test]
fn titles() {
    let page = content(&[("Some text.", 10, 700)]);
    for (info, title) in [
        ("/Title (Told)", "Told"),
        ("/Title <FEFF00DC0062006500720073>", "Übers"),
        ("/Title (Microsoft Word - x.doc)", "some file"),
        ("/Title (sag-39-3-4-0902-21:sag-0)", "sag-39-3-4-0902-21:sag-0"),
        ("", "some file"),
    ] {
        assert_eq!(parse_file(&file(std::slice::from_ref(&page), "", info)).title, title, "{info}");
    }
}

#[test]
fn a_title_that_is_a_name_loses_to_the_largest_line_and_to_the_first_heading() {
    let rows: Vec<u32> = (0..12).map(|row| 670 - row * 12).collect();
    let mut lines = vec![("What It Is About", 24, 740)];
    lines.extend(rows.iter().map(|height| ("Text of the first part.", 10, *height)));
    for (info, title) in [
        ("sag-39-3-4-0902-21:sag-0", "What It Is About"),
        ("Plan for May.xlsx", "What It Is About"),
        ("C:\\\\Users\\\\ada\\\\my plan", "What It Is About"),
        ("Microsoft PowerPoint - Plan for May", "What It Is About"),
        ("A Plan for May", "A Plan for May"),
    ] {
        let info = format!("/Title ({info})");
        assert_eq!(parse_file(&file(&[content(&lines)], "", &info)).title, title, "{info}");
    }
    // The information is the bookmark, too.
    let page = content(&[("1.2 Setting up it all", 10, 700), ("Text below it.", 10, 688)]);
    let info = "/Title (Setting up it all) /Dest [4 0 R /Fit]";
    let bookmarked = file(&[page], "/Outlines << /First 6 0 R >>", info);
    let named = String::from_utf8(bookmarked).unwrap().replace("/Info 6 0 R", "/Info << /Title (x-1) >>");
    assert_eq!(parse_file(named.as_bytes()).title, "1.2 Setting up it all");
    let japanese = "/Title <FEFF4F7F752830DE30CB30E530A230EB>";
    assert_eq!(parse_file(&file(&[content(&lines)], "", japanese)).title, "使用マニュアル");
}

#[test]
fn what_is_cut_off_the_page_is_not_seen() {
    let content = "BT /F 12 Tf 1 0 0 1 72 700 Tm (Seen) Tj 1 0 0 1 72 100 Tm (CUT) Tj ET";
    for (crop_box, text, hidden) in [
        ("[0 400 612 792]", "Seen", 1),
        ("[612 792 0 400]", "Seen", 1),
        ("[-50 -50 900 900]", "Seen CUT", 0),
        ("[700 800 900 900]", "Seen CUT", 0),
        ("[0 0 0 0]", "Seen CUT", 0),
        ("[0 400 612]", "Seen CUT", 0),
    ] {
        let page = format!("/CropBox {crop_box}");
        let document = parse_file(&one_page("", "/Font << /F 4 0 R >>", &page, content, &[]));
        assert_eq!((document.text.as_str(), document.removed.hidden_elements), (text, hidden), "{crop_box}");
    }
}

#[test]
fn pages_that_are_pictures_are_counted() {
    let picture = "q 612 0 0 792 0 0 cm BI /W 600 /H 800 /CS /G /BPC 1 ID x EI Q";
    let text = content(&[("What the first page says, and more", 10, 700)]);
    let scan = format!("{picture} {}", content(&[("7", 10, 20)]));
    let illustrated = format!("{picture} {text}");
    let document = parse(&[text, scan.replace("ID x", &format!("ID {}", "x".repeat(60_000))), String::new()]);
    assert_eq!((document.pages_without_text, document.page_starts.len()), (1, 3));
    let illustrated = illustrated.replace("ID x", &format!("ID {}", "x".repeat(60_000)));
    assert_eq!(parse(&[illustrated]).pages_without_text, 0);
}

#[test]
fn invisible_text_is_left_out() {
    let invisible = "BT /F 12 Tf 3 Tr 72 700 Td (Recognised words) Tj ET";
    let trick = parse(&[format!("{invisible} BT /F 12 Tf 0 Tr 72 600 Td (What people see) Tj ET")]);
    assert_eq!((trick.text.as_str(), trick.removed.hidden_elements), ("What people see", 1));
}

#[test]
fn the_older_ways_to_show_text_are_known() {
    let page =
        "BT /F 12 Tf 14 TL 72 700 Td (one) Tj (two) ' 1 2 (three) \" [(fo) -20 (ur) -400 (five)] TJ ET"
            .to_owned();
    assert_eq!(parse(&[page]).text, "one\ntwo\nthreefour five");
}

#[test]
fn spacing_between_words_and_spacing_between_letters_are_told_apart() {
    // Ghostscript's way of writing "behaves as if the", a heading set by the spacing of letters, another with its letters
    // placed one by one, and a word with a space that is placed.
    for (content, text) in [
        ("(behave) Tj 2.78 Tc [(sa) 278 (si) 278 (ft) 278] TJ 0 Tc (he) Tj", "behaves as if the"),
        ("2 Tc (CHAPTER ONE) Tj", "CHAPTER ONE"),
        ("2 Tc (AB) Tj", "AB"),
        (
            "[(C) -200 (H) -200 (A) -200 (P) -200 (T) -200 (E) -200 (R) -500 (O) -200 (N) -200 (E)] TJ",
            "CHAPTER ONE",
        ),
        ("[(of) -200 (a) -200 (word)] TJ", "of a word"),
        ("[(d) -600 (d) -600 (d) -600 (d) -600 (d) -600 (d) -600 (d)] TJ", "d d d d d d d"),
    ] {
        assert_eq!(parse(&[format!("BT /F 10 Tf 72 700 Td {content} ET")]).text, text, "{content}");
    }
}

#[test]
fn a_single_large_line_is_no_heading_of_what_follows() {
    let rows: Vec<u32> = (0..12).map(|row| 670 - row * 12).collect();
    let page = |large: &str| {
        let mut lines = vec![(large, 16, 700)];
        lines.extend(rows.iter().map(|height| ("Text of this part.", 10, *height)));
        content(&lines)
    };
    let once = parse(&[page("Title"), content(&[("No more", 10, 700)]), page("of string")]).text;
    assert!(
        once.starts_with("# Title\n") && once.contains("\n\n# of string\n"),
        "a size that others have too: {once}"
    );
    let large = content(&[("Before", 10, 700), ("large words", 24, 680), ("After", 10, 660)]);
    let alone = parse(&[page("Title"), large]).text;
    assert!(alone.contains("\n\nlarge words\n"), "{alone}");
    for no_words in ["12 3 4", "h h h"] {
        let text = parse(&[page(no_words)]).text;
        assert!(!text.contains("# "), "{text}");
    }
}

#[test]
fn an_encrypted_file_without_pages_is_named_as_encrypted() {
    let error = |info: &str| {
        let file = file(&[], "", info);
        parse_document("a.pdf", &file, DocumentFormat::Pdf, &Limits::default()).unwrap_err().to_string()
    };
    assert_eq!(error(""), "broken: no pages can be found in it");
    assert_eq!(error("/Encrypt 9 0 R"), "encrypted: save it without a password");
}
