//! Clips that leave nothing of an element.

use super::declarations::{functions, words};
use super::quantities::Quantity;

/// What is no wider than this shows nothing, in pixels or hundredths.
const NARROW: f32 = 1.0;

/// A side moved inwards by as many pixels is moved past the other.
const WHOLE: f32 = 5000.0;

/// Whether a value of `clip` leaves nothing.
pub(super) fn clip_hides(value: &str) -> bool {
    functions(value).any(|(name, sides)| name == "rect" && is_empty_rect(sides))
}

/// Whether a value of `clip-path` leaves nothing (<https://drafts.csswg.org/css-shapes/#basic-shape-functions>).
pub(super) fn clip_path_hides(value: &str) -> bool {
    functions(value).any(|(shape, arguments)| match shape {
        "inset" => is_empty_inset(arguments),
        "rect" => is_empty_rect(arguments),
        "xywh" => words(arguments).skip(2).take(2).any(is_narrow),
        // Without a radius it reaches to the element's edges.
        "circle" | "ellipse" => words(arguments).take_while(|word| *word != "at").take(2).any(is_narrow),
        "polygon" => is_line(arguments),
        _ => false,
    })
}

fn is_narrow(size: &str) -> bool {
    Quantity::parse(size).is_some_and(|size| size.fixed() <= NARROW && size.percent < NARROW)
}

/// Whether nothing is between the sides: top, right, bottom, left, each counted from the element's left or top edge.
fn is_empty_rect(sides: &str) -> bool {
    let sides: Vec<Option<f32>> =
        words(sides).take(4).map(|side| Quantity::parse(side).map(Quantity::length)).collect();
    let is_narrow =
        |from: Option<f32>, to: Option<f32>| to.is_some_and(|to| to - from.unwrap_or(0.0).max(0.0) <= NARROW);
    // Without a number it is `auto`: the element's own edge.
    matches!(*sides.as_slice(), [top, right, bottom, left] if is_narrow(top, bottom) || is_narrow(left, right))
}

/// Whether the sides, each counted from the element's own, meet or pass each other. One that is not told is the one
/// opposite.
fn is_empty_inset(sides: &str) -> bool {
    let sides: Vec<Quantity> = words(sides).map_while(Quantity::parse).take(4).collect();
    let meet = |one: &Quantity, other: &Quantity| {
        one.percent + other.percent > 100.0 - NARROW || one.fixed() + other.fixed() >= WHOLE
    };
    match sides.as_slice() {
        [all] => meet(all, all),
        [block, inline] => meet(block, block) || meet(inline, inline),
        [top, inline, bottom] => meet(top, bottom) || meet(inline, inline),
        [top, right, bottom, left] => meet(top, bottom) || meet(right, left),
        _ => false,
    }
}

/// Whether all corners are on one line.
fn is_line(corners: &str) -> bool {
    let numbers: Vec<f32> = words(corners)
        .filter_map(Quantity::parse)
        // A hundredth of the element is some pixels.
        .map(|place| place.fixed() + place.percent)
        .collect();
    let corners = numbers.as_chunks::<2>().0;
    let Some((first, others)) = corners.split_first() else { return false };
    let from_first = others.iter().map(|[x, y]| [x - first[0], y - first[1]]);
    let Some(farthest) =
        from_first.clone().max_by(|one, other| one[0].hypot(one[1]).total_cmp(&other[0].hypot(other[1])))
    else {
        return true;
    };
    let length = farthest[0].hypot(farthest[1]);
    length <= NARROW
        || from_first.into_iter().all(|[x, y]| (x * farthest[1] - y * farthest[0]).abs() / length <= NARROW)
}
