//! Arguments as a keyed digest: whoever lacks the key can neither read nor guess them.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha2::Sha256;

/// The shortest key accepted, in bytes: as long as HMAC-SHA-256's output (RFC 2104 §3).
const MIN_KEY_BYTES: usize = 32;

/// The key of the arguments' digests.
#[derive(Debug, Clone)]
pub struct AuditKey {
    secret: SecretString,
    id: String,
}

/// A key that is too short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an audit key needs at least {MIN_KEY_BYTES} bytes; make one with `openssl rand -hex 32`")]
pub struct AuditKeyError;

impl AuditKey {
    /// Takes a secret of at least 32 bytes.
    ///
    /// # Errors
    /// [`AuditKeyError`] for a shorter one.
    pub fn new(secret: SecretString) -> Result<Self, AuditKeyError> {
        if secret.expose_secret().len() < MIN_KEY_BYTES {
            return Err(AuditKeyError);
        }
        let id = hex::encode(&mac(&secret, b"autri audit key id")[..4]);
        Ok(Self { secret, id })
    }

    /// Names the key in each row, so that digests stay checkable after a rotation. Derived from the key, and of no use
    /// for finding it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// HMAC-SHA-256 of the tool's name and the arguments in canonical form (RFC 8785), so that key order and white space
    /// make no difference.
    #[must_use]
    pub fn digest(&self, tool: &str, arguments: &Value) -> [u8; 32] {
        // Canonicalisation fails for no value that was parsed from JSON; were it to, the plain form is as unambiguous.
        let canonical =
            serde_json_canonicalizer::to_vec(arguments).unwrap_or_else(|_| arguments.to_string().into());
        mac(&self.secret, &[tool.as_bytes(), &[0], &canonical].concat())
    }

    /// [`AuditKey::digest`] in hexadecimal, for a log: 64 characters.
    #[must_use]
    pub fn digest_hex(&self, tool: &str, arguments: &Value) -> String {
        hex::encode(self.digest(tool, arguments))
    }

    /// Whether `digest` is that of these arguments, in constant time.
    #[must_use]
    pub fn verify(&self, tool: &str, arguments: &Value, digest: &[u8]) -> bool {
        let expected = self.digest(tool, arguments);
        let difference = expected.iter().zip(digest).fold(0, |sum, (a, b)| sum | (a ^ b));
        digest.len() == expected.len() && difference == 0
    }
}

fn mac(secret: &SecretString, message: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()).expect("any key length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(byte: &str) -> AuditKey {
        AuditKey::new(byte.repeat(32).into()).unwrap()
    }

    #[test]
    fn a_digest_depends_on_the_arguments_the_tool_and_the_key_alone() {
        let key_a = key("a");
        let digest = key_a.digest("search", &json!({"query": "leave", "limit": 3}));
        let reordered: Value = serde_json::from_str(r#"{ "limit": 3, "query":"leave" }"#).unwrap();
        assert_eq!(digest, key_a.digest("search", &reordered));
        assert!(key_a.verify("search", &reordered, &digest));
        assert!(!key_a.verify("fetch", &reordered, &digest));
        assert!(!key_a.verify("search", &json!({"query": "leave"}), &digest));
        assert!(!key_a.verify("search", &reordered, &digest[..31]));
        assert!(!key("b").verify("search", &reordered, &digest));
        assert_ne!(key_a.id(), key("b").id());
    }

    #[test]
    fn a_digest_in_hexadecimal_is_the_same_one() {
        let (key, arguments) = (key("a"), json!("ada@example.com"));
        let text = key.digest_hex("email", &arguments);
        assert_eq!(text.len(), 64);
        let bytes: Vec<u8> =
            (0..32).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect();
        assert!(key.verify("email", &arguments, &bytes));
    }

    #[test]
    fn a_short_key_is_refused() {
        assert_eq!(AuditKey::new("x".repeat(31).into()).unwrap_err(), AuditKeyError);
    }
}
