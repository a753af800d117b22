//! What is refused, and with which refusal.

use autri_auth::InvalidReason::*;
use autri_auth::{CLOCK_SKEW_SECS, CognitoSettings, InvalidReason, MAX_TOKEN_BYTES, Refusal};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256};
use serde_json::{Value, json};

use crate::support::*;

/// A verifier that demands everything that can be demanded.
fn strict_settings() -> CognitoSettings {
    let client_ids = Some(vec![CLIENT.to_owned()]);
    CognitoSettings { client_ids, audience: Some("https://autri.example".to_owned()), ..settings() }
}

fn strict_claims() -> Value {
    claims_with(&json!({ "aud": "https://autri.example" }))
}

/// A well-signed token with these claims replaced.
fn with(changes: &Value) -> String {
    let mut claims = strict_claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    signer(0).token(KID, &claims)
}

/// A well-signed token without one claim.
fn without(name: &str) -> String {
    let mut claims = strict_claims();
    claims.as_object_mut().unwrap().remove(name).unwrap();
    signer(0).token(KID, &claims)
}

/// A token with this header, signed by the key that it should be signed by.
fn header(header: &Value) -> String {
    signer(0).sign(&header.to_string(), &strict_claims().to_string())
}

fn payload(payload: &str) -> String {
    signer(0).sign(&json!({ "alg": "RS256", "kid": KID }).to_string(), payload)
}

/// A valid payload with one more member, as text.
fn payload_with_member(member: &str) -> String {
    payload(&strict_claims().to_string().replacen('{', &format!("{{{member},"), 1))
}

/// A token whose "secret" is the public key: what a verifier that trusts `alg` would accept.
fn hs256_by_public_key() -> String {
    let modulus = signer(0).components().n;
    let header = json!({ "alg": "HS256", "kid": KID }).to_string();
    let signed = format!("{}.{}", base64url(header), base64url(strict_claims().to_string()));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &modulus), signed.as_bytes());
    format!("{signed}.{}", base64url(tag))
}

fn unsigned(alg: &str) -> String {
    let header = json!({ "alg": alg, "kid": KID }).to_string();
    format!("{}.{}.", base64url(header), base64url(strict_claims().to_string()))
}

async fn assert_refused(cases: Vec<(&str, String, Refusal)>) {
    let verifier = verifier(strict_settings());
    let good = signer(0).token(KID, &strict_claims());
    assert!(verifier.verify(&good).await.is_ok(), "the token that the others differ from");
    for (name, token, refusal) in cases {
        assert_eq!(verifier.verify(&token).await, Err(refusal), "{name}");
    }
}

fn invalid(
    reason: InvalidReason,
    cases: impl IntoIterator<Item = (&'static str, String)>,
) -> Vec<(&'static str, String, Refusal)> {
    cases.into_iter().map(|(name, token)| (name, token, Refusal::InvalidToken(reason))).collect()
}

#[tokio::test]
async fn what_is_no_jws() {
    let good = signer(0).token(KID, &strict_claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, body) = signed.split_once('.').unwrap();
    assert_refused(invalid(
        Malformed,
        [
            ("empty", String::new()),
            ("one part", head.to_owned()),
            ("two parts", signed.to_owned()),
            ("four parts", format!("{good}.{signature}")),
            ("four parts, unsigned", format!("{}.", unsigned("none"))),
            ("two parts, unsigned", unsigned("none").trim_end_matches('.').to_owned()),
            ("five parts, as a JWE has", format!("{good}.a.b")),
            ("only dots", "..".to_owned()),
            ("header padded", format!("{head}=.{body}.{signature}")),
            ("header in another alphabet", format!("+/{head}.{body}.{signature}")),
            ("header is no JSON", format!("{}.{body}.{signature}", base64url("{alg:RS256}"))),
            ("header is no UTF-8", format!("{}.{body}.{signature}", base64url([b'{', 0xff, b'}']))),
            ("signature padded", format!("{good}==")),
            ("signature with a line break", format!("{good}\n")),
            ("longer than is looked at", format!("{good}{}", "A".repeat(MAX_TOKEN_BYTES))),
            ("longer than is looked at, well signed", with(&json!({ "x": "y".repeat(MAX_TOKEN_BYTES) }))),
        ],
    ))
    .await;
}

#[tokio::test]
async fn other_algorithms() {
    let claims = strict_claims().to_string();
    let pss = json!({ "alg": "PS256", "kid": KID }).to_string();
    let rs384 = json!({ "alg": "RS384", "kid": KID }).to_string();
    let rs512 = json!({ "alg": "RS512", "kid": KID }).to_string();
    assert_refused(invalid(
        Algorithm,
        [
            ("none", unsigned("none")),
            ("none in another case", unsigned("nOnE")),
            ("none, with a valid RS256 signature", header(&json!({ "alg": "none", "kid": KID }))),
            ("HS256 with the public key as the secret", hs256_by_public_key()),
            ("PS256, well signed", signer(0).sign_as(&RSA_PSS_SHA256, &pss, &claims)),
            ("RS384, well signed", signer(0).sign_as(&RSA_PKCS1_SHA384, &rs384, &claims)),
            ("RS512, well signed", signer(0).sign_as(&RSA_PKCS1_SHA512, &rs512, &claims)),
            ("ES256", header(&json!({ "alg": "ES256", "kid": KID }))),
            ("EdDSA", header(&json!({ "alg": "EdDSA", "kid": KID }))),
            ("RS256 in another case", header(&json!({ "alg": "rs256", "kid": KID }))),
            ("RS256 with a space", header(&json!({ "alg": "RS256 ", "kid": KID }))),
            ("the algorithm comes before the key id", header(&json!({ "alg": "none" }))),
        ],
    ))
    .await;
}

#[tokio::test]
async fn headers() {
    let claims = strict_claims().to_string();
    let raw = |header: &str| signer(0).sign(header, &claims);
    assert_refused(invalid(
        Malformed,
        [
            ("no alg", header(&json!({ "kid": KID }))),
            ("alg is no text", header(&json!({ "alg": 256, "kid": KID }))),
            ("alg is a list", header(&json!({ "alg": ["RS256"], "kid": KID }))),
            ("alg is an object", header(&json!({ "alg": { "RS256": null }, "kid": KID }))),
            ("another alg, and kid is null", header(&json!({ "alg": "none", "kid": null }))),
            ("typ is a number", header(&json!({ "alg": "RS256", "kid": KID, "typ": 1 }))),
            ("alg twice", raw(&format!("{{\"alg\":\"none\",\"alg\":\"RS256\",\"kid\":\"{KID}\"}}"))),
            ("header is an array", header(&json!(["RS256", KID]))),
            ("no kid", header(&json!({ "alg": "RS256" }))),
            ("empty kid", header(&json!({ "alg": "RS256", "kid": "" }))),
            ("kid is null", header(&json!({ "alg": "RS256", "kid": null }))),
            ("kid is a number", header(&json!({ "alg": "RS256", "kid": 1 }))),
            ("kid is a list", header(&json!({ "alg": "RS256", "kid": [KID] }))),
            ("kid is endless", header(&json!({ "alg": "RS256", "kid": "k".repeat(257) }))),
            ("kid twice", raw(&format!("{{\"alg\":\"RS256\",\"kid\":\"x\",\"kid\":\"{KID}\"}}"))),
            ("crit", header(&json!({ "alg": "RS256", "kid": KID, "crit": ["exp"], "exp": 1 }))),
            ("empty crit", header(&json!({ "alg": "RS256", "kid": KID, "crit": [] }))),
            ("crit is null", header(&json!({ "alg": "RS256", "kid": KID, "crit": null }))),
            (
                "unencoded payload",
                header(&json!({ "alg": "RS256", "kid": KID, "b64": false, "crit": ["b64"] })),
            ),
        ],
    ))
    .await;
}

#[tokio::test]
async fn keys_of_someone_else() {
    let claims = strict_claims().to_string();
    let own_key = |header: Value| signer(1).sign(&header.to_string(), &claims);
    let jku = "https://evil.example/jwks.json";
    let mut cases = invalid(
        UnknownKey,
        [
            ("unknown key id", signer(0).token("another", &strict_claims())),
            ("key id cut short", signer(0).token(&KID[..KID.len() - 1], &strict_claims())),
            ("key id with a path", signer(0).token("../../keys", &strict_claims())),
            (
                "brings its own key",
                own_key(json!({ "alg": "RS256", "kid": "mine", "jwk": signer(1).jwk("mine") })),
            ),
        ],
    );
    cases.extend(invalid(
        Signature,
        [
            ("signed by another key", signer(1).token(KID, &strict_claims())),
            ("its own jwk", own_key(json!({ "alg": "RS256", "kid": KID, "jwk": signer(1).jwk(KID) }))),
            ("its own jku", own_key(json!({ "alg": "RS256", "kid": KID, "jku": jku }))),
            ("its own x5u", own_key(json!({ "alg": "RS256", "kid": KID, "x5u": jku }))),
        ],
    ));
    assert_refused(cases).await;
}

#[tokio::test]
async fn altered_tokens() {
    let good = signer(0).token(KID, &strict_claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, _) = signed.split_once('.').unwrap();
    let bytes = from_base64url(signature);
    let longer = [bytes.as_slice(), &[0]].concat();
    let other_claims = base64url(claims_with(&json!({ "scope": SCOPE, "aud": "x" })).to_string());
    assert_refused(invalid(
        Signature,
        [
            ("other claims", format!("{head}.{other_claims}.{signature}")),
            ("claims that are no base64", format!("{head}.*.{signature}")),
            ("no signature", format!("{signed}.")),
            ("signature cut short", format!("{signed}.{}", base64url(&bytes[..255]))),
            ("signature too long", format!("{signed}.{}", base64url(longer))),
            ("signature of zeros", format!("{signed}.{}", base64url([0; 256]))),
        ],
    ))
    .await;
}

/// One spelling a token: no character can be changed, and no end cut off, without a refusal.
#[tokio::test]
async fn every_character_counts() {
    let verifier = verifier(strict_settings());
    let good = signer(0).token(KID, &strict_claims());
    for at in 0..good.len() {
        let (before, after) = good.split_at(at);
        let other = if after.starts_with('A') { "B" } else { "A" };
        let changed = format!("{before}{other}{}", &after[1..]);
        assert!(verifier.verify(&changed).await.is_err(), "character {at} changed");
        assert!(verifier.verify(before).await.is_err(), "cut at {at}");
    }
}

#[tokio::test]
async fn payloads_that_are_no_claims() {
    let claims = strict_claims();
    let values: Vec<&Value> = claims.as_object().unwrap().values().collect();
    let nested = format!("\"scope\":{}{}", "[".repeat(4_000), "]".repeat(4_000));
    let unnamed_scope =
        claims.to_string().replace("\"scope\"", "\"other\"").replacen('{', &format!("{{{nested},"), 1);
    assert_refused(invalid(
        Malformed,
        [
            ("empty", payload("")),
            ("no JSON", payload("iss=autri")),
            ("null", payload("null")),
            ("text", payload("\"claims\"")),
            ("an array of the right values", payload(&json!(values).to_string())),
            ("an array of claims", payload(&json!([claims]).to_string())),
            ("two objects", payload(&format!("{claims}{claims}"))),
            ("trailing comma", payload(&claims.to_string().replace('}', ",}"))),
            ("half a character", payload_with_member("\"x\":\"\\ud800\",\"sub\":\"\\ud800\"")),
            ("exp twice", payload_with_member("\"exp\":9999999999")),
            ("exp twice, once in disguise", payload_with_member("\"\\u0065xp\":9999999999")),
            ("scope twice", payload_with_member("\"scope\":\"admin\"")),
            ("connector twice", payload_with_member("\"connector_id\":\"x\"")),
            ("a claim nested without end", payload(&unnamed_scope)),
        ],
    ))
    .await;
}

#[tokio::test]
async fn claims_of_another_type() {
    assert_refused(invalid(
        Malformed,
        [
            ("no exp", without("exp")),
            ("exp as text", with(&json!({ "exp": "1900000000" }))),
            ("exp with a fraction", with(&json!({ "exp": 1_900_000_000.5 }))),
            ("exp null", with(&json!({ "exp": null }))),
            ("exp beyond all time", with(&json!({ "exp": u64::MAX }))),
            (
                "exp infinite",
                payload(&strict_claims().to_string().replace("\"exp\":1", "\"exp\":1e999,\"x\":1")),
            ),
            ("no iat", without("iat")),
            ("iat as text", with(&json!({ "iat": "1" }))),
            ("nbf as text", with(&json!({ "nbf": "1" }))),
            ("nbf null", with(&json!({ "nbf": null }))),
            ("iss as a list", with(&json!({ "iss": [ISSUER] }))),
            ("iss null", with(&json!({ "iss": null }))),
            ("token_use as a list", with(&json!({ "token_use": ["access"] }))),
            ("client_id as a number", with(&json!({ "client_id": 1 }))),
            ("aud as a number", with(&json!({ "aud": 1 }))),
            ("aud as a mixed list", with(&json!({ "aud": ["https://autri.example", 1] }))),
            ("aud as an object", with(&json!({ "aud": { "0": "https://autri.example" } }))),
            ("sub as a number", with(&json!({ "sub": 1 }))),
            ("connector_id as a list", with(&json!({ "connector_id": [CONNECTOR] }))),
            ("scope as a list", with(&json!({ "scope": [SCOPE] }))),
            ("scope null", with(&json!({ "scope": null }))),
        ],
    ))
    .await;
}

#[tokio::test]
async fn claims_that_break_a_rule() {
    let future = NOW + CLOCK_SKEW_SECS + 1;
    let cases = [
        (Issuer, "no iss", without("iss")),
        (Issuer, "another iss", with(&json!({ "iss": "https://evil.example" }))),
        (Issuer, "iss with a slash", with(&json!({ "iss": format!("{ISSUER}/") }))),
        (Issuer, "iss in another case", with(&json!({ "iss": ISSUER.to_uppercase() }))),
        (Issuer, "iss with something before it", with(&json!({ "iss": format!(" {ISSUER}") }))),
        (Expired, "expires now", with(&json!({ "exp": NOW }))),
        (Expired, "expired long ago", with(&json!({ "exp": NOW - 86_400 }))),
        (Expired, "negative exp", with(&json!({ "exp": i64::MIN }))),
        (NotYetValid, "nbf in the future", with(&json!({ "nbf": future }))),
        (NotYetValid, "nbf at the end of time", with(&json!({ "nbf": i64::MAX }))),
        (IssuedInFuture, "iat in the future", with(&json!({ "iat": future }))),
        (TokenUse, "an ID token", with(&json!({ "token_use": "id" }))),
        (TokenUse, "no token_use", without("token_use")),
        (TokenUse, "token_use in another case", with(&json!({ "token_use": "Access" }))),
        (Client, "no client_id", without("client_id")),
        (Client, "empty client_id", with(&json!({ "client_id": "", "sub": "" }))),
        (Client, "client_id not on the list", with(&json!({ "client_id": "another" }))),
        (
            Client,
            "client_id beginning like one on the list",
            with(&json!({ "client_id": format!("{CLIENT}x") })),
        ),
        (Audience, "no aud", without("aud")),
        (Audience, "another aud", with(&json!({ "aud": "https://other.example" }))),
        (Audience, "aud beginning like ours", with(&json!({ "aud": "https://autri.example.evil.example" }))),
        (Audience, "empty list of aud", with(&json!({ "aud": [] }))),
        (Audience, "list of other aud", with(&json!({ "aud": ["https://other.example"] }))),
        (Subject, "no sub", without("sub")),
        (Subject, "empty sub", with(&json!({ "sub": "" }))),
        (Subject, "a NUL in sub", with(&json!({ "sub": "person\0" }))),
        (Subject, "white space in sub", with(&json!({ "sub": "person\u{a0}1" }))),
        (Subject, "a sub longer than Cognito's", with(&json!({ "sub": "p".repeat(129) }))),
        (Connector, "no connector_id", without("connector_id")),
        (Connector, "empty connector_id", with(&json!({ "connector_id": "" }))),
        (Connector, "connector_id is no UUID", with(&json!({ "connector_id": "admin" }))),
        (Connector, "UUID in braces", with(&json!({ "connector_id": format!("{{{CONNECTOR}}}") }))),
        (Connector, "UUID without hyphens", with(&json!({ "connector_id": CONNECTOR.replace('-', "") }))),
        (Connector, "two UUIDs", with(&json!({ "connector_id": format!("{CONNECTOR} {CONNECTOR}") }))),
    ];
    let refusal = |(reason, name, token)| (name, token, Refusal::InvalidToken(reason));
    assert_refused(cases.into_iter().map(refusal).collect()).await;
}

#[tokio::test]
async fn scopes() {
    let cases = [
        ("no scope", without("scope")),
        ("empty scope", with(&json!({ "scope": "" }))),
        ("another scope", with(&json!({ "scope": "openid email" }))),
        ("scope beginning like ours", with(&json!({ "scope": format!("{SCOPE}.more") }))),
        ("scope ending like ours", with(&json!({ "scope": format!("x{SCOPE}") }))),
        ("scope in another case", with(&json!({ "scope": SCOPE.to_uppercase() }))),
        ("scopes separated by commas", with(&json!({ "scope": format!("openid,{SCOPE}") }))),
        ("scopes separated by tabs", with(&json!({ "scope": format!("openid\t{SCOPE}") }))),
    ];
    let refusal = |(name, token)| (name, token, Refusal::InsufficientScope);
    assert_refused(cases.into_iter().map(refusal).collect()).await;
}

/// "Insufficient scope" tells a client that its token is good, so a token that is not must never get it; and
/// what a forged token claims must not change what its sender is told.
#[tokio::test]
async fn the_signature_comes_first_and_the_scope_last() {
    let no_scope = |changes: Value| {
        let mut claims = strict_claims();
        claims["scope"] = json!("");
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        claims
    };
    let forged = |claims: Value| signer(1).token(KID, &claims);
    let signed = |claims: Value| signer(0).token(KID, &claims);
    let cases = [
        (Signature, "forged, no scope", forged(no_scope(json!({})))),
        (Signature, "forged, expired", forged(no_scope(json!({ "exp": 0 })))),
        (Signature, "forged, of another issuer", forged(no_scope(json!({ "iss": "x" })))),
        (Signature, "forged, no claims at all", forged(json!(null))),
        (Expired, "expired, no scope", signed(no_scope(json!({ "exp": 0 })))),
        (Issuer, "another issuer, no scope", signed(no_scope(json!({ "iss": "x" })))),
        (Connector, "no connector, no scope", signed(no_scope(json!({ "connector_id": "" })))),
    ];
    let refusal = |(reason, name, token)| (name, token, Refusal::InvalidToken(reason));
    assert_refused(cases.into_iter().map(refusal).collect()).await;
}

#[tokio::test]
async fn an_empty_list_of_clients_lets_nobody_in() {
    let verifier = verifier(CognitoSettings { client_ids: Some(Vec::new()), ..settings() });
    let refused = verifier.verify(&signer(0).token(KID, &claims())).await;
    assert_eq!(refused, Err(Refusal::InvalidToken(Client)));
}
