//! Tokens signed with a shared secret.

use std::sync::Arc;

use autri_auth::{
    DevSecret, DevSettings, DevToken, Hs256Verifier, InvalidReason, MIN_DEV_SECRET_BYTES, Refusal,
    TokenVerifier, WeakSecret, mint,
};
use autri_domain::{Caller, ManualClock, Principal};
use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::support::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const DEV_ISSUER: &str = "urn:autri:dev";

fn secret(text: &str) -> DevSecret {
    DevSecret::new(text.into()).unwrap()
}

fn dev_token() -> DevToken {
    DevToken {
        issuer: DEV_ISSUER.to_owned(),
        client_id: CLIENT.to_owned(),
        subject: None,
        connector_id: CONNECTOR.parse().unwrap(),
        scope: SCOPE.parse().unwrap(),
        ttl_secs: 3_600,
    }
}

fn minted(token: &DevToken) -> String {
    mint(&secret(SECRET), token, &ManualClock::at(NOW))
}

fn verifier_at(now_secs: i64) -> Hs256Verifier {
    let settings = DevSettings { issuer: DEV_ISSUER.to_owned(), required_scope: SCOPE.parse().unwrap() };
    Hs256Verifier::new(settings, &secret(SECRET), Arc::new(ManualClock::at(now_secs)))
}

fn verify(token: &str) -> Result<Principal, Refusal> {
    verifier_at(NOW).verify(token)
}

#[tokio::test]
async fn a_minted_token_is_let_in() {
    let verifier = TokenVerifier::Dev(verifier_at(NOW));
    let machine = verifier.verify(&minted(&dev_token())).await.unwrap();
    assert_eq!((machine.caller(), machine.subject()), (Caller::Machine, CLIENT));
    assert_eq!(machine.connector_id().to_string(), CONNECTOR);
    let subject = Some("ada".to_owned());
    let person = verifier.verify(&minted(&DevToken { subject, ..dev_token() })).await.unwrap();
    assert_eq!((person.caller(), person.subject(), person.client_id()), (Caller::Person, "ada", CLIENT));
}

#[test]
fn it_carries_the_claims_of_a_cognito_access_token() {
    let token = minted(&dev_token());
    let payload = from_base64url(token.split('.').nth(1).unwrap());
    let mut claims: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["jti"].take().as_str().unwrap().len(), 36);
    assert_eq!(
        claims,
        json!({
            "iss": DEV_ISSUER, "sub": CLIENT, "client_id": CLIENT, "connector_id": CONNECTOR, "scope": SCOPE,
            "token_use": "access", "iat": NOW, "exp": NOW + 3_600, "jti": null, "version": 2,
        })
    );
}

#[test]
fn no_two_tokens_are_the_same() {
    assert_ne!(minted(&dev_token()), minted(&dev_token()));
}

#[test]
fn it_expires() {
    let token = minted(&dev_token());
    assert!(verifier_at(NOW + 3_599).verify(&token).is_ok());
    assert_eq!(verifier_at(NOW + 3_600).verify(&token), Err(InvalidReason::Expired.into()));
}

#[test]
fn the_rules_are_those_for_cognito_tokens() {
    let refused = |token: &DevToken| verify(&minted(token)).unwrap_err();
    let other_issuer = DevToken { issuer: ISSUER.to_owned(), ..dev_token() };
    assert_eq!(refused(&other_issuer), InvalidReason::Issuer.into());
    let no_client = DevToken { client_id: String::new(), ..dev_token() };
    assert_eq!(refused(&no_client), InvalidReason::Client.into());
    let no_subject = DevToken { subject: Some(String::new()), ..dev_token() };
    assert_eq!(refused(&no_subject), InvalidReason::Subject.into());
    let other_scope = DevToken { scope: "openid".parse().unwrap(), ..dev_token() };
    assert_eq!(refused(&other_scope), Refusal::InsufficientScope);
}

/// A token with this header and a right HS256 tag.
fn tagged(header: &Value) -> String {
    let token = minted(&dev_token());
    let signed = format!("{}.{}", base64url(header.to_string()), token.split('.').nth(1).unwrap());
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), signed.as_bytes());
    format!("{signed}.{}", base64url(tag))
}

#[test]
fn only_hs256_by_this_secret() {
    assert!(verify(&tagged(&json!({ "alg": "HS256" }))).is_ok());
    for alg in ["none", "hs256", "HS384", "HS512", "RS256"] {
        assert_eq!(verify(&tagged(&json!({ "alg": alg }))), Err(InvalidReason::Algorithm.into()), "{alg}");
    }
    let crit = tagged(&json!({ "alg": "HS256", "crit": ["exp"] }));
    assert_eq!(verify(&crit), Err(InvalidReason::Malformed.into()));

    let other_secret = mint(&secret(&SECRET.to_uppercase()), &dev_token(), &ManualClock::at(NOW));
    assert_eq!(verify(&other_secret), Err(InvalidReason::Signature.into()));
    let token = minted(&dev_token());
    let (signed, tag) = token.rsplit_once('.').unwrap();
    let tag = from_base64url(tag);
    for tag in [&tag[..0], &tag[..16], &tag[..31], &[0; 32]] {
        let retagged = format!("{signed}.{}", base64url(tag));
        assert_eq!(verify(&retagged), Err(InvalidReason::Signature.into()), "{tag:?}");
    }
}

#[tokio::test]
async fn neither_kind_of_verifier_takes_the_others_tokens() {
    let dev = minted(&DevToken { issuer: ISSUER.to_owned(), ..dev_token() });
    assert_eq!(verifier(settings()).verify(&dev).await, Err(InvalidReason::Algorithm.into()));
    let cognito = signer(0).token(KID, &claims());
    assert_eq!(verify(&cognito), Err(InvalidReason::Algorithm.into()));
}

#[test]
fn a_short_secret_is_an_error() {
    assert_eq!(SECRET.len(), MIN_DEV_SECRET_BYTES);
    for weak in ["", "secret", &SECRET[1..]] {
        assert_eq!(DevSecret::new(weak.into()).unwrap_err(), WeakSecret);
    }
}

#[test]
fn the_secret_is_not_printed() {
    let printed = format!("{:?} {:?}", secret(SECRET), verifier_at(NOW));
    assert!(!printed.contains(&SECRET[..8]), "{printed}");
}
