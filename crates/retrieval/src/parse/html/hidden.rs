//! Which elements a browser does not show, as far as their own attributes say so.
//!
//! Style sheets are not applied: an element that is hidden by its class alone is taken for visible, but for the class
//! names that are customary for text that only screen readers get.

use std::rc::Rc;

use htmd::Node;

use super::{attribute, tag};

/// Class names by which frameworks hide text from all but screen readers.
const SCREEN_READER_CLASSES: [&str; 5] =
    ["sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only"];

/// A shift of this many pixels or more takes an element off the page.
const OFF_SCREEN: f32 = 500.0;

/// Text smaller than this many pixels cannot be read.
const ILLEGIBLE: f32 = 2.0;

/// Whether the element says of itself that it is not shown.
pub(super) fn is_hidden(element: &Rc<Node>) -> bool {
    let is = |name: &str, value: &str| {
        attribute(element, name).is_some_and(|found| found.trim().eq_ignore_ascii_case(value))
    };
    attribute(element, "hidden").is_some()
        || is("aria-hidden", "true")
        || (tag(element) == Some("input") && is("type", "hidden"))
        || (tag(element) == Some("dialog") && attribute(element, "open").is_none())
        || attribute(element, "class").is_some_and(|class| {
            class.split_ascii_whitespace().any(|name| SCREEN_READER_CLASSES.contains(&name))
        })
        || attribute(element, "style").is_some_and(|style| hides(&style))
}

/// Whether an inline style makes its element invisible.
fn hides(style: &str) -> bool {
    // An escape in an inline style has no honest use, and would pass by every comparison below.
    if style.contains('\\') {
        return true;
    }
    let style = without_comments(&style.to_ascii_lowercase());
    let declarations: Vec<(&str, &str)> = style
        .split(';')
        .filter_map(|declaration| declaration.split_once(':'))
        .map(|(property, value)| (property.trim(), value.split('!').next().unwrap_or_default().trim()))
        .collect();
    let clipped = declarations.iter().any(|(property, value)| {
        matches!(*property, "overflow" | "overflow-x" | "overflow-y") && matches!(*value, "hidden" | "clip")
    });
    let value_of = |wanted: &str| {
        declarations.iter().rev().find(|(property, _)| *property == wanted).map(|found| found.1)
    };
    let same_colors = value_of("color").is_some_and(|color| {
        color == "transparent"
            || [value_of("background"), value_of("background-color")].contains(&Some(color))
    });
    same_colors || declarations.iter().any(|(property, value)| declaration_hides(property, value, clipped))
}

fn declaration_hides(property: &str, value: &str, clipped: bool) -> bool {
    match property {
        "display" => value == "none",
        "visibility" => matches!(value, "hidden" | "collapse"),
        "content-visibility" => value == "hidden",
        "opacity" => leading_number(value)
            .is_some_and(|opacity| opacity < if value.ends_with('%') { 10.0 } else { 0.1 }),
        "font-size" => is_illegible(value),
        "font" => value.split_ascii_whitespace().any(|word| {
            word.starts_with(|char: char| char.is_ascii_digit() || char == '.')
                && word.contains(|char: char| char.is_ascii_alphabetic() || char == '/' || char == '%')
                && is_illegible(word)
        }),
        "left" | "top" | "right" | "bottom" | "text-indent" | "margin" | "margin-left" | "margin-top"
        | "inset" => value
            .split_ascii_whitespace()
            .any(|part| leading_number(part).is_some_and(|shift| in_pixels(shift, part) <= -OFF_SCREEN)),
        "transform" | "translate" | "scale" => transform_hides(property, value),
        "clip" => value.starts_with("rect(0") || value.starts_with("rect(1px"),
        "clip-path" => {
            value.starts_with("inset(50%") || value.starts_with("inset(100%") || value.starts_with("circle(0")
        }
        "width" | "height" | "max-width" | "max-height" => {
            clipped && leading_number(value).is_some_and(|size| in_pixels(size, value) <= 1.0)
        }
        _ => false,
    }
}

fn is_illegible(size: &str) -> bool {
    let size = size.split('/').next().unwrap_or(size);
    leading_number(size).is_some_and(|number| in_pixels(number, size) < ILLEGIBLE)
}

fn transform_hides(property: &str, value: &str) -> bool {
    if property == "scale" || value.contains("scale") {
        let factor = value
            .split("scale")
            .last()
            .unwrap_or(value)
            .trim_start_matches(|char: char| !char.is_ascii_digit());
        return leading_number(factor).is_some_and(|factor| factor < 0.1);
    }
    value
        .split(['(', ',', ' '])
        .any(|part| leading_number(part).is_some_and(|shift| in_pixels(shift, part) <= -OFF_SCREEN))
}

/// A length in pixels, roughly: a percentage and relative units are taken at the usual size of 16 pixels.
fn in_pixels(number: f32, text: &str) -> f32 {
    let unit = text.trim_start_matches(|char: char| char.is_ascii_digit() || matches!(char, '.' | '-' | '+'));
    match unit.trim_end_matches(')') {
        "em" | "rem" | "ch" | "ex" | "vw" | "vh" => number * 16.0,
        "%" => number * 0.16,
        "in" => number * 96.0,
        "cm" => number * 38.0,
        "mm" => number * 3.8,
        _ => number,
    }
}

fn leading_number(value: &str) -> Option<f32> {
    let value = value.trim();
    let end = value
        .find(|char: char| !char.is_ascii_digit() && !matches!(char, '.' | '-' | '+'))
        .unwrap_or(value.len());
    value[..end].parse().ok()
}

fn without_comments(style: &str) -> String {
    let mut kept = String::with_capacity(style.len());
    let mut rest = style;
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::hides;

    #[test]
    fn styles_that_hide() {
        for style in [
            "display:none",
            "DISPLAY : NONE !important",
            "color:red;display:/**/none",
            "dis\\70lay:none",
            "visibility: hidden",
            "opacity:0",
            "opacity: 0.01",
            "opacity:0%",
            "font-size:0",
            "font-size: 1px",
            "font-size:.05em",
            "font-size:1%",
            "font: 0/0 a",
            "font:1px serif",
            "position:absolute;left:-9999px",
            "text-indent:-999em",
            "position:fixed; top:-100vh",
            "transform: scale(0)",
            "transform:translateX(-9999px)",
            "clip:rect(0,0,0,0)",
            "clip-path: inset(50%)",
            "height:0;overflow:hidden",
            "max-height:1px; overflow-y: clip",
            "color:transparent",
            "color:#fff;background:#fff",
            "color:white;background-color:white",
        ] {
            assert!(hides(style), "{style}");
        }
    }

    #[test]
    fn styles_that_show() {
        for style in [
            "",
            "display:block",
            "visibility:visible",
            "opacity:1",
            "opacity:.8",
            "font-size:12px",
            "font-size:90%",
            "font-size:0.8em",
            "font: 12px/1.5 serif",
            "font: 400 1em serif",
            "margin-left:-10px",
            "text-indent:2em",
            "transform: rotate(3deg)",
            "transform: scale(1.5)",
            "height:0",
            "width:100%;overflow:hidden",
            "color:#fff;background:#000",
            "background:url(data:image/png;base64,AA==)",
        ] {
            assert!(!hides(style), "{style}");
        }
    }
}
