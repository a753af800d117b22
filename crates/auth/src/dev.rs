//! Tokens signed with a shared secret (HS256), for development on one machine.
//!
//! They carry the claims of a Cognito access token and are judged by the same rules, so that what works with
//! one works with the other. This module exists only with the feature `dev-auth`; that the server then
//! listens on the loopback interface only is the server's to enforce.

use std::sync::Arc;

use autri_domain::{Clock, ConnectorId, Principal, Scope};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use uuid::Uuid;

use crate::claims::ClaimRules;
use crate::jws::UnverifiedToken;
use crate::refusal::Refusal;

/// The shortest secret, in bytes: the output of the hash (RFC 7518 §3.2).
pub const MIN_DEV_SECRET_BYTES: usize = 32;

/// The issuer of development tokens: the CLI writes it, the server asks for it.
pub const DEV_ISSUER: &str = "http://localhost/autri-dev";

/// A secret that is long enough to sign with.
#[derive(Debug, Clone)]
pub struct DevSecret(SecretString);

/// A secret that can be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret for development tokens needs at least {MIN_DEV_SECRET_BYTES} bytes")]
pub struct WeakSecret;

impl DevSecret {
    /// Takes `secret` as its UTF-8 bytes.
    ///
    /// # Errors
    /// [`WeakSecret`] below [`MIN_DEV_SECRET_BYTES`].
    pub fn new(secret: SecretString) -> Result<Self, WeakSecret> {
        if secret.expose_secret().len() < MIN_DEV_SECRET_BYTES {
            return Err(WeakSecret);
        }
        Ok(Self(secret))
    }

    fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// What makes a development token one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevSettings {
    /// The claim `iss`, compared as text.
    pub issuer: String,
    /// The scope that every token must carry.
    pub required_scope: Scope,
}

/// Verifies tokens that [`mint`] made.
#[derive(Debug)]
pub struct Hs256Verifier {
    rules: ClaimRules,
    key: DecodingKey,
    clock: Arc<dyn Clock>,
}

impl Hs256Verifier {
    /// A verifier for tokens signed with `secret`.
    #[must_use]
    pub fn new(settings: DevSettings, secret: &DevSecret, clock: Arc<dyn Clock>) -> Self {
        let DevSettings { issuer, required_scope } = settings;
        let rules = ClaimRules {
            issuer,
            required_scope,
            also_accepted_scopes: Vec::new(),
            client_ids: None,
            audience: None,
        };
        Self { rules, key: DecodingKey::from_secret(secret.bytes()), clock }
    }

    /// The caller behind `token`.
    ///
    /// # Errors
    /// [`Refusal::InvalidToken`] or [`Refusal::InsufficientScope`].
    pub fn verify(&self, token: &str) -> Result<Principal, Refusal> {
        let token = UnverifiedToken::parse(token, Algorithm::HS256)?;
        self.rules.judge(token.claims_signed_by(&self.key)?, self.clock.now().timestamp())
    }
}

/// A development token to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevToken {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `client_id`.
    pub client_id: String,
    /// The claim `sub` of a person; `None` makes a machine's token, whose `sub` is its client's id.
    pub subject: Option<String>,
    /// The claim `connector_id`.
    pub connector_id: ConnectorId,
    /// The one scope it carries.
    pub scope: Scope,
    /// Seconds from now to `exp`.
    pub ttl_secs: u32,
}

/// Signs `token` with `secret`: HS256, valid from now on.
#[must_use]
#[expect(clippy::missing_panics_doc, reason = "it cannot fail")]
pub fn mint(secret: &DevSecret, token: &DevToken, clock: &dyn Clock) -> String {
    let now_secs = clock.now().timestamp();
    #[expect(clippy::disallowed_methods, reason = "it names this token, and nothing in the database")]
    let token_id = Uuid::now_v7();
    let claims = json!({
        "iss": token.issuer,
        "sub": token.subject.as_ref().unwrap_or(&token.client_id),
        "client_id": token.client_id,
        "connector_id": token.connector_id,
        "scope": token.scope.as_str(),
        "token_use": "access",
        "iat": now_secs,
        "exp": now_secs + i64::from(token.ttl_secs),
        "jti": token_id,
        "version": 2,
    });
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.bytes()))
        .expect("JSON can be written, and HS256 signs with any secret")
}
