//! What of a page's text is seen: not what is invisible, transparent, or in a layer that is off.

use std::collections::{HashMap, HashSet};

use pdf_extract::content::Operation;
use pdf_extract::{Dictionary, Document, Object};

/// Ink of less opacity than this is not seen. A watermark has some tenths.
const MIN_OPACITY: f32 = 0.02;

/// The mode of text that shows nothing (ISO 32000-2, table 104).
const INVISIBLE: i64 = 3;

/// What of a graphics state dictionary makes text seen or not; what it does not say stays as it was.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ink {
    filled: Option<bool>,
    stroked: Option<bool>,
}

impl Ink {
    pub(super) fn of(document: &Document, state: &Dictionary) -> Self {
        let is_seen = |key: &[u8]| {
            let opacity = state.get_deref(key, document).and_then(Object::as_float).ok()?;
            Some(opacity >= MIN_OPACITY)
        };
        Self { filled: is_seen(b"ca"), stroked: is_seen(b"CA") }
    }
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: i64,
    /// Whether what is filled is seen, and what is stroked.
    filled: bool,
    stroked: bool,
    /// Whether anything is seen of the group of which this is a part.
    group: bool,
}

/// Follows a page's operations.
pub(super) struct Sight {
    state: State,
    saved: Vec<State>,
    /// Of the layers that are open, whether they are off.
    layers: Vec<bool>,
}

/// How text is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Yes,
    /// Its ink is not seen, as that of a scan's text.
    Invisible,
    /// Its layer is off.
    Off,
}

impl Sight {
    pub(super) const fn new() -> Self {
        let state = State { mode: 0, filled: true, stroked: true, group: true };
        Self { state, saved: Vec::new(), layers: Vec::new() }
    }

    pub(super) fn save(&mut self) {
        self.saved.push(self.state);
    }

    pub(super) fn restore(&mut self) {
        self.state = self.saved.pop().unwrap_or(self.state);
    }

    /// Begins what is put onto the page as a whole: with the opacity that is set now, and inside of it with all of its own
    /// (ISO 32000-2, §11.6.6).
    pub(super) fn begin_group(&mut self) {
        self.state =
            State { group: self.state.group && self.state.filled, filled: true, stroked: true, ..self.state };
    }

    /// Takes note of an operation that is about nothing else. Others stay.
    pub(super) fn takes(
        &mut self,
        operation: &Operation,
        inks: &HashMap<Vec<u8>, Ink>,
        layers_off: &HashSet<Vec<u8>>,
    ) -> bool {
        match (operation.operator.as_str(), operation.operands.as_slice()) {
            ("Tr", operands) => self.state.mode = mode(operands),
            ("gs", [Object::Name(name)]) => {
                let ink = inks.get(name).copied().unwrap_or_default();
                self.state.filled = ink.filled.unwrap_or(self.state.filled);
                self.state.stroked = ink.stroked.unwrap_or(self.state.stroked);
            }
            ("BDC", [_, Object::Name(layer)]) => self.layers.push(layers_off.contains(layer)),
            ("EMC", _) => {
                self.layers.pop();
            }
            _ => return false,
        }
        true
    }

    pub(super) fn of_text(&self) -> Seen {
        let State { mode, filled, stroked, group } = self.state;
        let is_seen = match mode {
            0 | 4 => filled,
            1 | 5 => stroked,
            2 | 6 => filled || stroked,
            // 7 adds it to the clipping path alone.
            _ => false,
        };
        match self.layers.contains(&true) {
            true => Seen::Off,
            false if is_seen && group => Seen::Yes,
            false => Seen::Invisible,
        }
    }
}

/// Viewers take `3.0` for 3. What is no mode is not trusted to show anything.
fn mode(operands: &[Object]) -> i64 {
    let number = operands.last().and_then(|operand| operand.as_float().ok());
    #[expect(clippy::cast_possible_truncation, reason = "it is cut off on purpose, and saturates")]
    number.filter(|number| number.is_finite()).map_or(INVISIBLE, |number| number as i64)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{one_page, parse_file};

    const RESOURCES: &str = "/Font << /F 4 0 R >> /XObject << /X 6 0 R /P 7 0 R /Dot 8 0 R /Off 9 0 R >> \
        /ExtGState << /Clear << /ca 0 >> /ClearLine << /CA 0.001 >> /Solid << /ca 1 >> >> \
        /Properties << /Off 10 0 R /On 11 0 R /None << /Type /OCMD /OCGs [10 0 R] >> \
        /Any << /Type /OCMD /OCGs [10 0 R 11 0 R] >> /All << /Type /OCMD /OCGs [10 0 R 11 0 R] /P /AllOn >> \
        /Not << /Type /OCMD /OCGs 10 0 R /P /AllOff >> >>";

    const LAYERS: &str = "/OCProperties << /OCGs [10 0 R 11 0 R] /D << /OFF [10 0 R] >> >>";

    /// What is read of a page, and how much was left out. `X` is a form of this dictionary that shows `Form`; `P` is a page's
    /// picture, `Dot` one of a dot, and `Off` a form in a layer that is off.
    fn read(catalog: &str, form: &str, content: &str) -> (String, u32) {
        let object = |dictionary: &str, content: &str| {
            format!("<< {dictionary} /Length {} >>\nstream\n{content}\nendstream", content.len())
        };
        let shown = "BT /F 12 Tf 72 500 Td (Form) Tj ET";
        let more = [
            object(&format!("/Subtype /Form /BBox [0 0 612 792] {form}"), shown),
            object("/Subtype /Image /Width 1000 /Height 1300", ""),
            object("/Subtype /Image /Width 1 /Height 1", ""),
            object("/Subtype /Form /BBox [0 0 612 792] /OC 10 0 R", shown),
            "<< /Type /OCG /Name (off) >>".to_owned(),
            "<< /Type /OCG /Name (on) >>".to_owned(),
        ];
        let seen = "BT /F 12 Tf 0 Tr 72 700 Td (What people see) Tj ET";
        let document = parse_file(&one_page(catalog, RESOURCES, "", &format!("q {content} Q {seen}"), &more));
        (document.text.replace("What people see", "").trim().to_owned(), document.removed.hidden_elements)
    }

    fn is_left_out(content: &str) {
        assert_eq!(read(LAYERS, "", content), (String::new(), 1), "{content}");
    }

    fn stays(content: &str, text: &str) {
        assert_eq!(read(LAYERS, "", content), (text.to_owned(), 0), "{content}");
    }

    const TEXT: &str = "BT /F 12 Tf 72 600 Td (Text) Tj ET";

    #[test]
    fn text_is_invisible_however_its_mode_is_written() {
        for mode in ["3 Tr", "3.0 Tr", "3.9 Tr", "7 Tr", "0 3 Tr", "/a Tr", "Tr", "8 Tr", "-1 Tr", "(3) Tr"] {
            is_left_out(&format!("{mode} {TEXT}"));
        }
        for mode in ["", "0 Tr", "1 Tr", "2.0 Tr", "6 Tr", "3 Tr 0 Tr", "q 3 Tr Q"] {
            stays(&format!("{mode} {TEXT}"), "Text");
        }
    }

    #[test]
    fn ink_may_be_transparent() {
        for state in ["/Clear gs", "1 Tr /ClearLine gs", "2 Tr /Clear gs /ClearLine gs"] {
            is_left_out(&format!("{state} {TEXT}"));
        }
        for state in ["/Clear gs /Solid gs", "1 Tr /Clear gs", "/ClearLine gs", "/Nope gs", "q /Clear gs Q"] {
            stays(&format!("{state} {TEXT}"), "Text");
        }
    }

    #[test]
    fn a_form_is_seen_as_what_shows_it() {
        is_left_out("3 Tr /X Do");
        is_left_out("/Clear gs /X Do");
        stays("/X Do", "Form");
        stays("3 Tr 0 Tr /X Do", "Form");
        // As a whole it has the opacity outside of it.
        let resources = "/Resources << /Font << /F 4 0 R >> >> /Group << /S /Transparency >>";
        assert_eq!(read("", resources, "/Clear gs /X Do"), (String::new(), 1));
        assert_eq!(read("", resources, "/X Do"), ("Form".to_owned(), 0));
    }

    #[test]
    fn layers_that_are_off_are_left_out() {
        for layer in ["Off", "None", "All"] {
            is_left_out(&format!("/OC /{layer} BDC {TEXT} EMC"));
            is_left_out(&format!("/OC /{layer} BDC /P BMC q {TEXT} Q EMC EMC"));
        }
        is_left_out("/Off Do");
        for layer in ["On", "Any", "Not", "Nope"] {
            stays(&format!("/OC /{layer} BDC {TEXT} EMC"), "Text");
        }
        stays(&format!("/Span /Off BDC {TEXT} EMC"), "Text");
        stays(&format!("/OC /Off BDC EMC EMC {TEXT}"), "Text");
        let named = "/OCProperties << /D << /BaseState /OFF /ON [11 0 R] >> >>";
        let off = format!("/OC /Off BDC {TEXT} EMC");
        assert_eq!(read(named, "", &off), (String::new(), 1));
        assert_eq!(read(named, "", &off.replace("Off", "On")), ("Text".to_owned(), 0));
        assert_eq!(read("", "", &off), ("Text".to_owned(), 0));
    }

    #[test]
    fn invisible_text_stays_where_words_can_be_read_on_a_picture() {
        let dots = "q 612 0 0 792 0 0 cm BI /W 1 /H 1 /CS /Gray /BPC 8 ID x EI Q";
        for no_scan in
            ["/Nope Do", "/P Do", "/X Do 0 0 0 0 0 0 cm /P Do", "q 612 0 0 792 0 0 cm /Dot Do Q", dots]
        {
            let (text, _) = read("", "", &format!("{no_scan} 3 Tr {TEXT}"));
            assert!(!text.contains("Text"), "{no_scan}: {text}");
        }
        let page = "q 612 0 0 792 0 0 cm /P Do Q";
        for ink in ["3 Tr", "/Clear gs"] {
            stays(&format!("{page} {ink} {TEXT}"), "Text");
            stays(&format!("{ink} {TEXT} {page}"), "Text");
            stays(&format!("{page} {ink} /X Do"), "Form");
        }
        is_left_out(&format!("{page} /OC /Off BDC {TEXT} EMC"));
        let strips = "q 612 0 0 20 0 0 cm /P Do Q ".repeat(40);
        stays(&format!("{strips} 3 Tr {TEXT}"), "Text");
    }

    #[test]
    fn a_picture_may_be_shown_by_a_form() {
        let form = "<< /Subtype /Form /BBox [0 0 1 1] /Matrix [612 0 0 1 0 0] \
            /Resources << /XObject << /P 7 0 R /X 6 0 R >> >> /Length 23 >>\n\
            stream\nq 1 0 0 792 0 0 cm /P Do Q /X Do\nendstream";
        let picture = "<< /Subtype /Image /Width 1000 /Height 1300 /Length 0 >>\nstream\n\nendstream";
        let form = form.replace("/Length 23", "/Length 32");
        let resources = "/Font << /F 4 0 R >> /XObject << /X 6 0 R >>";
        let content = format!("3 Tr {} /X Do", TEXT.replace("Text", "Recognised words"));
        let file = one_page("", resources, "", &content, &[form, picture.to_owned()]);
        assert_eq!(parse_file(&file).text, "Recognised words");
    }
}
