//! PDF: the text of its pages, as Markdown with the headings that its bookmarks or its type sizes give.
//!
//! `pdf-extract` says which characters stand where; lines, paragraphs and headings are made of that here. What it is given
//! is first reduced to what shows text (`reduce`): pictures, colours and drawings are most of a file, and most of what it
//! fails on. Scripts and attachments are never looked at.

mod annotations;
mod bookmarks;
mod budget;
mod characters;
mod fonts;
mod forms;
mod furniture;
mod headings;
mod inline;
mod layers;
mod layout;
mod pictures;
mod reduce;
mod sight;
mod to_unicode;

use pdf_extract::{Document, Object, OutputError, decode_text_string, output_doc};

use self::characters::Characters;
use self::reduce::Reduced;
use super::{Draft, Flaw, ParseError, Syntax, docx};
use crate::limits::{Deadline, Limits};
use crate::sanitize::RemovedCounts;

/// Pages with pictures and fewer letters and digits than this on average are pictures of pages: a number, a stamp.
const MIN_LETTERS_A_PAGE: usize = 10;

/// What files' names end in that PDFs are made of, beside those that no title at all ends in.
const FILE_ENDINGS: [&str; 14] = [
    ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".ods", ".odp", ".htm", ".html", ".txt", ".eps", ".pmd",
    ".p65", ".wpd",
];

/// A page as it was set.
#[derive(Debug, Default)]
struct Page {
    /// Where it begins, and how much of it is shown.
    bottom: f64,
    height: f64,
    lines: Vec<Line>,
}

/// A line of a page. Lengths are in points, from where the page counts them.
#[derive(Debug, Clone, Default)]
struct Line {
    text: String,
    left: f64,
    right: f64,
    /// Where its letters stand on.
    baseline: f64,
    /// The size of its type.
    size: f64,
}

/// The document, and how many of its pages are pictures without text.
pub(super) fn parse(bytes: &[u8], limits: &Limits, deadline: Deadline) -> Result<(Draft, u32), ParseError> {
    let mut document = load(bytes)?;
    deadline.check()?;
    let told_title = title(&document);
    let reduced = reduce::to_text(&mut document, limits, deadline).map_err(|error| match error {
        // lopdf takes the empty password for a file's own where it is not, and finds nothing.
        ParseError::Broken(Flaw::NoPages) if tells_of_encryption(bytes) => ParseError::Encrypted,
        error => error,
    });
    let Reduced { pages, annotations, had_pictures, pictured, hidden: left_out } = reduced?;
    let bookmarks = bookmarks::read(&document, &pages);
    let count = pages.len();
    let mut characters = Characters::new(deadline, limits);
    match output_doc(&document, &mut characters) {
        Ok(()) => {}
        Err(error) => return Err(characters.stopped_by.unwrap_or_else(|| extract_error(&error))),
    }
    let Characters { mut pages, hidden, .. } = characters;
    drop(document);
    let hidden_elements = left_out.saturating_add(hidden).saturating_add(annotations.hidden);
    let removed = RemovedCounts { hidden_elements, ..RemovedCounts::default() };
    let shown = pages.split_off(count.min(pages.len()));

    let letters = |page: &Page| {
        page.lines.iter().flat_map(|line| line.text.chars()).filter(|char| char.is_alphanumeric()).count()
    };
    let all_letters: usize = pages.iter().map(letters).sum();
    if had_pictures && all_letters < MIN_LETTERS_A_PAGE * pages.len() {
        let without_text = pages.iter().filter(|page| letters(page) < MIN_LETTERS_A_PAGE).count();
        return Err(ParseError::Scanned { pages: u32::try_from(without_text).unwrap_or(u32::MAX) });
    }
    furniture::remove(&mut pages, &bookmarks);
    // Without what repeats: a scanner's name on each page is no text of it.
    let are_pictures =
        pages.iter().zip(pictured).filter(|(page, pictured)| *pictured && letters(page) < MIN_LETTERS_A_PAGE);
    let without_text = u32::try_from(are_pictures.count()).unwrap_or(u32::MAX);
    annotations.place(&mut pages, shown, deadline)?;
    deadline.check()?;
    let headings = headings::find(&pages, &bookmarks);
    let (told_title, told_name) = match told_title {
        Some(title) if is_name(&title) => (None, Some(title)),
        title => (title, None),
    };
    let title = told_title
        .or_else(|| headings::largest_line(&pages))
        .or_else(|| headings::first_of_first_page(&pages, &headings))
        .or(told_name);
    let (text, page_starts) = layout::to_markdown(&pages, &headings);
    Ok((Draft { title, text, syntax: Syntax::Markdown, page_starts, removed }, without_text))
}

/// Reads the file's structure. One that opens without a password is decrypted on the way.
fn load(bytes: &[u8]) -> Result<Document, ParseError> {
    let document = Document::load_mem(bytes).map_err(|error| load_error(&error))?;
    // It has been told that it was encrypted, but could not be decrypted with an empty password.
    if document.is_encrypted() { Err(ParseError::Encrypted) } else { Ok(document) }
}

/// By the entry in its trailer (ISO 32000-2, table 15), which lopdf has taken away by then.
fn tells_of_encryption(file: &[u8]) -> bool {
    file.windows(8).any(|bytes| bytes == b"/Encrypt")
}

fn load_error(error: &pdf_extract::Error) -> ParseError {
    use pdf_extract::Error;
    match error {
        Error::Decryption(_) | Error::InvalidPassword | Error::UnsupportedSecurityHandler(_) => {
            ParseError::Encrypted
        }
        _ => ParseError::Broken(Flaw::PdfStructure),
    }
}

fn extract_error(error: &OutputError) -> ParseError {
    match error {
        OutputError::PdfError(error) => match load_error(error) {
            ParseError::Encrypted => ParseError::Encrypted,
            _ => ParseError::Broken(Flaw::PdfPage),
        },
        OutputError::FormatError(_) | OutputError::IoError(_) => ParseError::Broken(Flaw::PdfPage),
    }
}

/// The title among the properties, if it is one that somebody wrote.
fn title(document: &Document) -> Option<String> {
    let info = document.trailer.get_deref(b"Info", document).and_then(Object::as_dict).ok()?;
    let title = info.get_deref(b"Title", document).and_then(decode_text_string).ok()?;
    Some(title).filter(|title| docx::is_told(title))
}

/// Whether a title is rather a name that a program or an editor's office gave the file: `sag-39-3-4-0902-21:sag-0`,
/// `Plan for May.xlsx`. What the pages say goes before it.
fn is_name(title: &str) -> bool {
    let title = title.trim().to_lowercase();
    // The scripts from Thai on write whole sentences without a blank.
    let is_one_word = !title.contains(char::is_whitespace) && title.chars().all(|char| char < '\u{e00}');
    let is_path = title.contains('\\') || title.starts_with('/') || title.starts_with("file:");
    let is_printed = title.starts_with("microsoft powerpoint -") || title.starts_with("microsoft excel -");
    is_one_word || is_path || is_printed || FILE_ENDINGS.iter().any(|ending| title.ends_with(ending))
}

#[cfg(test)]
mod tests;
