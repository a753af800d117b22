//! The usable keys of a JWKS document (RFC 7517).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use jsonwebtoken::jwk::{CommonParameters, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

/// The longest `kid`, in bytes. Cognito's have 44.
pub(crate) const MAX_KID_BYTES: usize = 256;

/// RFC 7518 §3.3 sets the lower bound; beyond the upper one, aws-lc refuses to verify.
const MODULUS_BITS: RangeInclusive<usize> = 2048..=8192;

/// FIPS 186-5 §5.1 sets the lower bound (above 2^16); beyond the upper one, aws-lc refuses to verify.
const EXPONENT_BITS: RangeInclusive<usize> = 17..=33;

/// RSA keys by their `kid`. A tree and not a hash map: there are two of them, and it needs no random state.
#[derive(Debug, Default)]
pub(crate) struct KeySet(BTreeMap<String, Arc<DecodingKey>>);

/// Not a [`jsonwebtoken::jwk::JwkSet`], which one malformed key makes unreadable.
#[derive(Deserialize)]
struct JwksDocument {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a document, and skips every key that does not verify RS256 safely: of another type, use or
    /// algorithm, without `kid`, weak, or sharing its `kid` with another, where either choice would be a guess.
    ///
    /// # Errors
    /// If this is no JWKS document at all.
    pub(crate) fn parse(document: &[u8]) -> Result<Self, serde_json::Error> {
        let document: JwksDocument = serde_json::from_slice(document)?;
        let mut by_kid: BTreeMap<String, Option<Arc<DecodingKey>>> = BTreeMap::new();
        for (kid, key) in document.keys.into_iter().filter_map(usable) {
            by_kid.entry(kid).and_modify(|slot| *slot = None).or_insert(Some(Arc::new(key)));
        }
        Ok(Self(by_kid.into_iter().filter_map(|(kid, key)| Some((kid, key?))).collect()))
    }

    pub(crate) fn find(&self, kid: &str) -> Option<Arc<DecodingKey>> {
        self.0.get(kid).cloned()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn usable(value: Value) -> Option<(String, DecodingKey)> {
    if !is_unambiguous_public_key(&value) {
        return None;
    }
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    if !may_verify_rs256(&jwk.common) || !is_sound_rsa_key(&key) {
        return None;
    }
    let kid = jwk.common.key_id.filter(|kid| (1..=MAX_KID_BYTES).contains(&kid.len()))?;
    Some((kid, key))
}

/// What [`Jwk`] does not tell: it takes `null` for absent, and drops `d`, the private exponent. A key that is
/// published with that is anybody's.
fn is_unambiguous_public_key(jwk: &Value) -> bool {
    let is_null = |name: &str| jwk.get(name).is_some_and(Value::is_null);
    jwk.get("d").is_none() && !["use", "key_ops", "alg"].into_iter().any(is_null)
}

/// Each of these members is optional, and binding if it is there.
fn may_verify_rs256(jwk: &CommonParameters) -> bool {
    jwk.public_key_use.as_ref().is_none_or(|named| *named == PublicKeyUse::Signature)
        && jwk.key_operations.as_ref().is_none_or(|named| named.contains(&KeyOperations::Verify))
        && jwk.key_algorithm.is_none_or(|named| named == KeyAlgorithm::RS256)
}

fn is_sound_rsa_key(key: &DecodingKey) -> bool {
    let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else { return false };
    MODULUS_BITS.contains(&bits(n)) && is_odd(n) && EXPONENT_BITS.contains(&bits(e)) && is_odd(e)
}

/// The length of a number, or 0 if it is not written in its shortest form (RFC 7518 §2, `Base64urlUInt`).
fn bits(big_endian: &[u8]) -> usize {
    match big_endian {
        [] | [0, ..] => 0,
        [first, ..] => big_endian.len() * 8 - first.leading_zeros() as usize,
    }
}

fn is_odd(big_endian: &[u8]) -> bool {
    big_endian.last().is_some_and(|byte| byte % 2 == 1)
}
