//! What stops a start.

use std::fmt;

/// Every setting that is missing or wrong, one text each: `{NAME}: {problem}`.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError(pub Vec<String>);

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings are not usable (docs/configuration.md has them all):")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}
