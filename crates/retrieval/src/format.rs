//! Which files are documents, told by their names and first bytes.

use std::fmt;
use std::path::Path;

/// A format that can be ingested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocumentFormat {
    /// `CommonMark` with the usual extensions: tables, footnotes, strikethrough, task lists.
    Markdown,
    /// Text without markup that we read. reStructuredText, `AsciiDoc` and Org are read as they stand.
    PlainText,
    /// HTML or XHTML.
    Html,
}

/// What a file's name says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recognised {
    /// A format that can be ingested.
    Supported(DocumentFormat),
    /// A document in a format that cannot be ingested yet; the text is the format's name.
    NotYet(&'static str),
    /// Not the name of a document: an image, source code, data.
    NotADocument,
}

/// Names without an extension that are documents by custom.
const BARE_NAMES: [&str; 10] = [
    "authors",
    "changelog",
    "changes",
    "contributing",
    "copying",
    "history",
    "license",
    "news",
    "notice",
    "readme",
];

impl DocumentFormat {
    /// What the file's name says. The content has its say in [`sniff_binary`].
    #[must_use]
    pub fn recognise(path: &Path) -> Recognised {
        let lower = |part: &std::ffi::OsStr| part.to_string_lossy().to_lowercase();
        let Some(extension) = path.extension().map(lower) else {
            let name = path.file_name().map(lower).unwrap_or_default();
            return if BARE_NAMES.contains(&name.as_str()) {
                Recognised::Supported(Self::PlainText)
            } else {
                Recognised::NotADocument
            };
        };
        match extension.as_str() {
            "md" | "markdown" | "mdown" | "mkd" | "mdx" => Recognised::Supported(Self::Markdown),
            "txt" | "text" | "rst" | "adoc" | "asciidoc" | "org" => Recognised::Supported(Self::PlainText),
            "html" | "htm" | "xhtml" => Recognised::Supported(Self::Html),
            "pdf" => Recognised::NotYet("PDF"),
            "doc" | "docx" => Recognised::NotYet("Word"),
            "ppt" | "pptx" => Recognised::NotYet("PowerPoint"),
            "xls" | "xlsx" => Recognised::NotYet("Excel"),
            "odt" | "ods" | "odp" => Recognised::NotYet("OpenDocument"),
            "pages" | "numbers" | "key" => Recognised::NotYet("iWork"),
            "epub" | "mobi" => Recognised::NotYet("e-book"),
            "rtf" => Recognised::NotYet("RTF"),
            "ipynb" => Recognised::NotYet("Jupyter notebook"),
            "csv" | "tsv" => Recognised::NotYet("CSV"),
            "eml" | "msg" | "mbox" => Recognised::NotYet("e-mail"),
            "tex" => Recognised::NotYet("LaTeX"),
            _ => Recognised::NotADocument,
        }
    }
}

impl fmt::Display for DocumentFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Markdown => "Markdown",
            Self::PlainText => "plain text",
            Self::Html => "HTML",
        })
    }
}

/// First bytes that are never those of text, and what they begin.
const MAGIC: [(&[u8], &str); 12] = [
    (b"%PDF-", "PDF"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"\x1f\x8b", "gzip data"),
    (b"\xd0\xcf\x11\xe0", "an old Office document"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"{\\rtf", "RTF"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ", "xz data"),
];

/// What the bytes are, if they cannot be text: a known first line of bytes, a NUL byte, or many control characters.
///
/// UTF-16 has NUL bytes and is text; it is told by its byte order mark.
#[must_use]
pub fn sniff_binary(bytes: &[u8]) -> Option<&'static str> {
    if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Some(what);
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return None;
    }
    if bytes.contains(&0) {
        return Some("binary data");
    }
    // Tab, line feed, form feed, carriage return and escape stand in real text files.
    let is_control = |byte: &&u8| matches!(**byte, 1..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    let controls = bytes.iter().filter(is_control).count();
    (controls > 16 && controls > bytes.len() / 20).then_some("binary data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_format() {
        for (name, expected) in [
            ("a/README.md", Recognised::Supported(DocumentFormat::Markdown)),
            ("A.MARKDOWN", Recognised::Supported(DocumentFormat::Markdown)),
            ("notes.txt", Recognised::Supported(DocumentFormat::PlainText)),
            ("LICENSE", Recognised::Supported(DocumentFormat::PlainText)),
            ("index.HTM", Recognised::Supported(DocumentFormat::Html)),
            ("report.pdf", Recognised::NotYet("PDF")),
            ("data.csv", Recognised::NotYet("CSV")),
            ("logo.png", Recognised::NotADocument),
            ("Makefile", Recognised::NotADocument),
            ("archive.md.gz", Recognised::NotADocument),
        ] {
            assert_eq!(DocumentFormat::recognise(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn binary_content_is_told_from_text() {
        for bytes in [&b"%PDF-1.7 text"[..], b"\x89PNG\r\n", b"PK\x03\x04", b"text\0more", &[1_u8; 40]] {
            assert!(sniff_binary(bytes).is_some(), "{bytes:?}");
        }
        for bytes in
            [&b""[..], b"plain", b"\xff\xfeh\0i\0", b"\xef\xbb\xbfbom", b"caf\xe9", b"\x1b[31mred\x1b[0m"]
        {
            assert_eq!(sniff_binary(bytes), None, "{bytes:?}");
        }
    }
}
