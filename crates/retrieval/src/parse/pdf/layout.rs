//! Lines to paragraphs, pages to one text.

use std::collections::{HashMap, HashSet};

use super::headings::{Heading, Place};
use super::{Line, Page};
use crate::parse::escape::{push_heading, push_lines};

/// A line that ends at that part of its column's width or beyond is full: the paragraph goes on below it.
const FULL: f64 = 0.85;

/// A step down by this factor of the usual one begins a paragraph.
const PARAGRAPH_STEP: f64 = 1.35;

/// A change of the type's size by this factor begins a paragraph.
const SIZE_CHANGE: f64 = 1.15;

/// A column's width is known from so many lines.
const MIN_COLUMN_LINES: usize = 8;

/// Marks that begin an item of a list.
const BULLETS: [char; 8] = ['•', '◦', '▪', '●', '‣', '–', '⁃', '·'];

/// The text, and where in it each page begins.
pub(super) fn to_markdown(pages: &[Page], headings: &HashMap<Place, Heading>) -> (String, Vec<usize>) {
    let mut writer = Writer {
        markdown: String::new(),
        words: Words::of(pages),
        usual_step: usual_step(pages),
        last: None,
    };
    let mut starts = Vec::with_capacity(pages.len());
    for (number, page) in pages.iter().enumerate() {
        let columns = Columns::of(page);
        let mut begun = false;
        let mut index = 0;
        while index < page.lines.len() {
            let line = &page.lines[index];
            let heading = headings.get(&(number, index));
            let lines = heading.map_or(1, |heading| heading.lines);
            let start = match heading {
                Some(heading) => Some(writer.heading(*heading, &page.lines[index..index + lines])),
                None if is_contents_entry(&line.text) => None,
                None => Some(writer.line(line, &columns, !begun)),
            };
            if let Some(start) = start.filter(|_| !begun) {
                starts.push(start);
                begun = true;
            }
            index += lines;
        }
        if !begun {
            starts.push(writer.markdown.len());
        }
    }
    (writer.markdown, starts)
}

/// A line of a table of contents: a name, dots, a page's number. The contents repeat the headings.
fn is_contents_entry(text: &str) -> bool {
    let without_number =
        text.trim_end().trim_end_matches(|char: char| char.is_ascii_digit() || "ivxlc".contains(char));
    let dots = without_number
        .chars()
        .rev()
        .take_while(|char| matches!(char, '.' | ' ' | '…'))
        .filter(|char| *char != ' ')
        .count();
    without_number.len() < text.trim_end().len() && dots >= 4
}

struct Writer {
    markdown: String,
    words: Words,
    usual_step: f64,
    /// The line that was last written, if the next may belong to its paragraph, and whether it was full.
    last: Option<(Line, bool)>,
}

impl Writer {
    /// Where the text of the heading begins.
    fn heading(&mut self, heading: Heading, lines: &[Line]) -> usize {
        let text: Vec<&str> = lines.iter().map(|line| line.text.trim()).collect();
        let start = self.begin_block();
        push_heading(&mut self.markdown, heading.level, &text.join(" "));
        self.last = None;
        start
    }

    /// Where the line's text begins.
    fn line(&mut self, line: &Line, columns: &Columns, is_first: bool) -> usize {
        let text = line.text.trim();
        let is_full = columns.is_full(line);
        let follows = match self.last.take() {
            Some((last, was_full)) => self.follows(&last, was_full, line, is_first),
            None => Follows::NewBlock,
        };
        let start = match follows {
            Follows::NewBlock => self.begin_block(),
            Follows::NextLine => {
                self.markdown.push('\n');
                self.markdown.len()
            }
            Follows::SameLine => {
                self.join(text);
                self.markdown.len()
            }
        };
        if matches!(follows, Follows::SameLine) {
            self.markdown.push_str(text);
        } else {
            push_lines(&mut self.markdown, text);
        }
        self.last = Some((line.clone(), is_full));
        start
    }

    fn begin_block(&mut self) -> usize {
        if !self.markdown.is_empty() {
            self.markdown.push_str("\n\n");
        }
        self.markdown.len()
    }

    fn follows(&self, last: &Line, was_full: bool, line: &Line, is_first_of_page: bool) -> Follows {
        let text = line.text.trim();
        let goes_on = was_full && text.starts_with(char::is_lowercase);
        let step = last.baseline - line.baseline;
        let resized = line.size > last.size * SIZE_CHANGE || last.size > line.size * SIZE_CHANGE;
        if is_first_of_page || step < -line.size / 2.0 {
            // A new page or column. The paragraph goes on only if it is plainly in the midst of a sentence.
            return if goes_on && !resized { Follows::SameLine } else { Follows::NewBlock };
        }
        if text.starts_with(BULLETS) {
            return if step > self.usual_step * PARAGRAPH_STEP {
                Follows::NewBlock
            } else {
                Follows::NextLine
            };
        }
        if resized || step > self.usual_step * PARAGRAPH_STEP {
            return Follows::NewBlock;
        }
        if was_full { Follows::SameLine } else { Follows::NextLine }
    }

    /// Prepares the text's end for the next line of the paragraph: a space, or a hyphen taken back.
    fn join(&mut self, next: &str) {
        let head = self.markdown.strip_suffix('-').filter(|head| head.ends_with(char::is_alphabetic));
        let Some(head) = head.filter(|_| next.starts_with(char::is_lowercase)) else {
            self.markdown.push(' ');
            return;
        };
        let first =
            head.rsplit(|char: char| !char.is_alphanumeric() && char != '-').next().unwrap_or_default();
        let rest = next.split(|char: char| !char.is_alphanumeric()).next().unwrap_or_default();
        // `re-` + `entry` is `reentry` unless the document writes `re-entry` elsewhere, and never `reentry`.
        let has_hyphen =
            self.words.has(&format!("{first}-{rest}")) && !self.words.has(&format!("{first}{rest}"));
        if !has_hyphen {
            self.markdown.pop();
        }
    }
}

enum Follows {
    NewBlock,
    NextLine,
    SameLine,
}

/// The words of the document that do not stand at a line's end.
struct Words(HashSet<String>);

impl Words {
    fn of(pages: &[Page]) -> Self {
        let mut words = HashSet::new();
        for line in pages.iter().flat_map(|page| &page.lines) {
            for word in line.text.split(|char: char| !char.is_alphanumeric() && char != '-') {
                if !word.ends_with('-') && word.len() > 2 {
                    words.insert(word.to_lowercase());
                }
            }
        }
        Self(words)
    }

    fn has(&self, word: &str) -> bool {
        self.0.contains(&word.to_lowercase())
    }
}

/// How far the lines of a page reach to the right.
struct Columns {
    /// For each left edge, in units of 10 points, how many lines begin there and how far they reach.
    by_left: HashMap<i64, (usize, f64)>,
    left: f64,
    right: f64,
}

impl Columns {
    fn of(page: &Page) -> Self {
        let mut by_left: HashMap<i64, (usize, f64)> = HashMap::new();
        for line in &page.lines {
            let (lines, right) = by_left.entry(bucket(line.left)).or_default();
            *lines += 1;
            *right = right.max(line.right);
        }
        let left = page.lines.iter().map(|line| line.left).fold(f64::INFINITY, f64::min);
        let right = page.lines.iter().map(|line| line.right).fold(0.0, f64::max);
        Self { by_left, left, right }
    }

    fn is_full(&self, line: &Line) -> bool {
        let known = self.by_left.get(&bucket(line.left)).filter(|(lines, _)| *lines >= MIN_COLUMN_LINES);
        let (left, right) = known.map_or((self.left, self.right), |(_, right)| (line.left, *right));
        line.right - left >= (right - left) * FULL
    }
}

fn bucket(left: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a page is some thousand points wide")]
    let bucket = (left / 10.0).round() as i64;
    bucket
}

/// The step from line to line within a paragraph: the median of those that can be one.
fn usual_step(pages: &[Page]) -> f64 {
    let pairs = pages.iter().flat_map(|page| page.lines.windows(2));
    let mut steps: Vec<f64> = pairs
        .map(|pair| (pair[0].baseline - pair[1].baseline, pair[1].size))
        .filter(|(step, size)| (size * 0.8..size * 2.5).contains(step))
        .map(|(step, _)| step)
        .collect();
    steps.sort_by(f64::total_cmp);
    steps.get(steps.len() / 2).copied().unwrap_or(f64::INFINITY)
}
