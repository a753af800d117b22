//! The compact form of a JWS (RFC 7515 §7.1). `jsonwebtoken` takes it apart and checks the signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};
use serde_json::value::RawValue;

use crate::bearer::MAX_TOKEN_BYTES;
use crate::refusal::InvalidReason;

/// A token of which only the header was read. Its algorithm is the one that its verifier takes.
pub(crate) struct UnverifiedToken<'a> {
    token: &'a str,
    algorithm: Algorithm,
    kid: Option<String>,
}

/// The header parameters that decide anything. `jku`, `jwk`, `x5u` and `x5c` let a token bring its own key
/// and are therefore not among them; `typ` varies between issuers and decides nothing here.
///
/// [`jsonwebtoken::Header`] is too lenient for them: it takes `null` for absent and `{"RS256":null}` for an
/// algorithm, and it reports an algorithm that it does not know like broken JSON.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "present")]
    kid: Option<String>,
    /// RFC 7515 §4.1.11: extensions that must be understood. We understand none.
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
}

impl<'a> UnverifiedToken<'a> {
    /// Reads the header of `token`, whose algorithm must be `algorithm`.
    pub(crate) fn parse(token: &'a str, algorithm: Algorithm) -> Result<Self, InvalidReason> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidReason::Malformed);
        }
        // What makes a token no JWS comes before what its header says.
        let library_view = decode_header(token);
        if library_view.as_ref().is_err_and(|error| !is_about_json(error)) {
            return Err(InvalidReason::Malformed);
        }
        let header = Header::of(token)?;
        if header.alg.parse() != Ok(algorithm) {
            return Err(InvalidReason::Algorithm);
        }
        if header.crit.is_some() || library_view.is_err() {
            return Err(InvalidReason::Malformed);
        }
        Ok(Self { token, algorithm, kid: header.kid })
    }

    /// The key that the token says it was signed with.
    pub(crate) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The payload, once it is known to be signed with `key`.
    pub(crate) fn claims_signed_by<T: DeserializeOwned>(
        &self,
        key: &DecodingKey,
    ) -> Result<T, InvalidReason> {
        let signed = decode::<Box<RawValue>>(self.token, key, &signature_only(self.algorithm));
        let payload = signed.map_err(|error| reason(&error))?.claims;
        json_object(payload.get().as_bytes())
    }
}

impl Header {
    fn of(token: &str) -> Result<Self, InvalidReason> {
        let encoded = token.split('.').next().unwrap_or_default();
        let json = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidReason::Malformed)?;
        json_object(&json)
    }
}

/// Pins `algorithm` and leaves every claim to [`crate::claims`]: the library would read the time from the system
/// and not from an [`autri_domain::Clock`], and it passes over claims of the wrong type.
fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

fn is_about_json(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Json(_))
}

/// With no claim checked, all but the signature is a matter of syntax.
fn reason(error: &Error) -> InvalidReason {
    match error.kind() {
        ErrorKind::InvalidSignature => InvalidReason::Signature,
        ErrorKind::InvalidAlgorithm => InvalidReason::Algorithm,
        _ => InvalidReason::Malformed,
    }
}

/// Parses a JSON object. Serde also fills a struct from an array, by position, which no token may do.
fn json_object<T: DeserializeOwned>(json: &[u8]) -> Result<T, InvalidReason> {
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(InvalidReason::Malformed);
    }
    serde_json::from_slice(json).map_err(|_| InvalidReason::Malformed)
}

/// For an optional member: it may be absent, but not `null`, which serde would take for absent.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
