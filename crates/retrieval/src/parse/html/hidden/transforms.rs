//! Transforms that leave nothing of an element on the page.

use super::VANISHING;
use super::declarations::{functions, words};
use super::quantities::{Quantity, angle};
use super::shifts::is_far_by_itself;

/// Whether the functions of `transform`, one after the other, leave nothing.
pub(super) fn hides(value: &str) -> bool {
    let mut plane = Plane::default();
    functions(value).any(|(name, arguments)| shifts_away(name, arguments, &mut plane)) || plane.is_edge_on()
}

/// Whether the property of a function's name leaves nothing: `scale: 0`.
pub(super) fn property_hides(property: &str, value: &str) -> bool {
    let mut plane = Plane::default();
    match property {
        // `y 90deg`: the axis, then the angle; without an axis it turns in the plane.
        "rotate" => {
            let words: Vec<&str> = words(value).collect();
            match *words.as_slice() {
                [axis @ ("x" | "y"), turn] | [turn, axis @ ("x" | "y")] => {
                    shifts_away(if axis == "x" { "rotatex" } else { "rotatey" }, turn, &mut plane);
                }
                [_, _, _, _] => {
                    shifts_away("rotate3d", value, &mut plane);
                }
                _ => {}
            }
            plane.is_edge_on()
        }
        _ => shifts_away(property, value, &mut plane) || plane.is_edge_on(),
    }
}

/// Whether the function shifts the element off the page; what it does to its shape is added to the plane.
fn shifts_away(name: &str, arguments: &str, plane: &mut Plane) -> bool {
    let read = |word| Quantity::parse(word).unwrap_or_default();
    let words: Vec<&str> = words(arguments).take(16).collect();
    let first = words.first().copied().unwrap_or_default();
    match name {
        "translate" | "translate3d" => {
            return words
                .iter()
                .zip(Axis::BOTH)
                .any(|(word, axis)| is_far_by_itself(read(word), axis, plane));
        }
        "translatex" => return is_far_by_itself(read(first), Axis::X, plane),
        "translatey" => return is_far_by_itself(read(first), Axis::Y, plane),
        "scale" | "scale3d" | "scalex" | "scaley" | "scalez" => {
            let factors: Vec<f32> =
                words.iter().filter_map(|word| Quantity::parse(word)).map(Quantity::share).collect();
            let (x, y, z) = match *factors.as_slice() {
                [x, ..] if name == "scalex" => (x, 1.0, 1.0),
                [y, ..] if name == "scaley" => (1.0, y, 1.0),
                [z, ..] if name == "scalez" => (1.0, 1.0, z),
                [both] => (both, both, 1.0),
                [x, y] => (x, y, 1.0),
                [x, y, z, ..] => (x, y, z),
                [] => return false,
            };
            plane.then([[x, 0.0, 0.0], [0.0, y, 0.0], [0.0, 0.0, z]]);
        }
        "rotatex" => plane.turn([1.0, 0.0, 0.0], angle(first)),
        "rotatey" => plane.turn([0.0, 1.0, 0.0], angle(first)),
        "rotate3d" => {
            if let [x, y, z, turn] = *words.as_slice() {
                plane.turn([read(x).number, read(y).number, read(z).number], angle(turn));
            }
        }
        "skew" | "skewx" | "skewy" => {
            let slope = |word: &str| angle(word).unwrap_or_default().tan();
            let second = words.get(1).map_or(0.0, |word| slope(word));
            let (x, y) = if name == "skewy" { (0.0, slope(first)) } else { (slope(first), second) };
            plane.then([[1.0, x, 0.0], [y, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        }
        // The shift stands last in the one, and in the last of four columns of four in the other.
        "matrix" | "matrix3d" => {
            let numbers: Vec<f32> =
                words.iter().filter_map(|word| Quantity::parse(word)).map(|part| part.number).collect();
            let (matrix, shift) = match *numbers.as_slice() {
                [xx, xy, yx, yy, x, y] => ([[xx, yx, 0.0], [xy, yy, 0.0], [0.0, 0.0, 1.0]], [x, y]),
                [xx, xy, xz, _, yx, yy, yz, _, zx, zy, zz, _, x, y, _, _] => {
                    ([[xx, yx, zx], [xy, yy, zy], [xz, yz, zz]], [x, y])
                }
                _ => return false,
            };
            let of_pixels = |pixels| Quantity { pixels, ..Quantity::default() };
            let is_far = shift
                .into_iter()
                .zip(Axis::BOTH)
                .any(|(shift, axis)| is_far_by_itself(of_pixels(shift), axis, plane));
            plane.then(matrix);
            return is_far;
        }
        _ => {}
    }
    false
}

/// The way along the lines of text, or across them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Axis {
    X,
    Y,
}

impl Axis {
    const BOTH: [Self; 2] = [Self::X, Self::Y];
}

/// Where the ways along and across the text, and out of the page, lead after the functions so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plane([[f32; 3]; 3]);

impl Default for Plane {
    fn default() -> Self {
        Self([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    }
}

impl Plane {
    /// How much longer a shift along the axis is after the functions before it.
    pub(super) fn stretch(&self, axis: Axis) -> f32 {
        let column = usize::from(axis == Axis::Y);
        self.0[0][column].hypot(self.0[1][column])
    }

    fn then(&mut self, matrix: [[f32; 3]; 3]) {
        let before = self.0;
        for (row, parts) in self.0.iter_mut().enumerate() {
            for (column, part) in parts.iter_mut().enumerate() {
                *part = (0..3).map(|at| before[row][at] * matrix[at][column]).sum();
            }
        }
    }

    /// Turns about an axis (<https://drafts.csswg.org/css-transforms-2/#Rotate3dDefined>).
    fn turn(&mut self, axis: [f32; 3], angle: Option<f32>) {
        let length = axis[0].hypot(axis[1]).hypot(axis[2]);
        if length == 0.0 {
            return;
        }
        let [x, y, z] = axis.map(|part| part / length);
        let (sine, cosine) = angle.unwrap_or_default().sin_cos();
        let rest = 1.0 - cosine;
        self.then([
            [cosine + x * x * rest, x * y * rest - z * sine, x * z * rest + y * sine],
            [y * x * rest + z * sine, cosine + y * y * rest, y * z * rest - x * sine],
            [z * x * rest - y * sine, z * y * rest + x * sine, cosine + z * z * rest],
        ]);
    }

    /// Whether nothing is left to read, seen from the front: the less of the two singular values is next to none. What has
    /// no depth is not drawn at all (<https://drafts.csswg.org/css-transforms-1/#transform-function-lists>).
    fn is_edge_on(&self) -> bool {
        let [[xx, yx, zx], [xy, yy, zy], [xz, yz, zz]] = self.0;
        let squares = xx * xx + xy * xy + yx * yx + yy * yy;
        let area = xx * yy - xy * yx;
        let greatest = squares.midpoint((squares * squares - 4.0 * area * area).max(0.0).sqrt());
        let volume = xx * (yy * zz - zy * yz) - yx * (xy * zz - zy * xz) + zx * (xy * yz - yy * xz);
        greatest == 0.0 || area * area / greatest < VANISHING * VANISHING || volume == 0.0
    }
}
