//! Keys, tokens and a key source.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use autri_auth::{CognitoSettings, KeySource, KeySourceError};
use autri_domain::ConnectorId;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// The time at which the tests' clocks start.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Autri";
pub(crate) const SCOPE: &str = "mcp.autri.ai/mcp.invoke";
pub(crate) const KID: &str = "abc/def+ghi=";

/// An RSA key pair of the issuer (0), or of someone who would like to be it (1).
pub(crate) struct Signer(KeyPair);

/// The `n`th key pair, made once: generating one takes a while.
pub(crate) fn signer(n: usize) -> &'static Signer {
    static SIGNERS: [OnceLock<Signer>; 2] = [const { OnceLock::new() }; 2];
    SIGNERS[n].get_or_init(|| Signer(KeyPair::generate(KeySize::Rsa2048).unwrap()))
}

impl Signer {
    /// The public key as Cognito lists it.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let parts: RsaPublicKeyComponents<Vec<u8>> = self.0.public_key().into();
        let (n, e) = (base64url(parts.n), base64url(parts.e));
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e })
    }

    /// A token with this header and these claims.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", base64url(signature))
    }

    /// A token with a proper header and these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&json!({ "alg": "RS256", "kid": KID }), claims)
    }
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A valid token's claims, which last for a test that moves the clock by days.
pub(crate) fn claims(connector: ConnectorId, client: &str, subject: &str) -> Value {
    json!({
        "iss": ISSUER, "sub": subject, "client_id": client, "token_use": "access", "version": 2,
        "scope": format!("openid {SCOPE}"), "connector_id": connector, "jti": "a-token-id",
        "auth_time": NOW - 10, "iat": NOW - 10, "exp": NOW + 1_000_000,
    })
}

pub(crate) fn cognito_settings() -> CognitoSettings {
    CognitoSettings {
        issuer: ISSUER.to_owned(),
        jwks_url: "https://keys.invalid/jwks.json".parse().unwrap(),
        required_scope: SCOPE.parse().unwrap(),
        also_accepted_scopes: Vec::new(),
        client_ids: None,
        audience: None,
    }
}

/// A key source that counts fetches, and can be away.
#[derive(Debug)]
pub(crate) struct FakeKeys {
    document: Mutex<Option<Vec<u8>>>,
    fetches: AtomicUsize,
}

impl FakeKeys {
    /// Lists the first signer's key as [`KID`].
    pub(crate) fn of_the_issuer() -> Arc<Self> {
        let document = json!({ "keys": [signer(0).jwk(KID)] }).to_string().into_bytes();
        Arc::new(Self { document: Mutex::new(Some(document)), fetches: AtomicUsize::new(0) })
    }

    /// From now on there is no answer.
    pub(crate) fn go_away(&self) {
        *self.document.lock().unwrap() = None;
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

#[async_trait::async_trait]
impl KeySource for FakeKeys {
    async fn fetch_jwks(&self) -> Result<Vec<u8>, KeySourceError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        self.document.lock().unwrap().clone().ok_or(KeySourceError::Status(500))
    }
}
