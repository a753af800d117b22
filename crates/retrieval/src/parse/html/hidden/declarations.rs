//! A style attribute as its declarations, with what its own custom properties stand for put in.

/// How often a style's values may stand for others. Values that double each other would else fill all memory.
const MAX_SUBSTITUTIONS: usize = 100;

/// How much those may put in, in bytes.
const MAX_SUBSTITUTED_BYTES: usize = 64 * 1024;

/// The properties of a style with their values, in lower case, without `!important` and without a vendor's prefix.
#[derive(Debug)]
pub(super) struct Declarations(Vec<(String, String)>);

impl Declarations {
    /// `None` for a style that nobody writes who has nothing to hide: with an escape outside of a string, which would
    /// pass by every comparison, or with custom properties that stand for each other without an end.
    pub(super) fn parse(style: &str) -> Option<Self> {
        let written: Vec<(String, String)> =
            split(&style.to_ascii_lowercase())?.iter().filter_map(|text| declaration(text)).collect();
        let mut budget = Budget { substitutions: MAX_SUBSTITUTIONS, bytes: MAX_SUBSTITUTED_BYTES };
        let mut read = Vec::with_capacity(written.len());
        for (property, value) in &written {
            if !property.starts_with("--") {
                let value = substituted(value, &written, &mut budget)?;
                read.push((without_prefix(property).to_owned(), value));
            }
        }
        Some(Self(read))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(property, value)| (property.as_str(), value.as_str()))
    }

    /// What the property was last set to.
    pub(super) fn value_of(&self, wanted: &str) -> Option<&str> {
        self.iter().filter(|(property, _)| *property == wanted).last().map(|(_, value)| value)
    }
}

fn declaration(text: &str) -> Option<(String, String)> {
    let (property, value) = text.split_once(':')?;
    let value = value.split('!').next().unwrap_or_default();
    Some((property.trim().to_owned(), value.trim().to_owned()))
}

/// `-webkit-filter` is `filter`, for the browsers that knew it first.
fn without_prefix(property: &str) -> &str {
    ["-webkit-", "-moz-", "-ms-"].iter().find_map(|prefix| property.strip_prefix(prefix)).unwrap_or(property)
}

/// The style at its semicolons, without comments and strings: what looks like one of those in a string is none
/// (<https://drafts.csswg.org/css-syntax/#consume-token>). `None` if it has an escape outside of a string.
fn split(style: &str) -> Option<Vec<String>> {
    let mut parts = vec![String::new()];
    let mut rest = style;
    while let Some(char) = rest.chars().next() {
        let after = &rest[char.len_utf8()..];
        rest = match char {
            '\\' => return None,
            '"' | '\'' => after_string(after, char),
            '/' if after.starts_with('*') => after[1..].split_once("*/").map_or("", |(_, after)| after),
            ';' => {
                parts.push(String::new());
                after
            }
            _ => {
                parts.last_mut()?.push(char);
                if char == '(' && is_url(parts.last()?) { after_url(after) } else { after }
            }
        };
    }
    Some(parts)
}

/// What follows the string, which ends at its line's end too.
fn after_string(text: &str, quote: char) -> &str {
    let mut is_escaped = false;
    let end = text.find(|char: char| {
        let ends = !is_escaped && (char == quote || char == '\n');
        is_escaped = !is_escaped && char == '\\';
        ends
    });
    end.map_or("", |end| &text[end + 1..])
}

/// Whether the text ends with the beginning of an address; `my-url(` is a function as any other.
fn is_url(text: &str) -> bool {
    text.strip_suffix("url(").is_some_and(|before| {
        !before.ends_with(|char: char| char.is_alphanumeric() || matches!(char, '-' | '_'))
    })
}

/// What follows an address without quotes, in which nothing but the bracket has a meaning; with quotes, all of the text.
fn after_url(text: &str) -> &str {
    if text.trim_start().starts_with(['"', '\'']) {
        return text;
    }
    text.find(')').map_or("", |end| &text[end..])
}

struct Budget {
    substitutions: usize,
    bytes: usize,
}

impl Budget {
    fn take(&mut self, bytes: usize) -> Option<()> {
        self.substitutions = self.substitutions.checked_sub(1)?;
        self.bytes = self.bytes.checked_sub(bytes)?;
        Some(())
    }
}

/// The value with what each `var()` stands for: what the style itself sets, else the fallback. One with neither stays.
fn substituted(value: &str, written: &[(String, String)], budget: &mut Budget) -> Option<String> {
    let mut done = String::new();
    let mut rest = value.to_owned();
    while let Some(at) = rest.find("var(") {
        let arguments = inside(&rest[at + 4..]);
        let after = rest[at + 4 + arguments.len()..].strip_prefix(')').unwrap_or_default();
        let (name, fallback) = arguments.split_once(',').unzip();
        let name = name.unwrap_or(arguments).trim();
        let set =
            written.iter().rev().find(|(property, _)| property == name).map(|(_, value)| value.as_str());
        done.push_str(&rest[..at]);
        rest = if let Some(value) = set.or(fallback) {
            budget.take(value.len())?;
            format!(" {value} {after}")
        } else {
            budget.take(0)?;
            done.push_str("var()");
            after.to_owned()
        };
    }
    done.push_str(&rest);
    Some(done.trim().to_owned())
}

/// What is before the bracket that closes the one before the text.
pub(super) fn inside(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|char: char| {
        depth += i32::from(char == '(') - i32::from(char == ')');
        depth == 0
    });
    &text[..end.unwrap_or(text.len())]
}

/// The functions of a value with what stands in their brackets: `scale(1) translate(2px)`.
pub(super) fn functions(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once('(')?;
        let arguments = inside(after);
        rest = after[arguments.len()..].trim_start_matches(')');
        Some((name.trim(), arguments))
    })
}

/// The words of a value, apart at spaces, commas and slashes that stand in no brackets.
pub(super) fn words(value: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    value
        .split(move |char: char| {
            depth += i32::from(char == '(') - i32::from(char == ')');
            depth == 0 && (char.is_ascii_whitespace() || matches!(char, ',' | '/'))
        })
        .filter(|word| !word.is_empty())
}
