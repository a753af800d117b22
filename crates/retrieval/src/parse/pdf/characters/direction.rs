//! Arabic, Hebrew and whatever else is written from right to left.
//!
//! A file has the places of glyphs and seldom the order in which they are read: some writers draw a line from its left, some
//! from its right. The line is taken as it looks, from its left, and then turned by the rules that turn what is read into
//! what is seen, which undo themselves (Unicode Standard Annex 9, rule L2, <https://www.unicode.org/reports/tr9/#L2>).

use unicode_bidi::{BidiClass, Level, ParagraphBidiInfo, bidi_class};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use super::glyphs::{Piece, push_spelled};

/// Stands for what has no direction of its own.
const NEUTRAL: char = '\u{fffc}';

/// Whether it has a letter that is written from right to left.
pub(super) fn is_right_to_left(text: &str) -> bool {
    text.chars().any(|char| matches!(bidi_class(char), BidiClass::R | BidiClass::AL))
}

/// The indices of the glyphs in the order in which they stand, from the left. A mark, such as a vowel's, comes right after
/// the letter that it stands over.
pub(super) fn from_left(glyphs: &[Piece<'_>]) -> Vec<usize> {
    let is_mark = |index: &usize| is_mark(glyphs[*index].text);
    let middle = |index: usize| f64::midpoint(glyphs[index].start, glyphs[index].end);
    let bases: Vec<usize> = (0..glyphs.len()).filter(|index| !is_mark(index)).collect();
    // Before its letter or after it: where a line is drawn from its left, the mark comes first. It is near.
    let base_of = |index: usize| {
        if !is_mark(&index) {
            return index;
        }
        let after = bases.partition_point(|base| *base < index);
        let near = [after.checked_sub(1).and_then(|before| bases.get(before)), bases.get(after)];
        let distance = |base: &usize| {
            let Piece { start, end, .. } = glyphs[*base];
            (start - middle(index)).max(middle(index) - end)
        };
        near.into_iter()
            .flatten()
            .copied()
            .min_by(|one, other| distance(one).total_cmp(&distance(other)))
            .unwrap_or(index)
    };
    let mut order: Vec<(usize, usize)> = (0..glyphs.len()).map(|index| (base_of(index), index)).collect();
    order.sort_by(|(one_base, one), (other_base, other)| {
        let places = glyphs[*one_base].start.total_cmp(&glyphs[*other_base].start);
        places
            .then(one_base.cmp(other_base))
            .then((one != one_base).cmp(&(other != other_base)))
            .then(one.cmp(other))
    });
    order.into_iter().map(|(_, index)| index).collect()
}

/// Whether it is a mark that stands over or under a letter.
pub(super) fn is_mark(text: &str) -> bool {
    text.starts_with(is_combining_mark)
}

/// The text, in the order in which it is read, of what stands from the left. If it is from the right, its last word is the
/// first that is read.
pub(super) fn as_read(pieces: &[&str], is_from_right: bool) -> String {
    let mut clusters: Vec<Vec<&str>> = Vec::new();
    for piece in pieces {
        match clusters.last_mut() {
            Some(cluster) if is_mark(piece) => cluster.push(piece),
            _ => clusters.push(vec![piece]),
        }
    }
    let levels = levels(&clusters, if is_from_right { Level::rtl() } else { Level::ltr() });
    let order = ParagraphBidiInfo::reorder_visual(&levels);
    let is_turned = |index: usize| levels[index].is_rtl();
    // Most files have the brackets as they look. Some have them as they were typed.
    let mut brackets =
        order.iter().filter(|index| is_turned(**index)).filter_map(|index| bracket(clusters[*index][0]));
    let is_seen = brackets.next().is_some_and(|(is_opening, _)| !is_opening);
    let mut text = String::new();
    for index in order {
        for piece in &clusters[index] {
            match bracket(piece).filter(|_| is_seen && is_turned(index)) {
                Some((_, other)) => text.push(other),
                None => push_spelled(&mut text, piece),
            }
        }
    }
    text
}

/// The level of each cluster: an odd one is read from its right.
fn levels(clusters: &[Vec<&str>], of_line: Level) -> Vec<Level> {
    // One that ends paragraphs or changes directions by order, and not by being a letter, does so in what is read.
    let base = |cluster: &Vec<&str>| {
        let char = cluster[0].chars().next().unwrap_or(NEUTRAL);
        let is_order = matches!(
            bidi_class(char),
            BidiClass::B
                | BidiClass::BN
                | BidiClass::LRE
                | BidiClass::LRO
                | BidiClass::RLE
                | BidiClass::RLO
                | BidiClass::PDF
                | BidiClass::LRI
                | BidiClass::RLI
                | BidiClass::FSI
                | BidiClass::PDI
        );
        if is_order { NEUTRAL } else { char }
    };
    let line: String = clusters.iter().map(base).collect();
    let info = ParagraphBidiInfo::new(&line, Some(of_line));
    info.reordered_levels_per_char(0..line.len())
}

/// Whether it is an opening bracket, and the one it makes a pair with.
fn bracket(text: &str) -> Option<(bool, char)> {
    const PAIRS: [(char, char); 6] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»'), ('‹', '›')];
    let mut chars = text.chars();
    let char = chars.next().filter(|_| chars.next().is_none())?;
    PAIRS.iter().find_map(|(opening, closing)| match char {
        _ if char == *opening => Some((true, *closing)),
        _ if char == *closing => Some((false, *opening)),
        _ => None,
    })
}

/// Adds the letters that the character is a shape of, in the order in which they are read.
pub(super) fn push_letters(line: &mut String, char: char) {
    // A vowel's mark that stands alone is a space with the mark, also within a word.
    line.extend(std::iter::once(char).nfkc().skip_while(|char| *char == ' '));
}
