//! The one verifier a server holds.

use autri_domain::Principal;

use crate::cognito::CognitoVerifier;
#[cfg(feature = "dev-auth")]
use crate::dev::Hs256Verifier;
use crate::refusal::Refusal;

/// A verifier of one kind. There is no variant that lets everyone in, and none with two kinds of key.
#[derive(Debug)]
pub enum TokenVerifier {
    /// Access tokens of a Cognito user pool.
    Cognito(CognitoVerifier),
    /// Tokens signed with a shared secret on this machine.
    #[cfg(feature = "dev-auth")]
    Dev(Hs256Verifier),
}

impl TokenVerifier {
    /// The caller behind `token`, which is the text that [`crate::bearer_token`] returns.
    ///
    /// # Errors
    /// Every [`Refusal`] but [`Refusal::MissingToken`].
    pub async fn verify(&self, token: &str) -> Result<Principal, Refusal> {
        match self {
            Self::Cognito(verifier) => verifier.verify(token).await,
            #[cfg(feature = "dev-auth")]
            Self::Dev(verifier) => verifier.verify(token),
        }
    }
}
