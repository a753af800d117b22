//! Whose word for an address is taken: the setting `TRUSTED_IDPS`, of the trigger and of the CLI.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::str::FromStr;

/// Identity providers, by their names in the user pool: exactly as it writes them. By default `Google`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIdps(BTreeSet<String>);

impl TrustedIdps {
    /// Who is trusted where nobody is named, as the setting is written.
    pub const DEFAULT: &str = "Google";

    /// Whether the provider of this name is one of them.
    #[must_use]
    pub fn contains(&self, provider: &str) -> bool {
        self.0.contains(provider)
    }
}

impl Default for TrustedIdps {
    fn default() -> Self {
        Self([Self::DEFAULT.to_owned()].into())
    }
}

/// Names between commas, `none` alone for none, and without any name the default.
impl FromStr for TrustedIdps {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let names: BTreeSet<&str> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        if names.is_empty() {
            return Ok(Self::default());
        }
        if names == ["none"].into() {
            return Ok(Self(BTreeSet::new()));
        }
        Ok(Self(names.into_iter().map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_separated_by_commas() {
        for (text, names) in [
            ("Google", &["Google"][..]),
            ("Okta", &["Okta"]),
            ("Google,Okta", &["Google", "Okta"]),
            (" Google , Okta,", &["Google", "Okta"]),
            ("My Provider", &["My Provider"]),
            ("", &["Google"]),
            (" , ", &["Google"]),
            ("none", &[]),
            (" none,", &[]),
            ("None", &["None"]),
            ("none,Okta", &["Okta", "none"]),
        ] {
            let read: TrustedIdps = text.parse().unwrap();
            assert_eq!(read.0.iter().map(String::as_str).collect::<Vec<_>>(), names, "{text:?}");
        }
        assert_eq!(TrustedIdps::DEFAULT.parse(), Ok(TrustedIdps::default()));
    }
}
