//! A file's bytes to its visible text.

mod docx;
mod error;
mod escape;
mod grid;
mod html;
mod link;
mod markdown;
mod pdf;
mod plain;

pub use self::error::{Flaw, ParseError};

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::decode::{DecodedText, decode};
use crate::format::{DocumentFormat, check_content};
use crate::limits::{Deadline, Limits};
use crate::outline::one_line;
use crate::sanitize::{self, RemovedCounts};

/// Changed whenever the same bytes would be read otherwise: then every object is read again. Of files the text itself tells.
pub(crate) const PARSER_VERSION: &str = "2";

/// The longest title, in characters.
pub(crate) const MAX_TITLE_CHARS: usize = 300;

/// The longest run of white space that is kept, in characters. Longer ones carry no meaning, and a chunk could consist
/// of nothing else.
pub(crate) const MAX_WHITESPACE_RUN: usize = 100;

/// How a document's text is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Where in `text` each page begins, in bytes and in order; empty for a document without pages.
    pub page_starts: Vec<usize>,
    /// What was removed.
    pub removed: RemovedCounts,
    /// How many of its pages are pictures without text: scanned ones, of which nothing can be found.
    pub pages_without_text: u32,
}

/// What a format's parser finds, before titles and texts are cleaned.
struct Draft {
    title: Option<String>,
    text: String,
    syntax: Syntax,
    /// As [`ParsedDocument::page_starts`], in the text as it is here.
    page_starts: Vec<usize>,
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
    let limit = limits.file_bytes(format);
    if size > limit {
        return Err(ParseError::TooLarge { bytes: size, limit });
    }
    check_content(bytes, format).map_err(|found| ParseError::OtherContent { found, format })?;
    let deadline = Deadline::after(limits.max_parse_time);
    let read = |parse: &dyn Fn(&str) -> Result<Draft, ParseError>| {
        let DecodedText { text, replaced, .. } = decode(bytes, format);
        Ok((parse(&text)?, replaced))
    };
    let mut pages_without_text = 0;
    // PDF and Word say in themselves how their text is encoded.
    let (draft, undecodable) = match format {
        DocumentFormat::Markdown => read(&|text| markdown::parse(text, deadline))?,
        DocumentFormat::PlainText => read(&|text| Ok(plain::parse(text)))?,
        DocumentFormat::Html => read(&|text| html::parse_page(text, deadline))?,
        DocumentFormat::Docx => (docx::parse(bytes, limits, deadline)?, 0),
        DocumentFormat::Pdf => {
            let (draft, without_text) = pdf::parse(bytes, limits, deadline)?;
            pages_without_text = without_text;
            (draft, 0)
        }
    };
    Ok(ParsedDocument { pages_without_text, ..finish(name, draft, undecodable)? })
}

fn finish(name: &str, draft: Draft, undecodable: u32) -> Result<ParsedDocument, ParseError> {
    let (text, page_starts, removed_from_text) = clean_pages(&draft.text, &draft.page_starts);
    if text.trim().is_empty() {
        return Err(ParseError::NoText);
    }
    let mut removed = draft.removed;
    removed += removed_from_text;
    removed.undecodable = undecodable;
    let title = draft.title.map(|title| one_line(&sanitize::clean(&title).0, MAX_TITLE_CHARS));
    let title = title.filter(|title| !title.is_empty()).unwrap_or_else(|| title_from_name(name));
    let syntax = draft.syntax;
    Ok(ParsedDocument { title, text, syntax, page_starts, removed, pages_without_text: 0 })
}

/// Cleans the text page by page, so that it stays known where each begins.
fn clean_pages(text: &str, page_starts: &[usize]) -> (String, Vec<usize>, RemovedCounts) {
    let mut removed = RemovedCounts::default();
    let mut cleaned = String::with_capacity(text.len());
    let mut starts = Vec::with_capacity(page_starts.len());
    let first = page_starts.first().copied().unwrap_or(text.len());
    let ends = page_starts.iter().skip(1).copied().chain([text.len()]);
    let pages = page_starts.iter().copied().zip(ends);
    for (start, end) in std::iter::once((0, first)).chain(pages) {
        let (page, found) = sanitize::clean(&text[start..end]);
        removed += found;
        starts.push(cleaned.len());
        cleaned.push_str(&limit_whitespace(&page));
    }
    // What stands before the first page, which is the whole text where there are no pages.
    starts.remove(0);
    (cleaned, starts, removed)
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

    /// How many pages it has, if it has pages.
    pub(crate) fn pages(&self) -> u32 {
        u32::try_from(self.page_starts.len()).unwrap_or(u32::MAX)
    }

    /// SHA-256 over all that makes the stored document: title, source URL, text, its syntax and pages, and how we chunk. Equal
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
        for start in &self.page_starts {
            hash.update((*start as u64).to_be_bytes());
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
