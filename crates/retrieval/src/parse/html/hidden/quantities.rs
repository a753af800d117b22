//! Numbers and lengths of a style, with the sums that may stand in their place.

use super::declarations::inside;

/// How deep brackets may stand in each other.
const MAX_DEPTH: usize = 16;

/// What `1em` is taken for, in pixels.
const EM: f32 = 16.0;

/// What a number, a length or a sum of them comes to. What it is a part of is not known, so parts stay apart:
/// `calc(50% - 50vw)` is how a picture is made as wide as the window, and no shift of 800 pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Quantity {
    pub(super) number: f32,
    pub(super) pixels: f32,
    pub(super) percent: f32,
    /// Hundredths of the window.
    pub(super) viewport: f32,
}

impl Quantity {
    /// What the text begins with, if that is a number, a length or a sum.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Sum { rest: text.trim(), depth: 0 }.term()
    }

    /// A share of one: `0.5` or `50%`.
    pub(super) fn share(self) -> f32 {
        self.number + self.percent / 100.0
    }

    /// A length in pixels, roughly: of the usual size of text, in a window of the usual size.
    pub(super) fn length(self) -> f32 {
        self.fixed() + self.percent / 100.0 * EM
    }

    /// A length in pixels, but for the share of something that is not known. A number alone is one in old pages.
    pub(super) fn fixed(self) -> f32 {
        self.number + self.pixels + self.viewport * EM
    }

    fn map(self, change: impl Fn(f32) -> f32) -> Self {
        Self {
            number: change(self.number),
            pixels: change(self.pixels),
            percent: change(self.percent),
            viewport: change(self.viewport),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            number: self.number + other.number,
            pixels: self.pixels + other.pixels,
            percent: self.percent + other.percent,
            viewport: self.viewport + other.viewport,
        }
    }

    fn times(self, other: Self) -> Self {
        let is_number = self == Self { number: self.number, ..Self::default() };
        if is_number { other.map(|part| part * self.number) } else { self.map(|part| part * other.number) }
    }

    fn of_unit(number: f32, unit: &str) -> Self {
        let pixels = |pixels: f32| Self { pixels: number * pixels, ..Self::default() };
        match unit {
            "" => Self { number, ..Self::default() },
            "%" => Self { percent: number, ..Self::default() },
            "em" | "rem" | "ch" | "rch" | "ex" | "rex" | "lh" | "rlh" | "cap" | "ic" | "pc" => pixels(EM),
            "in" => pixels(96.0),
            "cm" => pixels(96.0 / 2.54),
            "mm" => pixels(96.0 / 25.4),
            "q" => pixels(96.0 / 101.6),
            "pt" => pixels(96.0 / 72.0),
            // Of the window, of what is left of it on a telephone, or of a part of the page: `vw`, `svh`, `cqi`.
            _ if unit.contains('v') || unit.starts_with("cq") => Self { viewport: number, ..Self::default() },
            _ => pixels(1.0),
        }
    }
}

/// An angle in radians.
pub(super) fn angle(text: &str) -> Option<f32> {
    let (number, rest) = number(text.trim())?;
    Some(match unit(rest) {
        "rad" => number,
        "grad" => (number * 0.9).to_radians(),
        "turn" => (number * 360.0).to_radians(),
        _ => number.to_radians(),
    })
}

/// The number that the text begins with, and what follows.
fn number(text: &str) -> Option<(f32, &str)> {
    let end_of = |text: &str, others: &[char]| {
        text.find(|char: char| !char.is_ascii_digit() && !others.contains(&char)).unwrap_or(text.len())
    };
    let signs = text.len() - text.trim_start_matches(['-', '+']).len();
    let end = signs + end_of(&text[signs..], &['.']);
    // `1e-9` is a number, and `1em` is not one with an exponent.
    let exponent = text[end..].strip_prefix('e').map_or(0, |text| {
        let signs = usize::from(text.starts_with(['-', '+']));
        let digits = end_of(&text[signs..], &[]);
        if digits == 0 { 0 } else { 1 + signs + digits }
    });
    let (number, rest) = text.split_at(end + exponent);
    Some((number.parse().ok()?, rest))
}

fn unit(text: &str) -> &str {
    if text.starts_with('%') {
        return "%";
    }
    &text[..text.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(text.len())]
}

/// Reads the sums of `calc()` and what may stand in them (<https://drafts.csswg.org/css-values/#calc-syntax>).
struct Sum<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Sum<'a> {
    fn of(text: &str, depth: usize) -> Option<Quantity> {
        let mut sum = Sum { rest: text, depth };
        let quantity = sum.sum()?;
        sum.rest.trim().is_empty().then_some(quantity)
    }

    fn sum(&mut self) -> Option<Quantity> {
        let mut sum = self.product()?;
        while let Some(sign) = self.operator(['+', '-']) {
            let other = self.product()?;
            sum = sum.plus(other.map(|part| if sign == '-' { -part } else { part }));
        }
        Some(sum)
    }

    fn product(&mut self) -> Option<Quantity> {
        let mut product = self.term()?;
        while let Some(sign) = self.operator(['*', '/']) {
            let other = self.term()?;
            product = if sign == '*' {
                product.times(other)
            } else {
                product.map(|part| if other.number == 0.0 { 0.0 } else { part / other.number })
            };
        }
        Some(product)
    }

    fn operator(&mut self, wanted: [char; 2]) -> Option<char> {
        let rest = self.rest.trim_start();
        let found = rest.chars().next().filter(|char| wanted.contains(char))?;
        self.rest = &rest[1..];
        Some(found)
    }

    fn term(&mut self) -> Option<Quantity> {
        self.rest = self.rest.trim_start();
        if let Some((number, rest)) = number(self.rest) {
            let unit = unit(rest);
            self.rest = &rest[unit.len()..];
            return Some(Quantity::of_unit(number, unit));
        }
        let (name, after) = self.rest.split_once('(')?;
        let arguments = inside(after);
        self.rest = after[arguments.len()..].strip_prefix(')').unwrap_or_default();
        self.function(name, arguments)
    }

    fn function(&self, name: &str, arguments: &'a str) -> Option<Quantity> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        let read = |text: &str| Self::of(text, self.depth + 1);
        let all = || arguments_of(arguments).map(read).collect::<Option<Vec<_>>>();
        let by_length = |one: &Quantity, other: &Quantity| one.length().total_cmp(&other.length());
        match name {
            "" | "calc" | "-webkit-calc" | "-moz-calc" => read(arguments),
            "min" => all()?.into_iter().min_by(by_length),
            "max" => all()?.into_iter().max_by(by_length),
            "clamp" => match *all()?.as_slice() {
                [least, wanted, most] => {
                    let capped = std::cmp::min_by(wanted, most, by_length);
                    Some(std::cmp::max_by(least, capped, by_length))
                }
                _ => None,
            },
            // What the device says is nothing on most.
            "env" => {
                arguments.split_once(',').map_or(Some(Quantity::default()), |(_, fallback)| read(fallback))
            }
            _ => None,
        }
    }
}

/// What stands between the commas that are in no brackets.
fn arguments_of(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |char: char| {
        depth += i32::from(char == '(') - i32::from(char == ')');
        depth == 0 && char == ','
    })
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn sums_are_done() {
        for (text, length) in [
            ("12px", 12.0),
            ("-1.5em", -24.0),
            ("1e1px", 10.0),
            ("1em", 16.0),
            ("3pt", 4.0),
            ("calc(1px * 0)", 0.0),
            ("calc(1px + 2 * (3px - 1px))", 5.0),
            ("calc(100% - 100%)", 0.0),
            ("calc(10px / 4)", 2.5),
            ("calc( -1 * 9999px )", -9999.0),
            ("min(0px, 5vw)", 0.0),
            ("clamp(1rem, 2vw, 1.5rem)", 24.0),
            ("env(x, 3px)", 3.0),
        ] {
            assert_eq!(Quantity::parse(text).map(Quantity::length), Some(length), "{text}");
        }
        for text in ["", "auto", "calc()", "calc(1px 2px)", "calc(var() * 1px)", "sin(0)"] {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn brackets_without_end_are_no_sum() {
        assert_eq!(Quantity::parse(&"(".repeat(1_000_000)), None);
        assert_eq!(Quantity::parse(&format!("{}0{}", "(".repeat(1_000), ")".repeat(1_000))), None);
    }
}
