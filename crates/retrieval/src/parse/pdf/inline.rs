//! Pages with what their forms show put in its place.
//!
//! pdf-extract begins a form on a clean sheet: wherever on the page it is shown, and whatever its matrix (ISO 32000-2,
//! §8.10.1), its text would stand at the page's lower left. And it knows a font by its name for a page's length, though each
//! form has names of its own. So a page is written anew as one content without forms, in which each font has one name.
//!
//! A form goes on in the state of what shows it, invisible ink too. So it is here that text is left out which nobody sees.

use std::collections::{HashMap, HashSet};

use pdf_extract::content::{Content, Operation};
use pdf_extract::{Dictionary, Document, Object, ObjectId, dictionary};

use super::forms::{Form, Uses, font_name, shown_name};
use super::sight::{Seen, Sight};
use crate::limits::Deadline;
use crate::parse::{Flaw, ParseError};

const FLAW: ParseError = ParseError::Broken(Flaw::PdfPage);

/// Writes the pages anew, and counts how often something was left out that nobody sees.
///
/// `pages` are the pages with their contents; what they use has been bounded before. Invisible text stays where the content is
/// one of `pictured`: it is what OCR puts below a scanned page.
pub(super) fn pages(
    document: &mut Document,
    pages: &[(ObjectId, ObjectId)],
    uses: &HashMap<ObjectId, Uses>,
    pictured: &HashSet<ObjectId>,
    deadline: Deadline,
) -> Result<u32, ParseError> {
    let mut hidden = 0_u32;
    let stand_in = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    for (page, content) in pages {
        let mut written = Written {
            document,
            uses,
            stand_in,
            keeps_invisible: pictured.contains(content),
            deadline,
            sight: Sight::new(),
            bytes: Vec::new(),
            fonts: Dictionary::new(),
            hidden: 0,
        };
        written.add(*content)?;
        let Written { bytes, fonts, hidden: hidden_here, .. } = written;
        hidden = hidden.saturating_add(hidden_here);
        if let Some(Object::Stream(stream)) = document.objects.get_mut(content) {
            stream.set_plain_content(bytes);
        }
        let page = document.get_dictionary_mut(*page).map_err(|_| FLAW)?;
        page.set("Resources", dictionary! { "Font" => fonts });
    }
    Ok(hidden)
}

/// A page that is being written.
struct Written<'a> {
    document: &'a Document,
    uses: &'a HashMap<ObjectId, Uses>,
    /// The font of text in a font that is not there, or none. Its codes most likely mean what they mean in most fonts.
    stand_in: ObjectId,
    /// Whether invisible text is that of a scan.
    keeps_invisible: bool,
    deadline: Deadline,
    sight: Sight,
    bytes: Vec<u8>,
    fonts: Dictionary,
    hidden: u32,
}

impl Written<'_> {
    fn add(&mut self, content: ObjectId) -> Result<(), ParseError> {
        self.deadline.check()?;
        let used = &self.uses[&content];
        let forms: HashMap<&[u8], &Form> =
            used.forms.iter().map(|form| (form.name.as_slice(), form)).collect();
        let fonts: HashMap<&[u8], ObjectId> =
            used.fonts.iter().map(|font| (font.name.as_slice(), font.id)).collect();
        let stream = self.document.get_object(content).and_then(Object::as_stream).map_err(|_| FLAW)?;
        let content = Content::decode(&stream.content).map_err(|_| FLAW)?;
        let mut plain = Vec::new();
        for mut operation in content.operations {
            if let Some(name) = shown_name(&operation) {
                let Some(form) = forms.get(name).copied() else { continue };
                if form.is_off {
                    self.hidden = self.hidden.saturating_add(1);
                    continue;
                }
                plain.push(Operation::new("q", Vec::new()));
                plain.extend(self.matrix(form.id).map(|matrix| Operation::new("cm", matrix)));
                self.flush(&mut plain)?;
                self.sight.save();
                if form.is_group {
                    self.sight.begin_group();
                }
                self.add(form.id)?;
                self.sight.restore();
                plain.push(Operation::new("Q", Vec::new()));
            } else if !self.sight.takes(&operation, &used.inks, &used.layers_off) {
                match operation.operator.as_str() {
                    "q" => self.sight.save(),
                    "Q" => self.sight.restore(),
                    "Tj" | "TJ" if !self.is_seen() => {
                        self.hidden = self.hidden.saturating_add(1);
                        continue;
                    }
                    _ => {}
                }
                if let Some(name) = font_name(&operation) {
                    let id = fonts.get(name).copied().unwrap_or(self.stand_in);
                    let name = format!("F{}_{}", id.0, id.1).into_bytes();
                    self.fonts.set(name.clone(), Object::Reference(id));
                    operation.operands[0] = Object::Name(name);
                }
                plain.push(operation);
            }
        }
        self.flush(&mut plain)
    }

    fn is_seen(&self) -> bool {
        match self.sight.of_text() {
            Seen::Yes => true,
            Seen::Invisible => self.keeps_invisible,
            Seen::Off => false,
        }
    }

    /// Six numbers, if they are.
    fn matrix(&self, form: ObjectId) -> Option<Vec<Object>> {
        let form = self.document.get_object(form).and_then(Object::as_stream).ok()?;
        let matrix = form.dict.get_deref(b"Matrix", self.document).and_then(Object::as_array).ok()?;
        let number = |object| {
            let number = self.document.dereference(object).ok()?.1;
            number.as_float().is_ok_and(f32::is_finite).then(|| number.clone())
        };
        matrix.iter().map(number).collect::<Option<Vec<_>>>().filter(|matrix| matrix.len() == 6)
    }

    fn flush(&mut self, plain: &mut Vec<Operation>) -> Result<(), ParseError> {
        let operations = std::mem::take(plain);
        self.bytes.extend(Content { operations }.encode().map_err(|_| FLAW)?);
        self.bytes.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{helvetica, one_page, text};

    /// A page of this content; its forms X, Y and so on have their dictionaries' entries and contents.
    fn page(content: &str, forms: &[(&str, &str)]) -> Vec<u8> {
        let names: Vec<String> = (0..forms.len()).map(|form| format!("/X{form} {} 0 R", 6 + form)).collect();
        let resources = format!("/XObject << {} >> /Font << /F 4 0 R >>", names.join(" "));
        let forms: Vec<String> = forms
            .iter()
            .map(|(entries, content)| {
                format!(
                    "<< /Subtype /Form /BBox [0 0 500 500] {entries} /Length {} >>\nstream\n{content}\nendstream",
                    content.len()
                )
            })
            .collect();
        one_page("", &resources, "", content, &forms)
    }

    #[test]
    fn a_form_stands_where_it_is_shown() {
        let content = "q 1 0 0 1 72 700 cm /X0 Do Q BT /F 10 Tf 120 700 Td (an end.) Tj ET";
        let halved = "/Matrix [.5 0 0 .5 0 0]";
        assert_eq!(text(&page(content, &[(halved, "BT /F 20 Tf (Begin and) Tj ET")])), "Begin and an end.");
        for broken in ["/Matrix [1 2]", "/Matrix [/a 0 0 1 0 0]", "/Matrix 7 0 R"] {
            let shown = text(&page(content, &[(broken, "BT /F 10 Tf (Begin and) Tj ET")]));
            assert_eq!(shown, "Begin and an end.", "{broken}");
        }
    }

    #[test]
    fn a_form_within_a_form_stands_by_both_matrices() {
        let inner = "BT /F 10 Tf 1 0 0 1 10 20 Tm (and more) Tj ET";
        let outer = "BT /F 10 Tf 62 600 Td (Some) Tj ET q 1 0 0 1 30 80 cm /X1 Do Q";
        let forms = [("", outer), ("/Matrix [1 0 0 1 50 500]", inner)];
        assert_eq!(text(&page("/X0 Do", &forms)), "Some and more");
    }

    #[test]
    fn a_state_that_a_form_leaves_behind_ends_with_it() {
        let page = page(
            "q 1 0 0 1 0 100 cm /X0 Do Q BT /F 10 Tf 72 600 Td (Below) Tj ET",
            &[("", "Q Q q q 9 0 0 9 0 0 cm q BT /F 1 Tf 8 60 Td (Above) Tj ET")],
        );
        assert_eq!(text(&page), "Above Below");
    }

    #[test]
    fn a_fonts_name_means_what_its_form_says() {
        let own = helvetica("/Differences [97 /x /y /z]");
        let form = "/Resources << /Font << /F OWN >> >>".replace("OWN", &own);
        let content = "BT /F 10 Tf 72 700 Td (abc) Tj ET /X0 Do BT /F 10 Tf 72 676 Td (abc) Tj ET";
        let shown = "BT /F 10 Tf 72 688 Td (abc) Tj ET";
        assert_eq!(text(&page(content, &[(&form, shown)])), "abc xyz abc");
    }

    #[test]
    fn a_font_that_is_none_costs_no_document() {
        assert_eq!(text(&page("BT /NoSuch 10 Tf 72 700 Td (Some words) Tj ET", &[])), "Some words");
        for font in [
            "<< /Subtype /Type1 >>",
            "<< /Subtype (Type1) /BaseFont /X >>",
            "<< /Subtype /X /BaseFont /X >>",
            "7",
        ] {
            let content = "BT /F 10 Tf 72 700 Td (Some words) Tj ET";
            let file = one_page("", "/Font << /F 6 0 R >>", "", content, &[font.to_owned()]);
            assert_eq!(text(&file), "Some words", "{font}");
        }
    }
}
