//! Which files are documents, told by their names and first bytes.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A format that can be ingested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DocumentFormat {
    /// `CommonMark` with the usual extensions: tables, footnotes, strikethrough, task lists.
    Markdown,
    /// Text without markup that we read. reStructuredText, `AsciiDoc` and Org are read as they stand.
    PlainText,
    /// HTML or XHTML.
    Html,
    /// PDF that holds its text, not a picture of it.
    Pdf,
    /// Word's format since 2007 (Office Open XML, ECMA-376), with or without macros, which are never looked at.
    Docx,
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
    /// Whether it is text, so that a person could write it in any editor.
    #[must_use]
    pub const fn is_text(self) -> bool {
        match self {
            Self::Markdown | Self::PlainText | Self::Html => true,
            Self::Pdf | Self::Docx => false,
        }
    }

    /// What the file's name says. The content has its say in [`check_content`].
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
            "pdf" => Recognised::Supported(Self::Pdf),
            "docx" | "docm" => Recognised::Supported(Self::Docx),
            "doc" => Recognised::NotYet("Word before 2007"),
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
            Self::Pdf => "PDF",
            Self::Docx => "Word",
        })
    }
}

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "their names, and the texts they are shown as, say it")]
pub enum FileKind {
    Pdf,
    Png,
    Jpeg,
    Gif,
    Zip,
    Docx,
    Xlsx,
    Pptx,
    OpenDocument,
    Epub,
    Gzip,
    Bzip2,
    Xz,
    /// A compound file: the old Office formats, and an Office document with a password, which is wrapped in one.
    CompoundFile,
    Program,
    Rtf,
    /// Something with NUL bytes or many control characters.
    Binary,
    /// No first bytes that we know.
    Unknown,
}

impl FileKind {
    /// What its owner can do about it; empty if that is only to leave it out.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Pdf => "; name it .pdf",
            Self::Docx => "; name it .docx",
            Self::Zip => "; unpack it",
            Self::CompoundFile => "; save it as .docx, without a password",
            Self::OpenDocument | Self::Rtf => "; save it as .docx",
            _ => "",
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pdf => "PDF",
            Self::Png => "a PNG image",
            Self::Jpeg => "a JPEG image",
            Self::Gif => "a GIF image",
            Self::Zip => "a ZIP archive",
            Self::Docx => "a Word document",
            Self::Xlsx => "an Excel workbook",
            Self::Pptx => "a PowerPoint presentation",
            Self::OpenDocument => "an OpenDocument file",
            Self::Epub => "an e-book",
            Self::Gzip => "gzip data",
            Self::Bzip2 => "bzip2 data",
            Self::Xz => "xz data",
            Self::CompoundFile => "an Office document that is old or has a password",
            Self::Program => "a program",
            Self::Rtf => "RTF",
            Self::Binary => "binary data",
            Self::Unknown => "something else",
        })
    }
}

/// First bytes that are never those of text, and what they begin.
const MAGIC: [(&[u8], FileKind); 10] = [
    (b"%PDF-", FileKind::Pdf),
    (b"\x89PNG", FileKind::Png),
    (b"\xff\xd8\xff", FileKind::Jpeg),
    (b"PK\x03\x04", FileKind::Zip),
    (b"\x1f\x8b", FileKind::Gzip),
    (b"\xd0\xcf\x11\xe0", FileKind::CompoundFile),
    (b"\x7fELF", FileKind::Program),
    (b"MZ\x90", FileKind::Program),
    (b"{\\rtf", FileKind::Rtf),
    (b"\xfd7zXZ", FileKind::Xz),
];

/// Where the first block of bzip2 begins, behind `BZh` and a digit: the digits of pi, or of its root if there is none.
const BZIP2_BLOCKS: [&[u8]; 2] = [b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"];

/// How far into a file the PDF header may stand (ISO 32000-2 asks for the first byte; readers have always looked
/// through the first 1024 for it, and mail gateways put lines before it).
const PDF_HEADER_WITHIN: usize = 1024;

/// Nothing, if the content is what the format's name promises, else what it is.
///
/// Of a Word document only the wrapping is looked at here: a ZIP archive. What is in it, its parser sees.
pub fn check_content(bytes: &[u8], format: DocumentFormat) -> Result<(), FileKind> {
    let magic = by_magic(bytes);
    let found = match format {
        DocumentFormat::Pdf => match magic {
            Some(FileKind::Pdf) => None,
            Some(other) => Some(other),
            None => (!has_pdf_header(bytes)).then(|| not_binary_kind(bytes)),
        },
        DocumentFormat::Docx => match magic {
            Some(FileKind::Zip) => None,
            Some(other) => Some(other),
            None => Some(not_binary_kind(bytes)),
        },
        DocumentFormat::Markdown | DocumentFormat::PlainText | DocumentFormat::Html => {
            magic.map(in_zip(bytes)).or_else(|| is_binary(bytes).then_some(FileKind::Binary))
        }
    };
    found.map_or(Ok(()), Err)
}

fn by_magic(bytes: &[u8]) -> Option<FileKind> {
    let known = MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, kind)| *kind);
    known
        .or_else(|| is_gif(bytes).then_some(FileKind::Gif))
        .or_else(|| is_bzip2(bytes).then_some(FileKind::Bzip2))
}

/// A text may begin with the name of the format; a picture goes on with its sizes, of which a byte is a control character: the
/// last of the header is 0 (<https://www.w3.org/Graphics/GIF/spec-gif89a.txt>, section 18).
fn is_gif(bytes: &[u8]) -> bool {
    let sizes = bytes.strip_prefix(b"GIF87a").or_else(|| bytes.strip_prefix(b"GIF89a")).unwrap_or_default();
    sizes.iter().take(7).any(|byte| is_control(*byte))
}

fn is_bzip2(bytes: &[u8]) -> bool {
    let blocks = bytes.strip_prefix(b"BZh").and_then(|rest| rest.split_first());
    blocks.is_some_and(|(level, blocks)| {
        matches!(level, b'1'..=b'9') && BZIP2_BLOCKS.iter().any(|magic| blocks.starts_with(magic))
    })
}

/// Whether no text has the byte. Tab, line feed, form feed, carriage return and escape stand in real text files.
const fn is_control(byte: u8) -> bool {
    matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

fn has_pdf_header(bytes: &[u8]) -> bool {
    bytes[..bytes.len().min(PDF_HEADER_WITHIN)].windows(5).any(|window| window == b"%PDF-")
}

fn not_binary_kind(bytes: &[u8]) -> FileKind {
    if is_binary(bytes) { FileKind::Binary } else { FileKind::Unknown }
}

/// A ZIP archive by its first entries' names, which stand in clear: good enough for an error's text.
fn in_zip(bytes: &[u8]) -> impl Fn(FileKind) -> FileKind {
    let head = &bytes[..bytes.len().min(4096)];
    move |kind| {
        let names = |name: &str| head.windows(name.len()).any(|window| window == name.as_bytes());
        match kind {
            FileKind::Zip if names("word/") => FileKind::Docx,
            FileKind::Zip if names("xl/") => FileKind::Xlsx,
            FileKind::Zip if names("ppt/") => FileKind::Pptx,
            FileKind::Zip if names("application/vnd.oasis.opendocument") => FileKind::OpenDocument,
            FileKind::Zip if names("application/epub+zip") => FileKind::Epub,
            other => other,
        }
    }
}

/// Whether the bytes cannot be text: a NUL byte, or many control characters.
///
/// UTF-16 has NUL bytes and is text; it is told by its byte order mark.
fn is_binary(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return false;
    }
    if bytes.contains(&0) {
        return true;
    }
    let controls = bytes.iter().filter(|byte| is_control(**byte)).count();
    controls > 16 && controls > bytes.len() / 20
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
            ("report.PDF", Recognised::Supported(DocumentFormat::Pdf)),
            ("a.docx", Recognised::Supported(DocumentFormat::Docx)),
            ("with macros.docm", Recognised::Supported(DocumentFormat::Docx)),
            ("old.doc", Recognised::NotYet("Word before 2007")),
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
        use DocumentFormat::{Docx, Markdown, Pdf};
        for (bytes, format, kind) in [
            (&b"%PDF-1.7 text"[..], Markdown, FileKind::Pdf),
            (b"\x89PNG\r\n", Markdown, FileKind::Png),
            (b"PK\x03\x04", Markdown, FileKind::Zip),
            (b"GIF89a\x20\x03\x20\x20\xf7\0\0", Markdown, FileKind::Gif),
            (b"GIF87a\n\0\n\0\x80\0\0", Markdown, FileKind::Gif),
            (b"BZh91AY&SY\x94", Markdown, FileKind::Bzip2),
            (b"BZh9\x17\x72\x45\x38\x50\x90\0", Markdown, FileKind::Bzip2),
            (b"PK\x03\x04....word/document.xml", Markdown, FileKind::Docx),
            (b"PK\x03\x04....mimetypeapplication/epub+zip", Markdown, FileKind::Epub),
            (b"text\0more", Markdown, FileKind::Binary),
            (&[1_u8; 40], Markdown, FileKind::Binary),
            (b"PK\x03\x04....word/document.xml", Pdf, FileKind::Zip),
            (b"# Markdown", Pdf, FileKind::Unknown),
            (b"", Pdf, FileKind::Unknown),
            (b"%PDF-1.7 text", Docx, FileKind::Pdf),
            (b"\xd0\xcf\x11\xe0\xa1", Docx, FileKind::CompoundFile),
            (b"<html>", Docx, FileKind::Unknown),
        ] {
            assert_eq!(check_content(bytes, format), Err(kind), "{format}: {bytes:?}");
        }
        for bytes in [
            &b""[..],
            b"plain",
            b"GIF89a is older than PNG",
            "GIF87a – a format".as_bytes(),
            b"GIF8",
            b"BZhang wrote this",
            b"BZh91AY",
            b"\xff\xfeh\0i\0",
            b"\xef\xbb\xbfbom",
            b"caf\xe9",
            b"\x1b[31mred\x1b[0m",
        ] {
            assert_eq!(check_content(bytes, Markdown), Ok(()), "{bytes:?}");
        }
        assert_eq!(check_content(b"\nReceived: by a gateway\n%PDF-1.4", Pdf), Ok(()));
        assert_eq!(check_content(b"PK\x03\x04", Docx), Ok(()));
    }
}
