//! OAuth scopes (RFC 6749 §3.3).

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The scope that calls need unless a deployment has set another.
pub const DEFAULT_SCOPE: &str = "mcp.autri.ai/mcp.invoke";

/// One scope token, such as `mcp.autri.ai/mcp.invoke`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(String);

/// A text that is not one scope token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a scope is one word of printable ASCII without space, quote or backslash (RFC 6749 §3.3)")]
pub struct ScopeError;

impl Scope {
    /// The scope's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        let is_token = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if text.is_empty() || !text.bytes().all(is_token) {
            return Err(ScopeError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The words of a `scope` claim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeSet(BTreeSet<Scope>);

impl ScopeSet {
    /// Splits a `scope` claim at single spaces; a word that is no scope token is left out and grants nothing.
    #[must_use]
    pub fn parse(claim: &str) -> Self {
        Self(claim.split(' ').filter_map(|word| word.parse().ok()).collect())
    }

    /// Whether `scope` is one of the words. A prefix or a part of a word grants nothing.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_granted_only_as_a_whole_word() {
        let wanted: Scope = "mcp.autri.ai/mcp.invoke".parse().unwrap();
        assert!(ScopeSet::parse("openid mcp.autri.ai/mcp.invoke email").contains(&wanted));
        for claim in
            ["", "mcp.autri.ai/mcp.invoke.more", "xmcp.autri.ai/mcp.invoke", "mcp.autri.ai/mcp.invoke\tx"]
        {
            assert!(!ScopeSet::parse(claim).contains(&wanted), "{claim:?}");
        }
    }

    #[test]
    fn a_scope_is_one_word() {
        for bad in ["", "a b", "a\"b", "a\\b", "ä", "a\n"] {
            assert_eq!(bad.parse::<Scope>(), Err(ScopeError), "{bad:?}");
        }
    }
}
