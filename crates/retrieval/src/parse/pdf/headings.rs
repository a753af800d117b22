//! Which lines are headings: those that a bookmark names, else those in larger type.

use std::collections::HashMap;

use super::bookmarks::Bookmark;
use super::{Line, Page};

/// A heading takes at most so many lines.
const MAX_LINES: usize = 3;

/// The longest heading, in characters.
const MAX_CHARS: usize = 160;

/// Headings are larger than the text by this factor.
const MIN_ENLARGEMENT: f64 = 1.12;

/// The most sizes of type that headings have. What is left is decoration.
const MAX_LEVELS: usize = 4;

/// If more lines than one in so many are in larger type, that is how the document is set, and no heading.
const MAX_SHARE: usize = 4;

/// A heading's place: the page and its first line there, both from 0.
pub(super) type Place = (usize, usize);

/// A heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heading {
    /// From 1, the outermost.
    pub(super) level: u8,
    /// How many lines it takes.
    pub(super) lines: usize,
}

/// The headings by their places. Bookmarks were made by somebody who knew; sizes are a guess, and only taken where bookmarks
/// name next to nothing.
pub(super) fn find(pages: &[Page], bookmarks: &[Bookmark]) -> HashMap<Place, Heading> {
    let named = by_bookmarks(pages, bookmarks);
    if named.len() * 2 >= bookmarks.len().max(2) { named } else { by_size(pages) }
}

/// A line's letters and digits without its number: a bookmark may have the number where the line has none, and the spaces
/// of a line are a guess.
pub(super) fn comparable(text: &str) -> String {
    let text = text.trim();
    let is_number = |word: &str| {
        word.starts_with(|char: char| char.is_ascii_digit())
            && word.trim_end_matches('.').chars().all(|char| char.is_ascii_alphanumeric() || char == '.')
            && word.len() <= 12
    };
    let rest = match text.split_once(char::is_whitespace) {
        Some((first, rest)) if is_number(first) => rest,
        _ => text,
    };
    rest.chars().filter(|char| char.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn by_bookmarks(pages: &[Page], bookmarks: &[Bookmark]) -> HashMap<Place, Heading> {
    let mut found = HashMap::new();
    for bookmark in bookmarks {
        let wanted = comparable(&bookmark.title);
        let Some(page) = pages.get(bookmark.page).filter(|_| !wanted.is_empty()) else { continue };
        // Sections of the same name on one page come in order.
        let place = (0..page.lines.len()).find_map(|start| {
            let lines = lines_that_make(&wanted, &page.lines[start..])?;
            let is_free = (start..start + lines).all(|line| !found.contains_key(&(bookmark.page, line)));
            is_free.then_some((start, lines))
        });
        if let Some((start, lines)) = place {
            found.insert((bookmark.page, start), Heading { level: bookmark.level, lines });
        }
    }
    found
}

/// How many of the lines make up the heading, if they do.
fn lines_that_make(wanted: &str, lines: &[Line]) -> Option<usize> {
    let mut joined = String::new();
    for (index, line) in lines.iter().take(MAX_LINES).enumerate() {
        joined.push_str(&line.text);
        joined.push(' ');
        let made = comparable(&joined);
        if made == wanted {
            return Some(index + 1);
        }
        if !wanted.starts_with(&made) || made.is_empty() {
            return None;
        }
    }
    None
}

/// Sizes are compared in steps of half a point.
fn step(size: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "type is some points high, and infinity saturates")]
    let step = (size * 2.0).round() as i64;
    step
}

/// The size of type that most characters have.
pub(super) fn body_size(pages: &[Page]) -> f64 {
    let mut characters: HashMap<i64, usize> = HashMap::new();
    for line in pages.iter().flat_map(|page| &page.lines) {
        *characters.entry(step(line.size)).or_default() += line.text.len();
    }
    let most = characters.into_iter().max_by_key(|(step, count)| (*count, *step));
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let size = most.map_or(0.0, |(step, _)| step as f64 / 2.0);
    size
}

/// How a size of type is used by lines that may be headings.
#[derive(Default)]
struct Uses {
    lines: usize,
    /// Runs of such lines, one below the other.
    headings: usize,
    on_first_page: bool,
}

fn by_size(pages: &[Page]) -> HashMap<Place, Heading> {
    let body = body_size(pages);
    let is_large = |line: &Line| line.size >= body * MIN_ENLARGEMENT && is_like_heading(&line.text);
    let all: usize = pages.iter().map(|page| page.lines.len()).sum();
    let first = pages.iter().position(|page| !page.lines.is_empty());
    let mut uses: HashMap<i64, Uses> = HashMap::new();
    for (number, page) in pages.iter().enumerate() {
        let mut before = None;
        for line in &page.lines {
            let size = Some(step(line.size)).filter(|_| is_large(line));
            if let Some(size) = size {
                let uses = uses.entry(size).or_default();
                uses.lines += 1;
                uses.headings += usize::from(before != Some(size));
                uses.on_first_page |= first == Some(number);
            }
            before = size;
        }
    }
    if uses.values().map(|uses| uses.lines).sum::<usize>() * MAX_SHARE > all {
        return HashMap::new();
    }
    // A formula of a manual may be larger than all else. It names no section, least of all the rest of the document.
    uses.retain(|_, uses| uses.headings > 1 || uses.on_first_page);
    let mut sizes: Vec<i64> = uses.into_keys().collect();
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    sizes.truncate(MAX_LEVELS);
    let mut found = HashMap::new();
    for (number, page) in pages.iter().enumerate() {
        let mut line = 0;
        while line < page.lines.len() {
            let size = step(page.lines[line].size);
            let level = sizes.iter().position(|known| *known == size).filter(|_| is_large(&page.lines[line]));
            let Some(level) = level else {
                line += 1;
                continue;
            };
            let same = |next: &&Line| step(next.size) == size && is_large(next);
            let lines = page.lines[line..].iter().take(MAX_LINES).take_while(same).count().max(1);
            let level = u8::try_from(level + 1).unwrap_or(u8::MAX);
            found.insert((number, line), Heading { level, lines });
            line += lines;
        }
    }
    found
}

fn is_like_heading(text: &str) -> bool {
    let text = text.trim();
    let is_word = |word: &str| word.chars().all(char::is_alphabetic) && word.chars().nth(1).is_some();
    let has_word = text.split(|char: char| !char.is_alphanumeric()).any(is_word);
    has_word && text.chars().count() <= MAX_CHARS && !text.ends_with(['.', ',', ';'])
}

/// The first heading of the first page that has text.
pub(super) fn first_of_first_page(pages: &[Page], headings: &HashMap<Place, Heading>) -> Option<String> {
    let page = pages.iter().position(|page| !page.lines.is_empty())?;
    let of_page = headings.iter().filter(|((number, _), _)| *number == page);
    let ((_, first), heading) = of_page.min_by_key(|((_, line), _)| *line)?;
    let lines = pages[page].lines.iter().skip(*first).take(heading.lines);
    Some(lines.map(|line| line.text.trim()).collect::<Vec<_>>().join(" "))
}

/// What stands in the largest type on the first page with text.
pub(super) fn largest_line(pages: &[Page]) -> Option<String> {
    let page = pages.iter().find(|page| !page.lines.is_empty())?;
    let body = body_size(pages);
    let is_candidate = |line: &&Line| is_like_heading(&line.text) && line.size >= body * MIN_ENLARGEMENT;
    let largest = page.lines.iter().filter(is_candidate).map(|line| step(line.size)).max()?;
    let first = page.lines.iter().position(|line| step(line.size) == largest)?;
    let lines = page.lines[first..].iter().take(MAX_LINES).take_while(|line| step(line.size) == largest);
    Some(lines.map(|line| line.text.trim()).collect::<Vec<_>>().join(" "))
}
