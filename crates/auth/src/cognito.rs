//! Access tokens of an Amazon Cognito user pool.

use std::sync::Arc;

use autri_domain::{Clock, Principal, Scope};
use jsonwebtoken::Algorithm;

use crate::claims::ClaimRules;
use crate::http_key_source::{HttpKeySource, JwksUrl};
use crate::jws::UnverifiedToken;
use crate::key_cache::KeyCache;
use crate::key_set::MAX_KID_BYTES;
use crate::key_source::KeySource;
use crate::refusal::{InvalidReason, Refusal};

/// What makes a Cognito token one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CognitoSettings {
    /// The claim `iss`, compared as text: `https://cognito-idp.{region}.amazonaws.com/{pool}`.
    pub issuer: String,
    /// Where the issuer's keys are. Not derived from `issuer`: emulators serve them elsewhere.
    pub jwks_url: JwksUrl,
    /// The scope that every token must carry, or one of those accepted beside it.
    pub required_scope: Scope,
    /// Scopes that do as well. Tokens of Cognito's own API (`InitiateAuth`) carry `aws.cognito.signin.user.admin` and no
    /// resource server's scope.
    pub also_accepted_scopes: Vec<Scope>,
    /// The only app clients let in; `None` lets in every client of the pool.
    pub client_ids: Option<Vec<String>>,
    /// The audience that `aud` must hold; `None` ignores `aud`, which Cognito sets only on request (RFC 8707).
    pub audience: Option<String>,
}

/// Verifies RS256 access tokens by the keys of their issuer.
///
/// The rules: <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html>.
#[derive(Debug)]
pub struct CognitoVerifier {
    rules: ClaimRules,
    keys: KeyCache,
    clock: Arc<dyn Clock>,
}

impl CognitoVerifier {
    /// A verifier with its keys at `settings.jwks_url`. Nothing is fetched before the first token.
    #[must_use]
    pub fn over_http(settings: CognitoSettings, clock: Arc<dyn Clock>) -> Self {
        let source = HttpKeySource::new(settings.jwks_url.clone());
        Self::new(settings, Arc::new(source), clock)
    }

    /// A verifier with its keys from `source`; `settings.jwks_url` is not looked at.
    #[must_use]
    pub fn new(settings: CognitoSettings, source: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        let CognitoSettings {
            issuer,
            jwks_url: _,
            required_scope,
            also_accepted_scopes,
            client_ids,
            audience,
        } = settings;
        let rules = ClaimRules { issuer, required_scope, also_accepted_scopes, client_ids, audience };
        Self { rules, keys: KeyCache::new(source, Arc::clone(&clock)), clock }
    }

    /// The caller behind `token`, which is the text that [`crate::bearer_token`] returns.
    ///
    /// Needs a Tokio runtime with time and I/O. May be cancelled at any point.
    ///
    /// # Errors
    /// Every [`Refusal`] but [`Refusal::MissingToken`].
    pub async fn verify(&self, token: &str) -> Result<Principal, Refusal> {
        let token = UnverifiedToken::parse(token, Algorithm::RS256)?;
        let kid = usable_kid(token.kid())?;
        let key = self.keys.get(kid).await?;
        self.rules.judge(token.claims_signed_by(&key)?, self.clock.now().timestamp())
    }
}

/// A token that does not say which key signed it is not tried against all of them.
fn usable_kid(kid: Option<&str>) -> Result<&str, InvalidReason> {
    kid.filter(|kid| (1..=MAX_KID_BYTES).contains(&kid.len())).ok_or(InvalidReason::Malformed)
}
