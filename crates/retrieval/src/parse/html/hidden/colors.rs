//! Text in a colour that leaves nothing to see.

use super::declarations::{Declarations, functions, words};
use super::quantities::Quantity;
use super::{CSS_WIDE, VANISHING};

/// Whether the text is transparent, or has the colour of what is behind it.
pub(super) fn hide(style: &Declarations) -> bool {
    let backgrounds = [style.value_of("background"), style.value_of("background-color")];
    // It is the text's own colour, whichever that is.
    if backgrounds.contains(&Some("currentcolor")) {
        return true;
    }
    // Text with a gradient for its colour is a hole in its background.
    if is_cut_out(style) {
        return false;
    }
    let texts = [style.value_of("color"), style.value_of("text-fill-color")];
    texts.into_iter().flatten().filter(|color| !CSS_WIDE.contains(color)).any(|color| {
        is_transparent(color)
            || backgrounds.iter().flatten().any(|background| in_full(background) == in_full(color))
    })
}

fn is_cut_out(style: &Declarations) -> bool {
    let is_text =
        |property| style.value_of(property).is_some_and(|value| words(value).any(|word| word == "text"));
    let has_gradient = |property| {
        style
            .value_of(property)
            .is_some_and(|value| value.contains("gradient(") && !value.contains("transparent"))
    };
    (is_text("background-clip") || is_text("background"))
        && (has_gradient("background") || has_gradient("background-image"))
}

fn is_transparent(color: &str) -> bool {
    if let Some(digits) = color.strip_prefix('#') {
        let opacity = match digits.len() {
            4 => u8::from_str_radix(&digits[3..].repeat(2), 16),
            8 => u8::from_str_radix(&digits[6..], 16),
            _ => return false,
        };
        return opacity.is_ok_and(|opacity| f32::from(opacity) / 255.0 < VANISHING);
    }
    color == "transparent"
        || functions(color).next().is_some_and(|(name, parts)| {
            COLOR_FUNCTIONS.contains(&name)
                && opacity(parts).is_some_and(|opacity| {
                    opacity == "none"
                        || Quantity::parse(opacity).is_some_and(|opacity| opacity.share() < VANISHING)
                })
        })
}

const COLOR_FUNCTIONS: [&str; 10] =
    ["rgb", "rgba", "hsl", "hsla", "hwb", "lab", "lch", "oklab", "oklch", "color"];

/// The opacity among a colour's parts: what follows the slash, or the fourth in the old way of writing them, in which one
/// variable may stand for the three before it: `rgba(var(--brand), 0.5)`.
fn opacity(parts: &str) -> Option<&str> {
    let all: Vec<&str> = words(parts).collect();
    let before = parts.trim_end().strip_suffix(all.last()?)?;
    match *all.as_slice() {
        [.., opacity] if before.trim_end().ends_with('/') => Some(opacity),
        [_, _, _, opacity] | ["var()", opacity] if parts.contains(',') => Some(opacity),
        _ => None,
    }
}

/// The colour in the longest of its usual ways: `#fff` and `white` are `#ffffff`.
fn in_full(color: &str) -> String {
    match color {
        "white" => "#ffffff".to_owned(),
        "black" => "#000000".to_owned(),
        _ => match color.strip_prefix('#') {
            Some(digits) if digits.chars().count() == 3 => {
                digits.chars().fold("#".to_owned(), |full, digit| format!("{full}{digit}{digit}"))
            }
            _ => color.to_owned(),
        },
    }
}
