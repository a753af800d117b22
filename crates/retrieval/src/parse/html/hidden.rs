//! Which elements a browser does not show, as far as their own attributes say so.
//!
//! Style sheets are not applied: an element that is hidden by its class alone is taken for visible, but for the class
//! names that are customary for text that only screen readers get. So is what a custom property does that the element does
//! not set itself (`font-size: var(--small)`), with one exception: where a style says whether its element is seen at all
//! (`display`, `visibility`, `opacity`), a value that cannot be read hides.

mod clips;
mod colors;
mod declarations;
mod quantities;
mod shifts;
mod transforms;

use std::rc::Rc;

use htmd::Node;
use markup5ever_rcdom::NodeData;

use self::declarations::{Declarations, functions, words};
use self::quantities::Quantity;
use super::{attribute, tag};

/// Class names by which frameworks hide text from all but screen readers.
const SCREEN_READER_CLASSES: [&str; 5] =
    ["sr-only", "visually-hidden", "visuallyhidden", "screen-reader-text", "screen-reader-only"];

/// Text smaller than this many pixels cannot be read.
const ILLEGIBLE: f32 = 2.0;

/// A box no larger than this many pixels, or hundredths of what it is in, shows nothing.
const NARROW: f32 = 1.0;

/// Values that stand for another one, which the style does not tell (CSS Cascading 5, section 7.3).
const CSS_WIDE: [&str; 5] = ["inherit", "initial", "unset", "revert", "revert-layer"];

/// A factor that leaves nothing to read.
const VANISHING: f32 = 0.1;

/// Whether the element says of itself that it is not shown.
pub(super) fn is_hidden(element: &Rc<Node>) -> bool {
    let has = |name: &str| attribute(element, name).is_some();
    let is = |name: &str, value: &str| {
        attribute(element, name).is_some_and(|found| found.trim().eq_ignore_ascii_case(value))
    };
    let is_dialog = tag(element) == Some("dialog");
    has("hidden")
        || is("aria-hidden", "true")
        || (tag(element) == Some("input") && is("type", "hidden"))
        || (is_dialog && !has("open"))
        // Whatever its value: <https://html.spec.whatwg.org/multipage/rendering.html#hidden-elements>
        || (has("popover") && !is_dialog)
        || (tag(element) == Some("rp") && !is_bracket(element))
        || attribute(element, "class").is_some_and(|class| {
            class.split_ascii_whitespace().any(|name| SCREEN_READER_CLASSES.contains(&name))
        })
        || attribute(element, "style").is_some_and(|style| hides(&style))
}

/// Whether the element holds no more than a bracket. A browser shows none around the reading of a word, as it sets the
/// reading above; in a line of text it keeps the two apart.
fn is_bracket(element: &Rc<Node>) -> bool {
    element.children.borrow().iter().all(|child| match &child.data {
        NodeData::Text { contents } => {
            let text = contents.borrow();
            let text = text.trim();
            text.chars().count() <= 1 && !text.contains(char::is_alphanumeric)
        }
        _ => false,
    }) && element.children.borrow().len() <= 1
}

/// Whether an inline style makes its element invisible.
fn hides(style: &str) -> bool {
    Declarations::parse(style).is_none_or(|style| {
        let overflows = |ways: &[&str]| {
            style.iter().any(|(property, value)| {
                property.starts_with("overflow")
                    && property != "overflow-anchor"
                    && words(value).any(|word| ways.contains(&word))
            })
        };
        let cuts = overflows(&["hidden", "clip"]);
        let scrolls = overflows(&["auto", "scroll", "overlay"]);
        colors::hide(&style)
            || style.iter().any(|(property, value)| {
                declaration_hides(property, value)
                    || shifts::hides(property, value, &style, cuts)
                    || ((cuts || scrolls) && is_narrow(property, value) && !grows(property, &style))
            })
    })
}

fn declaration_hides(property: &str, value: &str) -> bool {
    let share = || Quantity::parse(value).map(Quantity::share);
    // None of these is for a function to say, but for one that stands for something else: `var()`, `env()`, `attr()`.
    let is_told = !value.contains('(');
    match property {
        "display" => value == "none" || !is_told,
        "visibility" => matches!(value, "hidden" | "collapse") || !is_told,
        "content-visibility" => value == "hidden" || !is_told,
        "opacity" => share().map_or(!is_told, |opacity| opacity < VANISHING),
        "zoom" => share().is_some_and(|factor| factor < VANISHING),
        "font-size" => is_illegible(value),
        // Before the line's height. A number alone is the weight, unless it is zero.
        "font" => words(value.split('/').next().unwrap_or_default())
            .any(|word| is_illegible(word) && Quantity::parse(word).is_none_or(|size| size.number == 0.0)),
        "translate" | "scale" | "rotate" => transforms::property_hides(property, value),
        "transform" => transforms::hides(value),
        "filter" => functions(value).any(|(name, amount)| {
            name == "opacity" && Quantity::parse(amount).is_some_and(|left| left.share() < VANISHING)
        }),
        "clip" => clips::clip_hides(value),
        "clip-path" => clips::clip_path_hides(value),
        _ => false,
    }
}

/// Whether text of this size cannot be read. A theme's sizes are in custom properties, and are no reason; any other
/// function that cannot be read is.
fn is_illegible(size: &str) -> bool {
    let is_riddle = size.contains('(') && !size.contains("var()");
    Quantity::parse(size).map_or(is_riddle, |size| size.length() < ILLEGIBLE)
}

/// Whether a box that shows nothing beyond its edges has no room between them. A hundredth is no length but a way to give
/// old browsers a reason to draw: `height: 1%; overflow: hidden`.
fn is_narrow(property: &str, value: &str) -> bool {
    matches!(
        property.strip_prefix("max-").unwrap_or(property),
        "width" | "height" | "inline-size" | "block-size"
    ) && Quantity::parse(value).is_some_and(|size| size.fixed() <= NARROW && size.percent < NARROW)
}

/// Whether a box is larger than its size says: as it takes what room is left in a row of boxes, must have some room, or has
/// some below its text, as one that keeps a picture's proportions.
fn grows(property: &str, style: &Declarations) -> bool {
    let first_word = |property| style.value_of(property).and_then(|value| words(value).next());
    let is = |property, test: fn(Quantity) -> bool| {
        first_word(property).is_some_and(|word| word == "auto" || Quantity::parse(word).is_some_and(test))
    };
    let is_some = |property| is(property, |room| room.fixed() > NARROW || room.percent > NARROW);
    let is_flexible = is("flex", |share| share.number > 0.0) || is("flex-grow", |share| share.number > 0.0);
    match property {
        "width" | "inline-size" => is_flexible || is_some("min-width") || is_some("min-inline-size"),
        "height" | "block-size" => {
            is_flexible
                || is_some("min-height")
                || is_some("min-block-size")
                || is_some("padding-bottom")
                || is_some("padding-block-end")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::hides;

    const HIDING: &[&str] = &[
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
        "transform: scale(.01)",
        "scale: .05",
        "scale: 1 0",
        "scale: 5%",
        "transform: scale(1) translateX(-9999px)",
        "transform: scale(0) scale(1)",
        "transform: scale(1, 0)",
        "transform: rotate(3deg) scale3d(1, 0, 1)",
        "transform: matrix(0, 0, 0, 0, 0, 0)",
        "transform: matrix(1, 0, 0, 1, -9999, 0)",
        "transform: matrix3d(1,0,0,0, 0,0,0,0, 0,0,1,0, 0,0,0,1)",
        "transform:translateX(-9999px)",
        "transform:translateX(calc(-9999px))",
        "translate: 0 -9999px",
        "opacity: 1e-9",
        "font-size: 1e-5px",
        "clip:rect(0,0,0,0)",
        "clip: rect(1px, 1px, 1px, 1px)",
        "clip: rect(0 0 0 0)",
        "clip: rect(10px, 300px, 10px, 0)",
        "clip: rect(auto, 0, auto, auto)",
        "clip: rect(-40px, 300px, 0, 0)",
        "clip-path: inset(50%)",
        "height:0;overflow:hidden",
        "max-height:1px; overflow-y: clip",
        "color:transparent",
        "color:#fff;background:#fff",
        "color:white;background-color:white",
        "background-color: currentColor",
        "display: no/**/ne; display: none",
        "--x: none; display: var(--x)",
        "--x: none; display: var(--X, block)",
        "--y: none; --x: var(--y); display: var(--x)",
        "display: var(--x)",
        "display: var(--x, none)",
        "display: env(x, none)",
        "visibility: var(--x)",
        "--x: var(--x); color: var(--x)",
        "--a: var(--b) var(--b); --b: var(--a) var(--a); color: var(--a)",
        "--a: '/*'; display: none",
        "--a: \"a\\\"/*\"; display: none",
        "--a: url(/*); display: none",
        "--a: my-url(a')'); display: none",
        "--a: 'a\n; display: none",
        "opacity: calc(0)",
        "opacity: calc(1 - 1)",
        "opacity: min(0, 1)",
        "opacity: var(--x)",
        "opacity: var(--x, 0)",
        "opacity: calc(var(--x) * 1)",
        "opacity: sin(0)",
        "-webkit-opacity: 0",
        "font-size: calc(0px)",
        "font-size: calc(1px * 0)",
        "font-size: clamp(0px, 1vw, 1px)",
        "font-size: var(--x, 0)",
        "--x: 0px; font-size: var(--x)",
        "font-size: calc(1px * sin(0))",
        "font: calc(0px) serif",
        "font: oblique 14deg 0/0 a",
        "font: 0 a",
        "color: #0000",
        "color: #ff000005",
        "color: rgba(0, 0, 0, 0)",
        "color: rgb(0 0 0 / 0%)",
        "color: rgb(0 0 0 / calc(0 / 2))",
        "color: rgb(0 0 0 / none)",
        "color: hsla(0, 0%, 0%, .01)",
        "color: rgba(var(--rgb), 0)",
        "--c: transparent; color: var(--c)",
        "color: white; background: #FFFFFF",
        "-webkit-text-fill-color: transparent",
        "color: red; -webkit-text-fill-color: #0000",
        "color: transparent; background-clip: text",
        "color: transparent; background: linear-gradient(transparent, transparent) text",
        "filter: opacity(0)",
        "filter: blur(0px) opacity(1%)",
        "-webkit-filter: opacity(0)",
        "max-height: 0; overflow: auto",
        "height: 0; overflow: scroll",
        "height: 0; overflow: hidden auto",
        "height: calc(100% - 100%); overflow: hidden",
        "block-size: 0; overflow: hidden",
        "inline-size: 0; overflow: hidden",
        "max-inline-size: 0; overflow-inline: clip",
        "height: 0; flex: none; overflow: hidden",
        "max-height: 0; flex: 1; overflow: hidden",
        "position: absolute; left: 9999px",
        "position: absolute; left: -200%",
        "position: absolute; right: 9999px",
        "position: absolute; bottom: 9999px",
        "position: fixed; top: 100vh",
        "position: absolute; left: calc(-1 * 9999px)",
        "--x: -9999px; left: var(--x)",
        "inset: 0 auto auto -9999px",
        "inset: 0 0 0 9999px",
        "inset: 9999px",
        "margin-left: 9999px",
        "margin: 0 0 0 9999px",
        "padding-left: 9999px",
        "text-indent: 9999px",
        "text-indent: 100%; white-space: nowrap; overflow: hidden",
        "text-indent: 600px; overflow: hidden",
        "translate: 9999px",
        "transform: translate(9999px)",
        "transform: translateX(calc(-1px * 9999))",
        "transform: scale(100) translateX(-10px)",
        "transform: scale(.3) scale(.3)",
        "transform: scale3d(1, 1, 0)",
        "transform: rotateY(90deg)",
        "transform: rotateX(.25turn)",
        "transform: rotateY(45deg) rotateY(45deg)",
        "transform: rotate3d(0, 1, 0, 1.5708rad)",
        "rotate: y 90deg",
        "rotate: 1 0 0 100grad",
        "transform: skewX(89.9deg)",
        "transform: matrix(1, 1, 1, 1, 0, 0)",
        "-ms-transform: scale(0)",
        "zoom: .001",
        "zoom: 1%",
        "clip-path: inset(50% 0)",
        "clip-path: inset(100% 0 0 0)",
        "clip-path: inset(0 100% 0 0)",
        "clip-path: inset(40% 0 60% round 4px)",
        "clip-path: inset(9999px)",
        "clip-path: circle(0)",
        "clip-path: circle(0px at 50% 50%)",
        "clip-path: ellipse(0 50%)",
        "clip-path: polygon(0 0, 0 0, 0 0)",
        "clip-path: polygon(evenodd, 0 0, 50% 50%, 100% 100%)",
        "clip-path: polygon(0 0)",
        "clip-path: rect(0 0 0 0)",
        "clip-path: xywh(0 0 100% 0)",
        "-webkit-clip-path: inset(100%)",
    ];

    #[test]
    fn styles_that_hide() {
        for style in HIDING {
            assert!(hides(style), "{style}");
        }
    }

    const SHOWING: &[&str] = &[
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
        "transform: scaleX(-1)",
        "transform: rotate(-720deg)",
        "transform: matrix(1, 0, 0, 1, 10, 10)",
        "transform: none",
        "scale: none",
        "scale: 80%",
        "font-size: 1em",
        "clip: rect(0, 300px, 200px, 0)",
        "clip: rect(1px, 300px, 200px, 1px)",
        "clip: auto",
        "color: inherit; background-color: inherit",
        "color: initial; background: initial",
        "color: revert-layer; background: revert-layer",
        "height:0",
        "width:100%;overflow:hidden",
        "color:#fff;background:#000",
        "background:url(data:image/png;base64,AA==)",
        "font-family: \"\\5FAE\\8F6F\", serif",
        "--x: 'display:none; opacity: 0'",
        "display: var(--x, block)",
        "--x: block; display: var(--x)",
        "opacity: var(--x, 1)",
        "opacity: calc(.5 + .5)",
        "font-size: var(--small)",
        "font-size: var(--small, 12px)",
        "font-size: calc(var(--scale) * 1rem)",
        "font-size: calc(1rem + 1vw)",
        "font-size: clamp(1rem, 1rem + ((1vw - 0.2rem) * 0.5), 2rem)",
        "font-size: 2pt",
        "font: 12px/0 serif",
        "font: 1 12px serif",
        "font: var(--font)",
        "color: var(--text)",
        "color: #123f",
        "color: #000000cc",
        "color: rgb(0, 0, 0)",
        "color: rgb(0 0 0)",
        "color: rgba(var(--rgb), .5)",
        "color: rgb(0 0 0 / 60%)",
        "color: white; background: black",
        "background: linear-gradient(red, blue); -webkit-background-clip: text; color: transparent",
        "background: linear-gradient(red, blue) text; -webkit-text-fill-color: transparent",
        "background: transparent",
        "filter: opacity(.5)",
        "filter: drop-shadow(0 0 2px rgba(0, 0, 0, 0))",
        "overflow: hidden auto",
        "height: 20px; overflow: hidden auto",
        "height: 1%; overflow: hidden",
        "flex: 1; height: 0; overflow: auto",
        "flex: 1 1 auto; width: 0; overflow: hidden",
        "height: 0; min-height: 100%; overflow: auto",
        "height: 0; padding-bottom: 56.25%; overflow: hidden",
        "max-height: 400px; overflow: auto",
        "left: 50%",
        "left: 100%; top: 100%",
        "bottom: 150%",
        "margin-left: -100%",
        "left: 50%; margin-left: -50vw; width: 100vw",
        "margin-left: calc(50% - 50vw)",
        "position: absolute; top: 12000px; left: 620px",
        "position: fixed; top: 0; left: 0",
        "inset: 9999px 0 0 0",
        "margin: 9999px 0 0",
        "padding-left: 40px",
        "text-indent: 2em; overflow: hidden",
        "transform: translate(-50%, -50%)",
        "transform: translateX(-200%)",
        "transform: translateY(12000px)",
        "translate: 50% 10px",
        "transform: rotateY(180deg)",
        "transform: rotateY(60deg) rotateY(30deg) rotateX(180deg) rotateY(90deg)",
        "transform: scale(.3) scale(3)",
        "transform: scale(100000, 1)",
        "transform: rotate(90deg)",
        "transform: rotateZ(90deg)",
        "rotate: 90deg",
        "rotate: y 180deg",
        "transform: skewX(20deg)",
        "transform: matrix(0, 1, -1, 0, 0, 0)",
        "transform: perspective(500px) translateZ(0)",
        "transform: translate3d(0, 0, 0)",
        "zoom: 1",
        "zoom: 80%",
        "clip-path: inset(50% 0 0 0)",
        "clip-path: inset(0 0 50%)",
        "clip-path: inset(10px round 4px)",
        "clip-path: circle()",
        "clip-path: circle(50%)",
        "clip-path: circle(at 0 0)",
        "clip-path: polygon(50% 0, 100% 100%, 0 100%)",
        "clip-path: polygon(0 0, 100% 100%, 100% 0, 0 100%)",
        "clip-path: rect(0 100% 100% 0)",
        "clip-path: url(#shape)",
    ];

    #[test]
    fn styles_that_show() {
        for style in SHOWING {
            assert!(!hides(style), "{style}");
        }
    }
}
