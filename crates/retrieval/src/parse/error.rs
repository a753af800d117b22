//! Why a file gave no document.

use std::io;

use serde::{Deserialize, Serialize};

use crate::format::{DocumentFormat, FileKind};

/// Why a file gave no document.
///
/// It says so without a word of the file's own: the text reaches a terminal and a log, and it crosses from a child
/// process that a hostile file may have taken over. For the same reason a child cannot send the variants that are about
/// the child.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
pub enum ParseError {
    /// Rename, convert or leave out the file.
    #[error("this is {found}, not {}{}", expected(*format), found.advice())]
    OtherContent {
        /// What it is.
        found: FileKind,
        /// What its name says.
        format: DocumentFormat,
    },
    /// Split the file or raise the limit.
    #[error("larger than {limit} bytes ({bytes})")]
    TooLarge {
        /// The file's size.
        bytes: u64,
        /// The limit it breaks.
        limit: u64,
    },
    /// Hostile or broken markup.
    #[error("nested too deeply: more than {limit} elements inside each other")]
    NestedTooDeeply {
        /// The limit it breaks.
        limit: usize,
    },
    /// Hostile or broken markup.
    #[error("more than {limit} elements")]
    TooManyElements {
        /// The limit it breaks.
        limit: usize,
    },
    /// Hostile or broken markup: most likely a tag without its end, so that a text is taken for its attributes.
    #[error("more than {limit} attributes in tags that have {usual} already: is a `>` missing?")]
    TooManyAttributes {
        /// How many a tag may have at no charge.
        usual: usize,
        /// The limit it breaks.
        limit: usize,
    },
    /// Hostile or broken markup: tags without number, deep inside elements.
    #[error("too many tags inside too many open elements: more than {limit}, multiplied")]
    TooEntangled {
        /// The limit it breaks.
        limit: usize,
    },
    /// Hostile or broken markup.
    #[error("not parsed within {limit_secs} seconds")]
    TookTooLong {
        /// The limit it breaks.
        limit_secs: u64,
    },
    /// Split the file.
    #[error("more than {limit} chunks")]
    TooManyChunks {
        /// The limit it breaks.
        limit: usize,
    },
    /// Split the file.
    #[error("more than {limit} pages")]
    TooManyPages {
        /// The limit it breaks.
        limit: u32,
    },
    /// Hostile: a PDF whose forms show each other, so that two kilobytes are read without end.
    #[error("parts of it are shown more than {limit} times")]
    TooManyForms {
        /// The limit it breaks.
        limit: u64,
    },
    /// Hostile, or very many pages in fonts of very many characters: split the file.
    #[error("more than {limit} entries in the tables of its fonts, which each page reads anew")]
    TooLargeFonts {
        /// The limit it breaks.
        limit: usize,
    },
    /// Data that stands in a document: leave it out.
    #[error("a table of more than {limit} columns")]
    TooManyColumns {
        /// The limit it breaks.
        limit: usize,
    },
    /// Hostile, or an archive in the guise of a document.
    #[error("more than {limit} parts in it")]
    TooManyParts {
        /// The limit it breaks.
        limit: usize,
    },
    /// Hostile (a "zip bomb"), or far larger than a document.
    #[error("unpacks to more than {limit} bytes")]
    UnpacksTooLarge {
        /// The limit it breaks.
        limit: u64,
    },
    /// Hostile: a "zip bomb".
    #[error("packed more than {limit} to 1, as no document is")]
    PackedTooTightly {
        /// The limit it breaks.
        limit: u64,
    },
    /// Save it without a password.
    #[error("encrypted: save it without a password")]
    Encrypted,
    /// Run optical character recognition over it, which puts a text below the pictures.
    #[error("{} without text: a scan; run OCR first", count_of_pages(*pages))]
    Scanned {
        /// How many pages there are.
        pages: u32,
    },
    /// Open it in the program that made it, and save it again.
    #[error("broken: {0}")]
    Broken(Flaw),
    /// Nothing to find in it: an empty file, or one with hidden parts only.
    #[error("no text in it")]
    NoText,
    /// A bug of ours or of a library, which this file shows.
    #[error("the {0} parser failed on this file; please report it")]
    ParserFailed(DocumentFormat),
    /// Hostile, or too large for the limit.
    #[error("needed more than {limit_mib} MiB of memory")]
    #[serde(skip)]
    TooMuchMemory {
        /// The limit it breaks.
        limit_mib: u64,
    },
    /// Hostile: structures inside each other, or that refer to each other, without end.
    #[error("nested too deeply for the {0} parser")]
    #[serde(skip)]
    StackOverflow(DocumentFormat),
    /// The machine is short of memory, or somebody ended the parser, or it has a bug, which this file shows.
    #[error("the {format} parser was ended by this file ({how}); please report it")]
    #[serde(skip)]
    ParserDied {
        /// The file's format.
        format: DocumentFormat,
        /// The operating system's word for it.
        how: String,
    },
    /// A bug, or a parser that a hostile file has taken over: what it sent is not believed.
    #[error("the {0} parser gave no sound answer; please report it")]
    #[serde(skip)]
    UnsoundAnswer(DocumentFormat),
    /// The machine is short of something: threads, processes, memory.
    #[error("no parser could be started")]
    #[serde(skip)]
    NotStarted(#[source] io::Error),
}

/// What is wrong with a broken file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum Flaw {
    /// Cut off, or no ZIP archive.
    #[error("its ZIP directory cannot be read; it may be cut off")]
    ZipDirectory,
    /// Damaged, or its sizes lie.
    #[error("a part of it cannot be unpacked")]
    ZipEntry,
    /// Another kind of Office document, or none.
    #[error("a ZIP archive without word/document.xml, so no Word document")]
    NoDocumentPart,
    /// Damaged.
    #[error("its XML is not well-formed")]
    Xml,
    /// Hostile: Word never writes one, and ECMA-376 part 2 forbids it.
    #[error("its XML has a document type declaration, which Office documents must not have")]
    Doctype,
    /// Cut off or damaged.
    #[error("its structure cannot be read; it may be cut off")]
    PdfStructure,
    /// Cut off or damaged.
    #[error("no pages can be found in it")]
    NoPages,
    /// Damaged.
    #[error("a page of it cannot be read")]
    PdfPage,
}

fn count_of_pages(pages: u32) -> String {
    if pages == 1 { "1 page".to_owned() } else { format!("{pages} pages") }
}

/// What the file should have been, in the words of its reader.
const fn expected(format: DocumentFormat) -> &'static str {
    match format {
        DocumentFormat::Markdown | DocumentFormat::PlainText | DocumentFormat::Html => "text",
        DocumentFormat::Pdf => "PDF",
        DocumentFormat::Docx => "a Word document",
    }
}
