//! The `Authorization` header (RFC 6750 §2.1, RFC 9110 §11.4).

use crate::refusal::{InvalidReason, Refusal};

/// The longest token that is looked at, in bytes. Cognito's are about 1 KB; AWS limits the header to 4 KB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The token in the value of an `Authorization` header.
///
/// The scheme is compared without regard to case and followed by one or more spaces, then by exactly one token in
/// the syntax of RFC 6750 (`b64token`).
///
/// # Errors
/// [`Refusal::MissingToken`] without a header, with another scheme, or with a scheme and no token: in RFC 6750
/// §3.1 these are callers that did not know they must authenticate, and get a challenge without an error code.
/// [`InvalidReason::Malformed`] for anything else, such as two tokens, which is what proxies make of two headers.
pub fn bearer_token(authorization: Option<&str>) -> Result<&str, Refusal> {
    let value = authorization.ok_or(Refusal::MissingToken)?;
    let (scheme, rest) = value.split_once(' ').ok_or(Refusal::MissingToken)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refusal::MissingToken);
    }
    let token = rest.trim_start_matches(' ');
    if token.is_empty() {
        return Err(Refusal::MissingToken);
    }
    if token.len() > MAX_TOKEN_BYTES || !is_b64token(token) {
        return Err(InvalidReason::Malformed.into());
    }
    Ok(token)
}

/// `b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="`
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !body.is_empty() && body.bytes().all(is_token_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_in_any_case_of_the_scheme() {
        for value in ["Bearer a.b-c_d~e+f/g==", "bearer a.b-c_d~e+f/g==", "BEARER   a.b-c_d~e+f/g=="] {
            assert_eq!(bearer_token(Some(value)), Ok("a.b-c_d~e+f/g=="), "{value}");
        }
    }

    #[test]
    fn no_token_is_missing() {
        for value in
            [None, Some(""), Some("Bearer"), Some("Bearer "), Some("Basic YTpi"), Some("Bearer\tabc")]
        {
            assert_eq!(bearer_token(value), Err(Refusal::MissingToken), "{value:?}");
        }
    }

    #[test]
    fn what_is_no_token_is_malformed() {
        for value in [
            "Bearer a b",
            "Bearer a, Bearer b",
            "Bearer a ",
            "Bearer \"a\"",
            "Bearer a=b",
            "Bearer ==",
            "Bearer ä",
            "Bearer a\u{0}",
            "Bearer \ta",
        ] {
            assert_eq!(bearer_token(Some(value)), Err(InvalidReason::Malformed.into()), "{value:?}");
        }
    }

    #[test]
    fn length_is_bounded() {
        let longest = format!("Bearer {}", "a".repeat(MAX_TOKEN_BYTES));
        assert!(bearer_token(Some(&longest)).is_ok());
        assert_eq!(bearer_token(Some(&format!("{longest}a"))), Err(InvalidReason::Malformed.into()));
    }
}
