//! Development tokens: HS256 with the data folder's secret, in the shape of a Cognito access token.

use std::sync::Arc;

use anyhow::Context as _;
use autri_auth::{DEV_ISSUER, DevSecret, DevSettings, DevToken, Hs256Verifier, mint};
use autri_domain::{Clock, ConnectorId, DEFAULT_SCOPE, ManualClock, Scope};
use secrecy::SecretString;

const DAY_SECS: u32 = 24 * 60 * 60;
/// How long the token of `autri dev` lasts.
pub(crate) const TTL_SECS: u32 = 30 * DAY_SECS;

/// Whom a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) connector_id: ConnectorId,
    pub(crate) client_id: String,
    /// The person; none for a machine.
    pub(crate) subject: Option<String>,
}

/// Makes and judges development tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    secret: DevSecret,
    scope: Scope,
    clock: Arc<dyn Clock>,
}

impl Tokens {
    /// # Errors
    /// When the secret is too short.
    pub(crate) fn new(secret: SecretString, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Ok(Self {
            secret: DevSecret::new(secret)?,
            scope: DEFAULT_SCOPE.parse().context("the default scope")?,
            clock,
        })
    }

    /// A new token, valid from now on for `ttl_secs` seconds.
    pub(crate) fn mint(&self, bearer: &Bearer, ttl_secs: u32) -> String {
        let token = DevToken {
            issuer: DEV_ISSUER.to_owned(),
            client_id: bearer.client_id.clone(),
            subject: bearer.subject.clone(),
            connector_id: bearer.connector_id,
            scope: self.scope.clone(),
            ttl_secs,
        };
        mint(&self.secret, &token, &*self.clock)
    }

    /// Whether the token is this bearer's and will still be good in a day.
    pub(crate) fn lasts(&self, token: &str, bearer: &Bearer) -> bool {
        let settings = DevSettings { issuer: DEV_ISSUER.to_owned(), required_scope: self.scope.clone() };
        let tomorrow = ManualClock::at(self.clock.now().timestamp() + i64::from(DAY_SECS));
        let subject = bearer.subject.as_ref().unwrap_or(&bearer.client_id);
        Hs256Verifier::new(settings, &self.secret, Arc::new(tomorrow)).verify(token).is_ok_and(|principal| {
            principal.connector_id() == bearer.connector_id
                && principal.client_id() == bearer.client_id
                && principal.subject() == subject
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(unix_secs: i64) -> Tokens {
        Tokens::new("s".repeat(32).into(), Arc::new(ManualClock::at(unix_secs))).expect("a long secret")
    }

    #[test]
    fn a_kept_token_is_used_until_its_last_day() {
        let bearer = Bearer { connector_id: ConnectorId::new(), client_id: "demo".to_owned(), subject: None };
        let other = Bearer { connector_id: ConnectorId::new(), ..bearer.clone() };
        let begin = 1_790_000_000;
        let token = tokens(begin).mint(&bearer, TTL_SECS);
        let day = |days: i64| tokens(begin + days * i64::from(DAY_SECS));
        assert!(day(0).lasts(&token, &bearer) && day(28).lasts(&token, &bearer));
        assert!(!day(30).lasts(&token, &bearer));
        assert!(!day(0).lasts(&token, &other), "another connector's");
        let foreign =
            Tokens::new("t".repeat(32).into(), Arc::new(ManualClock::at(begin))).expect("a long secret");
        assert!(!foreign.lasts(&token, &bearer), "another secret's");
        assert!(!day(0).lasts("", &bearer));
    }

    #[test]
    fn a_short_secret_is_refused() {
        Tokens::new("short".to_owned().into(), Arc::new(ManualClock::at(0))).expect_err("too short");
    }
}
