//! What verifying a Cognito access token costs, on one core with the keys in memory:
//! `cargo run --release -p autri-auth --example verify_token`.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use autri_auth::{CognitoSettings, CognitoVerifier, KeySource, KeySourceError};
use autri_domain::{Clock as _, SystemClock};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

const BATCHES: usize = 1_000;
const TOKENS_PER_BATCH: u32 = 100;

const ISSUER: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Autri";
const SCOPE: &str = "mcp.autri.ai/mcp.invoke";
const KID: &str = "T7Hw5mN5dd0WNRkNlVMeAp4eXN5U3PN1xsI9HFl2SCY=";

#[derive(Debug)]
struct InMemory(Vec<u8>);

#[async_trait::async_trait]
impl KeySource for InMemory {
    async fn fetch_jwks(&self) -> Result<Vec<u8>, KeySourceError> {
        Ok(self.0.clone())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let key = KeyPair::generate(KeySize::Rsa2048)?;
    let token = signed_token(&key)?;
    let verifier = verifier(&key)?;
    verifier.verify(&token).await?;

    let mut batches = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let start = Instant::now();
        for _ in 0..TOKENS_PER_BATCH {
            std::hint::black_box(verifier.verify(std::hint::black_box(&token)).await?);
        }
        batches.push(start.elapsed() / TOKENS_PER_BATCH);
    }
    batches.sort_unstable();
    let micros = |at: usize| Duration::as_secs_f64(&batches[at]) * 1e6;
    println!("token of {} bytes, RSA 2048; µs a verification over {BATCHES} batches", token.len());
    println!("median {:.1}  p99 {:.1}", micros(BATCHES / 2), micros(BATCHES * 99 / 100));
    Ok(())
}

fn verifier(key: &KeyPair) -> Result<CognitoVerifier, Box<dyn Error>> {
    let RsaPublicKeyComponents::<Vec<u8>> { n, e } = key.public_key().into();
    let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
    let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KID, "n": n, "e": e });
    let source = InMemory(json!({ "keys": [jwk] }).to_string().into_bytes());
    let settings = CognitoSettings {
        issuer: ISSUER.to_owned(),
        jwks_url: format!("{ISSUER}/.well-known/jwks.json").parse()?,
        required_scope: SCOPE.parse()?,
        also_accepted_scopes: Vec::new(),
        client_ids: None,
        audience: None,
    };
    Ok(CognitoVerifier::new(settings, Arc::new(source), Arc::new(SystemClock)))
}

/// The claims, and about the length, of what Cognito issues.
fn signed_token(key: &KeyPair) -> Result<String, Box<dyn Error>> {
    let now_secs = SystemClock.now().timestamp();
    let header = json!({ "kid": KID, "alg": "RS256" });
    let claims = json!({
        "sub": "1example23456789abcdefghij", "client_id": "1example23456789abcdefghij", "iss": ISSUER,
        "connector_id": "01900000-0000-7000-8000-000000000001", "scope": SCOPE, "token_use": "access",
        "version": 2, "jti": "2a4f0b0e-7b1e-4d3f-9d7c-6b6a3b0a5c11", "auth_time": now_secs, "iat": now_secs,
        "exp": now_secs + 3_600,
    });
    let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
