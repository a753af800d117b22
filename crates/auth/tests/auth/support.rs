//! Keys, tokens and key sources for the tests.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};

use autri_auth::{CognitoSettings, CognitoVerifier, KeySource, KeySourceError};
use autri_domain::ManualClock;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// The time at which the tests' clocks start.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Autri";
pub(crate) const SCOPE: &str = "mcp.autri.ai/mcp.invoke";
pub(crate) const CONNECTOR: &str = "01900000-0000-7000-8000-000000000001";
pub(crate) const CLIENT: &str = "1example23456789abcdefghij";
/// Cognito's key ids are base64, with all that may hold.
pub(crate) const KID: &str = "abc/def+ghi=";

/// An RSA key pair of the issuer, or of someone who would like to be it.
pub(crate) struct Signer(KeyPair);

/// The `n`th key pair, made once: generating one takes a while.
pub(crate) fn signer(n: usize) -> &'static Signer {
    static SIGNERS: [OnceLock<Signer>; 2] = [const { OnceLock::new() }; 2];
    SIGNERS[n].get_or_init(|| Signer(KeyPair::generate(KeySize::Rsa2048).unwrap()))
}

impl Signer {
    pub(crate) fn components(&self) -> RsaPublicKeyComponents<Vec<u8>> {
        self.0.public_key().into()
    }

    /// The public key as Cognito lists it.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let RsaPublicKeyComponents { n, e } = self.components();
        let (n, e) = (base64url(n), base64url(e));
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e })
    }

    /// A token with this header and payload, byte for byte.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        self.sign_as(&RSA_PKCS1_SHA256, header, payload)
    }

    pub(crate) fn sign_as(&self, padding: &'static dyn RsaEncoding, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", base64url(header), base64url(payload));
        let mut signature = vec![0; self.0.public_modulus_len()];
        self.0.sign(padding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", base64url(signature))
    }

    /// A token with a proper header and these claims.
    pub(crate) fn token(&self, kid: &str, claims: &Value) -> String {
        self.sign(&json!({ "alg": "RS256", "kid": kid }).to_string(), &claims.to_string())
    }
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What [`base64url`] encoded.
pub(crate) fn from_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A valid machine token's claims.
pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": CLIENT, "client_id": CLIENT, "token_use": "access", "version": 2,
        "scope": format!("other/scope {SCOPE}"), "connector_id": CONNECTOR, "jti": "a-token-id",
        "auth_time": NOW - 10, "iat": NOW - 10, "exp": NOW + 3_000,
    })
}

/// [`claims`] with some of them replaced.
pub(crate) fn claims_with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

/// A token that never expires within a test, signed by the first key.
pub(crate) fn lasting_token(kid: &str) -> String {
    signer(0).token(kid, &claims_with(&json!({ "exp": NOW + 1_000_000, "iat": NOW - 100_000 })))
}

pub(crate) fn jwks(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

pub(crate) fn settings() -> CognitoSettings {
    CognitoSettings {
        issuer: ISSUER.to_owned(),
        jwks_url: "https://keys.invalid/jwks.json".parse().unwrap(),
        required_scope: SCOPE.parse().unwrap(),
        also_accepted_scopes: Vec::new(),
        client_ids: None,
        audience: None,
    }
}

/// A verifier with one known key, [`KID`] of the first signer.
pub(crate) fn verifier(settings: CognitoSettings) -> CognitoVerifier {
    let source = FakeSource::serving(&[signer(0).jwk(KID)]);
    CognitoVerifier::new(settings, source, Arc::new(ManualClock::at(NOW)))
}

/// A key source that counts fetches and answers what it is told, when it is told.
#[derive(Debug)]
pub(crate) struct FakeSource {
    answer: Mutex<Answer>,
    fetches: AtomicUsize,
    gate: Semaphore,
}

#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Document(Vec<u8>),
    Down,
    Panic,
    Never,
}

impl FakeSource {
    pub(crate) fn answering(answer: Answer) -> Arc<Self> {
        let gate = Semaphore::new(Semaphore::MAX_PERMITS);
        Arc::new(Self { answer: Mutex::new(answer), fetches: AtomicUsize::new(0), gate })
    }

    pub(crate) fn serving(keys: &[Value]) -> Arc<Self> {
        Self::answering(Answer::Document(jwks(keys)))
    }

    pub(crate) fn set(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    /// From now on a fetch that has begun does not end.
    pub(crate) fn close_gate(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets fetches end again.
    pub(crate) fn open_gate(&self) {
        self.gate.add_permits(Semaphore::MAX_PERMITS);
    }

    /// Returns once `n` fetches have begun.
    pub(crate) async fn wait_for_fetches(&self, n: usize) {
        yield_until(async || self.fetches() >= n).await;
    }
}

#[async_trait::async_trait]
impl KeySource for FakeSource {
    async fn fetch_jwks(&self) -> Result<Vec<u8>, KeySourceError> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let _passed = self.gate.acquire().await.unwrap();
        let answer = self.answer.lock().unwrap().clone();
        match answer {
            Answer::Document(document) => Ok(document),
            Answer::Down => Err(KeySourceError::Status(500)),
            Answer::Panic => panic!("a key source with a bug"),
            Answer::Never => std::future::pending().await,
        }
    }
}

/// Lets other tasks run until `condition` holds; one that never does fails the test.
pub(crate) async fn yield_until(condition: impl AsyncFn() -> bool) {
    for _ in 0..10_000 {
        if condition().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the tasks have nothing left to do, and it has not come to pass");
}

/// Polls once: what a future does before it has to wait.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
