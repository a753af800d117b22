//! Bytes to text. What cannot be decoded is replaced by U+FFFD and counted, never dropped in silence.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::format::DocumentFormat;

/// How far into an HTML file its `<meta charset>` is looked for (WHATWG HTML, "prescan a byte stream": 1024 bytes).
const META_PRESCAN_BYTES: usize = 1024;

/// A file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodedText {
    /// The text, without a byte order mark.
    pub text: String,
    /// The encoding's WHATWG name, such as `UTF-8` or `windows-1252`.
    pub encoding: &'static str,
    /// How many characters of the text are U+FFFD because their bytes meant nothing.
    pub replaced: u32,
}

/// Decodes a file.
///
/// In this order: a byte order mark; UTF-8 if the bytes are valid as such; what an HTML file declares; UTF-8 with
/// replacements, if it has more sound multi-byte characters than broken ones; windows-1252, which decodes anything
/// and is what the web falls back to (WHATWG Encoding).
#[must_use]
pub fn decode(bytes: &[u8], format: DocumentFormat) -> DecodedText {
    match Evidence::of(bytes, format) {
        Evidence::Mark { encoding, bytes: mark } => decode_as(encoding, &bytes[mark..]),
        Evidence::Content(encoding) => decode_as(encoding, bytes),
        Evidence::Nothing => decode_as(WINDOWS_1252, bytes),
    }
}

/// Whether [`decode`] takes the file for windows-1252 because nothing tells what it is. Every file decodes as that, so that
/// one in another encoding becomes gibberish without a single broken character.
#[must_use]
pub fn is_guessed(bytes: &[u8], format: DocumentFormat) -> bool {
    format.is_text() && matches!(Evidence::of(bytes, format), Evidence::Nothing)
}

/// What tells a file's encoding.
enum Evidence {
    /// A byte order mark of so many bytes.
    Mark {
        encoding: &'static Encoding,
        bytes: usize,
    },
    Content(&'static Encoding),
    Nothing,
}

impl Evidence {
    fn of(bytes: &[u8], format: DocumentFormat) -> Self {
        if let Some((encoding, bytes)) = Encoding::for_bom(bytes) {
            return Self::Mark { encoding, bytes };
        }
        let declared = if format == DocumentFormat::Html { declared_charset(bytes) } else { None };
        // An all-ASCII file may still be ISO-2022-JP, which only its declaration tells.
        let declaration_rules = declared.is_some_and(|encoding| encoding != UTF_8 && bytes.is_ascii());
        match declared {
            _ if !declaration_rules && std::str::from_utf8(bytes).is_ok() => Self::Content(UTF_8),
            Some(encoding) if encoding != UTF_8 => Self::Content(encoding),
            _ if is_mostly_utf8(bytes) => Self::Content(UTF_8),
            _ => Self::Nothing,
        }
    }
}

fn decode_as(encoding: &'static Encoding, bytes: &[u8]) -> DecodedText {
    let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
    let replaced = if had_errors { text.chars().filter(|char| *char == '\u{fffd}').count() } else { 0 };
    DecodedText {
        text: text.into_owned(),
        encoding: encoding.name(),
        replaced: u32::try_from(replaced).unwrap_or(u32::MAX),
    }
}

fn is_mostly_utf8(bytes: &[u8]) -> bool {
    let (mut sound, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        sound += chunk.valid().chars().filter(|char| !char.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    sound > broken
}

/// The charset of `<meta charset=…>` or `<meta http-equiv=… content="…; charset=…">` near the file's beginning.
fn declared_charset(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(META_PRESCAN_BYTES)].to_ascii_lowercase();
    let head = String::from_utf8_lossy(&head);
    head.match_indices("<meta").find_map(|(at, _)| {
        let tag = &head[at..head[at..].find('>').map_or(head.len(), |end| at + end)];
        let (_, value) = tag.split_once("charset")?;
        let value = value.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
        let label = value.split(['"', '\'', ';', ' ', '/', '>']).next()?;
        // A file that could hold an ASCII `<meta>` is not UTF-16, whatever it declares (WHATWG HTML).
        Encoding::for_label(label.as_bytes()).map(Encoding::output_encoding)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], format: DocumentFormat) -> (String, &'static str, u32) {
        let DecodedText { text, encoding, replaced } = decode(bytes, format);
        (text, encoding, replaced)
    }

    #[test]
    fn encodings_are_told_apart() {
        use DocumentFormat::{Html, PlainText};
        for (bytes, format, text, encoding) in [
            (&b"caf\xc3\xa9"[..], PlainText, "café", "UTF-8"),
            (b"\xef\xbb\xbfcaf\xc3\xa9", PlainText, "café", "UTF-8"),
            (b"\xff\xfec\0a\0f\0\xe9\0", PlainText, "café", "UTF-16LE"),
            (b"\xfe\xff\0c\0a\0f\0\xe9", PlainText, "café", "UTF-16BE"),
            (b"caf\xe9 \x93q\x94", PlainText, "café “q”", "windows-1252"),
            (b"<meta charset=\"iso-8859-2\">\xb1", Html, "<meta charset=\"iso-8859-2\">ą", "ISO-8859-2"),
            (b"<META http-equiv=x content='text/html; charset=Shift_JIS'>\x82\xa0", Html, "あ", "Shift_JIS"),
            // Declared wrongly, but valid UTF-8 with a character that no one writes by chance.
            (b"<meta charset=latin1>caf\xc3\xa9", Html, "café", "UTF-8"),
            (b"<meta charset=iso-2022-jp>\x1b$B$\"\x1b(B", Html, "あ", "ISO-2022-JP"),
        ] {
            let (found, name, replaced) = decoded(bytes, format);
            assert!(found.ends_with(text), "{found:?} should end with {text:?}");
            assert_eq!((name, replaced), (encoding, 0), "{text}");
        }
    }

    #[test]
    fn a_guess_is_known_as_one() {
        use DocumentFormat::{Html, Pdf, PlainText};
        // "Привет" in KOI8-R; "café" in windows-1252.
        for bytes in [&b"\xf0\xd2\xc9\xd7\xc5\xd4"[..], b"caf\xe9"] {
            assert!(is_guessed(bytes, PlainText), "{bytes:?}");
            assert!(!is_guessed(bytes, Pdf), "it says itself how its text is encoded");
        }
        for (bytes, format) in [
            (&b""[..], PlainText),
            (b"plain", PlainText),
            (b"caf\xc3\xa9", PlainText),
            (b"\xc3\xa9\xc3\xa9 \xff", PlainText),
            (b"\xff\xfec\0", PlainText),
            (b"<meta charset=windows-1252>caf\xe9", Html),
        ] {
            assert!(!is_guessed(bytes, format), "{bytes:?}");
        }
    }

    #[test]
    fn broken_characters_are_counted() {
        let (text, encoding, replaced) =
            decoded(b"\xc3\xa9\xc3\xa9\xc3\xa9 \xff end", DocumentFormat::PlainText);
        assert_eq!((text.as_str(), encoding, replaced), ("ééé \u{fffd} end", "UTF-8", 1));
    }
}
