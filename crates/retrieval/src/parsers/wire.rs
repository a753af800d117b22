//! What a parent and its parsing child say to each other.
//!
//! A frame is two lengths (32 bits each, little-endian), then that many bytes of JSON, then that many bytes of a file or
//! of a text. Both sides hold the lengths against a limit before they read on. One question is open at a time, and an
//! answer carries its question's number.
//!
//! The parent believes nothing that the child says. Pieces come as places in the one text that is sent, so that they
//! cannot fail to add up; hashes are made anew; whatever the parser promises of a text is checked.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::{DocumentInput, PreparedDocument};
use crate::chunk::{Chunk, MAX_CHARS, Piece};
use crate::format::DocumentFormat;
use crate::limits::Limits;
use crate::outline::{MAX_HEADING_CHARS, one_line};
use crate::parse::{MAX_TITLE_CHARS, ParseError, ParsedDocument, Syntax};
use crate::sanitize::{RemovedCounts, is_invisible};

const PREFIX_BYTES: usize = 8;

/// The largest question's JSON: a path, a title, numbers.
const MAX_QUESTION_HEADER_BYTES: usize = 64 * 1024;

/// The largest file that is sent.
const MAX_FILE_BYTES: usize = 1024 * 1024 * 1024;

/// What the JSON of an answer may take besides its chunks: a title, numbers.
const ANSWER_HEADER_BYTES: usize = 64 * 1024;

/// What a chunk may take of it: six headings, each character of which JSON may write as `\uXXXX`.
const CHUNK_HEADER_BYTES: usize = 64 + 6 * (MAX_HEADING_CHARS * 12 + 8);

/// What a page may take of it: a number.
const PAGE_HEADER_BYTES: usize = 16;

/// A question.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Question {
    pub(super) number: u64,
    pub(super) key: String,
    pub(super) title: Option<String>,
    pub(super) format: DocumentFormat,
    pub(super) limits: Limits,
}

/// The answer's JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    number: u64,
    outcome: Result<Parsed, ParseError>,
}

/// A parsed document, less its text, which follows.
#[derive(Debug, Serialize, Deserialize)]
struct Parsed {
    title: String,
    syntax: Syntax,
    page_starts: Vec<usize>,
    removed: RemovedCounts,
    pages_without_text: u32,
    pieces: Vec<PieceEnd>,
}

/// A piece, which begins where the one before it ends.
#[derive(Debug, Serialize, Deserialize)]
struct PieceEnd {
    end: usize,
    heading_path: Vec<String>,
}

/// What was read is not what the other side should have sent.
#[derive(Debug)]
pub(super) struct Unsound;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// The other side is gone, or will not go on.
    Gone,
    /// The other side sent what it should not.
    Unsound,
}

impl From<Unsound> for NoAnswer {
    fn from(_: Unsound) -> Self {
        Self::Unsound
    }
}

impl From<io::Error> for NoAnswer {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

/// The beginning of a frame: all of it but the body, which is written after it.
pub(super) fn question_head(
    number: u64,
    document: &DocumentInput,
    limits: Limits,
) -> Result<Vec<u8>, io::Error> {
    let DocumentInput { key, title, format, .. } = document;
    let question = Question { number, key: key.clone(), title: title.clone(), format: *format, limits };
    frame_head(&question, document.bytes.len())
}

fn frame_head(header: &impl Serialize, body_bytes: usize) -> io::Result<Vec<u8>> {
    let header = serde_json::to_vec(header)?;
    let length = |bytes: usize| u32::try_from(bytes).map_err(|_| io::Error::other("too large for a frame"));
    let mut head = Vec::with_capacity(PREFIX_BYTES + header.len());
    head.extend(length(header.len())?.to_le_bytes());
    head.extend(length(body_bytes)?.to_le_bytes());
    head.extend(header);
    Ok(head)
}

/// The lengths of a frame, if they are within the limits.
fn lengths(
    prefix: [u8; PREFIX_BYTES],
    max_header: usize,
    max_body: usize,
) -> Result<(usize, usize), Unsound> {
    // Both fit into any usize that we run on.
    let [header, body] = [0, 4].map(|at| {
        let bytes = prefix[at..at + 4].iter().rev();
        bytes.fold(0_usize, |length, byte| (length << 8) | usize::from(*byte))
    });
    if header > max_header || body > max_body { Err(Unsound) } else { Ok((header, body)) }
}

/// The next question with its file, or nothing if there will be no more.
pub(super) fn read_question(input: &mut impl Read) -> io::Result<Option<(Question, Vec<u8>)>> {
    let mut prefix = [0; PREFIX_BYTES];
    match input.read_exact(&mut prefix) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let unsound = |_| io::Error::from(io::ErrorKind::InvalidData);
    let (header_bytes, body_bytes) =
        lengths(prefix, MAX_QUESTION_HEADER_BYTES, MAX_FILE_BYTES).map_err(unsound)?;
    let mut header = vec![0; header_bytes];
    input.read_exact(&mut header)?;
    let mut body = vec![0; body_bytes];
    input.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&header)?, body)))
}

/// Answers a question.
pub(super) fn write_answer(
    output: &mut impl Write,
    number: u64,
    outcome: Result<(ParsedDocument, Vec<Chunk>), ParseError>,
) -> io::Result<()> {
    let mut text = String::new();
    let outcome = outcome.map(|(parsed, chunks)| {
        let to_end = |chunk: Chunk| PieceEnd { end: chunk.byte_range.end, heading_path: chunk.heading_path };
        text = parsed.text;
        Parsed {
            title: parsed.title,
            syntax: parsed.syntax,
            page_starts: parsed.page_starts,
            removed: parsed.removed,
            pages_without_text: parsed.pages_without_text,
            pieces: chunks.into_iter().map(to_end).collect(),
        }
    });
    output.write_all(&frame_head(&Answer { number, outcome }, text.len())?)?;
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// Reads the answer to a question.
pub(super) async fn read_answer(
    input: &mut (impl AsyncRead + Unpin),
    number: u64,
    source_url: Option<&str>,
    limits: &Limits,
) -> Result<Result<PreparedDocument, ParseError>, NoAnswer> {
    let mut prefix = [0; PREFIX_BYTES];
    input.read_exact(&mut prefix).await?;
    let max_pages = usize::try_from(limits.max_pages).unwrap_or(usize::MAX);
    let max_header = ANSWER_HEADER_BYTES
        .saturating_add(limits.max_chunks.saturating_mul(CHUNK_HEADER_BYTES))
        .saturating_add(max_pages.saturating_mul(PAGE_HEADER_BYTES));
    let max_text = limits.max_chunks.saturating_mul(MAX_CHARS * size_of::<char>());
    let (header_bytes, text_bytes) = lengths(prefix, max_header, max_text)?;
    let header = read_bytes(input, header_bytes).await?;
    let text = read_bytes(input, text_bytes).await?;
    let answer: Answer = serde_json::from_slice(&header).map_err(|_| Unsound)?;
    if answer.number != number {
        return Err(NoAnswer::Unsound);
    }
    let parsed = match answer.outcome {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Err(error)),
    };
    let text = String::from_utf8(text).map_err(|_| Unsound)?;
    Ok(Ok(parsed.check(text, source_url, limits)?))
}

/// Takes memory as bytes come, not as they are announced.
async fn read_bytes(input: &mut (impl AsyncRead + Unpin), length: usize) -> Result<Vec<u8>, NoAnswer> {
    let mut bytes = Vec::new();
    let read = input.take(length as u64).read_to_end(&mut bytes).await?;
    if read == length { Ok(bytes) } else { Err(NoAnswer::Gone) }
}

impl Parsed {
    /// The document, if it is all that a parsed document has to be.
    fn check(
        self,
        text: String,
        source_url: Option<&str>,
        limits: &Limits,
    ) -> Result<PreparedDocument, Unsound> {
        let Self { title, syntax, page_starts, removed, pages_without_text, pieces } = self;
        let sound = is_line(&title, MAX_TITLE_CHARS)
            && is_clean(&text)
            && are_page_starts(&page_starts, text.len(), limits)
            && pieces.len() <= limits.max_chunks;
        if !sound {
            return Err(Unsound);
        }
        let document = ParsedDocument { title, text, syntax, page_starts, removed, pages_without_text };
        let pages = document.pages();
        if pages_without_text > pages {
            return Err(Unsound);
        }
        let mut start = 0;
        let mut chunks = Vec::with_capacity(pieces.len());
        for (ordinal, PieceEnd { end, heading_path }) in (0..).zip(pieces) {
            let piece = document.text.get(start..end).ok_or(Unsound)?;
            let fits = !piece.trim().is_empty() && piece.chars().nth(MAX_CHARS).is_none();
            let headed =
                heading_path.len() <= 6 && heading_path.iter().all(|text| is_line(text, MAX_HEADING_CHARS));
            if !fits || !headed {
                return Err(Unsound);
            }
            chunks.push(Piece { range: start..end, heading_path }.into_chunk(ordinal, &document));
            start = end;
        }
        if start != document.text.len() || chunks.is_empty() {
            return Err(Unsound);
        }
        let content_hash = document.content_hash(source_url);
        let title = document.title;
        Ok(PreparedDocument { title, content_hash, chunks, removed, pages_without_text, pages })
    }
}

/// Whether it is one line of words, within a length.
fn is_line(text: &str, max_chars: usize) -> bool {
    !text.is_empty() && one_line(text, max_chars) == text && is_clean(text)
}

/// Whether nothing is in it that [`crate::sanitize::clean`] always removes. Joiners and selectors it leaves where they
/// are for something.
fn is_clean(text: &str) -> bool {
    let may_stay = |char: char| matches!(char, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    text.chars().all(|char| !is_invisible(char) || may_stay(char))
}

fn are_page_starts(page_starts: &[usize], text_bytes: usize, limits: &Limits) -> bool {
    page_starts.is_sorted()
        && page_starts.last().is_none_or(|last| *last <= text_bytes)
        && u32::try_from(page_starts.len()).is_ok_and(|pages| pages <= limits.max_pages)
}

#[cfg(test)]
mod tests;
