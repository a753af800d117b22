//! The allowlist: who may sign up.
//!
//! One entry a line or comma, `#` and what follows on the line is a comment. An entry is an address, or `*@domain` for
//! everyone at exactly that domain. Whatever is neither lets nobody in, and is remembered: whom a slip of the pen locks out
//! is not to be taken for somebody who was never invited.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::email::is_domain;
use crate::{EmailAddress, EmailAddressError};

/// The parameter that has the list, unless told otherwise.
pub const DEFAULT_ALLOWLIST_PARAMETER: &str = "/autri/beta/ALLOWED_EMAILS";

/// What stands in a list without entries: Parameter Store keeps no empty value.
pub(crate) const NOBODY: &str = "none";

/// Whom one entry of the list lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// One person.
    Address(EmailAddress),
    /// Everyone at this domain, but not at its sub-domains. ASCII letters in lower case.
    Domain(String),
}

impl FromStr for Entry {
    type Err = EmailAddressError;

    fn from_str(text: &str) -> Result<Self, EmailAddressError> {
        match text.strip_prefix("*@") {
            Some(domain) if is_domain(domain) => Ok(Self::Domain(domain.to_ascii_lowercase())),
            Some(_) => Err(EmailAddressError),
            None => text.parse().map(Self::Address),
        }
    }
}

/// As it is written in the list.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => f.write_str(address.as_str()),
            Self::Domain(domain) => write!(f, "*@{domain}"),
        }
    }
}

/// Who may sign up.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Allowlist {
    /// Folded.
    addresses: BTreeSet<String>,
    /// Folded.
    domains: BTreeSet<String>,
    /// Entries that are none. Folded.
    malformed: Vec<String>,
}

impl Allowlist {
    /// Reads a list. Never fails: a text without a usable entry is a list on which nobody is.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut list = Self::default();
        for item in items(text) {
            match item.parse() {
                Ok(Entry::Address(address)) => drop(list.addresses.insert(address.folded())),
                Ok(Entry::Domain(domain)) => drop(list.domains.insert(domain)),
                Err(EmailAddressError) if item == NOBODY => {}
                Err(EmailAddressError) => list.malformed.push(item.to_ascii_lowercase()),
            }
        }
        list
    }

    /// Whether the address, or everyone at its domain, is listed.
    #[must_use]
    pub fn contains(&self, address: &EmailAddress) -> bool {
        self.addresses.contains(&address.folded()) || self.domains.contains(&address.folded_domain())
    }

    /// How many entries let somebody in.
    #[must_use]
    pub fn len(&self) -> usize {
        self.addresses.len() + self.domains.len()
    }

    /// Whether nobody is listed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries were ignored because they are neither an address nor `*@domain`.
    #[must_use]
    pub fn malformed_count(&self) -> usize {
        self.malformed.len()
    }

    /// Whether an entry that is none has this address or its domain in it, such as `ada@example.com;bob@example.com`: then
    /// nobody knows whether the address was meant to be listed.
    #[must_use]
    pub fn may_mean(&self, address: &EmailAddress) -> bool {
        let (address, domain) = (address.folded(), format!("@{}", address.folded_domain()));
        // By its domain only an entry that names no other person there.
        let by_domain = |entry: &String| entry.trim_start_matches('*').trim() == domain;
        self.malformed.iter().any(|entry| entry.contains(&address) || by_domain(entry))
    }
}

/// Shows no address, so that none gets into a log by way of `{:?}`.
impl fmt::Debug for Allowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowlist")
            .field("addresses", &self.addresses.len())
            .field("domains", &self.domains.len())
            .field("malformed", &self.malformed.len())
            .finish()
    }
}

/// The list's entries as they are written, malformed ones included.
pub(crate) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r'])
        .flat_map(|line| line.split('#').next().unwrap_or_default().split(','))
        .map(trimmed)
        .filter(|item| !item.is_empty())
}

/// Without white space around it, and without the byte order mark that some editors put at the beginning of a file.
pub(crate) fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(text: &str, address: &str) -> bool {
        Allowlist::parse(text).contains(&address.parse().unwrap())
    }

    #[test]
    fn every_form_of_the_parameter_is_read() {
        for text in [
            "ada@example.com",
            "Ada@Example.COM\n",
            "bob@example.com,ada@example.com",
            "bob@example.com, ada@example.com ,",
            "bob@example.com\r\nada@example.com\r\n",
            "bob@example.com\rada@example.com",
            "\tada@example.com\t# the first programmer\n",
            "ada@example.com#no space",
            "# staff\n\n  ada@example.com\n",
            "\u{feff}ada@example.com",
            "bob@example.com\n\u{feff}ada@example.com",
            "*@example.com",
            "*@EXAMPLE.com # all of them",
            "broken entry\nada@example.com",
        ] {
            assert!(contains(text, "ada@example.com"), "{text:?}");
            assert!(contains(text, "ADA@example.com"), "{text:?}");
            assert!(!contains(text, "eve@example.net"), "{text:?}");
        }
    }

    #[test]
    fn nobody_is_let_in_by_what_is_no_entry() {
        for (text, malformed) in [
            ("", 0),
            ("none", 0),
            (" \r\n,,\t,\n", 0),
            ("# ada@example.com", 0),
            ("none # ada@example.com", 0),
            ("*", 1),
            ("*@", 1),
            ("*@*", 1),
            ("*@*.com", 1),
            ("*@.com", 1),
            ("*@com", 0),
            ("*@example.com.", 1),
            ("*@sub.example.com", 0),
            ("**@example.com", 1),
            ("@example.com", 1),
            ("example.com", 1),
            ("*example.com", 1),
            (".*@example.com", 1),
            ("%@example.com", 0),
            ("ada@example.com;bob@example.com", 1),
            ("ada@example.com bob@example.com", 1),
            ("a da@example.com", 1),
            ("\"ada\"@example.com", 1),
            ("<ada@example.com>", 1),
            ("Ada <ada@example.com>", 1),
            ("ada@example.com@example.com", 1),
            ("ada@example.com.", 1),
            ("ada@example.com\u{200b}", 1),
            ("ada@example\u{2024}com", 1),
            ("\u{430}da@example.com", 0),
            ("a\u{feff}da@example.com", 1),
        ] {
            assert!(!contains(text, "ada@example.com"), "{text:?}");
            assert_eq!(Allowlist::parse(text).malformed_count(), malformed, "{text:?}");
        }
    }

    #[test]
    fn a_domain_is_that_domain_alone() {
        let text = "*@example.com";
        for (address, listed) in [
            ("ada@example.com", true),
            ("ada@EXAMPLE.COM", true),
            ("ada@mail.example.com", false),
            ("ada@notexample.com", false),
            ("ada@example.com.evil.net", false),
            ("example.com@evil.net", false),
            ("ada@example.co", false),
            ("ada@ex\u{430}mple.com", false),
        ] {
            assert_eq!(contains(text, address), listed, "{address}");
        }
        assert!(!contains("*@desk.example", "ada@des\u{212a}.example"), "KELVIN SIGN is no k");
    }

    #[test]
    fn no_address_is_in_its_debug_form() {
        let list = Allowlist::parse("ada@example.com, *@example.net, what");
        assert_eq!(format!("{list:?}"), "Allowlist { addresses: 1, domains: 1, malformed: 1 }");
        assert_eq!((list.len(), list.is_empty()), (2, false));
    }

    #[test]
    fn who_stands_in_an_entry_that_is_none_may_have_been_meant() {
        let may_mean = |text: &str| Allowlist::parse(text).may_mean(&"Ada@example.com".parse().unwrap());
        for text in [
            "ada@example.com;bob@example.com",
            "bob@example.com ADA@Example.com",
            "Ada Lovelace <ada@example.com>",
            "\"ada@example.com\"",
            "mailto:ada@example.com",
            "@example.com",
            "**@example.com",
        ] {
            assert!(may_mean(text), "{text:?}");
        }
        for text in [
            "",
            "*",
            "*@",
            "*@*",
            "none",
            "eve@example.com;bob@example.com",
            "@example.org",
            "# ada@example.com",
        ] {
            assert!(!may_mean(text), "{text:?}");
        }
    }
}
