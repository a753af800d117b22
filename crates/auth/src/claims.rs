//! The claims of an access token, and the rules they must keep.

use autri_domain::{Caller, ConnectorId, Principal, Scope, ScopeSet, cognito_identifier};
use serde::Deserialize;

use crate::jws::present;
use crate::refusal::{InvalidReason, Refusal};

/// How far the issuer's clock may be ahead of ours, in seconds, for `iat` and `nbf`.
///
/// `exp` has no such grace (RFC 7519 §4.1.4 permits some, and demands none): it would prolong the life of
/// every token, while a clock that is off by seconds costs a client no more than an earlier refresh.
pub const CLOCK_SKEW_SECS: i64 = 60;

/// What a token of a known signer claims. Nothing here has been compared with our settings yet.
///
/// A claim that occurs twice, is `null` or has another type makes the whole token malformed (RFC 7519 §4).
/// Times are whole seconds since 1970 UTC, as Cognito writes them.
#[derive(Deserialize)]
pub(crate) struct UnverifiedClaims {
    exp: i64,
    iat: i64,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<i64>,
    #[serde(default, deserialize_with = "present")]
    iss: Option<String>,
    #[serde(default, deserialize_with = "present")]
    token_use: Option<String>,
    #[serde(default, deserialize_with = "present")]
    client_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    aud: Option<Audience>,
    #[serde(default, deserialize_with = "present")]
    sub: Option<String>,
    #[serde(default, deserialize_with = "present")]
    connector_id: Option<String>,
    #[serde(default, deserialize_with = "present")]
    scope: Option<String>,
}

/// RFC 7519 §4.1.3: one audience, or an array of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::One(audience) => audience == wanted,
            Self::Many(audiences) => audiences.iter().any(|audience| audience == wanted),
        }
    }
}

/// What the claims are compared with.
#[derive(Debug)]
pub(crate) struct ClaimRules {
    pub(crate) issuer: String,
    pub(crate) required_scope: Scope,
    /// Any of these does as well.
    pub(crate) also_accepted_scopes: Vec<Scope>,
    /// The only clients let in; `None` lets in every client of the issuer.
    pub(crate) client_ids: Option<Vec<String>>,
    /// The audience that `aud` must hold; `None` ignores `aud`.
    pub(crate) audience: Option<String>,
}

impl ClaimRules {
    /// The principal, if `claims` keep every rule at `now_secs` (seconds since 1970 UTC).
    ///
    /// The scope comes last, so that [`Refusal::InsufficientScope`] is said of otherwise valid tokens only.
    pub(crate) fn judge(&self, claims: UnverifiedClaims, now_secs: i64) -> Result<Principal, Refusal> {
        self.check_issuer(&claims)?;
        check_times(&claims, now_secs)?;
        // An ID token carries `id`: it tells a client who signed in, and opens nothing.
        if claims.token_use.as_deref() != Some("access") {
            return Err(InvalidReason::TokenUse.into());
        }
        self.check_audience(&claims)?;
        let client_id = self.admitted_client(claims.client_id)?;
        let subject =
            claims.sub.filter(|sub| cognito_identifier(sub).is_some()).ok_or(InvalidReason::Subject)?;
        let connector_id = connector(claims.connector_id.as_deref())?;
        let scopes = ScopeSet::parse(claims.scope.as_deref().unwrap_or_default());
        let mut accepted = std::iter::once(&self.required_scope).chain(&self.also_accepted_scopes);
        if !accepted.any(|scope| scopes.contains(scope)) {
            return Err(Refusal::InsufficientScope);
        }
        Ok(verified(connector_id, client_id, subject, scopes))
    }

    fn check_issuer(&self, claims: &UnverifiedClaims) -> Result<(), InvalidReason> {
        match &claims.iss {
            Some(issuer) if *issuer == self.issuer => Ok(()),
            _ => Err(InvalidReason::Issuer),
        }
    }

    /// With no audience demanded, `aud` is ignored: Cognito sets it to whatever `resource` the authorize request
    /// carried (RFC 8707), and leaves it out otherwise.
    fn check_audience(&self, claims: &UnverifiedClaims) -> Result<(), InvalidReason> {
        match (&self.audience, &claims.aud) {
            (None, _) => Ok(()),
            (Some(wanted), Some(given)) if given.contains(wanted) => Ok(()),
            (Some(_), _) => Err(InvalidReason::Audience),
        }
    }

    fn admitted_client(&self, client_id: Option<String>) -> Result<String, InvalidReason> {
        let client_id =
            client_id.filter(|id| cognito_identifier(id).is_some()).ok_or(InvalidReason::Client)?;
        match &self.client_ids {
            Some(admitted) if !admitted.contains(&client_id) => Err(InvalidReason::Client),
            _ => Ok(client_id),
        }
    }
}

fn check_times(claims: &UnverifiedClaims, now_secs: i64) -> Result<(), InvalidReason> {
    let latest = now_secs.saturating_add(CLOCK_SKEW_SECS);
    if now_secs >= claims.exp {
        return Err(InvalidReason::Expired);
    }
    if claims.nbf.is_some_and(|nbf| nbf > latest) {
        return Err(InvalidReason::NotYetValid);
    }
    if claims.iat > latest {
        return Err(InvalidReason::IssuedInFuture);
    }
    Ok(())
}

fn connector(claim: Option<&str>) -> Result<ConnectorId, InvalidReason> {
    claim.and_then(|id| id.parse().ok()).ok_or(InvalidReason::Connector)
}

/// Cognito sets `sub` to the client's id for `client_credentials` and to the user's UUID otherwise; a client's
/// id is no UUID, so neither can pass for the other. A token with no `sub` at all has been refused: which of the
/// two it is would be a guess.
#[expect(clippy::disallowed_methods, reason = "the one place that has checked signature and claims")]
fn verified(connector_id: ConnectorId, client_id: String, subject: String, scopes: ScopeSet) -> Principal {
    let caller = if subject == client_id { Caller::Machine } else { Caller::Person };
    Principal::assert_verified(connector_id, client_id, subject, caller, scopes)
}
