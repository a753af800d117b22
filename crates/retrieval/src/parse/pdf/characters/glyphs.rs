//! The glyphs of one line, as they were drawn, put together to its text.

use std::collections::HashMap;

use super::direction;

/// A gap of that part of the type's size is a space between words. troff squeezes a space to 0.12 of it; kerning takes less
/// than 0.1.
const WORD_GAP: f64 = 0.1;

/// Letters that stand apart make up a word if there are so many gaps, all alike. Fewer may be a diagram's marks, or words of
/// one letter.
const MIN_ALIKE: usize = 6;

/// Of letter-spaced text, at most one gap in so many is less than half the usual one: where a pair was kerned.
const MAX_KERNED: usize = 6;

/// Letters farther apart than this part of the type's size are no word, but marks of a diagram or a table.
const MAX_TRACKING: f64 = 0.4;

/// One glyph of the line, or a few that a font draws as one.
struct Glyph {
    /// Where its text ends in the line's.
    text_end: usize,
    /// Where it begins and ends on the line, without the spacing after it.
    start: f64,
    end: f64,
    /// What the contents ask for between it and the next (ISO 32000-2, §9.3.2).
    spacing: f64,
    size: f64,
}

/// A glyph's text and place.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    pub(super) start: f64,
    pub(super) end: f64,
}

/// The glyphs of a line in the order in which they were drawn.
#[derive(Default)]
pub(super) struct Glyphs {
    text: String,
    drawn: Vec<Glyph>,
    /// How many are written from the right, and how many other letters there are.
    from_right: usize,
    from_left: usize,
}

impl Glyphs {
    pub(super) fn push(&mut self, text: &str, (start, end): (f64, f64), spacing: f64, size: f64) {
        if direction::is_right_to_left(text) {
            self.from_right += 1;
        } else if text.chars().any(char::is_alphabetic) {
            self.from_left += 1;
        }
        self.text.push_str(text);
        self.drawn.push(Glyph { text_end: self.text.len(), start, end, spacing, size });
    }

    pub(super) fn len(&self) -> usize {
        self.drawn.len()
    }

    pub(super) fn has_right_to_left(&self) -> bool {
        self.from_right > 0
    }

    /// The text in the order in which it is read, with a space wherever there is a gap.
    pub(super) fn into_text(self, writer: &mut Writer) -> String {
        writer.from_right += self.from_right;
        writer.from_left += self.from_left;
        let mut order: Vec<usize> = (0..self.drawn.len()).collect();
        if self.has_right_to_left() {
            let pieces: Vec<Piece<'_>> = order.iter().map(|index| self.piece(*index)).collect();
            order = direction::from_left(&pieces);
        }
        let tracking = self.tracking(&order, writer);
        let mut pieces: Vec<&str> = Vec::with_capacity(order.len());
        let mut before = None;
        for index in order {
            let piece = self.piece(index).text;
            // A mark stands over its letter, and takes no room of the line.
            if !(self.has_right_to_left() && direction::is_mark(piece)) {
                if before.is_some_and(|before| self.is_word_gap(before, index, &tracking)) {
                    pieces.push(" ");
                }
                before = Some(index);
            }
            pieces.push(piece);
        }
        if self.has_right_to_left() {
            let is_from_right = self.from_right > self.from_left || writer.from_right > writer.from_left;
            return direction::as_read(&pieces, is_from_right);
        }
        let mut text = String::with_capacity(self.text.len());
        for piece in pieces {
            push_spelled(&mut text, piece);
        }
        text
    }

    fn piece(&self, index: usize) -> Piece<'_> {
        let Glyph { text_end, start, end, .. } = self.drawn[index];
        let text_start = index.checked_sub(1).map_or(0, |before| self.drawn[before].text_end);
        Piece { text: &self.text[text_start..text_end], start, end }
    }

    fn gap(&self, before: usize, after: usize) -> f64 {
        self.drawn[after].start - self.drawn[before].end
    }

    fn is_word_gap(&self, before: usize, after: usize, tracking: &Tracking) -> bool {
        let asked = tracking.asked.get(&step(self.drawn[before].spacing)).copied();
        self.gap(before, after) > asked.unwrap_or(tracking.placed) + WORD_GAP * self.drawn[after].size
    }

    fn tracking(&self, order: &[usize], writer: &mut Writer) -> Tracking {
        let mut asked: HashMap<i64, Vec<Gap>> = HashMap::new();
        let mut placed = Vec::new();
        let is_all = |index: usize, is_it: fn(char) -> bool| self.piece(index).text.chars().all(is_it);
        for pair in order.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let Glyph { spacing, size, .. } = self.drawn[before];
            let gap = Gap { length: self.gap(before, after), size };
            if is_all(before, char::is_whitespace) || is_all(after, char::is_whitespace) {
                continue;
            }
            if spacing > WORD_GAP * size {
                asked.entry(step(spacing)).or_default().push(gap);
            } else if is_all(before, char::is_alphabetic) && is_all(after, char::is_alphabetic) {
                placed.push(gap);
            }
        }
        writer.takes_back |= asked.values().any(|gaps| kept(gaps).is_none());
        let few = if writer.takes_back { MIN_ALIKE } else { 1 };
        let usual = |gaps: &[Gap], few: usize| kept(gaps).filter(|_| gaps.len() >= few);
        let placed = usual(&placed, MIN_ALIKE).filter(|usual| usual.length <= MAX_TRACKING * usual.size);
        let asked = asked.into_iter().filter_map(|(step, gaps)| Some((step, usual(&gaps, few)?.length)));
        Tracking { asked: asked.collect(), placed: placed.map_or(0.0, |usual| usual.length) }
    }
}

/// What is known by now of who wrote the file.
#[derive(Default)]
pub(super) struct Writer {
    /// The program asks for spacing after letters, and takes it back between them.
    takes_back: bool,
    /// How many glyphs were written from the right so far, and how many other letters there were.
    from_right: usize,
    from_left: usize,
}

/// How far apart the letters of a word are, where that is more than usual.
///
/// The contents themselves do not say: Ghostscript writes the space between two words as spacing after each letter, and
/// takes it back between the letters of a word; other writers place each letter of a heading by itself. Only the gaps that
/// are left tell words of which all letters stand apart.
struct Tracking {
    /// By the spacing that the contents ask for.
    asked: HashMap<i64, f64>,
    /// Where they ask for none.
    placed: f64,
}

#[derive(Clone, Copy)]
struct Gap {
    length: f64,
    /// The size of the type that it stands in.
    size: f64,
}

/// The usual gap, if there is one at all and next to none is less.
fn kept(gaps: &[Gap]) -> Option<Gap> {
    let mut gaps = gaps.to_vec();
    gaps.sort_by(|one, other| one.length.total_cmp(&other.length));
    let usual = *gaps.get(gaps.len() / 2)?;
    let taken_back = gaps.partition_point(|gap| gap.length < usual.length / 2.0);
    (usual.length > WORD_GAP * usual.size && taken_back * MAX_KERNED <= gaps.len()).then_some(usual)
}

/// Spacings are compared in hundredths of a point.
fn step(spacing: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a spacing is some points, and infinity saturates")]
    let step = (spacing * 100.0).round() as i64;
    step
}

/// Adds the text with its ligatures spelled out: a word is to be found however it was set.
pub(super) fn push_spelled(line: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '\u{fb00}' => line.push_str("ff"),
            '\u{fb01}' => line.push_str("fi"),
            '\u{fb02}' => line.push_str("fl"),
            '\u{fb03}' => line.push_str("ffi"),
            '\u{fb04}' => line.push_str("ffl"),
            '\u{fb05}' | '\u{fb06}' => line.push_str("st"),
            // Hebrew letters with points, and the shapes of Arabic letters: at a word's begin, within it, at its end.
            '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => direction::push_letters(line, char),
            _ if char.is_whitespace() => {
                if !line.ends_with(' ') {
                    line.push(' ');
                }
            }
            _ => line.push(char),
        }
    }
}
