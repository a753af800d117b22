//! How text looks, as far as that says what it is.

use super::xml::Element;

/// Fonts for code whose names do not say so.
const CODE_FONTS: [&str; 8] =
    ["andale", "consolas", "courier", "fixedsys", "inconsolata", "menlo", "monaco", "terminal"];

/// Words in the names of others: `DejaVu Sans Mono`, `Fira Code`, `Lucida Console`, `CMU Typewriter Text`.
const CODE_FONT_WORDS: [&str; 4] = ["mono", "code", "console", "typewriter"];

/// What a run, or a style, says of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Look {
    strike: Option<bool>,
    double_strike: Option<bool>,
    monospaced: Option<bool>,
}

impl Look {
    /// Takes what a run property says.
    pub(super) fn read(&mut self, element: &Element<'_>) {
        match element.word_name() {
            Some("strike") => self.strike = Some(element.is_on()),
            Some("dstrike") => self.double_strike = Some(element.is_on()),
            Some("rFonts") => {
                let font = ["ascii", "hAnsi"].into_iter().find_map(|script| element.attribute(script));
                // A theme has one font for headings and one for text, and goes before a font of its own (ECMA-376 part 1,
                // §17.3.2.26).
                let is_of_theme = element.attribute("asciiTheme").is_some();
                if is_of_theme || font.is_some() {
                    self.monospaced = Some(!is_of_theme && font.is_some_and(|font| is_for_code(&font)));
                }
            }
            _ => {}
        }
    }

    /// This, and where it says nothing, the other.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            strike: self.strike.or(other.strike),
            double_strike: self.double_strike.or(other.double_strike),
            monospaced: self.monospaced.or(other.monospaced),
        }
    }

    pub(super) fn is_struck(self) -> bool {
        [self.strike, self.double_strike].contains(&Some(true))
    }

    pub(super) fn is_monospaced(self) -> bool {
        self.monospaced == Some(true)
    }
}

fn is_for_code(font: &str) -> bool {
    let font = font.to_lowercase();
    font.split([' ', '-', '_']).any(|word| CODE_FONTS.contains(&word) || CODE_FONT_WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::is_for_code;

    #[test]
    fn fonts_for_code_are_known_by_their_names() {
        for font in ["Courier New", "Consolas", "DejaVu Sans Mono", "Source Code Pro", "Lucida Console"] {
            assert!(is_for_code(font), "{font}");
        }
        for font in ["Calibri", "Monotype Corsiva", "Times New Roman", "Codec", ""] {
            assert!(!is_for_code(font), "{font}");
        }
    }
}
