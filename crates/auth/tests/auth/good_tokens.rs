//! What is let in, and as whom.

use autri_auth::{CLOCK_SKEW_SECS, CognitoSettings, Refusal};
use autri_domain::Caller;
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_machine_token_names_its_client() {
    let token = signer(0).token(KID, &claims());
    let principal = verifier(settings()).verify(&token).await.unwrap();
    assert_eq!(principal.caller(), Caller::Machine);
    assert_eq!(principal.client_id(), CLIENT);
    assert_eq!(principal.subject(), CLIENT);
    assert_eq!(principal.connector_id().to_string(), CONNECTOR);
    assert!(principal.scopes().contains(&SCOPE.parse().unwrap()));
}

#[tokio::test]
async fn a_person_is_one_whose_subject_is_not_the_client() {
    let subject = "c3a4b2d0-1111-7000-8000-0123456789ab";
    let token = signer(0).token(KID, &claims_with(&json!({ "sub": subject, "username": "ada" })));
    let principal = verifier(settings()).verify(&token).await.unwrap();
    assert_eq!(principal.caller(), Caller::Person);
    assert_eq!(principal.subject(), subject);
    assert_eq!(principal.client_id(), CLIENT);
}

#[tokio::test]
async fn times_at_their_limits_are_valid() {
    let verifier = verifier(settings());
    for times in [
        json!({ "exp": NOW + 1 }),
        json!({ "iat": NOW + CLOCK_SKEW_SECS }),
        json!({ "nbf": NOW + CLOCK_SKEW_SECS }),
        json!({ "nbf": 0, "iat": 0 }),
    ] {
        let token = signer(0).token(KID, &claims_with(&times));
        assert!(verifier.verify(&token).await.is_ok(), "{times}");
    }
}

#[tokio::test]
async fn an_audience_is_ignored_unless_one_is_demanded() {
    let ours = "https://autri.example/mcp";
    let demanding = verifier(CognitoSettings { audience: Some(ours.to_owned()), ..settings() });
    for audience in [json!(ours), json!([ours]), json!(["https://other.example", ours])] {
        let token = signer(0).token(KID, &claims_with(&json!({ "aud": audience })));
        assert!(demanding.verify(&token).await.is_ok(), "{audience}");
    }
    let token = signer(0).token(KID, &claims_with(&json!({ "aud": "https://other.example" })));
    assert!(verifier(settings()).verify(&token).await.is_ok());
}

#[tokio::test]
async fn a_scope_does_only_if_it_is_required_or_accepted_beside_it() {
    let of_the_api = "aws.cognito.signin.user.admin";
    let token = signer(0).token(KID, &claims_with(&json!({ "scope": of_the_api })));
    let also_accepted_scopes = vec!["other/scope".parse().unwrap(), of_the_api.parse().unwrap()];
    let accepting = verifier(CognitoSettings { also_accepted_scopes, ..settings() });
    assert!(accepting.verify(&token).await.is_ok());
    assert!(accepting.verify(&signer(0).token(KID, &claims())).await.is_ok());
    assert_eq!(verifier(settings()).verify(&token).await, Err(Refusal::InsufficientScope));
}

#[tokio::test]
async fn a_listed_client_is_let_in() {
    let client_ids = Some(vec!["other".to_owned(), CLIENT.to_owned()]);
    let verifier = verifier(CognitoSettings { client_ids, ..settings() });
    assert!(verifier.verify(&signer(0).token(KID, &claims())).await.is_ok());
}

/// They are for others to read; what matters is that none of them changes which key is used.
#[tokio::test]
async fn headers_and_claims_of_no_concern_are_ignored() {
    let header = json!({
        "alg": "RS256", "kid": KID, "typ": "at+jwt", "jku": "https://evil.example/jwks.json",
        "x5u": "https://evil.example/cert", "jwk": signer(1).jwk(KID), "deep": [[[{}]]],
    });
    // As deep as fits into a token: a recursive parser would overflow its stack.
    let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
    let payload = claims().to_string().replacen('{', &format!("{{\"deep\":{deep},"), 1);
    let token = signer(0).sign(&header.to_string(), &payload);
    assert!(verifier(settings()).verify(&token).await.is_ok());
}
