//! Fonts as pdf-extract understands them.
//!
//! It takes a font's dictionary for what the standard says it should be, and panics where it is not, or where it is something
//! rarer: one of its panics is a whole document that nobody finds. What it would fail on is put in other words here, where
//! that can be done, and otherwise taken away: a font without an encoding costs its own text at most.

use pdf_extract::{Dictionary, Document, Object, ObjectId, Stream};

/// How deep a font may stand in an object: in the resources of a form, in its dictionary.
const MAX_DEPTH: usize = 4;

/// The most widths of a composite font that are written out of ranges. Each page reads them anew.
const MAX_RANGE_WIDTHS: usize = 4_096;

/// The base encodings that pdf-extract knows (ISO 32000-2, table 112).
const KNOWN_ENCODINGS: [&[u8]; 3] = [b"MacRomanEncoding", b"MacExpertEncoding", b"WinAnsiEncoding"];

/// Where the standard encoding differs from ASCII, and what else it has (ISO 32000-2, annex D.2).
const STANDARD_ENCODING: &str = "39 quoteright 96 quoteleft 161 exclamdown cent sterling fraction yen florin section currency \
    quotesingle quotedblleft guillemotleft guilsinglleft guilsinglright fi fl 177 endash dagger daggerdbl periodcentered \
    182 paragraph bullet quotesinglbase quotedblbase quotedblright guillemotright ellipsis perthousand 191 questiondown \
    193 grave acute circumflex tilde macron breve dotaccent dieresis 202 ring cedilla 205 hungarumlaut ogonek caron emdash \
    225 AE 227 ordfeminine 232 Lslash Oslash OE ordmasculine 241 ae 245 dotlessi 248 lslash oslash oe germandbls";

/// Puts all fonts into words that pdf-extract understands, and each into an object of its own.
pub(super) fn make_plain(document: &mut Document) {
    let mut fonts = Fonts { document, found: Vec::new() };
    let objects = document.objects.iter();
    let plain: Vec<(ObjectId, Object)> =
        objects.filter_map(|(id, object)| Some((*id, fonts.plain(object, 0)?))).collect();
    let found = fonts.found;
    document.max_id += u32::try_from(found.len()).unwrap_or(u32::MAX);
    document.objects.extend(plain.into_iter().chain(found));
}

/// Whether the dictionary is a font that contents can set text in, of a kind that pdf-extract makes without a panic.
pub(super) fn is_known(document: &Document, dictionary: &Dictionary) -> bool {
    let font = Font { document, dictionary };
    match font.get(b"Subtype").and_then(|kind| kind.as_name().ok()) {
        Some(b"Type1" | b"MMType1" | b"TrueType") => font.is_named(),
        Some(b"Type3") => dictionary.has(b"CharProcs"),
        Some(b"Type0") => dictionary.has(b"DescendantFonts") && font.is_named(),
        _ => false,
    }
}

/// The fonts of a document.
struct Fonts<'a> {
    document: &'a Document,
    /// Those that stood within other objects.
    found: Vec<(ObjectId, Object)>,
}

impl Fonts<'_> {
    /// The object with its fonts in plain words; none if there is no font in it.
    fn plain(&mut self, object: &Object, depth: usize) -> Option<Object> {
        match object {
            Object::Dictionary(dictionary) => match self.font(dictionary) {
                Some(font) if depth == 0 => Some(Object::Dictionary(font)),
                Some(font) => {
                    let number = u32::try_from(self.found.len()).ok()?.checked_add(1)?;
                    let id = (self.document.max_id.checked_add(number)?, 0);
                    self.found.push((id, Object::Dictionary(font)));
                    Some(Object::Reference(id))
                }
                None => self.plain_within(dictionary, depth).map(Object::Dictionary),
            },
            Object::Stream(stream) => {
                let dict = self.plain_within(&stream.dict, depth)?;
                Some(Object::Stream(Stream { dict, ..stream.clone() }))
            }
            _ => None,
        }
    }

    fn plain_within(&mut self, dictionary: &Dictionary, depth: usize) -> Option<Dictionary> {
        let mut plain = None;
        for (key, value) in dictionary.iter().filter(|_| depth < MAX_DEPTH) {
            if let Some(value) = self.plain(value, depth + 1) {
                plain.get_or_insert_with(|| dictionary.clone()).set(key.clone(), value);
            }
        }
        plain
    }

    /// The font that the dictionary is.
    fn font(&self, dictionary: &Dictionary) -> Option<Dictionary> {
        let font = Font { document: self.document, dictionary };
        match dictionary.get_deref(b"Subtype", self.document).and_then(Object::as_name).ok()? {
            b"Type1" | b"MMType1" | b"TrueType" if font.is_named() => Some(font.simple()),
            b"Type3" if dictionary.has(b"CharProcs") => Some(font.drawn()),
            b"Type0" if dictionary.has(b"DescendantFonts") => Some(font.composite()),
            b"CIDFontType0" | b"CIDFontType2" => Some(font.descendant()),
            _ => None,
        }
    }
}

/// A font's dictionary as it is in the file.
struct Font<'a> {
    document: &'a Document,
    dictionary: &'a Dictionary,
}

impl Font<'_> {
    fn get(&self, key: &[u8]) -> Option<&Object> {
        self.dictionary.get_deref(key, self.document).ok()
    }

    fn is_named(&self) -> bool {
        self.get(b"BaseFont").is_some_and(|name| name.as_name().is_ok())
    }

    /// One byte a character.
    fn simple(&self) -> Dictionary {
        let mut plain = self.dictionary.clone();
        self.set_table(&mut plain);
        let maps_codes = plain.has(b"ToUnicode") || self.has_compact_program();
        match self.encoding() {
            Some(encoding) => plain.set("Encoding", encoding),
            // For the codes that the map leaves out.
            None if maps_codes => plain.set("Encoding", Object::Name(b"WinAnsiEncoding".to_vec())),
            None => drop(plain.remove(b"Encoding")),
        }
        for key in [&b"FirstChar"[..], b"LastChar", b"Widths"] {
            plain.remove(key);
        }
        if let Some((first, widths)) = self.widths() {
            set_widths(&mut plain, first, &widths);
        }
        if self.get(b"BaseFont").and_then(|name| name.as_name().ok()).is_some_and(is_icon_font) {
            // By the font's name it expects of some icons that the map leaves them out.
            plain.set("BaseFont", Object::Name(b"Icons".to_vec()));
        }
        plain
    }

    /// One byte a character, which is drawn (type 3): each needs a width, and lengths are in units of its own.
    fn drawn(&self) -> Dictionary {
        let mut plain = self.dictionary.clone();
        self.set_table(&mut plain);
        let encoding = self.encoding().unwrap_or_else(|| Object::Dictionary(Dictionary::new()));
        plain.set("Encoding", encoding);
        let unit = self.get(b"FontMatrix").and_then(|matrix| number(matrix.as_array().ok()?.first()?));
        let thousandths = unit.unwrap_or(0.001) * 1_000.0;
        let (first, given) = self.widths().unwrap_or_default();
        let mut widths = vec![0.0; 256];
        for (width, given) in widths.iter_mut().skip(first).zip(given) {
            *width = given * thousandths;
        }
        set_widths(&mut plain, 0, &widths);
        plain
    }

    /// Several bytes a character.
    fn composite(&self) -> Dictionary {
        let mut plain = self.dictionary.clone();
        self.set_table(&mut plain);
        if !self.is_named() {
            plain.set("BaseFont", Object::Name(b"Unnamed".to_vec()));
        }
        match self.get(b"Encoding") {
            Some(Object::Stream(_)) => {}
            Some(Object::Name(name)) if matches!(name.as_slice(), b"Identity-H" | b"Identity-V") => {}
            // Those that go by a name are tables of thousands of characters, which pdf-extract does not have.
            _ => plain.set("Encoding", Object::Name(b"Identity-H".to_vec())),
        }
        if let Some(Ok([Object::Dictionary(descendant), ..])) =
            self.get(b"DescendantFonts").map(|fonts| fonts.as_array().map(Vec::as_slice))
        {
            let descendant = Font { document: self.document, dictionary: descendant }.descendant();
            plain.set("DescendantFonts", vec![Object::Dictionary(descendant)]);
        }
        plain
    }

    /// What a composite font's characters are taken from.
    fn descendant(&self) -> Dictionary {
        let mut plain = self.dictionary.clone();
        if self.get(b"FontDescriptor").is_none_or(|descriptor| descriptor.as_dict().is_err()) {
            plain.set("FontDescriptor", Dictionary::new());
        }
        let usual = self.get(b"DW").and_then(number).unwrap_or(1_000.0);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a width of which a thousand are the type's size"
        )]
        plain.set("DW", Object::Integer(usual.round() as i64));
        plain.set("W", self.composite_widths(usual));
        plain
    }

    /// Widths as lists alone: pdf-extract reads past the width of a range (ISO 32000-2, §9.7.4.3).
    fn composite_widths(&self, usual: f32) -> Vec<Object> {
        let mut lists = Vec::new();
        let mut left = MAX_RANGE_WIDTHS;
        let given = self.get(b"W").and_then(|widths| widths.as_array().ok());
        let mut given =
            given.into_iter().flatten().filter_map(|item| Some(self.document.dereference(item).ok()?.1));
        while let (Some(first), Some(second)) = (given.next(), given.next()) {
            let Ok(first) = first.as_i64() else { break };
            let widths: Vec<f32> = match (second, second.as_i64()) {
                (Object::Array(widths), _) => {
                    widths.iter().map(|width| self.number(width).unwrap_or(usual)).collect()
                }
                (_, Ok(last)) => {
                    let Some(width) = given.next().and_then(number) else { break };
                    let count = usize::try_from(last.saturating_sub(first).saturating_add(1)).unwrap_or(0);
                    let is_told = (width - usual).abs() < f32::EPSILON || count > left;
                    let count = if is_told { 0 } else { count };
                    left -= count;
                    vec![width; count]
                }
                _ => break,
            };
            if !widths.is_empty() {
                lists.push(Object::Integer(first));
                lists.push(Object::Array(widths.into_iter().map(Object::Real).collect()));
            }
        }
        lists
    }

    /// What is no stream is not read.
    fn set_table(&self, plain: &mut Dictionary) {
        if self.get(b"ToUnicode").is_none_or(|table| table.as_stream().is_err()) {
            plain.remove(b"ToUnicode");
        }
    }

    /// Whether pdf-extract reads a map from the font's program.
    fn has_compact_program(&self) -> bool {
        let descriptor = self.get(b"FontDescriptor").and_then(|descriptor| descriptor.as_dict().ok());
        descriptor.is_some_and(|descriptor| descriptor.has(b"FontFile3"))
    }

    /// An encoding that pdf-extract knows.
    fn encoding(&self) -> Option<Object> {
        match self.get(b"Encoding")? {
            Object::Name(name) if KNOWN_ENCODINGS.contains(&name.as_slice()) => {
                Some(Object::Name(name.clone()))
            }
            Object::Name(name) if name == b"StandardEncoding" => {
                let mut encoding = Dictionary::new();
                encoding.set("Differences", standard_encoding());
                Some(Object::Dictionary(encoding))
            }
            Object::Dictionary(given) => {
                let mut encoding = Dictionary::new();
                let mut differences = Vec::new();
                match given.get_deref(b"BaseEncoding", self.document).and_then(Object::as_name) {
                    Ok(name) if KNOWN_ENCODINGS.contains(&name) => {
                        encoding.set("BaseEncoding", Object::Name(name.to_vec()));
                    }
                    Ok(b"StandardEncoding") => differences = standard_encoding(),
                    _ => {}
                }
                let given = given.get_deref(b"Differences", self.document).and_then(Object::as_array);
                differences.extend(given.map(|given| self.differences(given)).unwrap_or_default());
                encoding.set("Differences", differences);
                Some(Object::Dictionary(encoding))
            }
            _ => None,
        }
    }

    /// Names of characters behind the code of the first of them, of the codes that there are.
    fn differences(&self, given: &[Object]) -> Vec<Object> {
        let mut differences = Vec::new();
        let mut code = 0;
        for item in given.iter().filter_map(|item| Some(self.document.dereference(item).ok()?.1)) {
            match item {
                Object::Integer(next) => {
                    code = *next;
                    differences.extend((0..=255).contains(&code).then_some(Object::Integer(code)));
                }
                Object::Name(name) => {
                    differences.extend((0..=255).contains(&code).then(|| Object::Name(name.clone())));
                    code = code.saturating_add(1);
                }
                _ => {}
            }
        }
        differences
    }

    /// The code of the first character, and the widths from it on.
    fn widths(&self) -> Option<(usize, Vec<f32>)> {
        let first = self.get(b"FirstChar")?.as_i64().ok().and_then(|first| usize::try_from(first).ok())?;
        let widths = self.get(b"Widths")?.as_array().ok()?;
        let most = 256_usize.checked_sub(first)?;
        let widths = widths.iter().take(most).map(|width| self.number(width));
        Some((first, widths.collect::<Option<_>>()?))
    }

    fn number(&self, object: &Object) -> Option<f32> {
        number(self.document.dereference(object).ok()?.1)
    }
}

fn number(object: &Object) -> Option<f32> {
    object.as_float().ok().filter(|number| number.is_finite())
}

fn set_widths(font: &mut Dictionary, first: usize, widths: &[f32]) {
    let integer = |number: usize| Object::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    if let Some(last) = (first + widths.len()).checked_sub(1) {
        font.set("FirstChar", integer(first));
        font.set("LastChar", integer(last));
        font.set("Widths", widths.iter().copied().map(Object::Real).collect::<Vec<_>>());
    }
}

fn is_icon_font(name: &[u8]) -> bool {
    name.windows(11).any(|part| part == b"FontAwesome")
}

fn standard_encoding() -> Vec<Object> {
    let object = |word: &str| match word.parse() {
        Ok(code) => Object::Integer(code),
        Err(_) => Object::Name(word.as_bytes().to_vec()),
    };
    STANDARD_ENCODING.split_whitespace().map(object).collect()
}

#[cfg(test)]
mod tests {
    use pdf_extract::{Document, Object, Stream, dictionary};

    use super::*;
    use crate::{DocumentFormat, Limits, parse_document};

    /// The text of a page that shows this in the font.
    fn text(shown: &str, font: impl FnOnce(&mut Document) -> Dictionary) -> String {
        let mut document = Document::with_version("1.7");
        let font = font(&mut document);
        let content = format!("BT /F 10 Tf 72 700 Td {shown} ET");
        let content = document.add_object(Stream::new(Dictionary::new(), content.into_bytes()));
        let pages = document.new_object_id();
        let page = document.add_object(dictionary! {
            "Type" => "Page",
            "Parent" => pages,
            "Contents" => content,
            "MediaBox" => vec![0.into(), 0.into(), 612.into(), 792.into()],
            "Resources" => dictionary! { "Font" => dictionary! { "F" => font } },
        });
        let all = dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 };
        document.objects.insert(pages, Object::Dictionary(all));
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
        document.trailer.set("Root", catalog);
        let mut file = Vec::new();
        document.save_to(&mut file).unwrap();
        parse_document("a.pdf", &file, DocumentFormat::Pdf, &Limits::default()).unwrap().text
    }

    fn type1(more: &Dictionary) -> Dictionary {
        let mut font = dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Times-Roman" };
        font.extend(more);
        font
    }

    fn table(document: &mut Document, codes: &str) -> Object {
        let table = format!("1 beginbfchar {codes} endbfchar");
        document.add_object(Stream::new(Dictionary::new(), table.into_bytes())).into()
    }

    /// As of TeX's fonts.
    #[test]
    fn a_code_that_the_map_leaves_out_costs_no_document() {
        let shown = text("(a fox)Tj", |document| {
            type1(&dictionary! { "ToUnicode" => table(document, "<61> <0041>") })
        });
        assert_eq!(shown, "A fox");
    }

    #[test]
    fn the_standard_encoding_is_understood_also_below_differences() {
        let differences = dictionary! {
            "BaseEncoding" => "StandardEncoding",
            "Differences" => vec![65.into(), "B".into(), 300.into(), "x".into(), Object::Null, (-1).into(), "y".into()],
        };
        let shown = "(A `quote', \\256sh, \\320 dash)Tj";
        assert_eq!(
            text(shown, |_| type1(&dictionary! { "Encoding" => "StandardEncoding" })),
            "A ‘quote’, fish, — dash"
        );
        assert_eq!(
            text(shown, |_| type1(&dictionary! { "Encoding" => differences })),
            "B ‘quote’, fish, — dash"
        );
        assert_eq!(text("(text)Tj", |_| type1(&dictionary! { "Encoding" => "NoSuchEncoding" })), "text");
    }

    #[test]
    fn a_list_of_widths_of_another_length_is_believed_and_one_that_is_none_is_not() {
        for (last, widths) in [(200, vec![500.into(); 91]), (122, vec![500.into(), Object::Null])] {
            let more = dictionary! { "FirstChar" => 32, "LastChar" => last, "Widths" => widths };
            assert_eq!(text("(some words)Tj", |_| type1(&more)), "some words");
        }
    }

    /// Of a hundredth of the type's size: as thousandths they would be no gap, or ten of them.
    #[test]
    fn a_drawn_fonts_widths_are_in_its_own_unit() {
        let drawn = || {
            dictionary! {
                "Type" => "Font",
                "Subtype" => "Type3",
                "FontMatrix" => vec![0.01.into(), 0.into(), 0.into(), 0.01.into(), 0.into(), 0.into()],
                "CharProcs" => Dictionary::new(),
                "FirstChar" => 97,
                "Widths" => vec![50.into(); 26],
                "Encoding" => dictionary! { "Differences" => vec![97.into(), "a".into(), "b".into()] },
            }
        };
        assert_eq!(text("[(ab) -300 (ab)] TJ (\\001) Tj", |_| drawn()), "ab ab");
        let mut bare = drawn();
        bare.remove(b"Encoding");
        bare.remove(b"Widths");
        assert_eq!(text("(ab) Tj", |_| bare), "ab");
    }

    #[test]
    fn a_composite_fonts_widths_may_be_ranges_and_its_encoding_unknown() {
        let composite = |document: &mut Document, encoding: &str, widths: Vec<Object>| {
            let descendant = dictionary! {
                "Type" => "Font", "Subtype" => "CIDFontType2", "BaseFont" => "Any", "DW" => 1_000.0, "W" => widths,
            };
            dictionary! {
                "Type" => "Font",
                "Subtype" => "Type0",
                "BaseFont" => "Any",
                "Encoding" => encoding,
                "DescendantFonts" => vec![descendant.into()],
                "ToUnicode" => table(document, "<0001> <0061> <0002> <0062>"),
            }
        };
        // With the usual width of 1,000 for the narrow ones, the second word would begin before the first ends.
        let narrow = || vec![1.into(), 2.into(), 300.into(), 5.into()];
        let shown = "<00010002> Tj 10 0 Td <00010002> Tj";
        assert_eq!(text(shown, |document| composite(document, "Identity-H", narrow())), "ab ab");
        assert_eq!(text(shown, |document| composite(document, "GBK-EUC-H", narrow())), "ab ab");
    }
}
