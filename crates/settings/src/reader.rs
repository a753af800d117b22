//! Reading all of them before giving up on any.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use crate::{Setting, SettingsError};

/// Reads settings and keeps what is wrong with them, so that all problems are found at once. An empty value counts as none.
///
/// A method that returns an [`Option`] has named the problem when it returns `None` where there should be a value; a
/// method that returns a value has named it and gives the default. Either way [`Reader::finish`] refuses.
pub struct Reader<'a> {
    source: &'a dyn Fn(&str) -> Option<OsString>,
    problems: Vec<String>,
}

impl<'a> Reader<'a> {
    /// Reads from any source, such as the process's environment.
    pub fn new(source: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// What was made of the settings, if no problem was found.
    ///
    /// # Errors
    /// [`SettingsError`] with all that is missing or wrong.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, SettingsError> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(SettingsError(self.problems)),
        }
    }

    /// The text, if there is one.
    pub fn optional(&mut self, setting: Setting) -> Option<String> {
        let value = (self.source)(setting.name).filter(|value| !value.is_empty())?;
        // To take it for none would turn a check off that somebody set.
        value.into_string().map_err(|_| self.problem(setting, "is not UTF-8")).ok()
    }

    /// The text; its absence is a problem.
    pub fn required(&mut self, setting: Setting) -> Option<String> {
        let problems = self.problems.len();
        let value = self.optional(setting);
        if value.is_none() && self.problems.len() == problems {
            self.problem(setting, "is missing");
        }
        value
    }

    /// The items between commas, trimmed, without empty ones. A text without any is a problem: most lists allow something, and
    /// an empty one often stands for anything.
    pub fn list(&mut self, setting: Setting) -> Vec<String> {
        let Some(text) = self.optional(setting) else { return Vec::new() };
        let items: Vec<String> =
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect();
        if items.is_empty() {
            self.problem(setting, &format!("has no item; leave it out for the default: {}", setting.default));
        }
        items
    }

    /// The value that the text is written as.
    pub fn parsed<T: FromStr>(&mut self, setting: Setting, default: T) -> T {
        let Some(text) = self.optional(setting) else { return default };
        text.parse().unwrap_or_else(|_| {
            self.problem(setting, &format!("does not parse; the default is {}", setting.default));
            default
        })
    }

    /// A number from `min` to `max`, both included.
    pub fn number(&mut self, setting: Setting, default: u32, min: u32, max: u32) -> u32 {
        let number = self.parsed(setting, default);
        if !(min..=max).contains(&number) {
            self.problem(setting, &format!("must be from {min} to {max}"));
        }
        number
    }

    /// The choice that the text names; without one, the first.
    ///
    /// # Panics
    /// When there is nothing to choose from.
    pub fn one_of<T: Copy>(&mut self, setting: Setting, choices: &[(&str, T)]) -> T {
        let Some(text) = self.optional(setting) else { return choices[0].1 };
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
            return *choice;
        }
        let names: Vec<String> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
        self.problem(setting, &format!("must be {}", names.join(" or ")));
        choices[0].1
    }

    /// What a parser made of the setting. Its error becomes the problem, so it must not repeat the value.
    pub fn checked<T, E: fmt::Display>(&mut self, setting: Setting, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.problem(setting, &error.to_string())).ok()
    }

    /// Names a problem. Values are never repeated: some are secrets.
    pub fn problem(&mut self, setting: Setting, what: &str) {
        self.problems.push(format!("{}: {what}", setting.name));
    }
}

impl fmt::Debug for Reader<'_> {
    /// Without the source, which has values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("problems", &self.problems).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    const NAME: Setting = setting("TEST_NAME", "required");
    const PORT: Setting = setting("TEST_PORT", "`80`");
    const MODE: Setting = setting("TEST_MODE", "`slow`");
    const HOSTS: Setting = setting("TEST_HOSTS", "none");

    const fn setting(name: &'static str, default: &'static str) -> Setting {
        Setting { name, default, meaning: "For tests." }
    }

    type Read = (String, u32, bool, Vec<String>);

    fn read(values: &[(&str, &str)]) -> Result<Read, SettingsError> {
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, OsStr::new(value))).collect();
        read_any(&values)
    }

    fn read_any(values: &[(&str, &OsStr)]) -> Result<Read, SettingsError> {
        let source = |name: &str| {
            values.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| (*value).to_owned())
        };
        let mut reader = Reader::new(&source);
        let name = reader.required(NAME);
        let port = reader.number(PORT, 80, 1, 65_535);
        let is_fast = reader.one_of(MODE, &[("slow", false), ("fast", true)]);
        let hosts = reader.list(HOSTS);
        let value = name.map(|name| (name, port, is_fast, hosts));
        reader.finish(value)
    }

    #[test]
    fn values_are_read_and_what_is_not_set_or_empty_has_its_default() {
        let least = read(&[("TEST_NAME", "x"), ("TEST_PORT", ""), ("TEST_HOSTS", "")]);
        assert_eq!(least, Ok(("x".to_owned(), 80, false, vec![])));
        let most = read(&[
            ("TEST_NAME", "x"),
            ("TEST_PORT", "65535"),
            ("TEST_MODE", "fast"),
            ("TEST_HOSTS", "a, b,,"),
        ]);
        assert_eq!(most, Ok(("x".to_owned(), 65_535, true, vec!["a".to_owned(), "b".to_owned()])));
    }

    #[test]
    fn all_problems_are_found_at_once_and_no_value_is_repeated() {
        let error = read(&[("TEST_PORT", "65536"), ("TEST_MODE", "hunter2")]).unwrap_err();
        let expected = "the settings are not usable (docs/configuration.md has them all):\n  \
                        TEST_NAME: is missing\n  \
                        TEST_PORT: must be from 1 to 65535\n  \
                        TEST_MODE: must be `slow` or `fast`";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_value_beside_a_problem_is_no_success() {
        let SettingsError(problems) = read(&[("TEST_NAME", "x"), ("TEST_PORT", "many")]).unwrap_err();
        assert_eq!(problems, ["TEST_PORT: does not parse; the default is `80`"]);
    }

    /// Whoever sets a list means to allow something. What is left of `,` would be the default, which may allow anything.
    #[test]
    fn a_list_without_an_item_is_a_problem() {
        for list in [",", " ", " , ,"] {
            let SettingsError(problems) = read(&[("TEST_NAME", "x"), ("TEST_HOSTS", list)]).unwrap_err();
            assert_eq!(problems, ["TEST_HOSTS: has no item; leave it out for the default: none"], "{list:?}");
        }
    }

    #[test]
    fn what_is_not_utf_8_is_not_taken_for_none() {
        let bad = OsStr::from_bytes(b"a\xff");
        for name in ["TEST_NAME", "TEST_PORT", "TEST_MODE", "TEST_HOSTS"] {
            let values = [(name, bad), ("TEST_NAME", OsStr::new("x"))];
            let SettingsError(problems) = read_any(&values).unwrap_err();
            assert_eq!(problems, [format!("{name}: is not UTF-8")]);
        }
    }

    #[test]
    fn its_debug_has_no_value() {
        let source = |_: &str| Some("hunter2".into());
        let mut reader = Reader::new(&source);
        assert_eq!(reader.number(PORT, 80, 1, 2), 80);
        assert!(!format!("{reader:?}").contains("hunter2"));
    }
}
