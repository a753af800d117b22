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

/// A page that shows a text, and a form by that content; the forms have the resources.
fn with_forms(content: &str, forms: &[(&str, &str)]) -> Vec<u8> {
    let more: Vec<_> = forms
        .iter()
        .map(|(resources, content)| {
            let dictionary = format!("/Type /XObject /Subtype /Form /BBox [0 0 612 792] {resources}");
            stream(&dictionary, content.as_bytes())
        })
        .collect();
    let content = format!("{} {content}", showing(&["What people see"]));
    file(&objects("", "/XObject << /X 6 0 R >>", stream("", content.as_bytes()), &more), "")
}

/// Two forms, each of which shows the other.
fn forms_in_a_circle() -> Vec<u8> {
    let text = showing(&["around"]) + " /X Do";
    with_forms(
        "/X Do",
        &[
            ("/Resources << /Font << /F1 4 0 R >> /XObject << /X 7 0 R >> >>", &text),
            ("/Resources << /Font << /F1 4 0 R >> /XObject << /X 6 0 R >> >>", &text),
        ],
    )
}

/// Nine forms, each of which shows the next a hundred times; the last has that content.
fn forms_that_multiply(content: &str) -> Vec<u8> {
    let shown = "/X Do ".repeat(100);
    let resources: Vec<String> =
        (7..15).map(|next| format!("/Resources << /XObject << /X {next} 0 R >> >>")).collect();
    let mut forms: Vec<(&str, &str)> =
        resources.iter().map(|resources| (resources.as_str(), shown.as_str())).collect();
    forms.push(("/Resources << /Font << /F1 4 0 R >> >>", content));
    with_forms("/X Do", &forms)
}

/// Pages in fonts that all have a table of 65,536 codes, in a few bytes.
fn fonts_with_large_tables() -> Vec<u8> {
    let fonts = (0..300).map(|font| format!("/F{font} {} 0 R ", 7 + font)).collect::<Vec<_>>().concat();
    let content = (0..300).map(|font| format!("/F{font} 12 Tf ")).collect::<Vec<_>>().concat();
    let font = b"<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 6 0 R \
                 /DescendantFonts [<< /FontDescriptor << >> >>] >>";
    let mut more = vec![stream("", b"1 beginbfrange <0000> <ffff> <0000> endbfrange")];
    more.extend((0..300).map(|_| font.to_vec()));
    let mut objects = objects("", "", stream("", format!("BT {content} ET").as_bytes()), &more);
    objects[2] = format!(
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << {fonts} >> >> >>"
    )
    .into_bytes();
    file(&objects, "")
}

/// A tree of names without a name: fourteen nodes, each of which has the next a thousand times.
fn names_that_multiply() -> Vec<u8> {
    let node = |next: usize| format!("<< /Kids [{}] >>", format!("{next} 0 R ").repeat(1000)).into_bytes();
    let nodes: Vec<_> = (7..21).map(node).collect();
    let content = stream("", showing(&["What people see"]).as_bytes());
    file(&objects("/Names << /Dests 6 0 R >>", "", content, &nodes), "")
}

/// A page whose content is an empty stream, again and again.
fn empty_contents(count: usize) -> Vec<u8> {
    let mut objects = text_objects("What people see");
    objects.push(stream("", b""));
    let contents = "6 0 R ".repeat(count);
    objects[2] =
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents [5 0 R {contents}] /Resources << /Font << /F1 4 0 R >> >> >>")
            .into_bytes();
    file(&objects, "")
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

/// A page with text, and twice one that is a picture.
pub(crate) fn partly_scanned() -> Vec<u8> {
    let page = |content: usize| {
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {content} 0 R \
             /Resources << /Font << /F1 4 0 R >> /XObject << /X 6 0 R >> >> >>"
        )
    };
    let picture = stream("/Type /XObject /Subtype /Image /Width 1000 /Height 1300", &[]);
    let scan = stream("", b"q 612 0 0 792 0 0 cm /X Do Q");
    let text = stream("", showing(&["What people see, and more of it, and some more"]).as_bytes());
    let mut objects = objects("", "", text, &[picture, scan, page(7).into_bytes(), page(7).into_bytes()]);
    objects[1] = b"<< /Type /Pages /Kids [3 0 R 8 0 R 9 0 R] /Count 3 >>".to_vec();
    file(&objects, "")
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

/// Few bytes that ask for hours.
pub(crate) fn costly_files() -> Vec<Odd> {
    vec![
        Odd::pdf(
            "forms that show each other",
            forms_in_a_circle(),
            Error("nested too deeply: more than 32 elements inside each other"),
        ),
        Odd::pdf(
            "forms that multiply",
            forms_that_multiply(&showing(&["a hundred to the eighth"])),
            Error("parts of it are shown more than 100000 times"),
        ),
        Odd::pdf(
            "forms that multiply and show no text",
            forms_that_multiply("q Q"),
            Text("What people see", ""),
        ),
        Odd::pdf(
            "a mark that is shown 200,000 times",
            with_forms(&"/X Do ".repeat(200_000), &[("", "0 0 m 1 1 l S")]),
            Text("What people see", ""),
        ),
        Odd::pdf(
            "a form of 5 KB that is shown 10,000 times",
            with_forms(
                &"/X Do ".repeat(10_000),
                &[("/Resources << /Font << /F1 4 0 R >> >>", &showing(&["a letterhead"; 250]))],
            ),
            Error("unpacks to more than 41943040 bytes"),
        ),
        Odd::pdf(
            "a form with the page's own fonts",
            with_forms("/X Do", &[("", &showing(&["A letterhead"]).replace("700", "300"))]),
            Text("A letterhead", ""),
        ),
        Odd::pdf(
            "a form that is not there",
            with_forms("/Y Do /X Do", &[("", "/Z Do")]),
            Text("What people see", ""),
        ),
        Odd::pdf(
            "fonts with large tables",
            fonts_with_large_tables(),
            Error("more than 16000000 entries in the tables of its fonts, which each page reads anew"),
        ),
        Odd::pdf("names that multiply", names_that_multiply(), Text("What people see", "")),
        Odd::pdf(
            "a million empty contents",
            empty_contents(1_000_000),
            Error("unpacks to more than 41943040 bytes"),
        ),
        Odd::pdf(
            "a state saved 100,000 times",
            file(
                &objects(
                    "",
                    "",
                    stream(
                        "",
                        format!("{}{}", "q ".repeat(100_000), showing(&["What people see"])).as_bytes(),
                    ),
                    &[],
                ),
                "",
            ),
            Text("What people see", ""),
        ),
    ]
}
