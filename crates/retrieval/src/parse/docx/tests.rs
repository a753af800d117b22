mod marked;

use std::io::{Cursor, Write as _};

use zip::write::{SimpleFileOptions, ZipWriter};

use crate::{DocumentFormat, Limits, ParsedDocument, parse_document};

/// The prefixes that the parts below use. `z` is nobody's.
const NAMESPACES: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" \
    xmlns:m=\"http://schemas.openxmlformats.org/officeDocument/2006/math\" \
    xmlns:mc=\"http://schemas.openxmlformats.org/markup-compatibility/2006\" \
    xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" \
    xmlns:wps=\"http://schemas.microsoft.com/office/word/2010/wordprocessingShape\" \
    xmlns:w14=\"http://schemas.microsoft.com/office/word/2010/wordml\" \
    xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" \
    xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
    xmlns:z=\"urn:z\" mc:Ignorable=\"w14 z\"";

fn parse(body: &str, parts: &[(&str, &str)]) -> ParsedDocument {
    parse_with(NAMESPACES, body, parts)
}

fn parse_with(namespaces: &str, body: &str, parts: &[(&str, &str)]) -> ParsedDocument {
    let document = format!("<w:document><w:body>{body}</w:body></w:document>");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [("word/document.xml", document.as_str())].iter().chain(parts) {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.replacen('>', &format!(" {namespaces}>"), 1).as_bytes()).unwrap();
    }
    let bytes = writer.finish().unwrap().into_inner();
    parse_document("a/some_file.docx", &bytes, DocumentFormat::Docx, &Limits::default()).unwrap()
}

fn text(body: &str, parts: &[(&str, &str)]) -> String {
    parse(body, parts).text.trim().to_owned()
}

fn run(text: &str) -> String {
    format!("<w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

fn paragraph(text: &str) -> String {
    format!("<w:p>{}</w:p>", run(text))
}

fn styled(style: &str, text: &str) -> String {
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/></w:pPr>{}</w:p>", run(text))
}

const STYLES: (&str, &str) = (
    "word/styles.xml",
    "<w:styles>\
     <w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"Standard\"><w:name w:val=\"Normal\"/></w:style>\
     <w:style w:styleId=\"berschrift1\"><w:name w:val=\"heading 1\"/><w:basedOn w:val=\"Standard\"/></w:style>\
     <w:style w:styleId=\"Eigene\"><w:name w:val=\"Own\"/><w:pPr><w:outlineLvl w:val=\"1\"/></w:pPr></w:style>\
     <w:style w:styleId=\"Enkel\"><w:name w:val=\"Grandchild\"/><w:basedOn w:val=\"Eigene\"/></w:style>\
     <w:style w:styleId=\"Titel\"><w:name w:val=\"Title\"/></w:style>\
     <w:style w:styleId=\"TOCHeading\"><w:name w:val=\"TOC Heading\"/><w:basedOn w:val=\"berschrift1\"/>\
     <w:pPr><w:outlineLvl w:val=\"9\"/></w:pPr></w:style>\
     <w:style w:styleId=\"Verzeichnis1\"><w:name w:val=\"toc 1\"/></w:style>\
     <w:style w:type=\"character\" w:styleId=\"Geheim\"><w:name w:val=\"Secret\"/><w:rPr><w:vanish/></w:rPr></w:style>\
     </w:styles>",
);

#[test]
fn headings_are_known_by_their_style_in_any_language() {
    let body = [
        styled("Titel", "The Title"),
        styled("Verzeichnis1", "One 1"),
        styled("berschrift1", "One"),
        styled("Eigene", "Two"),
        styled("Enkel", "Two as well"),
        "<w:p><w:pPr><w:outlineLvl w:val=\"2\"/></w:pPr><w:r><w:t>Three</w:t></w:r></w:p>".to_owned(),
        styled("TOCHeading", "No heading"),
        styled("Unknown", "text"),
    ];
    let document = parse(&body.concat(), &[STYLES]);
    assert_eq!(document.title, "The Title");
    assert_eq!(
        document.text.trim(),
        "# The Title\n\n# One\n\n## Two\n\n## Two as well\n\n### Three\n\nNo heading\n\ntext"
    );
}

#[test]
fn titles() {
    let core = |title: &str| {
        format!(
            "<cp:coreProperties><dc:creator>x</dc:creator><dc:title>{title}</dc:title></cp:coreProperties>"
        )
    };
    let told = core("Told &amp; true");
    assert_eq!(parse(&paragraph("text"), &[("docProps/core.xml", &told)]).title, "Told & true");
    for unsaid in ["", "Microsoft Word - a", "untitled", "Document1", "a.docx"] {
        let core = core(unsaid);
        assert_eq!(
            parse(&paragraph("text"), &[("docProps/core.xml", &core)]).title,
            "some file",
            "{unsaid:?}"
        );
    }
    assert_eq!(parse(&styled("berschrift1", "First"), &[STYLES]).title, "First");
}

#[test]
fn lists_have_the_numbers_that_word_shows() {
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId=\"0\">\
        <w:lvl w:ilvl=\"0\"><w:start w:val=\"1\"/><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"%1.\"/></w:lvl>\
        <w:lvl w:ilvl=\"1\"><w:numFmt w:val=\"lowerLetter\"/><w:lvlText w:val=\"%1.%2)\"/></w:lvl></w:abstractNum>\
        <w:abstractNum w:abstractNumId=\"1\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"bullet\"/><w:lvlText w:val=\"x\"/></w:lvl></w:abstractNum>\
        <w:num w:numId=\"7\"><w:abstractNumId w:val=\"0\"/></w:num><w:num w:numId=\"8\"><w:abstractNumId w:val=\"1\"/></w:num></w:numbering>";
    let item = |list: u8, level: u8, text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{list}\"/></w:numPr></w:pPr>{}</w:p>",
            run(text)
        )
    };
    let body = [
        item(7, 0, "one"),
        item(7, 1, "below"),
        item(7, 1, "below too"),
        item(7, 0, "two"),
        item(8, 0, "dot"),
        item(0, 0, "no list"),
        item(99, 0, "unknown list"),
    ];
    assert_eq!(
        text(&body.concat(), &[("word/numbering.xml", numbering)]),
        "1. one\n  1.a) below\n  1.b) below too\n2. two\n- dot\n\nno list\n\nunknown list"
    );
}

#[test]
fn numbered_headings_have_their_numbers() {
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId=\"0\">\
        <w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"%1\"/><w:pStyle w:val=\"H1\"/></w:lvl>\
        <w:lvl w:ilvl=\"1\"><w:numFmt w:val=\"decimal\"/><w:lvlText w:val=\"%1.%2\"/><w:pStyle w:val=\"H2\"/></w:lvl>\
        </w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>";
    let style = |id: &str, level: u8| {
        format!(
            "<w:style w:styleId=\"{id}\"><w:name w:val=\"heading {level}\"/><w:pPr><w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr></w:style>"
        )
    };
    let styles = format!("<w:styles>{}{}</w:styles>", style("H1", 1), style("H2", 2));
    let body = [styled("H1", "Scope"), styled("H2", "Goals"), styled("H2", "Limits"), styled("H1", "Plan")];
    assert_eq!(
        text(&body.concat(), &[("word/numbering.xml", numbering), ("word/styles.xml", &styles)]),
        "# 1 Scope\n\n## 1.1 Goals\n\n## 1.2 Limits\n\n# 2 Plan"
    );
}

#[test]
fn tables_are_tables_unless_they_lay_out_text() {
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph(text));
    let row =
        |cells: &[&str]| format!("<w:tr>{}</w:tr>", cells.iter().map(|text| cell(text)).collect::<String>());
    let table = format!("<w:tbl>{}{}</w:tbl>", row(&["Name", "A|B"]), row(&["x", "1"]));
    assert_eq!(
        text(&(paragraph("before") + &table + &paragraph("after")), &[]),
        "before\n\n| Name | A\\|B |\n| --- | --- |\n| x | 1 |\n\nafter"
    );
    let long = "A paragraph in a layout. ".repeat(50);
    let layout = format!("<w:tbl>{}</w:tbl>", row(&[&long, "beside"]));
    assert_eq!(text(&layout, &[]), format!("{}\n\nbeside", long.trim()));
    let nested = format!("<w:tbl><w:tr><w:tc>{table}</w:tc>{}</w:tr></w:tbl>", cell("y"));
    assert!(text(&nested, &[]).contains("Name"), "{}", text(&nested, &[]));
}

#[test]
fn what_word_does_not_show_is_not_text() {
    let hidden = |properties: &str| format!("<w:r><w:rPr>{properties}</w:rPr><w:t>UNSEEN</w:t></w:r>");
    let body = format!(
        "<w:p>{}{}{}{}<w:del w:id=\"1\"><w:r><w:delText>UNSEEN</w:delText><w:t>UNSEEN</w:t></w:r></w:del>\
         <w:ins w:id=\"2\"><w:r><w:t> inserted</w:t></w:r></w:ins>\
         <w:moveFrom><w:r><w:t>UNSEEN</w:t></w:r></w:moveFrom><w:moveTo><w:r><w:t> moved</w:t></w:r></w:moveTo>\
         <w:r><w:commentReference w:id=\"0\"/></w:r>\
         <w:r><w:fldChar w:fldCharType=\"begin\"/><w:instrText>UNSEEN</w:instrText></w:r>\
         <w:hyperlink r:id=\"rId1\"><w:r><w:t> linked</w:t></w:r></w:hyperlink>\
         <w:r><w:rPr><w:vanish w:val=\"0\"/></w:rPr><w:t> shown</w:t></w:r>\
         <w:r><w:rPr><w:vanish/></w:rPr><w:txbxContent>{}</w:txbxContent><w:t>UNSEEN</w:t></w:r></w:p>",
        run("seen"),
        hidden("<w:vanish/>"),
        hidden("<w:rStyle w:val=\"Geheim\"/>"),
        hidden("<w:sz w:val=\"2\"/>"),
        paragraph("UNSEEN"),
    );
    let document =
        parse(&body, &[STYLES, ("word/comments.xml", "<w:comments><w:t>UNSEEN</w:t></w:comments>")]);
    assert_eq!(document.text.trim(), "seen inserted moved linked shown");
    assert_eq!((document.removed.hidden_elements, document.removed.comments), (5, 3));
}

#[test]
fn a_text_box_is_told_once_and_after_its_paragraph() {
    let text_box = format!("<wps:txbx><w:txbxContent>{}</w:txbxContent></wps:txbx>", paragraph("In the box"));
    let body = format!(
        "<w:p>{}<w:r><mc:AlternateContent><mc:Choice Requires=\"wps\">{text_box}</mc:Choice><mc:Fallback>{text_box}</mc:Fallback>\
         </mc:AlternateContent></w:r>{}</w:p>",
        run("Around "),
        run("it"),
    );
    assert_eq!(text(&body, &[]), "Around it\n\nIn the box");
}

#[test]
fn notes_stand_below_the_paragraph_that_refers_to_them() {
    let body = "<w:p><w:r><w:t>Claim</w:t></w:r><w:r><w:footnoteReference w:id=\"2\"/></w:r>\
                <w:r><w:endnoteReference w:id=\"2\"/></w:r></w:p>\
                <w:p><w:r><w:t>Again</w:t><w:footnoteReference w:id=\"2\"/></w:r></w:p>";
    let footnotes =
        format!("<w:footnotes><w:footnote w:id=\"2\">{}</w:footnote></w:footnotes>", paragraph("Proof"));
    let endnotes =
        format!("<w:endnotes><w:endnote w:id=\"2\">{}</w:endnote></w:endnotes>", paragraph("Source"));
    assert_eq!(
        text(body, &[("word/footnotes.xml", &footnotes), ("word/endnotes.xml", &endnotes)]),
        "Claim[^2][^e2]\n\n[^2]: Proof\n\n[^e2]: Source\n\nAgain"
    );
}

#[test]
fn text_is_kept_as_it_reads() {
    let body = format!(
        "{}<w:p><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/><w:t>three</w:t><w:noBreakHyphen/><w:t>four</w:t></w:r></w:p>{}",
        paragraph("# not a heading &lt;b&gt; &#x41;"),
        paragraph("a_b &amp; c"),
    );
    assert_eq!(text(&body, &[]), "\\# not a heading <b> A\n\none two\nthree-four\n\na_b & c");
}

#[test]
fn strict_documents_read_as_the_others_do() {
    let strict = NAMESPACES
        .replace(
            "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
            "http://purl.oclc.org/ooxml/wordprocessingml/main",
        )
        .replace(
            "http://schemas.openxmlformats.org/officeDocument/2006/math",
            "http://purl.oclc.org/ooxml/officeDocument/math",
        );
    let formula = "<w:p><m:oMath><m:r><m:t>x+y</m:t></m:r></m:oMath></w:p>";
    let body = [styled("berschrift1", "One"), formula.to_owned(), paragraph("text")].concat();
    assert_ne!(strict, NAMESPACES);
    assert_eq!(parse_with(&strict, &body, &[STYLES]).text.trim(), "# One\n\nx+y\n\ntext");
    assert_eq!(text(&body, &[STYLES]), "# One\n\nx+y\n\ntext");
}

#[test]
fn any_prefix_may_stand_for_a_namespace() {
    let (_, word) = NAMESPACES.split_once("xmlns:w=").unwrap();
    let word = word.split(' ').next().unwrap();
    let other = paragraph("other").replace("w:", "q:");
    let none = "<p><r><t>none</t></r></p>";
    let body = format!("<w:sdt xmlns:q={word}>{other}</w:sdt><w:sdt xmlns={word}>{none}</w:sdt>");
    assert_eq!(text(&body, &[]), "other\n\nnone");
}

/// A name means what its namespace says. What is of one that Word does not know is not shown (ECMA-376 part 3).
#[test]
fn names_of_other_namespaces_mean_nothing() {
    for unseen in [
        "<w:p><w:r><z:t>UNSEEN</z:t></w:r></w:p>",
        "<w:p><w:r><m:t>UNSEEN</m:t></w:r></w:p>",
        "<w:p><z:r><w:t>UNSEEN</w:t></z:r></w:p>",
        "<z:more><w:p><w:r><w:t>UNSEEN</w:t></w:r></w:p></z:more>",
        "<w:p><w:r><w:t><z:b>UNSEEN</z:b></w:t></w:r></w:p>",
        "<w:p><w:r><unbound:t>UNSEEN</unbound:t></w:r></w:p>",
        "<p><r><t>UNSEEN</t></r></p>",
        "<w:p><w:r><w:t xmlns:w=\"urn:z\">UNSEEN</w:t></w:r></w:p>",
        "<w:p><m:oMath><m:phant><m:e><m:r><m:t>UNSEEN</m:t></m:r></m:e></m:phant></m:oMath></w:p>",
    ] {
        assert_eq!(text(&(paragraph("seen") + unseen), &[]), "seen", "{unseen}");
    }
}

/// What hides text cannot be taken back by what Word does not read.
#[test]
fn hidden_text_stays_hidden() {
    for properties in [
        "<w:vanish/><w:specVanish w:val=\"0\"/>",
        "<w:vanish/><z:vanish w:val=\"0\"/>",
        "<w:vanish/><w:vanish w:val=\"0\"/>",
        "<w:vanish z:val=\"0\"/>",
        "<w:vanish val=\"0\"/>",
        "<w:vanish z:val=\"0\" w:val=\"1\"/>",
        "<mc:AlternateContent><mc:Choice Requires=\"w14\"><w:vanish/></mc:Choice></mc:AlternateContent>",
        "<w:sz w:val=\"1pt\"/>",
        "<w:sz w:val=\"0.3mm\"/>",
        "<w:sz w:val=\"3\"/>",
        "<w:sz w:val=\"-20\"/>",
        "<w:sz w:val=\"?\"/>",
        "<w:w w:val=\"1\"/>",
        "<w:w w:val=\"1%\"/>",
    ] {
        let hidden = format!("<w:p><w:r><w:rPr>{properties}</w:rPr><w:t>UNSEEN</w:t></w:r></w:p>");
        let document = parse(&(paragraph("seen") + &hidden), &[]);
        assert_eq!(document.text.trim(), "seen", "{properties}");
        assert_eq!(document.removed.hidden_elements, 1, "{properties}");
    }
    for properties in [
        "<w:specVanish/>",
        "<z:vanish/>",
        "<w:sz w:val=\"21\"/>",
        "<w:sz w:val=\"10.5pt\"/>",
        "<w:sz w:val=\"0.15in\"/>",
        "<w:w w:val=\"66\"/>",
    ] {
        let shown = format!("<w:p><w:r><w:rPr>{properties}</w:rPr><w:t>shown</w:t></w:r></w:p>");
        assert_eq!(text(&shown, &[]), "shown", "{properties}");
    }
}

#[test]
fn of_alternatives_the_first_that_word_understands_is_shown() {
    let choice = |requires: &str, text: &str| {
        format!("<mc:Choice Requires=\"{requires}\">{}</mc:Choice>", paragraph(text))
    };
    let fallback = format!("<mc:Fallback>{}</mc:Fallback>", paragraph("fallback"));
    for (alternatives, shown) in [
        (choice("wps", "shape") + &fallback, "shape"),
        (choice("z", "UNSEEN") + &fallback, "fallback"),
        (choice("wps z", "UNSEEN") + &fallback, "fallback"),
        (choice("unbound", "UNSEEN") + &fallback, "fallback"),
        (choice("", "UNSEEN") + &fallback, "fallback"),
        (
            choice("z", "UNSEEN") + &choice("w14 wps", "second") + &choice("wps", "UNSEEN") + &fallback,
            "second",
        ),
        (choice("z", "UNSEEN"), ""),
        (choice("wps", "shape") + &paragraph("UNSEEN"), "shape"),
        (fallback.clone() + &choice("wps", "UNSEEN") + &fallback, "fallback"),
    ] {
        let body = format!("{}<mc:AlternateContent>{alternatives}</mc:AlternateContent>", paragraph("seen"));
        assert_eq!(text(&body, &[]), format!("seen\n\n{shown}").trim(), "{alternatives}");
    }
    let bare = choice("wps", "UNSEEN")
        + "<w:p><w:r><w:t><mc:AlternateContent>UNSEEN</mc:AlternateContent></w:t></w:r></w:p>";
    assert_eq!(text(&(paragraph("seen") + &bare), &[]), "seen");
}

#[test]
fn hidden_rows_are_not_text_whatever_stands_in_them() {
    let row = |properties: &str, content: &str| {
        format!("<w:tr><w:trPr>{properties}</w:trPr><w:tc>{content}</w:tc><w:tc>{content}</w:tc></w:tr>")
    };
    let table = |rows: &str| format!("<w:tbl>{rows}</w:tbl>");
    let shown = row("<w:hidden w:val=\"0\"/><z:hidden/><z:del/>", &paragraph("shown"));
    for unseen in ["<w:hidden/>", "<w:del w:id=\"1\"/>"] {
        for content in [paragraph("UNSEEN"), table(&row("", &paragraph("UNSEEN")))] {
            let body = table(&(shown.clone() + &row(unseen, &content)));
            assert_eq!(text(&body, &[]), "| shown | shown |\n| --- | --- |", "{unseen} {content}");
        }
    }
    let document = parse(&(paragraph("seen") + &table(&row("<w:hidden/>", &paragraph("UNSEEN")))), &[]);
    assert_eq!((document.removed.hidden_elements, document.removed.comments), (1, 0));
}
