//! An e-mail address, as far as admission needs to understand one.

use std::fmt;
use std::str::FromStr;

/// The longest address, in bytes: 64 of the local part, the `@`, 255 of the domain (RFC 5321 §4.5.3.1).
const MAX_BYTES: usize = 320;

/// The ASCII punctuation of an unquoted local part: RFC 5321's `atext` and the dot, less `*` and `#`, which mean
/// something else in the allowlist. An address that could not be written there could not be invited either.
const LOCAL_PUNCTUATION: &str = ".!$%&'+-/=?^_`{|}~";

/// An address that can stand in the allowlist: one `@`, a local part without quotes, a domain without empty labels, at
/// most 320 bytes. Whether anybody reads mail there, it does not say.
///
/// Two are equal when they differ in the case of ASCII letters alone. Wider folding would make equal what different
/// people can own: U+212A KELVIN SIGN lower-cases to `k`.
#[derive(Clone)]
pub struct EmailAddress(String);

/// Text that is no address. Does not repeat it: addresses stay out of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not an e-mail address: one @, no white space, quotes, commas, `*` or `#`, and at most {MAX_BYTES} bytes"
)]
pub struct EmailAddressError;

impl EmailAddress {
    /// The address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address with ASCII letters in lower case: what equal addresses have in common.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// What follows the `@`, with ASCII letters in lower case.
    pub(crate) fn folded_domain(&self) -> String {
        self.0.rsplit('@').next().unwrap_or_default().to_ascii_lowercase()
    }
}

impl FromStr for EmailAddress {
    type Err = EmailAddressError;

    fn from_str(text: &str) -> Result<Self, EmailAddressError> {
        let (local, domain) = text.split_once('@').ok_or(EmailAddressError)?;
        let usable = text.len() <= MAX_BYTES && is_local_part(local) && is_domain(domain);
        usable.then(|| Self(text.to_owned())).ok_or(EmailAddressError)
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for EmailAddress {}

/// Shows no address, so that none gets into a log by way of `{:?}`.
impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

/// Letters and digits of any script (RFC 6531), which leaves out control, format and bidirectional characters.
fn is_local_part(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || LOCAL_PUNCTUATION.contains(c))
}

/// Labels of letters, digits and hyphens. No trailing dot: `example.com.` would be another spelling of a listed domain.
pub(crate) fn is_domain(text: &str) -> bool {
    text.split('.').all(|label| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_have_is_an_address() {
        for text in [
            "ada@example.com",
            "Ada.Lovelace+autri@Sub.Example.co.uk",
            "o'brien@example.com",
            "a@b",
            "x_{1}~@my-host",
            "用户@例え.jp",
        ] {
            let address: EmailAddress = text.parse().unwrap();
            assert_eq!(address.as_str(), text);
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        let over_long = format!("{}@example.com", "a".repeat(MAX_BYTES - "@example.com".len() + 1));
        for text in [
            "",
            "@",
            "a",
            "a@",
            "@example.com",
            "a@b@example.com",
            "a@@example.com",
            "*@example.com",
            "*",
            "*@",
            "*@*",
            "a*@example.com",
            "a@*.example.com",
            "a@example.com.",
            "a@.example.com",
            "a@exa..mple.com",
            "a@.",
            " a@example.com",
            "a@example.com ",
            "a b@example.com",
            "a@exam ple.com",
            "a\t@example.com",
            "a@example.com\n",
            "a\r\n@example.com",
            "a@example.com\0",
            "\u{feff}a@example.com",
            "a\u{200b}@example.com",
            "a\u{202e}@example.com",
            "a@example\u{2024}com",
            "a\u{a0}@example.com",
            "\"a\"@example.com",
            "\"a b\"@example.com",
            "<a@example.com>",
            "Ada <a@example.com>",
            "a,b@example.com",
            "a@example.com,",
            "a@example.com;b",
            "a#b@example.com",
            "a@[127.0.0.1]",
            "a@exam_ple.com",
            "mailto:a@example.com",
            "a\\@example.com",
            "a(b)@example.com",
            over_long.as_str(),
        ] {
            assert_eq!(text.parse::<EmailAddress>(), Err(EmailAddressError), "{text:?}");
        }
        let longest = over_long.strip_prefix('a').unwrap();
        assert!(longest.parse::<EmailAddress>().is_ok(), "{} bytes", longest.len());
    }

    #[test]
    fn only_the_case_of_ascii_letters_makes_no_difference() {
        let address = |text: &str| text.parse::<EmailAddress>().unwrap();
        assert_eq!(address("Ada@EXAMPLE.com"), address("aDA@example.COM"));
        assert_eq!(address("Ada@EXAMPLE.com").folded(), "ada@example.com");
        for (one, other) in [
            ("kim@example.com", "\u{212a}im@example.com"), // KELVIN SIGN
            ("i@example.com", "\u{130}@example.com"),      // I WITH DOT ABOVE
            ("s@example.com", "\u{17f}@example.com"),      // LONG S
            ("a@example.com", "\u{430}@example.com"),      // Cyrillic a
            ("a@example.com", "\u{ff41}@example.com"),     // full-width a
            ("é@example.com", "É@example.com"),
            ("a.b@example.com", "ab@example.com"),
            ("a+b@example.com", "a@example.com"),
        ] {
            assert_ne!(address(one), address(other), "{one} {other}");
        }
    }

    #[test]
    fn no_address_is_in_its_debug_form() {
        let address: EmailAddress = "ada@example.com".parse().unwrap();
        assert_eq!(format!("{address:?}"), "EmailAddress(…)");
    }
}
