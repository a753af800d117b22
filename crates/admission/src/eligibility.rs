//! Whether a person may have an account: the one decision of the trigger and of `autri user reconcile`.

use serde::Deserialize;

use crate::{Allowlist, EmailAddress, TrustedIdps};

/// A federated user's status at Cognito; such a user is never CONFIRMED.
const EXTERNAL_PROVIDER: &str = "EXTERNAL_PROVIDER";

/// What Cognito knows of a person, from an event's `userAttributes` or from a listed user's.
#[derive(Clone, Copy, Default)]
pub struct SignUp<'a> {
    /// The attribute `email`.
    pub email: Option<&'a str>,
    /// The attribute `email_verified`: `true` or `false`.
    pub email_verified: Option<&'a str>,
    /// The attribute `identities`: a JSON array in a string, with one object for each identity provider.
    pub identities: Option<&'a str>,
    /// `cognito:user_status` of an event, `UserStatus` of a listed user.
    pub user_status: Option<&'a str>,
}

/// What follows for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Eligibility {
    /// Listed, and the address is theirs: may have an account.
    Eligible(EmailAddress),
    /// Not on the list.
    NotListed {
        /// Whether the address is known to be theirs: only then may the person be turned away for good.
        verified: bool,
        /// Their address.
        email: EmailAddress,
    },
    /// Listed, but anybody can have typed the address.
    Unverified(EmailAddress),
    /// No address, or none that can be listed.
    NoAddress,
}

/// Decides.
#[must_use]
pub fn assess(list: &Allowlist, sign_up: &SignUp<'_>, trusted_idps: &TrustedIdps) -> Eligibility {
    let Some(email) = sign_up.email.and_then(|text| text.parse::<EmailAddress>().ok()) else {
        return Eligibility::NoAddress;
    };
    let verified = is_verified(sign_up, trusted_idps);
    match (list.contains(&email), verified) {
        (true, true) => Eligibility::Eligible(email),
        (true, false) => Eligibility::Unverified(email),
        (false, verified) => Eligibility::NotListed { verified, email },
    }
}

/// Cognito checked the address, or an identity provider that we trust gave it.
///
/// Cognito marks no address of a federated user as verified unless the provider's claim is mapped to `email_verified`
/// (<https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-specifying-attribute-mapping.html>).
fn is_verified(sign_up: &SignUp<'_>, trusted_idps: &TrustedIdps) -> bool {
    sign_up.email_verified.is_some_and(|text| text.eq_ignore_ascii_case("true"))
        || has_trusted_address(sign_up, trusted_idps)
}

/// Whether every identity's provider is trusted, so that none but them can have set the address. A native account that
/// is linked to such an identity has the address that its owner typed, and says so by its status.
fn has_trusted_address(sign_up: &SignUp<'_>, trusted_idps: &TrustedIdps) -> bool {
    if sign_up.user_status.is_some_and(|status| status != EXTERNAL_PROVIDER) {
        return false;
    }
    let identities = sign_up.identities.and_then(|text| serde_json::from_str::<Vec<Identity>>(text).ok());
    identities.is_some_and(|identities| {
        !identities.is_empty()
            && identities.iter().all(|identity| trusted_idps.contains(&identity.provider_name))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    provider_name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOGLE: &str = r#"[{"userId":"1","providerName":"Google","providerType":"Google","issuer":null,"primary":"true","dateCreated":"1"}]"#;

    fn assessed(sign_up: SignUp<'_>) -> Eligibility {
        assess(&Allowlist::parse("ada@example.com"), &sign_up, &"Google,Acme".parse().unwrap())
    }

    fn verified(sign_up: SignUp<'_>) -> bool {
        let email = "ada@example.com".parse().unwrap();
        match assessed(SignUp { email: Some("ada@example.com"), ..sign_up }) {
            Eligibility::Eligible(found) if found == email => true,
            Eligibility::Unverified(found) if found == email => false,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_is_verified_by_cognito_or_by_a_trusted_provider() {
        let native = |email_verified| SignUp { email_verified, ..SignUp::default() };
        for (email_verified, expected) in [
            (Some("true"), true),
            (Some("True"), true),
            (Some("false"), false),
            (Some(""), false),
            (Some("1"), false),
            (Some(" true"), false),
            (Some("true,false"), false),
            (None, false),
        ] {
            assert_eq!(verified(native(email_verified)), expected, "{email_verified:?}");
        }
        let external = SignUp {
            identities: Some(GOOGLE),
            email_verified: Some("false"),
            user_status: Some(EXTERNAL_PROVIDER),
            ..SignUp::default()
        };
        assert!(verified(external));
        assert!(verified(SignUp { user_status: None, email_verified: None, ..external }));
        for user_status in ["CONFIRMED", "UNCONFIRMED", "external_provider", ""] {
            assert!(!verified(SignUp { user_status: Some(user_status), ..external }), "{user_status}");
        }
    }

    #[test]
    fn a_provider_counts_by_its_exact_name_and_all_of_them_must() {
        for (identities, expected) in [
            (r#"[{"providerName":"Google"}]"#, true),
            (r#"[{"providerName":"Google"},{"providerName":"Acme"}]"#, true),
            (r#"[{"providerName":"Google"},{"providerName":"Evil"}]"#, false),
            (r#"[{"providerName":"google"}]"#, false),
            (r#"[{"providerName":"Google "}]"#, false),
            (r#"[{"providerName":"Googl\u0435"}]"#, false),
            (r#"[{"providerName":"Evil","providerType":"Google"}]"#, false),
            (r#"[{"providerName":"Evil","providerName":"Google"}]"#, false),
            (r#"[{"providerName":null}]"#, false),
            (r#"[{"providerType":"Google"}]"#, false),
            ("[{}]", false),
            ("[]", false),
            ("{}", false),
            ("null", false),
            (r#""Google""#, false),
            (r#"{"providerName":"Google"}"#, false),
            (r#"[{"providerName":"Google"}"#, false),
            ("", false),
            ("Google", false),
        ] {
            let sign_up = SignUp { identities: Some(identities), ..SignUp::default() };
            assert_eq!(verified(sign_up), expected, "{identities}");
        }
        let nobody_trusted = assess(
            &Allowlist::parse("ada@example.com"),
            &SignUp { email: Some("ada@example.com"), identities: Some(GOOGLE), ..SignUp::default() },
            &"none".parse().unwrap(),
        );
        assert!(matches!(nobody_trusted, Eligibility::Unverified(_)), "{nobody_trusted:?}");
    }

    #[test]
    fn who_is_not_listed_is_told_apart_by_whose_the_address_is() {
        for (email_verified, expected) in [(Some("true"), true), (Some("false"), false), (None, false)] {
            let sign_up = SignUp { email: Some("eve@example.com"), email_verified, ..SignUp::default() };
            let email = "eve@example.com".parse().unwrap();
            assert_eq!(assessed(sign_up), Eligibility::NotListed { verified: expected, email });
        }
    }

    #[test]
    fn without_an_address_nothing_is_decided() {
        for email in
            [None, Some(""), Some("ada"), Some("ada@example.com,eve@example.com"), Some("*@example.com")]
        {
            let sign_up =
                SignUp { email, email_verified: Some("true"), identities: Some(GOOGLE), ..SignUp::default() };
            assert_eq!(assessed(sign_up), Eligibility::NoAddress, "{email:?}");
        }
    }
}
