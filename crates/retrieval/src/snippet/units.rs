//! A text in the units that a snippet is made of: sentences, headings, rows of a table, blocks of code.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::sentences::sentences;

/// What a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A sentence, or a part of one that is too long for a snippet.
    Prose,
    Heading,
    /// A table's first row, which names its columns.
    TableHead,
    TableRow,
    /// A block of code, or a line of one that is too long for a snippet.
    Code,
}

/// The smallest part of a text that a snippet shows or leaves out.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) kind: Kind,
    /// Its place in the text.
    pub(super) span: Range<usize>,
    /// As it is shown.
    pub(super) shown: String,
    /// The length of `shown`, in characters.
    pub(super) chars: usize,
    /// Units of one block follow each other on one line.
    pub(super) block: usize,
    /// The heading or the head of the table that it stands under, by index.
    pub(super) lead: Option<usize>,
    /// Whether no white space parts it from the unit before: in scripts that have none, and where a word had to be cut.
    pub(super) is_glued: bool,
}

/// The units of a text that is Markdown or plain, each of at most `max_chars` characters.
pub(super) fn units(text: &str, max_chars: usize) -> Vec<Unit> {
    let lines = lines(text);
    let is_below_item = below_items(lines.iter().map(|line| &text[line.clone()]));
    let mut builder = Builder {
        text,
        max_chars,
        units: Vec::new(),
        blocks: 0,
        heading: None,
        table_head: None,
        is_below_item,
    };
    let mut at = 0;
    while at < lines.len() {
        at = builder.block(&lines, at);
    }
    builder.units
}

fn lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let line = |line: &str| {
        let range = start..start + line.trim_end_matches('\n').len();
        start += line.len();
        range
    };
    text.split_inclusive('\n').map(line).collect()
}

/// Whether each line goes on with a list's item, or begins one: indented, it is not code. What stands above is carried
/// from line to line, not looked for again from each.
fn below_items<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<bool> {
    let mut is_below = false;
    let below = |line: &'t str| {
        let is_item = is_item(line);
        let was_below = is_below;
        if is_item || !(line.starts_with(' ') || line.trim().is_empty()) {
            is_below = is_item;
        }
        was_below || is_item
    };
    lines.map(below).collect()
}

struct Builder<'t> {
    text: &'t str,
    max_chars: usize,
    units: Vec<Unit>,
    blocks: usize,
    heading: Option<usize>,
    table_head: Option<usize>,
    /// Of each line.
    is_below_item: Vec<bool>,
}

impl Builder<'_> {
    /// Takes in the block that begins with a line. Returns the first line after it.
    fn block(&mut self, lines: &[Range<usize>], at: usize) -> usize {
        let line = &self.text[lines[at].clone()];
        let is_row = is_row(line);
        if !is_row {
            self.table_head = None;
        }
        self.blocks += 1;
        if line.trim().is_empty() || is_rule(line) {
            at + 1
        } else if let Some(fence) = Fence::opened_by(line) {
            let after = (at + 1..lines.len()).find(|&at| fence.is_closed_by(&self.text[lines[at].clone()]));
            let end = after.map_or(lines.len(), |closing| closing + 1);
            self.code(&lines[at..end]);
            end
        } else if line.starts_with("    ") && !self.is_below_item[at] {
            let is_code = |at: &usize| self.text[lines[*at].clone()].starts_with("    ");
            let end = (at..lines.len()).find(|at| !is_code(at)).unwrap_or(lines.len());
            self.code(&lines[at..end]);
            end
        } else if is_heading(line) {
            self.heading(lines[at].clone());
            at + 1
        } else if is_row {
            self.row(lines, at);
            at + 1
        } else {
            self.paragraph(lines, at)
        }
    }

    fn heading(&mut self, span: Range<usize>) {
        let first = self.units.len();
        self.push_prose(span, Kind::Heading, None);
        if self.units.len() > first {
            self.heading = Some(first);
        }
    }

    fn row(&mut self, lines: &[Range<usize>], at: usize) {
        if is_delimiter_row(&self.text[lines[at].clone()]) {
            return;
        }
        let next = lines.get(at + 1).map(|line| &self.text[line.clone()]);
        let first = self.units.len();
        if next.is_some_and(is_delimiter_row) {
            self.push_prose(lines[at].clone(), Kind::TableHead, self.heading);
            self.table_head = (self.units.len() > first).then_some(first);
        } else {
            self.push_prose(lines[at].clone(), Kind::TableRow, self.table_head.or(self.heading));
        }
    }

    /// A paragraph, or one item of a list. A line under it that underlines it makes it a heading.
    fn paragraph(&mut self, lines: &[Range<usize>], at: usize) -> usize {
        let mut end = at + 1;
        while let Some(line) = lines.get(end).map(|line| &self.text[line.clone()]) {
            if is_underline(line) && end == at + 1 && !is_item(&self.text[lines[at].clone()]) {
                self.heading(lines[at].clone());
                return end + 1;
            }
            if line.trim().is_empty()
                || is_rule(line)
                || is_heading(line)
                || is_row(line)
                || is_item(line)
                || Fence::opened_by(line).is_some()
            {
                break;
            }
            end += 1;
        }
        let span = lines[at].start..lines[end - 1].end;
        // Line ends and marks of quotation as spaces: the places stay what they are.
        let mut flat = String::with_capacity(span.len());
        for line in &lines[at..end] {
            let line = &self.text[line.clone()];
            let quoted = line.len() - line.trim_start_matches(['>', ' ']).len();
            flat.extend(std::iter::repeat_n(' ', quoted));
            flat.push_str(&line[quoted..]);
            flat.push(' ');
        }
        for sentence in sentences(flat.trim_end()) {
            self.push_prose(
                span.start + sentence.start..span.start + sentence.end,
                Kind::Prose,
                self.heading,
            );
        }
        end
    }

    /// A block of code whole, if a snippet can hold it, or else its lines.
    fn code(&mut self, lines: &[Range<usize>]) {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return };
        let whole = first.start..last.end;
        if self.text[whole.clone()].chars().count() <= self.max_chars {
            self.push_code(whole);
        } else {
            for line in lines {
                self.push_code(line.clone());
            }
        }
    }

    fn push_code(&mut self, span: Range<usize>) {
        let shown = self.text[span.clone()].trim_end().replace('\t', "    ");
        let chars = shown.chars().count();
        self.blocks += 1;
        if chars > self.max_chars {
            self.push_prose(span, Kind::Code, self.heading);
        } else if !shown.is_empty() {
            self.push(Kind::Code, span, shown, self.heading);
        }
    }

    /// A unit whose white space is folded, or the parts of one that is too long.
    fn push_prose(&mut self, span: Range<usize>, kind: Kind, lead: Option<usize>) {
        let shown = shown(&self.text[span.clone()]);
        if shown.is_empty() {
            return;
        }
        if shown.chars().count() <= self.max_chars {
            self.push(kind, span, shown, lead);
            return;
        }
        for part in parts(&self.text[span.clone()], self.max_chars / 3) {
            let part = span.start + part.start..span.start + part.end;
            let shown = self::shown(&self.text[part.clone()]);
            if !shown.is_empty() {
                self.push(kind, part, shown, lead);
            }
        }
    }

    fn push(&mut self, kind: Kind, span: Range<usize>, shown: String, lead: Option<usize>) {
        let chars = shown.chars().count();
        let has_space = self.text[..span.start].ends_with(char::is_whitespace)
            || self.text[span.start..].starts_with(char::is_whitespace);
        let is_glued = !has_space && self.units.last().is_some_and(|last| last.block == self.blocks);
        self.units.push(Unit { kind, span, shown, chars, block: self.blocks, lead, is_glued });
    }
}

/// White space folded, marks of quotation and the targets of links left out.
fn shown(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for line in text.lines() {
        words.extend(line.trim_start_matches(['>', ' ']).split_whitespace());
    }
    without_link_targets(&words.join(" "))
}

/// `[text](https://…)` as `text`: where a link leads says nothing of the answer, and takes its place. Only what is
/// surely a link is taken for one.
fn without_link_targets(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(middle) = rest.find("](") {
        let opening = rest[..middle].rfind('[');
        let target = &rest[middle + 2..];
        let closing = target.find([')', '(', '`']).filter(|&at| target[at..].starts_with(')'));
        match (opening, closing) {
            (Some(opening), Some(closing)) if is_target(&target[..closing]) => {
                plain.push_str(rest[..opening].trim_end_matches('!'));
                plain.push_str(&rest[opening + 1..middle]);
                rest = &target[closing + 1..];
            }
            _ => {
                plain.push_str(&rest[..middle + 2]);
                rest = target;
            }
        }
    }
    plain.push_str(rest);
    plain.trim().to_owned()
}

/// An address or a path, with a title in quotes behind it or none.
fn is_target(target: &str) -> bool {
    let (address, title) = target.split_once(' ').unwrap_or((target, ""));
    address.contains(['/', '.', '#'])
        && (title.is_empty() || (title.starts_with('"') && title.ends_with('"')))
}

/// A long sentence in parts of at most `max_chars` characters (but one character at least): after a clause where that
/// can be, else between words, and only a word that is longer itself is cut, between characters as people see them.
fn parts(text: &str, max_chars: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut chars) = (0, 0);
    // The last place in the part where it may end: (byte, is it after a clause).
    let mut cut: Option<(usize, bool)> = None;
    for (at, grapheme) in text.grapheme_indices(true) {
        let length = grapheme.chars().count();
        if chars + length > max_chars && at > start {
            let end = cut.map_or(at, |(end, _)| end);
            parts.push(start..end);
            start = end;
            chars = text[start..at].chars().count();
            cut = None;
        }
        chars += length;
        if grapheme.chars().all(char::is_whitespace) {
            let after_clause = text[start..at].ends_with([',', ';', ':', '–', '—', '|']);
            // A clause that is worth a part of its own rather than a longer part that ends within one.
            let keeps_clause =
                cut.is_some_and(|(end, clause)| clause && (end - start) * 2 >= max_chars) && !after_clause;
            if !keeps_clause {
                cut = Some((at + grapheme.len(), after_clause));
            }
        } else if matches!(grapheme, "、" | "，" | "；" | "：") {
            cut = Some((at + grapheme.len(), true));
        }
    }
    if start < text.len() {
        parts.push(start..text.len());
    }
    parts
}

/// What a block of code is opened and closed by.
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let line = line.trim_start();
        let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let length = line.chars().take_while(|char| *char == mark).count();
        // Of backticks, the line has no others: otherwise it is code within a sentence.
        let is_fence = length >= 3 && (mark == '~' || !line[length..].contains('`'));
        is_fence.then_some(Self { mark, length })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim();
        line.len() >= self.length && line.chars().all(|char| char == self.mark)
    }
}

fn is_heading(line: &str) -> bool {
    let marks = line.trim_start().chars().take_while(|char| *char == '#').count();
    (1..=6).contains(&marks) && line.trim_start()[marks..].starts_with(' ')
}

fn is_underline(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && (line.bytes().all(|byte| byte == b'=') || line.bytes().all(|byte| byte == b'-'))
}

fn is_rule(line: &str) -> bool {
    let mut marks = line.chars().filter(|char| !char.is_whitespace());
    let Some(first @ ('-' | '*' | '_' | '=')) = marks.next() else { return false };
    line.trim().len() >= 3 && marks.all(|mark| mark == first)
}

fn is_row(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && line.starts_with('|')
}

fn is_delimiter_row(line: &str) -> bool {
    let line = line.trim();
    line.contains('-')
        && line.contains('|')
        && line.bytes().all(|byte| matches!(byte, b'|' | b'-' | b':' | b' '))
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start_matches(['>', ' ']);
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        0 => {
            line.starts_with("- ")
                || line.starts_with("* ")
                || line.starts_with("+ ")
                || line.starts_with("• ")
        }
        1..=9 => line[digits..].starts_with(". ") || line[digits..].starts_with(") "),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indented_line_below_an_item_is_known_by_one_look_at_each_line() {
        let list = format!("- alpha\n{}", "\n    b\n".repeat(1_000));
        let text = format!("    x\n{list}after\n\n    y\n    1. z");
        let mut looks = 0;
        let below = below_items(text.lines().inspect(|_| looks += 1));
        assert_eq!(looks, text.lines().count());
        let indented: Vec<bool> =
            text.lines().zip(below).filter(|(line, _)| line.starts_with(' ')).map(|(_, is)| is).collect();
        let expected = [vec![false], vec![true; 1_000], vec![false, true]].concat();
        assert_eq!(indented, expected);
        let kinds = |text: &str| units(text, 20).iter().map(|unit| unit.kind).collect::<Vec<_>>();
        assert_eq!(kinds("- a\n\n    b\n\n    c"), [Kind::Prose; 3]);
        assert_eq!(kinds("a\n\n    b"), [Kind::Prose, Kind::Code]);
    }
}
