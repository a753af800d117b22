//! A paragraph's text with what holds of its parts: struck out, a link, typed as code.

use std::rc::Rc;

use crate::parse::link;

/// The longest line, in characters, that a monospaced font alone makes code of. Prose goes on to the page's edge and beyond.
const MAX_CODE_LINE: usize = 160;

/// What holds of a part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) is_struck: bool,
    pub(super) is_monospaced: bool,
    /// Where it leads.
    pub(super) target: Option<Rc<str>>,
}

#[derive(Debug)]
struct Piece {
    text: String,
    format: Format,
}

/// A paragraph's text.
#[derive(Debug, Default)]
pub(super) struct Inline {
    pieces: Vec<Piece>,
}

impl Inline {
    pub(super) fn push(&mut self, text: &str, format: Format) {
        match self.pieces.last_mut() {
            Some(last) if last.format == format => last.text.push_str(text),
            _ => self.pieces.push(Piece { text: text.to_owned(), format }),
        }
    }

    pub(super) fn is_blank(&self) -> bool {
        self.pieces.iter().all(Piece::is_blank)
    }

    /// Whether its font says that it is code.
    pub(super) fn is_typed_as_code(&self) -> bool {
        let is_short = |line: &str| line.chars().nth(MAX_CODE_LINE).is_none();
        self.pieces.iter().all(|piece| piece.format.is_monospaced || piece.is_blank())
            && self.verbatim().lines().all(is_short)
    }

    /// The text as it stands, with its tabs.
    pub(super) fn verbatim(&self) -> String {
        self.pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    /// The text alone.
    pub(super) fn plain(&self) -> String {
        self.verbatim().replace('\t', " ")
    }

    /// The text with Markdown's marks for what is struck out and what is a link.
    pub(super) fn markdown(&self) -> String {
        let mut markdown = String::new();
        for linked in self.pieces.chunk_by(|one, other| one.format.target == other.format.target) {
            let mut text = String::new();
            for alike in linked.chunk_by(|one, other| one.format.is_struck == other.format.is_struck) {
                let part: String = alike.iter().map(|piece| piece.text.replace('\t', " ")).collect();
                let is_struck = alike.iter().any(|piece| piece.format.is_struck);
                text.push_str(&around(&part, |text| is_struck.then(|| format!("~~{text}~~"))));
            }
            let shown: String = linked.iter().map(|piece| piece.text.as_str()).collect();
            let target = linked.first().and_then(|piece| piece.format.target.as_deref());
            let link = |text: &str| target.and_then(|target| link::markdown(text, shown.trim(), target));
            markdown.push_str(&around(&text, link));
        }
        markdown
    }
}

impl Piece {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The text with marks around what is not white space at its ends: there, Markdown takes them for none.
fn around(text: &str, mark: impl Fn(&str) -> Option<String>) -> String {
    let inner = text.trim();
    let start = text.len() - text.trim_start().len();
    match mark(inner).filter(|_| !inner.is_empty()) {
        Some(marked) => format!("{}{marked}{}", &text[..start], &text[start + inner.len()..]),
        None => text.to_owned(),
    }
}
