use std::time::Duration;

use super::*;

const SIZE: f64 = 10.0;

/// Each is half as wide as the type is large; marks have no width.
fn draw(characters: &mut Characters, (x, y): (f64, f64), text: &str, spacing: f64) {
    let place = Transform::row_major(1.0, 0.0, 0.0, 1.0, x, y);
    let width = if direction::is_mark(text) { 0.0 } else { 0.5 };
    characters.output_character(&place, width, spacing, SIZE, text).unwrap();
}

/// A page with glyphs drawn at those places, and with that spacing.
fn drawn(glyphs: &[(f64, &str, f64)]) -> Characters {
    let mut characters = Characters::new(Deadline::after(Duration::from_mins(1)), &Limits::default());
    characters.begin_page(1, &MediaBox { llx: 0.0, lly: 0.0, urx: 600.0, ury: 800.0 }, None).unwrap();
    for (x, text, spacing) in glyphs {
        draw(&mut characters, (*x, 700.0), text, *spacing);
    }
    characters
}

fn texts(mut characters: Characters) -> Vec<String> {
    characters.end_page().unwrap();
    characters.pages.remove(0).lines.into_iter().map(|line| line.text).collect()
}

fn lines_of(glyphs: &[(f64, &str, f64)]) -> Vec<String> {
    texts(drawn(glyphs))
}

fn line_of(drawn: &[(f64, &str)]) -> String {
    let drawn: Vec<(f64, &str, f64)> = drawn.iter().map(|(x, text)| (*x, *text, 0.0)).collect();
    let lines = lines_of(&drawn);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.into_iter().next().unwrap()
}

/// Each character beside the one before.
fn from_left(text: &str) -> Vec<(f64, String)> {
    (0_u32..)
        .zip(text.chars())
        .map(|(place, char)| (100.0 + 5.0 * f64::from(place), char.to_string()))
        .collect()
}

fn as_drawn(glyphs: &[(f64, String)]) -> Vec<(f64, &str)> {
    glyphs.iter().map(|(x, text)| (*x, text.as_str())).collect()
}

/// What people see, from its left, and what they read.
const SEEN_AND_READ: [(&str, &str); 6] = [
    ("םלוע םולש", "שלום עולם"),
    ("ב 2024 תנשב", "בשנת 2024 ב"),
    ("םולש Hello ןאכ", "כאן Hello שלום"),
    ("A word like םולש in a line", "A word like שלום in a line"),
    ("(הלא) םילמ", "מלים (אלה)"),
    ("ةغللا ١٤٣٤ ماع", "عام ١٤٣٤ اللغة"),
];

#[test]
fn what_is_written_from_right_to_left_is_given_as_it_is_read() {
    for (seen, read) in SEEN_AND_READ {
        assert_eq!(line_of(&as_drawn(&from_left(seen))), read);
    }
}

#[test]
fn a_line_of_mostly_latin_words_is_read_as_the_lines_before_it() {
    let mut characters = drawn(&[]);
    for (height, seen) in [(700.0, "ברעמו חרזמ ןופצ"), (680.0, "םולש Hello World ןאכ")] {
        for (x, text) in as_drawn(&from_left(seen)) {
            draw(&mut characters, (x, height), text, 0.0);
        }
    }
    assert_eq!(texts(characters), ["צפון מזרח ומערב", "כאן Hello World שלום"]);
}

#[test]
fn the_order_in_which_a_line_is_drawn_does_not_matter() {
    let mut glyphs = from_left("דעו Office 365 םולש");
    glyphs.reverse();
    // The letters from the right, with the words of Latin letters and numbers drawn as they are read.
    glyphs[5..8].reverse();
    glyphs[9..15].reverse();
    assert_eq!(glyphs[8..16].iter().map(|(_, text)| text.as_str()).collect::<String>(), " Office ");
    assert_eq!(line_of(&as_drawn(&glyphs)), "שלום Office 365 ועד");
}

#[test]
fn what_is_drawn_over_a_line_is_another() {
    let glyphs = from_left("םולש");
    let twice: Vec<_> = as_drawn(&glyphs)
        .into_iter()
        .chain(as_drawn(&glyphs))
        .map(|(x, text)| (x + 0.2, text, 0.0))
        .collect();
    assert_eq!(lines_of(&twice), ["שלום", "שלום"]);
}

#[test]
fn brackets_that_are_in_the_file_as_they_were_typed_stay_so() {
    assert_eq!(line_of(&as_drawn(&from_left(")הלא( םילמ"))), "מלים (אלה)");
}

#[test]
fn shapes_become_letters_and_marks_stay_with_theirs() {
    // Lam-alef in one shape, at its word's end; shadda over the letter before, drawn before it and after it.
    assert_eq!(line_of(&[(100.0, "\u{fee1}"), (105.0, "\u{fefc}"), (110.0, "\u{feb3}")]), "سلام");
    for marked in [[(107.0, "\u{651}"), (105.0, "ر")], [(105.0, "ر"), (107.0, "\u{651}")]] {
        let [one, other] = marked;
        assert_eq!(line_of(&[(100.0, "ب"), one, other, (110.0, "م")]), "مر\u{651}ب");
    }
    // A shadda's own shape has a space to stand on, which is none between words.
    assert_eq!(line_of(&[(100.0, "ب"), (105.0, "\u{fe7c}"), (105.0, "ر")]), "ر\u{651}ب");
}

#[test]
fn what_orders_a_direction_cannot_turn_what_is_seen() {
    // An override, isolates, and the end of a paragraph.
    assert_eq!(line_of(&as_drawn(&from_left("םו\u{202d}לש"))), "של\u{202d}ום");
    assert_eq!(line_of(&as_drawn(&from_left("abc\u{202e}def ש"))), "abc\u{202e}def ש");
    assert_eq!(line_of(&as_drawn(&from_left("םו\u{1c}לש"))), "של\u{1c}ום");
}

#[test]
fn spacing_after_letters_makes_words_where_it_is_taken_back_between_them() {
    // As Ghostscript writes "as if it".
    let drawn = [
        (100.0, "a", 3.0),
        (105.0, "s", 3.0),
        (113.0, "i", 3.0),
        (118.0, "f", 3.0),
        (126.0, "i", 3.0),
        (131.0, "t", 0.0),
    ];
    assert_eq!(lines_of(&drawn), ["as if it"]);
}

#[test]
fn a_line_has_bounds() {
    let drawn: Vec<_> = (0..=MAX_GLYPHS).map(|_| (100.0, "x", 0.0)).collect();
    let lines: Vec<usize> = lines_of(&drawn).iter().map(String::len).collect();
    assert_eq!(lines, [MAX_GLYPHS, 1]);
}
