//! What more than its words says: merged cells, what is struck out, code, links.

use super::{paragraph, parse, run, styled, text};

fn cell(properties: &str, text: &str) -> String {
    format!("<w:tc><w:tcPr>{properties}</w:tcPr>{}</w:tc>", paragraph(text))
}

fn table(rows: &[&[(&str, &str)]]) -> String {
    let row = |cells: &&[(&str, &str)]| {
        cells.iter().map(|(properties, text)| cell(properties, text)).collect::<String>()
    };
    let rows: Vec<String> = rows.iter().map(row).collect();
    format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", rows.join("</w:tr><w:tr>"))
}

const TWO: &str = "<w:gridSpan w:val=\"2\"/>";
const FIRST: &str = "<w:vMerge w:val=\"restart\"/>";
const NEXT: &str = "<w:vMerge/>";

#[test]
fn merged_cells_keep_the_columns() {
    let years = table(&[
        &[("", "Year"), (TWO, "2023"), ("", "2024")],
        &[("", "Q1"), ("", "100"), ("", "110"), ("", "120")],
    ]);
    assert_eq!(
        text(&years, &[]),
        "| Year | 2023 |  | 2024 |\n| --- | --- | --- | --- |\n| Q1 | 100 | 110 | 120 |"
    );
    let regions = table(&[
        &[("", "Region"), ("", "City")],
        &[(FIRST, "North"), ("", "Oslo")],
        &[(NEXT, ""), ("", "Bergen")],
        &[("<w:vMerge w:val=\"continue\"/>", ""), ("", "Bodø")],
        &[("", ""), ("", "Rome")],
    ]);
    assert_eq!(
        text(&regions, &[]),
        "| Region | City |\n| --- | --- |\n| North | Oslo |\n| North | Bergen |\n| North | Bodø |\n|  | Rome |"
    );
    let both = [TWO, FIRST].concat();
    let block = table(&[
        &[(&both, "a"), ("", "b")],
        &[(&[TWO, NEXT].concat(), ""), ("", "c")],
        &[("", "d"), ("", "e"), ("", "f")],
        &[(&both, ""), ("", "")],
    ]);
    assert_eq!(text(&block, &[]), "| a |  | b |\n| --- | --- | --- |\n| a |  | c |\n| d | e | f |");
}

#[test]
fn rows_that_begin_later_keep_the_columns() {
    let later = "<w:tr><w:trPr><w:gridBefore w:val=\"1\"/></w:trPr>".to_owned() + &cell("", "c") + "</w:tr>";
    let body = table(&[&[("", "a"), ("", "b")]]).replace("</w:tbl>", &format!("{later}</w:tbl>"));
    assert_eq!(text(&body, &[]), "| a | b |\n| --- | --- |\n|  | c |");
}

#[test]
fn a_merged_cell_shows_the_text_of_the_first_alone() {
    let merged = table(&[&[(FIRST, "a"), ("", "b")], &[(NEXT, "UNSEEN"), ("", "c")]]);
    let document = parse(&merged, &[]);
    assert_eq!(document.text.trim(), "| a | b |\n| --- | --- |\n| a | c |");
    assert_eq!(document.removed.hidden_elements, 1);
    // Merged with nothing, or with other columns, a cell is its own.
    for above in ["", TWO, &[TWO, FIRST].concat()] {
        let body = table(&[&[(above, "a"), ("", "b")], &[(NEXT, "seen"), ("", "c")]]);
        assert!(text(&body, &[]).contains("| seen |"), "{above}");
    }
}

#[test]
fn hostile_spans_cost_nothing() {
    let wide = "<w:gridSpan w:val=\"18446744073709551615\"/>";
    let body = table(&[&[(wide, "a"), (wide, "b"), ("", "c")], &[("", "d"), ("", "e")]]);
    assert!(text(&body, &[]).len() < 100, "{}", text(&body, &[]));
}

fn with(properties: &str, text: &str) -> String {
    format!("<w:r><w:rPr>{properties}</w:rPr><w:t xml:space=\"preserve\">{text}</w:t></w:r>")
}

const LOOKS: (&str, &str) = (
    "word/styles.xml",
    "<w:styles><w:style w:type=\"paragraph\" w:default=\"1\" w:styleId=\"N\"><w:name w:val=\"Normal\"/></w:style>\
     <w:style w:styleId=\"Old\"><w:name w:val=\"Old\"/><w:rPr><w:strike/></w:rPr></w:style>\
     <w:style w:styleId=\"SourceCode\"><w:name w:val=\"Source Code\"/></w:style>\
     <w:style w:styleId=\"Based\"><w:name w:val=\"My code\"/><w:basedOn w:val=\"SourceCode\"/></w:style>\
     <w:style w:styleId=\"V\"><w:name w:val=\"Verbatim Char\"/><w:rPr><w:rFonts w:ascii=\"Consolas\"/></w:rPr></w:style>\
     </w:styles>",
);

#[test]
fn struck_out_text_is_marked() {
    let body = format!(
        "<w:p>{}{}{}{}</w:p><w:p>{}</w:p><w:p><w:pPr><w:pStyle w:val=\"Old\"/></w:pPr>{}{}</w:p>",
        run("Price: "),
        with("<w:strike/>", "500"),
        with("<w:dstrike w:val=\"true\"/><w:b/>", " EUR "),
        run("650 EUR"),
        with("<w:strike w:val=\"0\"/>", "valid"),
        run("gone "),
        with("<w:strike w:val=\"false\"/>", "stays"),
    );
    assert_eq!(text(&body, &[LOOKS]), "Price: ~~500 EUR~~ 650 EUR\n\nvalid\n\n~~gone~~ stays");
    let item = table(&[&[("", "a"), ("", "b")]]).replace("<w:r><w:t", "<w:r><w:rPr><w:strike/></w:rPr><w:t");
    assert_eq!(text(&item, &[]), "| ~~a~~ | ~~b~~ |\n| --- | --- |");
}

#[test]
fn code_stands_as_it_was_typed() {
    let broken = "<w:p><w:pPr><w:pStyle w:val=\"SourceCode\"/></w:pPr><w:r><w:t>a:</w:t><w:br/>\
                  <w:t xml:space=\"preserve\">  - b</w:t><w:br/><w:tab/><w:t>c # ```</w:t></w:r></w:p>";
    let code = "````\na:\n  - b\n\tc # ```\n````";
    assert_eq!(
        text(&(paragraph("see") + broken + &paragraph("after")), &[LOOKS]),
        format!("see\n\n{code}\n\nafter")
    );
    assert_eq!(text(&broken.repeat(2), &[LOOKS]), format!("{code}\n\n{code}"));
    // A paragraph a line, with empty ones between them.
    let lines = [
        styled("Based", "# a"),
        "<w:p/>".to_owned(),
        styled("SourceCode", "    b"),
        styled("SourceCode", " "),
        "<w:p/>".to_owned(),
        paragraph("# after"),
    ];
    assert_eq!(text(&lines.concat(), &[LOOKS]), "```\n# a\n\n    b\n```\n\n\\# after");
}

#[test]
fn code_within_an_item_is_code() {
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId=\"0\"><w:lvl w:ilvl=\"0\"><w:numFmt w:val=\"bullet\"/>\
                     </w:lvl></w:abstractNum><w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>";
    let listed = |paragraph: &str| {
        paragraph.replacen("<w:p>", "<w:p><w:pPr><w:numPr><w:numId w:val=\"1\"/></w:numPr></w:pPr>", 1)
    };
    let code =
        styled("SourceCode", "  a  b").replace("<w:pPr>", "<w:pPr><w:numPr><w:numId w:val=\"1\"/></w:numPr>");
    let body = listed(&paragraph("one")) + &code + &listed(&paragraph("two"));
    let parts = [LOOKS, ("word/numbering.xml", numbering)];
    assert_eq!(text(&body, &parts), "- one\n\n```\n  a  b\n```\n\n- two");
}

#[test]
fn a_font_for_code_makes_code() {
    let courier = "<w:rFonts w:ascii=\"Courier New\" w:hAnsi=\"Courier New\"/>";
    let line = |text: &str| format!("<w:p>{}</w:p>", with(courier, text));
    let styled = format!("<w:p>{}</w:p>", with("<w:rStyle w:val=\"V\"/>", "    d: 1"));
    let body =
        [line("a:"), line("  b: 1"), styled, format!("<w:p>{}{}</w:p>", run("run "), with(courier, "c"))];
    assert_eq!(text(&body.concat(), &[LOOKS]), "```\na:\n  b: 1\n    d: 1\n```\n\nrun c");
    // No code: prose in such a font, a theme's font, and a document that is typed in one.
    let prose = "A long sentence that goes on. ".repeat(10);
    assert_eq!(text(&line(&prose), &[]), prose.trim());
    let theme =
        format!("<w:p>{}</w:p>", with("<w:rFonts w:ascii=\"Courier\" w:asciiTheme=\"minor\"/>", " a"));
    assert_eq!(text(&theme, &[]), "a");
    let typewritten = format!(
        "<w:styles><w:docDefaults><w:rPrDefault><w:rPr>{courier}</w:rPr></w:rPrDefault></w:docDefaults></w:styles>"
    );
    assert_eq!(text(&paragraph("  a"), &[("word/styles.xml", &typewritten)]), "a");
}

#[test]
fn code_in_a_table_is_told_in_its_row() {
    let code = |text: &str| format!("<w:tc>{}</w:tc>", styled("SourceCode", text));
    let row = format!("<w:tbl><w:tr>{}{}</w:tr></w:tbl>", code("ls -l"), cell("", "lists"));
    assert_eq!(text(&row, &[LOOKS]), "| ls -l | lists |\n| --- | --- |");
    let frame = format!("<w:tbl><w:tr>{}</w:tr></w:tbl>", code("  ls -l"));
    assert_eq!(text(&frame, &[LOOKS]), "```\n  ls -l\n```");
}

fn relationships(links: &[(&str, &str, &str)]) -> String {
    let link = |(id, mode, target): &(&str, &str, &str)| {
        format!(
            "<q:Relationship Id=\"{id}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink\" \
             TargetMode=\"{mode}\" Target=\"{target}\"/>"
        )
    };
    let links: String = links.iter().map(link).collect();
    format!(
        "<q:Relationships xmlns:q=\"http://schemas.openxmlformats.org/package/2006/relationships\">{links}</q:Relationships>"
    )
}

fn link(id: &str, runs: &str) -> String {
    format!("<w:hyperlink r:id=\"{id}\">{runs}</w:hyperlink>")
}

#[test]
fn links_keep_their_targets() {
    let of_document = relationships(&[
        ("a", "External", "https://example.com/a(1)?b&amp;c"),
        ("file", "External", "file:///etc/passwd"),
        ("script", "External", "javascript:alert(1)"),
        ("inner", "Internal", "https://example.com/inner"),
        ("mail", "External", "mailto:a@example.com?body=UNSEEN"),
        ("same", "External", "https://example.com/"),
    ]);
    let parts = [("word/_rels/document.xml.rels", of_document.as_str())];
    let line = |content: &str| format!("<w:p>{}{content}{}</w:p>", run("to "), run(" now"));
    for (content, expected) in [
        (link("a", &run(" the portal")), "to  [the portal](https://example.com/a%281%29?b&c) now"),
        (
            link("a", &(run("the ") + &with("<w:strike/>", "old") + &run(" one"))),
            "to [the ~~old~~ one](https://example.com/a%281%29?b&c) now",
        ),
        (link("mail", &run("Jane")), "to [Jane](mailto:a@example.com) now"),
        (link("same", &run("https://example.com")), "to https://example.com now"),
        (
            link("same", &run("x")).replace("r:id", "w:anchor=\"top\" r:id"),
            "to [x](https://example.com/#top) now",
        ),
        (link("same", &run("x")).replace("r:id", "w:id"), "to x now"),
        (link("file", &run("x")), "to x now"),
        (link("script", &run("x")), "to x now"),
        (link("inner", &run("x")), "to x now"),
        (link("none", &run("x")), "to x now"),
        (link("a", &with("<w:vanish/>", "UNSEEN")), "to  now"),
    ] {
        assert_eq!(text(&line(&content), &parts), expected, "{content}");
    }
    let notes = relationships(&[("a", "External", "https://example.com/note")]);
    let footnotes = format!(
        "<w:footnotes><w:footnote w:id=\"1\"><w:p>{}</w:p></w:footnote></w:footnotes>",
        link("a", &run("there"))
    );
    let body = "<w:p><w:r><w:t>see</w:t><w:footnoteReference w:id=\"1\"/></w:r></w:p>";
    assert_eq!(
        text(body, &[("word/footnotes.xml", &footnotes), ("word/_rels/footnotes.xml.rels", &notes)]),
        "see[^1]\n\n[^1]: [there](https://example.com/note)"
    );
}

#[test]
fn fields_are_links_too() {
    let mark = |kind: &str| format!("<w:r><w:fldChar w:fldCharType=\"{kind}\"/></w:r>");
    let told = |instruction: &str| format!("<w:r><w:instrText>{instruction}</w:instrText></w:r>");
    let field = |instructions: &[&str], result: &str| {
        let instructions: String = instructions.iter().map(|part| told(part)).collect();
        [mark("begin"), instructions, mark("separate"), run(result), mark("end")].concat()
    };
    let complex = field(&[" HYPERLINK ", "\"https://example.com/", "a\" \\o \"UNSEEN\""], "portal");
    let simple =
        format!("<w:fldSimple w:instr=\"HYPERLINK https://example.com/b\">{}</w:fldSimple>", run("wiki"));
    let page = field(&[" PAGE "], "7");
    let body = format!("<w:p>{complex}{}{simple}{}{page}</w:p>", run(", "), run(", "));
    assert_eq!(text(&body, &[]), "[portal](https://example.com/a), [wiki](https://example.com/b), 7");
    // One without an end makes no link of what follows its paragraph.
    let open = complex.replace(&mark("end"), "");
    let body = format!("<w:p>{open}{}</w:p>{}", run(" and"), paragraph("after"));
    assert_eq!(text(&body, &[]), "[portal and](https://example.com/a)\n\nafter");
    let stray = format!("<w:p>{}{}{}</w:p>", mark("end"), run("text"), mark("separate"));
    assert_eq!(text(&stray, &[]), "text");
}
