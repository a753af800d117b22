//! Which keys of a JWKS document are used.

use std::sync::Arc;

use autri_auth::{CognitoVerifier, InvalidReason, Refusal};
use autri_domain::ManualClock;
use serde_json::{Value, json};

use crate::support::*;

/// What the verifier says to a well-signed token when `keys` are listed.
async fn verdict(keys: &[Value]) -> Result<(), Refusal> {
    let source = FakeSource::serving(keys);
    let verifier = CognitoVerifier::new(settings(), source, Arc::new(ManualClock::at(NOW)));
    verifier.verify(&signer(0).token(KID, &claims())).await.map(drop)
}

fn jwk_with(changes: &Value) -> Value {
    let mut jwk = signer(0).jwk(KID);
    for (name, value) in changes.as_object().unwrap() {
        jwk[name] = value.clone();
    }
    jwk
}

fn jwk_without(name: &str) -> Value {
    let mut jwk = signer(0).jwk(KID);
    jwk.as_object_mut().unwrap().remove(name).unwrap();
    jwk
}

#[tokio::test]
async fn a_key_for_rs256_is_used() {
    for jwk in [
        signer(0).jwk(KID),
        jwk_without("use"),
        jwk_without("alg"),
        jwk_with(&json!({ "key_ops": ["verify"], "x5t": "ignored" })),
    ] {
        assert_eq!(verdict(std::slice::from_ref(&jwk)).await, Ok(()), "{jwk}");
    }
}

#[tokio::test]
async fn other_keys_are_skipped_and_do_no_harm() {
    let components = signer(0).components();
    let mut zero_led = components.n.clone();
    zero_led.insert(0, 0);
    let mut even = components.n.clone();
    even[255] ^= 1;
    let other_jwk = signer(1).jwk("other");
    let unusable = [
        ("another type", jwk_with(&json!({ "kty": "EC", "crv": "P-256", "x": "AA", "y": "AA" }))),
        ("a secret", json!({ "kty": "oct", "kid": KID, "k": "c2VjcmV0" })),
        ("for encryption", jwk_with(&json!({ "use": "enc" }))),
        ("use null", jwk_with(&json!({ "use": null }))),
        ("key_ops null", jwk_with(&json!({ "key_ops": null }))),
        ("alg null", jwk_with(&json!({ "alg": null }))),
        ("of an unknown algorithm", jwk_with(&json!({ "alg": "RS257" }))),
        ("for signing only", jwk_with(&json!({ "key_ops": ["sign"] }))),
        ("for RS512", jwk_with(&json!({ "alg": "RS512" }))),
        ("for PS256", jwk_with(&json!({ "alg": "PS256" }))),
        ("no kid", jwk_without("kid")),
        ("empty kid", jwk_with(&json!({ "kid": "" }))),
        ("no modulus", jwk_without("n")),
        ("no exponent", jwk_without("e")),
        ("modulus is no base64url", jwk_with(&json!({ "n": "*" }))),
        ("modulus of 1024 bits", jwk_with(&json!({ "n": base64url(&components.n[..128]) }))),
        ("modulus of 2040 bits", jwk_with(&json!({ "n": base64url(&components.n[..255]) }))),
        ("empty modulus", jwk_with(&json!({ "n": "" }))),
        ("modulus with a leading zero", jwk_with(&json!({ "n": base64url(zero_led) }))),
        ("even modulus", jwk_with(&json!({ "n": base64url(even) }))),
        ("modulus of 16384 bits", jwk_with(&json!({ "n": base64url([0xff; 2048]) }))),
        ("exponent 1", jwk_with(&json!({ "e": base64url([1]) }))),
        ("exponent 3", jwk_with(&json!({ "e": base64url([3]) }))),
        ("even exponent", jwk_with(&json!({ "e": base64url([1, 0, 0]) }))),
        ("empty exponent", jwk_with(&json!({ "e": "" }))),
        ("exponent without end", jwk_with(&json!({ "e": base64url([0xff; 256]) }))),
        ("published with its private part", jwk_with(&json!({ "d": "AQAB" }))),
        ("no object", json!("a key")),
    ];
    for (name, jwk) in unusable {
        let unknown = Err(InvalidReason::UnknownKey.into());
        assert_eq!(verdict(&[jwk.clone(), other_jwk.clone()]).await, unknown, "{name}");
        // Neither does it stand in the way of the good one beside it.
        if jwk["kid"] != KID {
            assert_eq!(verdict(&[jwk, signer(0).jwk(KID)]).await, Ok(()), "{name}");
        }
    }
}

#[tokio::test]
async fn an_ambiguous_kid_names_no_key() {
    let other_jwk = signer(1).jwk("other");
    let unknown = Err(InvalidReason::UnknownKey.into());
    for twins in [[0, 1], [1, 0], [0, 0]] {
        let [first, second] = twins.map(|n| signer(n).jwk(KID));
        assert_eq!(verdict(&[first, other_jwk.clone(), second]).await, unknown, "{twins:?}");
    }
    // A key that is not for RS256 is no rival.
    let for_encryption = jwk_with(&json!({ "use": "enc" }));
    assert_eq!(verdict(&[for_encryption, signer(0).jwk(KID)]).await, Ok(()));
}

#[tokio::test]
async fn a_document_without_a_usable_key_is_no_verdict_on_the_token() {
    let unavailable = Err(Refusal::KeysUnavailable { retry_after_secs: 10 });
    assert_eq!(verdict(&[]).await, unavailable);
    assert_eq!(verdict(&[jwk_with(&json!({ "kty": "EC" }))]).await, unavailable);
    for document in ["", "null", "<html>", "{}", "{\"keys\":{}}", "{\"keys\":[", "[]"] {
        let source = FakeSource::answering(Answer::Document(document.as_bytes().to_vec()));
        let verifier = CognitoVerifier::new(settings(), source, Arc::new(ManualClock::at(NOW)));
        let token = signer(0).token(KID, &claims());
        assert_eq!(verifier.verify(&token).await.map(drop), unavailable, "{document}");
    }
}
