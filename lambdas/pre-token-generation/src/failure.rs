//! Why there is no token, and what is said of it.

use autri_aws::TriggerDatabaseError;
use autri_db::token_mint::MintRefusal;
use lambda_runtime::Diagnostic;

use crate::event::Malformed;

const UNKNOWN_CLIENT: &str = "this client is not known here";
const NO_ACCESS: &str = "you do not have access to this library; ask its owner";

/// No token. [`std::fmt::Display`] is what the caller gets to read (`PreTokenGeneration failed with error ….`): it tells
/// nobody apart an unknown client from a revoked one, or somebody whom we don't know from somebody without access.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The event is none that a token can be made for.
    #[error("sign-in is not set up correctly here; tell whoever runs this service")]
    Malformed(#[from] Malformed),
    /// This client, or this person at it, gets no token.
    #[error("{}", told(*.0))]
    Refused(MintRefusal),
    /// The database did not answer.
    #[error("sign-in is not available at the moment; try again")]
    Database(#[from] TriggerDatabaseError),
    /// The answer would come too late for Cognito.
    #[error("sign-in is not available at the moment; try again")]
    TooLate,
}

impl Failure {
    /// Where something failed, in one word, for the metric; nowhere when the answer is a refusal.
    #[must_use]
    pub const fn stage(&self) -> Option<&'static str> {
        match self {
            Self::Refused(_) => None,
            Self::Malformed(_) => Some("event"),
            Self::Database(_) => Some("database"),
            Self::TooLate => Some("time"),
        }
    }

    /// Why, in one word: for the log and the metric, never for the caller.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(malformed) => malformed.as_str(),
            Self::Refused(refusal) => refusal.as_str(),
            Self::Database(error) => error.class(),
            Self::TooLate => "too_late",
        }
    }

    /// `refused` when that is the answer, `failed` when there is none.
    #[must_use]
    pub const fn outcome(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Malformed(_) | Self::Database(_) | Self::TooLate => "failed",
        }
    }
}

const fn told(refusal: MintRefusal) -> &'static str {
    match refusal {
        MintRefusal::UnknownClient
        | MintRefusal::Revoked
        | MintRefusal::MachineOnInteractive
        | MintRefusal::PersonOnMachine => UNKNOWN_CLIENT,
        MintRefusal::UnknownPerson | MintRefusal::NoAccess => NO_ACCESS,
    }
}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        // The type, too, goes to Cognito: no finer than the text.
        let error_type = match failure {
            Failure::Malformed(_) => "Malformed",
            Failure::Refused(_) => "Refused",
            Failure::Database(_) | Failure::TooLate => "Unavailable",
        };
        Self { error_type: error_type.to_owned(), error_message: failure.to_string() }
    }
}
