//! Bearer token → [`autri_domain::Principal`].
//!
//! Owns: the syntax of the `Authorization` header (RFC 6750), the JWS and claim rules for Amazon Cognito access
//! tokens, the cache of the issuer's public keys and, with the feature `dev-auth`, tokens signed with a shared
//! secret for development on one machine.
//!
//! Must not: know HTTP responses (the server maps a [`Refusal`] to 401, 403 or 503), ask a database (whether a
//! connector still exists is not a token's to say), read settings from the environment, or read the time
//! other than through [`autri_domain::Clock`].
//!
//! How it fails: closed. No setting turns verification off, a verifier never holds both a shared secret and
//! public keys, and a token that cannot be judged because the keys are out of reach is neither accepted nor
//! called invalid ([`Refusal::KeysUnavailable`]).
//!
//! Nothing that ages is made before the first token is verified: a process may be restored from a snapshot
//! taken after start-up, hours later (Bedrock `AgentCore` Runtime).

mod bearer;
mod claims;
mod cognito;
#[cfg(feature = "dev-auth")]
mod dev;
mod http_key_source;
mod jws;
mod key_cache;
mod key_set;
mod key_source;
mod refusal;
mod unknown_kids;
mod verifier;

pub use bearer::{MAX_TOKEN_BYTES, bearer_token};
pub use claims::CLOCK_SKEW_SECS;
pub use cognito::{CognitoSettings, CognitoVerifier};
#[cfg(feature = "dev-auth")]
pub use dev::{
    DEV_ISSUER, DevSecret, DevSettings, DevToken, Hs256Verifier, MIN_DEV_SECRET_BYTES, WeakSecret, mint,
};
pub use http_key_source::{HttpKeySource, JwksUrl, JwksUrlError};
pub use key_cache::{COOL_DOWN_SECS, REFRESH_AGE_SECS};
pub use key_source::{KeySource, KeySourceError, MAX_JWKS_BYTES};
pub use refusal::{InvalidReason, Refusal};
pub use verifier::TokenVerifier;
