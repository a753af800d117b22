//! PDFs, sound and odd, written by hand: what a library writes is too good.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_extract::{Document, EncryptionState, EncryptionVersion, Permissions};

use super::Expected::{Error, Text};
use super::Odd;

const FONT: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";

/// A file of the objects, numbered from 1; the first is the catalog.
pub(crate) fn file(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut table = String::new();
    for (number, object) in (1..).zip(objects) {
        let _ = write!(table, "{:010} 00000 n\r\n", bytes.len());
        writeln!(bytes, "{number} 0 obj").unwrap();
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    let start = bytes.len();
    let count = objects.len() + 1;
    write!(
        bytes,
        "xref\n0 {count}\n0000000000 65535 f\r\n{table}trailer\n<< /Size {count} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    )
    .unwrap();
    bytes
}

pub(crate) fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).into_bytes();
    object.extend(content);
    object.extend(b"\nendstream");
    object
}

/// The content that shows the lines below each other, in 12 points.
pub(crate) fn showing(lines: &[&str]) -> String {
    let mut content = String::from("BT /F1 12 Tf 14 TL 72 700 Td ");
    for line in lines {
        let _ = write!(content, "({line}) Tj T* ");
    }
    content + "ET"
}

/// The objects of a document of one page: catalog, pages, page, font, content, and those that follow from number 6.
fn objects(catalog: &str, resources: &str, content: Vec<u8>, more: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>").into_bytes(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R \
             /Resources << /Font << /F1 4 0 R >> {resources} >> >>"
        )
        .into_bytes(),
        FONT.into(),
        content,
    ];
    objects.extend_from_slice(more);
    objects
}

fn text_objects(text: &str) -> Vec<Vec<u8>> {
    objects("", "", stream("", showing(&[text]).as_bytes()), &[])
}

pub(crate) fn one_page(text: &str) -> Vec<u8> {
    file(&text_objects(text), "")
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn with_object(mut objects: Vec<Vec<u8>>, number: usize, object: &str) -> Vec<u8> {
    objects[number - 1] = object.into();
    file(&objects, "")
}

/// Two forms, each of which shows the other.
pub(crate) fn forms_in_a_circle() -> Vec<u8> {
    let form = |other: u8| {
        let dictionary = format!(
            "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {other} 0 R >> >>"
        );
        stream(&dictionary, b"/X Do")
    };
    let content = stream("", b"/X Do");
    file(&objects("", "/XObject << /X 6 0 R >>", content, &[form(7), form(6)]), "")
}

fn encrypted(user_password: &str) -> Vec<u8> {
    let mut document = Document::load_mem(&file(
        &text_objects("A secret that opens"),
        "/ID [(0123456789abcdef) (0123456789abcdef)]",
    ))
    .unwrap();
    let version = EncryptionVersion::V2 {
        document: &document,
        owner_password: "owner",
        user_password,
        key_length: 128,
        permissions: Permissions::all(),
    };
    let state = EncryptionState::try_from(version).unwrap();
    document.encrypt(&state).unwrap();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

fn many_pages(count: usize) -> Vec<u8> {
    let mut objects = text_objects("A page");
    let kids: Vec<String> = (0..count).map(|page| format!("{} 0 R", page + 6)).collect();
    let kids = kids.join(" ");
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {count} >>").into_bytes();
    for _ in 0..count {
        objects.push(objects[2].clone());
    }
    file(&objects, "")
}

fn scanned() -> Vec<u8> {
    let picture = stream(
        "/Type /XObject /Subtype /Image /Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8",
        &[0, 80, 160, 255],
    );
    file(&objects("", "/XObject << /X 6 0 R >>", stream("", b"q 612 0 0 792 0 0 cm /X Do Q"), &[picture]), "")
}

fn with_scripts() -> Vec<u8> {
    let catalog = "/OpenAction << /S /JavaScript /JS (app.alert\\('UNSEEN'\\)) >> \
                   /Names << /EmbeddedFiles << /Names [(UNSEEN.txt) 6 0 R] >> >>";
    let more = [
        b"<< /Type /Filespec /F (UNSEEN.txt) /EF << /F 7 0 R >> >>".to_vec(),
        stream("/Type /EmbeddedFile", b"UNSEEN in an attachment"),
    ];
    file(&objects(catalog, "", stream("", showing(&["What people see"]).as_bytes()), &more), "")
}

fn bookmarks_in_a_circle() -> Vec<u8> {
    let more = [
        b"<< /Type /Outlines /First 7 0 R /Last 7 0 R >>".to_vec(),
        b"<< /Title (What people see) /Parent 6 0 R /Next 7 0 R /First 7 0 R /Dest [3 0 R /Fit] >>".to_vec(),
    ];
    file(&objects("/Outlines 6 0 R", "", stream("", showing(&["What people see"]).as_bytes()), &more), "")
}

fn hidden_text() -> Vec<u8> {
    let content = "BT /F1 12 Tf 72 700 Td (What people see) Tj ET BT /F1 12 Tf 3 Tr 72 600 Td (UNSEEN ink) Tj ET \
                   BT 0 Tr /F1 0.5 Tf 72 500 Td (UNSEEN size) Tj ET BT /F1 12 Tf 72 -900 Td (UNSEEN place) Tj ET";
    file(&objects("", "", stream("", content.as_bytes()), &[]), "")
}

pub(crate) fn odd_files() -> Vec<Odd> {
    let structure = || Error("broken: its structure cannot be read; it may be cut off");
    let bomb = deflated(&vec![b' '; 64 * 1024 * 1024]);
    let bomb_stream = stream("/Filter /FlateDecode", &bomb);
    let content = || stream("", showing(&["What people see"]).as_bytes());
    let length_of_itself = {
        let mut content = content();
        let text = String::from_utf8(content.clone()).unwrap();
        let at = text.find("/Length ").unwrap();
        let end = at + text[at..].find('>').unwrap();
        content.splice(at..end, *b"/Length 6 0 R ");
        file(&objects("", "", content, &[b"6 0 R".to_vec()]), "")
    };
    let object_streams = [
        stream("/Type /ObjStm /N 1 /First 4 /Extends 7 0 R", b"6 0 << >>"),
        stream("/Type /ObjStm /N 1 /First 4 /Extends 6 0 R", b"7 0 << >>"),
    ];
    let loop_of_tables = {
        let sound = one_page("What people see");
        let start = sound.windows(5).position(|window| window == b"xref\n").unwrap();
        file(&text_objects("What people see"), &format!("/Prev {start}"))
    };
    vec![
        Odd::pdf(
            "pages in a circle",
            with_object(text_objects("x"), 2, "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"),
            Error("broken: no pages can be found in it"),
        ),
        Odd::pdf(
            "a page above itself",
            with_object(text_objects("x"), 2, "<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 2 0 R >>"),
            structure(),
        ),
        Odd::pdf(
            "the same page again and again",
            with_object(
                text_objects("What people see"),
                2,
                "<< /Type /Pages /Kids [3 0 R 3 0 R 3 0 R] /Count 3 >>",
            ),
            Text("What people see", ""),
        ),
        Odd::pdf(
            "100,000 pages claimed",
            with_object(text_objects("What people see"), 2, "<< /Type /Pages /Kids [3 0 R] /Count 100000 >>"),
            Text("What people see", ""),
        ),
        Odd::pdf("101 pages", many_pages(101), Error("more than 100 pages")),
        Odd::pdf(
            "object streams that extend each other",
            file(&objects("", "", content(), &object_streams), ""),
            Text("What people see", ""),
        ),
        Odd::pdf("a length that is itself", length_of_itself, Error("no text in it")),
        Odd::pdf("a table that is before itself", loop_of_tables, Text("What people see", "")),
        Odd::pdf(
            "a content that unpacks to 64 MiB",
            file(&objects("", "", bomb_stream, &[]), ""),
            Error("unpacks to more than 41943040 bytes"),
        ),
        Odd::pdf("encrypted", encrypted("user"), Error("encrypted: save it without a password")),
        Odd::pdf(
            "encrypted, but it opens without a password",
            encrypted(""),
            Text("A secret that opens", ""),
        ),
        Odd::pdf("scanned", scanned(), Error("1 page without text: a scan; run OCR first")),
        Odd::pdf("cut off", one_page("x")[..300].to_vec(), structure()),
        Odd::pdf("a header alone", b"%PDF-1.7\n".to_vec(), structure()),
        Odd::pdf("scripts and attachments", with_scripts(), Text("What people see", "UNSEEN")),
        Odd::pdf("bookmarks in a circle", bookmarks_in_a_circle(), Text("# What people see", "")),
        Odd::pdf("hidden text", hidden_text(), Text("What people see", "UNSEEN")),
        Odd::pdf(
            "no size",
            with_object(
                text_objects("What people see"),
                3,
                "<< /Type /Page /Parent 2 0 R /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
            ),
            Text("What people see", ""),
        ),
    ]
}
