//! Shifts that take an element off the page.
//!
//! To the left and upwards no reader can scroll. To the right it takes more: a drawing or a page made from a PDF has text
//! far to the right of an edge. Downwards there is no end, as a list that is drawn piece by piece puts all its rows there.

use super::declarations::{Declarations, words};
use super::quantities::Quantity;
use super::transforms::{Axis, Plane};

/// A shift of this many pixels or more to the left takes an element off the page.
const OFF_SCREEN: f32 = 500.0;

/// A shift of this many pixels or more the other way does.
const FAR: f32 = 5000.0;

/// As many windows' widths. Half of one is how a picture is made as wide as the window.
const WINDOW: f32 = 100.0;

/// As many widths of what the element is in. One of them is how a column is put before another, a label beside an icon.
const CONTAINER: f32 = 200.0;

/// As many widths of its own: a row of pictures to turn over is shifted by some.
const OWN: f32 = 1000.0;

/// Whether the declaration shifts its element off the page, or its text off the element.
pub(super) fn hides(property: &str, value: &str, style: &Declarations, cuts: bool) -> bool {
    let is_fixed = style.value_of("position") == Some("fixed");
    let shifts = || words(value).map(|word| Quantity::parse(word).unwrap_or_default());
    let back = |shift| is_far_back(shift, CONTAINER);
    let right = |shift| is_far_on(shift, CONTAINER);
    // What is fixed to the window does not scroll.
    let down = |shift: Quantity| is_fixed && (right(shift) || shift.viewport >= WINDOW);
    match property {
        "top" | "inset-block-start" => shifts().any(|shift| back(shift) || down(shift)),
        // From the edge opposite, that is upwards or to the left.
        "left" | "inset-inline-start" | "right" | "inset-inline-end" | "bottom" | "inset-block-end"
        | "inset-inline" => shifts().any(|shift| back(shift) || right(shift)),
        // The first is the top alone, if it is not the only one.
        "inset" | "inset-block" => {
            let sides = usize::from(shifts().count() > 1);
            shifts().any(|shift| back(shift) || down(shift)) || shifts().skip(sides).any(right)
        }
        "margin-top" | "margin-block" | "margin-block-start" => shifts().any(back),
        "margin-left" | "margin-inline" | "margin-inline-start" => {
            shifts().any(back) || shifts().next().is_some_and(right)
        }
        "margin" => shifts().any(back) || left_of(shifts()).is_some_and(right),
        "padding" => left_of(shifts()).is_some_and(right),
        "padding-left" | "padding-inline" | "padding-inline-start" => shifts().next().is_some_and(right),
        "text-indent" => shifts().any(|shift| {
            back(shift)
                || right(shift)
                || (cuts && (shift.fixed() >= OFF_SCREEN || shift.percent.abs() >= 100.0))
        }),
        _ => false,
    }
}

/// The left one of up to four sides: it is as the right one, and that as the top, if it is not told.
fn left_of(sides: impl Iterator<Item = Quantity>) -> Option<Quantity> {
    let sides: Vec<Quantity> = sides.take(4).collect();
    [3, 1, 0].into_iter().find_map(|side| sides.get(side).copied())
}

/// Whether a shift of a transform, which goes by the element's own size, is too far along the axis.
pub(super) fn is_far_by_itself(shift: Quantity, axis: Axis, plane: &Plane) -> bool {
    let stretch = plane.stretch(axis);
    let shift = Quantity { pixels: shift.pixels * stretch, percent: shift.percent * stretch, ..shift };
    is_far_back(shift, OWN) || (axis == Axis::X && is_far_on(shift, OWN))
}

fn is_far_back(shift: Quantity, shares: f32) -> bool {
    shift.number + shift.pixels <= -OFF_SCREEN || shift.viewport <= -WINDOW || shift.percent <= -shares
}

fn is_far_on(shift: Quantity, shares: f32) -> bool {
    shift.number + shift.pixels >= FAR || shift.viewport >= WINDOW || shift.percent >= shares
}
