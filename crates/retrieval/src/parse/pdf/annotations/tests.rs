use super::super::tests::{one_page, parse_file, text};
use crate::{DocumentFormat, Limits, ParseError, parse_document};

/// A page of this content with these annotations; more objects follow from number 6, as `fields` of the form say.
fn form(entries: &str, content: &str, annotations: &[&str], more: &[&str]) -> Vec<u8> {
    let fonts = "/DR << /Font << /Helv 4 0 R >> >>";
    let catalog = format!("/AcroForm << /Fields [] {fonts} {entries} >>");
    let page = format!("/Annots [{}]", annotations.join(" "));
    let more: Vec<String> = more.iter().map(|object| (*object).to_owned()).collect();
    one_page(&catalog, "/Font << /F 4 0 R >>", &page, content, &more)
}

fn field(entries: &str) -> String {
    format!("<< /Subtype /Widget /FT /Tx /Rect [150 695 300 715] {entries} >>")
}

fn appearance(entries: &str, content: &str) -> String {
    format!("<< /BBox [0 0 150 20] {entries} /Length {} >>\nstream\n{content}\nendstream", content.len())
}

/// As a form's file has it: all labels, and then the values.
const LABELS: &str = "BT /F 10 Tf 72 700 Td (Name: ______) Tj 0 -20 Td (Born in) Tj \
                      0 -40 Td (Remarks on what was ordered, and when it is to be delivered) Tj ET";

const REMARKS: &str = "Remarks on what was ordered, and when it is to be delivered";

#[test]
fn a_value_stands_beside_its_label_as_it_is_shown() {
    let shown = appearance("", "/Tx BMC q BT /Helv 12 Tf 2 5 Td (Ada Lovelace) Tj ET Q EMC");
    let born = appearance("/Resources << /Font << /F 4 0 R >> >>", "BT /F 8 Tf (London) Tj ET");
    let annotations = [
        &field("/V (another) /AP << /N 6 0 R >>"),
        "<< /Subtype /Widget /Rect [150 675 300 690] /FT /Ch /AS /On /AP << /N << /On 7 0 R >> >> >>",
    ];
    let file = form("", LABELS, &annotations, &[&shown, &born]);
    assert_eq!(text(&file), format!("Name: Ada Lovelace\nBorn in London\n\n{REMARKS}"));
}

#[test]
fn a_field_that_is_not_drawn_yet_has_its_value() {
    let stale = appearance("", "BT /Helv 12 Tf 2 5 Td (Nobody) Tj ET");
    let named = field("/V (Ada Lovelace) /AP << /N 6 0 R >>");
    let drawn_by_value = form("/NeedAppearances true", LABELS, &[&named], &[&stale]);
    let without_appearance = form("", LABELS, &[&field("/V <FEFF00C5006400610020004C006F>")], &[]);
    assert_eq!(text(&drawn_by_value), format!("Name: Ada Lovelace\nBorn in\n\n{REMARKS}"));
    assert_eq!(text(&without_appearance), format!("Name: Åda Lo\nBorn in\n\n{REMARKS}"));
}

#[test]
fn values_come_from_the_field_above_and_choices_in_the_words_that_are_shown() {
    let child = "<< /Subtype /Widget /Rect [150 695 300 715] /Parent 6 0 R >>";
    let choice = "<< /Subtype /Widget /Rect [150 600 300 635] /FT /Ch /V [(b) (c)] /Opt [[(a) (Apples)] [(b) (Pears)] (c)] >>";
    let file = form("", LABELS, &[child, choice], &["<< /FT /Tx /V (Ada) /Parent 6 0 R >>"]);
    assert_eq!(text(&file), format!("Name: Ada\nBorn in\n\n{REMARKS} Pears\nc"));
}

#[test]
fn a_value_of_several_lines_follows_its_label_and_one_without_a_label_comes_last() {
    let below = "<< /Subtype /Widget /FT /Tx /Rect [60 560 300 635] /V (First.\\r\\nSecond.) >>";
    let before = "<< /Subtype /Widget /FT /Tx /Rect [10 740 60 760] /V (Elsewhere) >>";
    let shown = text(&form("", LABELS, &[before, below], &[]));
    assert_eq!(shown, format!("Name: ______\nBorn in\n\n{REMARKS} First.\nSecond.\n\nElsewhere"));
}

#[test]
fn remarks_and_signatures_are_shown_and_stand_by_their_boxes() {
    // The box is twice as large as its place, and begins elsewhere.
    let remark = appearance("/Matrix [1 0 0 1 7 9]", "BT /Helv 20 Tf 100 104 Td (Approved) Tj ET")
        .replace("[0 0 150 20]", "[100 100 400 140]");
    let annotation = "<< /Subtype /FreeText /Rect [150 695 300 715] /AP << /N 6 0 R >> >>";
    assert_eq!(
        text(&form("", LABELS, &[annotation], &[&remark])),
        format!("Name: Approved\nBorn in\n\n{REMARKS}")
    );
    let name = appearance("/Resources << /XObject << /n 7 0 R >> >>", "q 1 0 0 1 4 4 cm /n Do Q");
    let inner = appearance("", "BT /Helv 8 Tf (Signed by Ada) Tj ET").replace("<<", "<< /Subtype /Form");
    let signature = "<< /Subtype /Widget /FT /Sig /Rect [150 695 300 715] /AP << /N 6 0 R >> >>";
    assert_eq!(
        text(&form("", LABELS, &[signature], &[&name, &inner])),
        format!("Name: Signed by Ada\nBorn in\n\n{REMARKS}")
    );
}

#[test]
fn what_nobody_sees_is_left_out() {
    let shown = appearance("", "BT /Helv 12 Tf 2 5 Td (UNSEEN) Tj ET");
    let unseen = [
        &field("/F 2 /V (UNSEEN)"),
        &field("/F 32 /AP << /N 6 0 R >>"),
        &field("/Ff 8192 /V (UNSEEN) /AP << /N 6 0 R >>"),
        &field("/V (UNSEEN) /AP << /N 7 0 R >>"),
        "<< /Subtype /Widget /FT /Tx /Rect [150 695 150 715] /V (UNSEEN) >>",
        "<< /Subtype /Widget /FT /Tx /Rect [900 695 990 715] /V (UNSEEN) >>",
        "<< /Subtype /Widget /FT /Btn /Rect [150 695 300 715] /AP << /N 6 0 R >> >>",
        "<< /Subtype /Popup /Rect [150 695 300 715] /AP << /N 6 0 R >> >>",
        "<< /Subtype /FreeText /Rect [150 695 150 695] /AP << /N 6 0 R >> >>",
        "<< /Subtype /FreeText /Rect [150 695 300] /AP << /N 6 0 R >> >>",
        "<< /Subtype /Text /Rect [150 695 300 715] /Contents (UNSEEN) >>",
        "99 0 R",
        "(UNSEEN)",
    ];
    let file = form("", "BT /F 10 Tf 72 700 Td (Name:) Tj ET", &unseen, &[&shown, &appearance("", "")]);
    let document = parse_file(&file);
    assert_eq!(document.text, "Name:");
    // Two values without room, and an appearance without.
    assert_eq!(document.removed.hidden_elements, 3);
}

#[test]
fn annotations_of_a_layer_that_is_off_are_left_out() {
    let catalog = "/OCProperties << /D << /OFF [6 0 R] >> >>";
    let page = format!("/Annots [{}]", field("/OC 6 0 R /V (UNSEEN)"));
    let layer = "<< /Type /OCG /Name (off) >>".to_owned();
    let document = parse_file(&one_page(catalog, "/Font << /F 4 0 R >>", &page, LABELS, &[layer]));
    assert!(!document.text.contains("UNSEEN"), "{}", document.text);
    assert_eq!(document.removed.hidden_elements, 1);
}

#[test]
fn values_are_no_headings_and_their_dots_no_contents() {
    let rows: Vec<String> =
        (0..20).map(|row| format!("1 0 0 1 72 {} Tm (Some text of the form) Tj ", 680 - row * 12)).collect();
    let rows = rows.concat();
    let content = format!("BT /F 10 Tf 1 0 0 1 72 700 Tm (Amount . . . . . . .) Tj {rows} ET");
    let large = appearance("", "BT /Helv 30 Tf 2 5 Td (500) Tj ET");
    let shown = text(&form("", &content, &[&field("/AP << /N 6 0 R >>")], &[&large]));
    assert!(shown.starts_with("Amount 500\n"), "{shown}");
}

#[test]
fn hostile_forms_are_refused() {
    let error = |file: &[u8], limits: &Limits| {
        parse_document("a.pdf", file, DocumentFormat::Pdf, limits).unwrap_err()
    };
    let child = "<< /Subtype /Widget /FT /Tx /Rect [150 695 300 715] /V 6 0 R >>";
    let again = vec![child; 20_001];
    let many = form("", LABELS, &again, &["(ab)"]);
    assert!(matches!(error(&many, &Limits::default()), ParseError::TooManyForms { limit: 20_000 }));
    let long = form("", LABELS, &again[..2_000], &[&format!("({})", "word ".repeat(1_000))]);
    let limits = Limits { max_unpacked_bytes: 5_000_000, ..Limits::default() };
    assert!(matches!(error(&long, &limits), ParseError::UnpacksTooLarge { limit: 5_000_000 }));
    let around = appearance("/Resources << /XObject << /A 6 0 R >> >>", "BT /Helv 9 Tf (a) Tj ET /A Do");
    let around = form("", LABELS, &[&field("/AP << /N 6 0 R >>")], &[&around]);
    assert!(matches!(error(&around, &Limits::default()), ParseError::NestedTooDeeply { limit: 32 }));
}
