//! Word documents, sound and odd.

use std::io::{Cursor, Write as _};

use zip::write::{SimpleFileOptions, ZipWriter};

use super::Expected::{Error, Text};
use super::Odd;

const WORKBOOK_RELATIONSHIPS: &[u8] =
    b"<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Type=\"x/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>";

const NAMESPACE: &str = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";

pub(crate) fn archive<'a>(parts: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn body_xml(body: &str) -> String {
    format!("<?xml version=\"1.0\"?><w:document {NAMESPACE}><w:body>{body}</w:body></w:document>")
}

/// A document of that body and nothing else.
pub(crate) fn document(body: &str) -> Vec<u8> {
    archive([("word/document.xml", body_xml(body).as_bytes())])
}

pub(crate) fn with_parts(body: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let body = body_xml(body);
    let parts = parts.iter().map(|(name, text)| (*name, text.as_bytes()));
    archive([("word/document.xml", body.as_bytes())].into_iter().chain(parts))
}

pub(crate) fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.fold(String::new(), |joined, part| joined + &part)
}

pub(crate) fn odd_files() -> Vec<Odd> {
    let bomb = body_xml(&" ".repeat(30 * 1024 * 1024));
    let too_large = joined((0..6_000_000).map(|number| format!("{number:07}")));
    let entities =
        "<!DOCTYPE a [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>";
    let with_doctype = |doctype: &str, text: &str| {
        let xml =
            format!("{doctype}<w:document {NAMESPACE}><w:body>{}</w:body></w:document>", paragraph(text));
        archive([("word/document.xml", xml.as_bytes())])
    };
    let not_well_formed = || Error("broken: its XML is not well-formed");
    let external = "<!DOCTYPE a [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>";
    let cut_off = document(&paragraph("Text"))[..200].to_vec();
    let no_text = archive([("word/document.xml", &b"<a>\xff\xfe\xfd</a>"[..])]);
    let doctype_error =
        || Error("broken: its XML has a document type declaration, which Office documents must not have");
    let many: Vec<String> = (0..100_000).map(|number| format!("word/media/{number}")).collect();
    let many = many.iter().map(|name| (name.as_str(), &b""[..]));
    let wide = "<w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"1000000000\"/></w:tcPr>\
                <w:p><w:r><w:t>wide</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    let ten_thousand_cells = format!(
        "<w:tbl><w:tr>{}</w:tr></w:tbl>",
        format!("<w:tc>{}</w:tc>", paragraph("cell")).repeat(10_000)
    );
    let runs = joined((0..1_000_000).map(|number| format!("<w:r><w:t>{}</w:t></w:r>", number % 10)));
    let circle = format!(
        "<w:styles {NAMESPACE}><w:style w:styleId=\"A\"><w:basedOn w:val=\"B\"/></w:style>\
         <w:style w:styleId=\"B\"><w:basedOn w:val=\"A\"/></w:style></w:styles>"
    );
    let in_style =
        "<w:p><w:pPr><w:pStyle w:val=\"A\"/></w:pPr><w:r><w:t>Styled in a circle</w:t></w:r></w:p>";
    vec![
        Odd::docx(
            "a zip bomb",
            archive([("word/document.xml", bomb.as_bytes())]),
            Error("packed more than 300 to 1, as no document is"),
        ),
        Odd::docx("an endless document", document(&too_large), Error("unpacks to more than 41943040 bytes")),
        Odd::docx(
            "a zip bomb in an attachment, which is not opened",
            archive([
                ("word/document.xml", body_xml(&paragraph("Outer")).as_bytes()),
                ("word/embeddings/inner.docx", &archive([("word/document.xml", bomb.as_bytes())])),
            ]),
            Text("Outer", ""),
        ),
        Odd::docx("sizes that lie", lying_sizes(), Error("broken: a part of it cannot be unpacked")),
        Odd::docx("parts that overlap", overlapping(), Text("Once", "")),
        Odd::docx("100,000 parts", archive(many), Error("more than 20000 parts in it")),
        Odd::docx(
            "names that lead out",
            with_parts(&paragraph("Here"), &[("../../../../etc/passwd", "root"), ("/etc/shadow", "root")]),
            Text("Here", "root"),
        ),
        Odd::docx(
            "no document in it",
            archive([("xl/workbook.xml", &b"<workbook/>"[..])]),
            Error("broken: a ZIP archive without word/document.xml, so no Word document"),
        ),
        Odd::docx(
            "a workbook by its relationships",
            archive([("_rels/.rels", WORKBOOK_RELATIONSHIPS), ("xl/workbook.xml", b"<workbook/>")]),
            Error("broken: a ZIP archive without word/document.xml, so no Word document"),
        ),
        Odd::docx(
            "an archive that is cut off",
            cut_off,
            Error("broken: its ZIP directory cannot be read; it may be cut off"),
        ),
        Odd::docx("a billion laughs", with_doctype(entities, "&c;"), doctype_error()),
        Odd::docx("an external entity", with_doctype(external, "&a;"), doctype_error()),
        Odd::docx("an entity that nobody declared", document(&paragraph("&a;")), not_well_formed()),
        Odd::docx("elements that are not closed", document("<w:p><w:r>"), not_well_formed()),
        Odd::docx("bytes that are no text", no_text, not_well_formed()),
        Odd::docx(
            "elements 100,000 deep",
            document(&"<w:sdt>".repeat(100_000)),
            Error("nested too deeply: more than 512 elements inside each other"),
        ),
        Odd::docx(
            "a table 10,000 columns wide",
            document(&ten_thousand_cells),
            Error("a table of more than 1000 columns"),
        ),
        Odd::docx("a cell that spans a billion columns", document(wide), Text("wide", "")),
        Odd::docx("1,000,000 tiny runs", document(&format!("<w:p>{runs}</w:p>")), Text("0123456789", "")),
        Odd::docx(
            "styles in a circle",
            with_parts(in_style, &[("word/styles.xml", &circle)]),
            Text("Styled in a circle", ""),
        ),
        Odd::docx("an empty document", document("<w:p/>"), Error("no text in it")),
    ]
}

/// An archive whose directory says that its document has ten bytes.
fn lying_sizes() -> Vec<u8> {
    let mut bytes = document(&paragraph(&"Text that is longer than it says. ".repeat(100)));
    // The central directory's header (APPNOTE 4.3.12): the signature, and 24 bytes into it the size.
    let header = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    bytes[header + 24..header + 28].copy_from_slice(&10_u32.to_le_bytes());
    bytes[header + 16..header + 20].copy_from_slice(&[0; 4]);
    bytes
}

/// An archive whose directory names the one part twice.
fn overlapping() -> Vec<u8> {
    let bytes = document(&paragraph("Once"));
    let directory = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
    let end = bytes.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    let mut entry = bytes[directory..end].to_vec();
    let name = entry.windows(4).position(|window| window == b"word").unwrap();
    entry[name..name + 4].copy_from_slice(b"copy");
    let mut doubled = bytes[..end].to_vec();
    doubled.extend(&entry);
    let mut tail = bytes[end..].to_vec();
    tail[8..12].copy_from_slice(&[2, 0, 2, 0]);
    let size = u32::try_from(doubled.len() - directory).unwrap();
    tail[12..16].copy_from_slice(&size.to_le_bytes());
    doubled.extend(tail);
    doubled
}
