//! Why a caller is not let in.

/// A request without a usable token. Each variant is one answer of the server.
///
/// [`std::fmt::Display`] and [`Refusal::class`] say no more than the class, which is all that a client may learn. The reason
/// behind [`Refusal::InvalidToken`] is for our own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No bearer token was sent: 401 with a challenge that carries no error code (RFC 6750 §3.1).
    #[error("a bearer token is required")]
    MissingToken,
    /// The token is not one of ours, not for us, or not valid now: 401 `invalid_token`.
    #[error("the token is not valid")]
    InvalidToken(InvalidReason),
    /// The token is valid in every other respect, and lacks the required scope: 403 `insufficient_scope`.
    #[error("the token lacks the required scope")]
    InsufficientScope,
    /// The issuer's keys cannot be had, so nothing is said about the token: 503 with `Retry-After`.
    #[error("tokens cannot be verified at the moment")]
    KeysUnavailable {
        /// Seconds until another fetch of the keys may start, at least 1.
        retry_after_secs: u32,
    },
}

impl Refusal {
    /// The class in one word, for logs, metrics and answers.
    #[must_use]
    pub const fn class(&self) -> &'static str {
        match self {
            Self::MissingToken => "missing_token",
            Self::InvalidToken(_) => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::KeysUnavailable { .. } => "keys_unavailable",
        }
    }

    /// Why a token is invalid. For our own log; never for the client.
    #[must_use]
    pub const fn reason(&self) -> Option<InvalidReason> {
        match self {
            Self::InvalidToken(reason) => Some(*reason),
            Self::MissingToken | Self::InsufficientScope | Self::KeysUnavailable { .. } => None,
        }
    }
}

impl From<InvalidReason> for Refusal {
    fn from(reason: InvalidReason) -> Self {
        Self::InvalidToken(reason)
    }
}

/// The first rule that a token broke, in the order in which they are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvalidReason {
    /// Not the compact form of a JWS, too long, a `crit` header, no usable `kid`, or claims that are missing,
    /// duplicated or of another type.
    Malformed,
    /// The header names another algorithm than the one this verifier takes.
    Algorithm,
    /// The issuer lists no such key.
    UnknownKey,
    /// The signature is not the key's.
    Signature,
    /// `iss` is not our issuer.
    Issuer,
    /// `exp` is reached.
    Expired,
    /// `nbf` is in the future.
    NotYetValid,
    /// `iat` is in the future.
    IssuedInFuture,
    /// Not an access token.
    TokenUse,
    /// No `client_id`, one that is none, or one that is not on the list.
    Client,
    /// An audience is demanded and `aud` does not hold it.
    Audience,
    /// No `sub`, or one that is none.
    Subject,
    /// `connector_id` is missing or no UUID.
    Connector,
}

impl InvalidReason {
    /// The reason in one word, for the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::TokenUse => "token_use",
            Self::Client => "client",
            Self::Audience => "audience",
            Self::Subject => "subject",
            Self::Connector => "connector",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sees_does_not_depend_on_the_reason() {
        let expired = Refusal::from(InvalidReason::Expired);
        let forged = Refusal::from(InvalidReason::Signature);
        assert_eq!(expired.to_string(), forged.to_string());
        assert_eq!(expired.class(), forged.class());
        assert_ne!(expired.reason(), forged.reason());
    }
}
