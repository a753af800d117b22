//! A document's text in pieces that are searched one by one.
//!
//! A piece is a section, a few small sections, or a part of a large one. The pieces follow each other without gap or
//! overlap, so that a document is its pieces joined, and each knows the headings above it.

use std::ops::Range;

use sha2::{Digest, Sha256};
use text_splitter::{ChunkConfig, MarkdownSplitter, TextSplitter};

use crate::limits::Limits;
use crate::outline::headings;
use crate::parse::{MAX_WHITESPACE_RUN, ParseError, ParsedDocument, Syntax, update_framed};

/// Changed whenever the same text would be chunked otherwise: then every document is chunked again.
pub const CHUNKER_VERSION: &str = "1";

/// What a chunk grows to, in characters: about 300 tokens, a few paragraphs.
const TARGET_CHARS: usize = 1_200;

/// What a chunk never exceeds, in characters.
pub const MAX_CHARS: usize = 2_000;

/// A section smaller than this, in characters, is joined with the next.
const TINY_CHARS: usize = 300;

/// A text before the first heading that is smaller than this, in characters, never stands alone.
const TINY_PREAMBLE_CHARS: usize = 100;

/// Where a large section is cut at the latest, so that white space which cannot stand alone still fits in.
const HARD_CHARS: usize = MAX_CHARS - MAX_WHITESPACE_RUN;

/// The most that is given to the splitter at once, in bytes.
const WINDOW_BYTES: usize = 16 * 1024;

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its place in the document, from 0.
    pub ordinal: u32,
    /// The headings above its text, the outermost first; empty before the first heading.
    pub heading_path: Vec<String>,
    /// Its place in the document's text, in bytes.
    pub byte_range: Range<usize>,
    /// The text in that place; never white space only, at most [`MAX_CHARS`] characters.
    pub text: String,
    /// The page that its text begins on, from 1, if the document has pages.
    pub page: Option<u32>,
    /// SHA-256 over what is indexed: the document's title, the heading path and the text. The title is part of it
    /// because it is part of the vector: an equal hash means an equal vector.
    pub content_hash: [u8; 32],
}

impl Chunk {
    /// What is embedded of it.
    #[must_use]
    pub fn embedding_input(&self, title: &str) -> String {
        embedding_input(title, &self.heading_path, &self.text)
    }
}

/// What is embedded of a chunk: its text, below a line that says where it stands.
#[must_use]
pub fn embedding_input(title: &str, heading_path: &[String], text: &str) -> String {
    let headings = heading_path.iter().map(String::as_str).filter(|heading| *heading != title);
    let mut input = title.to_owned();
    for heading in headings {
        input.push_str(" > ");
        input.push_str(heading);
    }
    input.push_str("\n\n");
    input.push_str(text);
    input
}

/// Splits documents.
#[derive(Debug, Clone, Copy)]
pub struct Chunker {
    max_chunks: usize,
}

impl Chunker {
    /// A chunker that refuses documents of more than `limits.max_chunks` chunks.
    #[must_use]
    pub const fn new(limits: &Limits) -> Self {
        Self { max_chunks: limits.max_chunks }
    }

    /// Splits the document's text.
    pub fn chunks(&self, document: &ParsedDocument) -> Result<Vec<Chunk>, ParseError> {
        let pieces = pieces(&document.text, document.syntax, &document.page_starts);
        if pieces.len() > self.max_chunks {
            return Err(ParseError::TooManyChunks { limit: self.max_chunks });
        }
        Ok((0..).zip(pieces).map(|(ordinal, piece)| piece.into_chunk(ordinal, document)).collect())
    }
}

/// The number of the page that holds the byte, from 1.
fn page_at(page_starts: &[usize], byte: usize) -> Option<u32> {
    let begun = page_starts.partition_point(|start| *start <= byte);
    if page_starts.is_empty() { None } else { u32::try_from(begun.max(1)).ok() }
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

fn chunk_hash(title: &str, heading_path: &[String], text: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    update_framed(&mut hash, title);
    hash.update((heading_path.len() as u64).to_be_bytes());
    for heading in heading_path {
        update_framed(&mut hash, heading);
    }
    update_framed(&mut hash, text);
    hash.finalize().into()
}

/// A consecutive part of the text.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) range: Range<usize>,
    pub(crate) heading_path: Vec<String>,
}

impl Piece {
    /// The chunk that it is of the document, in whose text its range must lie.
    pub(crate) fn into_chunk(self, ordinal: u32, document: &ParsedDocument) -> Chunk {
        let Self { range: byte_range, heading_path } = self;
        let text = document.text[byte_range.clone()].to_owned();
        let content_hash = chunk_hash(&document.title, &heading_path, &text);
        let page = page_at(&document.page_starts, byte_range.start + leading_space(&text));
        Chunk { ordinal, heading_path, byte_range, text, page, content_hash }
    }
}

fn pieces(text: &str, syntax: Syntax, page_starts: &[usize]) -> Vec<Piece> {
    let groups = match syntax {
        Syntax::Markdown => grouped(sections(text, page_starts)),
        Syntax::Plain => vec![Piece { range: 0..text.len(), heading_path: Vec::new() }],
    };
    let mut pieces = Vec::new();
    for group in groups {
        for part in split(text, group.range, syntax) {
            for range in at_pages(part, page_starts) {
                push_visible(&mut pieces, text, Piece { range, heading_path: group.heading_path.clone() });
            }
        }
    }
    pieces
}

/// Adds a piece; one of white space only becomes part of its neighbour.
fn push_visible(pieces: &mut Vec<Piece>, text: &str, mut piece: Piece) {
    let is_blank = |range: &Range<usize>| text[range.clone()].trim().is_empty();
    match pieces.last_mut() {
        Some(last) if is_blank(&piece.range) => last.range.end = piece.range.end,
        Some(last) if is_blank(&last.range) => {
            piece.range.start = last.range.start;
            *last = piece;
        }
        _ if piece.range.is_empty() => {}
        _ => pieces.push(piece),
    }
}

/// A heading with the text below it, up to the next heading.
#[derive(Debug, Clone)]
struct Section {
    range: Range<usize>,
    chars: usize,
    /// 0 before the first heading.
    level: u8,
    heading_path: Vec<String>,
    has_body: bool,
    /// The pages that it begins and ends on; both 0 if there are no pages.
    pages: (u32, u32),
}

fn sections(text: &str, page_starts: &[usize]) -> Vec<Section> {
    let headings = headings(text);
    let pages = |range: &Range<usize>| {
        let page = |byte| page_at(page_starts, byte).unwrap_or(0);
        (page(range.start), page(range.end.saturating_sub(1)))
    };
    let mut sections = Vec::with_capacity(headings.len() + 1);
    let first = headings.first().map_or(text.len(), |heading| heading.lines.start);
    if first > 0 {
        let chars = text[..first].chars().count();
        // Badges, a breadcrumb: they go with what follows, and tell nothing of its place.
        let has_body = chars >= TINY_PREAMBLE_CHARS;
        let range = 0..first;
        let pages = pages(&range);
        sections.push(Section { range, chars, level: 0, heading_path: Vec::new(), has_body, pages });
    }
    let mut above: Vec<(u8, String)> = Vec::new();
    for (index, heading) in headings.iter().enumerate() {
        let end = headings.get(index + 1).map_or(text.len(), |next| next.lines.start);
        above.retain(|(level, _)| *level < heading.level);
        above.push((heading.level, heading.text.clone()));
        sections.push(Section {
            range: heading.lines.start..end,
            chars: text[heading.lines.start..end].chars().count(),
            level: heading.level,
            heading_path: above.iter().map(|(_, text)| text.clone()).collect(),
            has_body: !text[heading.lines.end..end].trim().is_empty(),
            pages: pages(&(heading.lines.start..end)),
        });
    }
    sections
}

/// A run of sections that become one chunk, or the parts of one large section.
struct Group {
    sections: Vec<Section>,
    chars: usize,
}

impl Group {
    fn has_body(&self) -> bool {
        self.sections.iter().any(|section| section.has_body)
    }

    /// Whether the section becomes part of this group.
    fn takes(&self, next: &Section) -> bool {
        let Some(first) = self.sections.first() else { return true };
        let is_below = next.level > first.level;
        // A heading without text of its own belongs to what follows it.
        if !self.has_body() && (is_below || first.level == 0) {
            return true;
        }
        let is_near = next.pages.1 <= first.pages.0.saturating_add(1);
        let fits = is_near && self.chars + next.chars <= TARGET_CHARS;
        let is_beside = next.level == first.level;
        let is_tiny = self.chars < TINY_CHARS;
        let next_is_tiny = next.chars < TINY_CHARS;
        fits && ((is_tiny && (is_below || is_beside)) || (next_is_tiny && is_below && first.level > 0))
    }

    /// The headings that all its texts have above them. A heading without text, and a preamble before the first
    /// heading, have no say where there are others.
    fn into_piece(self) -> Option<Piece> {
        let range = self.sections.first()?.range.start..self.sections.last()?.range.end;
        let has_body = |section: &&Section| section.has_body && section.level > 0;
        let mut speaking: Vec<&Section> = self.sections.iter().filter(has_body).collect();
        if speaking.is_empty() {
            speaking = self.sections.iter().filter(|section| section.level > 0).collect();
        }
        let common = speaking.iter().map(|section| section.heading_path.as_slice()).reduce(common_prefix);
        Some(Piece { range, heading_path: common.unwrap_or_default().to_vec() })
    }
}

fn common_prefix<'a>(one: &'a [String], other: &'a [String]) -> &'a [String] {
    let shared = one.iter().zip(other).take_while(|(one, other)| one == other).count();
    &one[..shared]
}

fn grouped(sections: Vec<Section>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut group = Group { sections: Vec::new(), chars: 0 };
    for section in sections {
        if !group.takes(&section) {
            pieces
                .extend(std::mem::replace(&mut group, Group { sections: Vec::new(), chars: 0 }).into_piece());
        }
        group.chars += section.chars;
        group.sections.push(section);
    }
    pieces.extend(group.into_piece());
    pieces
}

/// Splits what is too large: at paragraphs, then sentences, then words, and in the midst of a word only if need be.
fn split(text: &str, range: Range<usize>, syntax: Syntax) -> Vec<Range<usize>> {
    if fits(&text[range.clone()], TARGET_CHARS) {
        return vec![range];
    }
    let mut pieces = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let end = start + window(&text[start..range.end]);
        pieces.extend(
            split_window(&text[start..end], syntax).map(|piece| start + piece.start..start + piece.end),
        );
        start = end;
    }
    pieces
}

/// Cuts at a page's beginning what would reach over more than two pages: slides, or pages of pictures. Its citation, the page
/// that it begins on, would lead too far from what was found. Other texts are not cut at pages, which end in the midst of
/// sentences.
fn at_pages(range: Range<usize>, page_starts: &[usize]) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = range.start;
    loop {
        let after_next = page_starts.partition_point(|page| *page <= start) + 1;
        match page_starts.get(after_next) {
            Some(cut) if *cut < range.end && *cut > start => {
                pieces.push(start..*cut);
                start = *cut;
            }
            _ => break,
        }
    }
    pieces.push(start..range.end);
    pieces
}

/// How much of the text is given to the splitter at once. It looks far ahead wherever no boundary is near: a line of a
/// megabyte would take it minutes.
fn window(text: &str) -> usize {
    if text.len() <= WINDOW_BYTES {
        return text.len();
    }
    let limit = text.floor_char_boundary(WINDOW_BYTES);
    let second_half = text.floor_char_boundary(WINDOW_BYTES / 2);
    let after =
        |boundary: &str| text[second_half..limit].rfind(boundary).map(|at| second_half + at + boundary.len());
    after("\n\n").or_else(|| after("\n")).or_else(|| after(" ")).unwrap_or(limit)
}

fn split_window(part: &str, syntax: Syntax) -> impl Iterator<Item = Range<usize>> {
    let config = ChunkConfig::new(TARGET_CHARS..=HARD_CHARS).with_trim(false);
    let starts: Vec<usize> = match syntax {
        Syntax::Markdown => {
            MarkdownSplitter::new(config).chunk_indices(part).map(|(start, _)| start).collect()
        }
        Syntax::Plain => TextSplitter::new(config).chunk_indices(part).map(|(start, _)| start).collect(),
    };
    // Only the starts are taken from the splitter: then nothing can be lost between two pieces.
    let mut cuts: Vec<usize> = std::iter::once(0).chain(starts).chain([part.len()]).collect();
    cuts.dedup();
    (1..cuts.len()).flat_map(move |index| hard_split(part, cuts[index - 1]..cuts[index]))
}

fn fits(text: &str, chars: usize) -> bool {
    text.len() <= chars || text.chars().nth(chars).is_none()
}

fn hard_split(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = range.start;
    while let Some((length, _)) = text[start..range.end].char_indices().nth(HARD_CHARS) {
        pieces.push(start..start + length);
        start += length;
    }
    pieces.push(start..range.end);
    pieces
}

#[cfg(test)]
mod tests;
