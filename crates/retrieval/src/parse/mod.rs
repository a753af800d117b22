//! A file's bytes to its visible text.

mod html;
mod markdown;
mod plain;

use std::fmt;

use sha2::{Digest, Sha256};

use crate::decode::decode;
use crate::format::{DocumentFormat, sniff_binary};
use crate::limits::{Deadline, Limits};
use crate::outline::one_line;
use crate::sanitize::{self, RemovedCounts};

/// The longest title, in characters.
const MAX_TITLE_CHARS: usize = 300;

/// The longest run of white space that is kept, in characters. Longer ones carry no meaning, and a chunk could consist
/// of nothing else.
pub(crate) const MAX_WHITESPACE_RUN: usize = 100;

/// How a document's text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Headings, lists and code fences mean something.
    Markdown,
    /// `#` at a line's start is no heading.
    Plain,
}

/// A document's visible text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedDocument {
    /// One line of 1 to 300 characters: what the document calls itself, or its file name made readable.
    pub title: String,
    /// The text that people see, cleaned; never only white space.
    pub text: String,
    /// How to read `text`.
    pub syntax: Syntax,
    /// The page's own `<link rel=canonical>`, if it is an http or https URL. The page's claim, not a fact.
    pub canonical_url: Option<String>,
    /// The name of the encoding that the bytes were decoded from.
    pub encoding: &'static str,
    /// What was removed.
    pub removed: RemovedCounts,
}

/// Why a file gave no document.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// Not text at all: leave the file out, or convert it.
    #[error("this is {0}, not text")]
    Binary(&'static str),
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
    /// Nothing to find in it: an empty file, or one with hidden parts only.
    #[error("no text in it")]
    NoText,
    /// A bug of ours or of a library, which this file shows.
    #[error("the {0} parser failed on this file; please report it")]
    ParserFailed(DocumentFormat),
}

/// What a format's parser finds, before titles and texts are cleaned.
struct Draft {
    title: Option<String>,
    text: String,
    syntax: Syntax,
    canonical_url: Option<String>,
    removed: RemovedCounts,
}

/// Reads a document of the given format.
///
/// `name` is the file's name or key; it becomes the title where the document has none. Nothing that the document
/// refers to is fetched.
pub fn parse_document(
    name: &str,
    bytes: &[u8],
    format: DocumentFormat,
    limits: &Limits,
) -> Result<ParsedDocument, ParseError> {
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > limits.max_file_bytes {
        return Err(ParseError::TooLarge { bytes: size, limit: limits.max_file_bytes });
    }
    if let Some(what) = sniff_binary(bytes) {
        return Err(ParseError::Binary(what));
    }
    let decoded = decode(bytes, format);
    let deadline = Deadline::after(limits.max_parse_time);
    let draft = match format {
        DocumentFormat::Markdown => markdown::parse(&decoded.text, deadline)?,
        DocumentFormat::PlainText => plain::parse(&decoded.text),
        DocumentFormat::Html => html::parse_page(&decoded.text, deadline)?,
    };
    finish(name, draft, decoded.encoding, decoded.replaced)
}

fn finish(
    name: &str,
    draft: Draft,
    encoding: &'static str,
    undecodable: u32,
) -> Result<ParsedDocument, ParseError> {
    let (text, removed_from_text) = sanitize::clean(&draft.text);
    let text = limit_whitespace(&text);
    if text.trim().is_empty() {
        return Err(ParseError::NoText);
    }
    let mut removed = draft.removed;
    removed += removed_from_text;
    removed.undecodable = undecodable;
    let title = draft.title.map(|title| one_line(&sanitize::clean(&title).0, MAX_TITLE_CHARS));
    let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| title_from_name(name));
    Ok(ParsedDocument {
        title,
        text,
        syntax: draft.syntax,
        canonical_url: draft.canonical_url,
        encoding,
        removed,
    })
}

/// `guide/getting_started-2.md` → `getting started 2`; a file called `index` or `readme` is named by its folder.
fn title_from_name(name: &str) -> String {
    let (name, _) = sanitize::clean(name);
    let mut parts = name.rsplit('/').filter(|part| !part.is_empty());
    let file = parts.next().unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let is_generic = ["index", "readme"].contains(&stem.to_lowercase().as_str());
    let stem = if is_generic { parts.next().unwrap_or(stem) } else { stem };
    let readable = one_line(&stem.replace(['_', '-', '+'], " "), MAX_TITLE_CHARS);
    if readable.is_empty() { "untitled".to_owned() } else { readable }
}

/// Cuts every run of white space to [`MAX_WHITESPACE_RUN`] characters.
fn limit_whitespace(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut run = 0;
    for char in text.chars() {
        run = if char.is_whitespace() { run + 1 } else { 0 };
        if run <= MAX_WHITESPACE_RUN {
            kept.push(char);
        }
    }
    kept
}

impl ParsedDocument {
    /// The document under a title that is known from elsewhere, cleaned as its own; its own stays if nothing is left.
    #[must_use]
    pub fn with_title(self, title: &str) -> Self {
        let title = one_line(&sanitize::clean(title).0, MAX_TITLE_CHARS);
        if title.is_empty() { self } else { Self { title, ..self } }
    }

    /// SHA-256 over all that makes the stored document: title, source URL, text, its syntax, and how we chunk. Equal
    /// hashes mean that there is nothing to do.
    #[must_use]
    pub fn content_hash(&self, source_url: Option<&str>) -> [u8; 32] {
        let syntax = match self.syntax {
            Syntax::Markdown => "markdown",
            Syntax::Plain => "plain",
        };
        let mut hash = Sha256::new();
        for part in [crate::chunk::CHUNKER_VERSION, syntax, &self.title, source_url.unwrap_or(""), &self.text]
        {
            update_framed(&mut hash, part);
        }
        hash.finalize().into()
    }
}

/// Adds a text with its length, so that ("ab", "c") and ("a", "bc") differ.
pub(crate) fn update_framed(hash: &mut Sha256, part: &str) {
    hash.update((part.len() as u64).to_be_bytes());
    hash.update(part.as_bytes());
}

impl fmt::Display for Syntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Markdown => "Markdown",
            Self::Plain => "plain text",
        })
    }
}

#[cfg(test)]
mod tests;
