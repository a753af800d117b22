//! Why a sign-up comes to nothing, and what is said of it.

use autri_aws::{AwsError, TriggerDatabaseError};

use crate::event::Malformed;

/// No account. None but [`Failure::NotInvited`] has deleted anybody, and [`Failure::NotDeleted`] may have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The event is none that can be acted on.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The event is of another user pool than the one that this function is for.
    #[error("the event is of another user pool than COGNITO_USER_POOL_ID")]
    ForeignPool,
    /// Nobody knows who is invited: it is not known that this person is not.
    #[error("the allowlist could not be read")]
    ListUnreadable(#[source] AwsError),
    /// There is no address to look for.
    #[error("the user has no usable e-mail address")]
    NoAddress,
    /// Not on the list. If there was a user, there is none any more.
    #[error("not on the allowlist")]
    NotInvited,
    /// Not on the list, but an entry that is none may mean them: the user stays.
    #[error("not on the allowlist, which has a malformed entry with the address or its domain")]
    ListDoubtful,
    /// Not on the list, but the address may be somebody else's: the user stays.
    #[error("not on the allowlist, with an address that is not verified")]
    NotInvitedUnverified,
    /// Not on the list, and the user could not be deleted. Cognito tries again.
    #[error("not on the allowlist, and the user could not be deleted")]
    NotDeleted(#[source] AwsError),
    /// On the list, but the address may be somebody else's: the user stays.
    #[error("on the allowlist, with an address that is not verified")]
    Unverified,
    /// The address is the one of somebody with another subject (ADR 8): the user stays.
    #[error("the address is another account's")]
    AddressTaken,
    /// The name in the pool is the one of somebody with another subject: the user stays.
    #[error("the user name is another account's")]
    UserNameTaken,
    /// On the list, and the records could not be made: a confirmed user without an account, until it is repaired.
    #[error("the account's records could not be made")]
    Database(#[source] TriggerDatabaseError),
    /// The answer would come too late for Cognito.
    #[error("the time was up")]
    TooLate,
}

impl Failure {
    /// Where it happened, in one word.
    pub(crate) const fn stage(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::ForeignPool => "event",
            Self::ListUnreadable(_) | Self::ListDoubtful => "allowlist",
            Self::NoAddress | Self::NotInvited | Self::NotInvitedUnverified | Self::Unverified => {
                "eligibility"
            }
            Self::NotDeleted(_) => "deletion",
            Self::AddressTaken | Self::UserNameTaken | Self::Database(_) => "database",
            Self::TooLate => "time",
        }
    }

    /// Why, in one word: for the log and the metric.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed(malformed) => malformed.as_str(),
            Self::ForeignPool => "foreign_pool",
            Self::ListUnreadable(error) | Self::NotDeleted(error) => aws_class(error),
            Self::ListDoubtful => "malformed_entry",
            Self::NoAddress => "no_address",
            Self::NotInvited => "not_listed",
            Self::NotInvitedUnverified => "not_listed_unverified",
            Self::Unverified => "unverified",
            Self::AddressTaken => "address_taken",
            Self::UserNameTaken => "user_name_taken",
            Self::Database(error) => error.class(),
            Self::TooLate => "too_late",
        }
    }

    /// Whether this is an answer like any other, and nothing for anybody to look into.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self, Self::NotInvited)
    }

    /// For programs. Goes to Cognito: no finer than the text.
    pub(crate) const fn error_type(&self) -> &'static str {
        match self {
            Self::NotInvited | Self::NotInvitedUnverified | Self::NotDeleted(_) | Self::ListDoubtful => {
                "NotInvited"
            }
            Self::NoAddress | Self::Unverified | Self::AddressTaken => "NotEligible",
            Self::Malformed(_)
            | Self::ForeignPool
            | Self::ListUnreadable(_)
            | Self::UserNameTaken
            | Self::Database(_)
            | Self::TooLate => "Unavailable",
        }
    }

    /// What the person gets to read (`PostConfirmation failed with error ….`), with where to ask.
    pub(crate) fn told(&self, contact: Option<&str>) -> String {
        let what = match self {
            Self::NotInvited | Self::NotInvitedUnverified | Self::NotDeleted(_) | Self::ListDoubtful => {
                "not invited to beta"
            }
            Self::NoAddress => "an e-mail address is needed to sign up",
            Self::Unverified => "your e-mail address is not verified",
            Self::AddressTaken => "this e-mail address has an account already: sign in the way you did first",
            Self::UserNameTaken | Self::Database(_) => "your account could not be set up",
            Self::Malformed(_) | Self::ForeignPool | Self::ListUnreadable(_) | Self::TooLate => {
                "sign-up is not available at the moment: try again later"
            }
        };
        match contact {
            Some(contact) => format!("{what}; ask {contact}"),
            None => what.to_owned(),
        }
    }
}

const fn aws_class(error: &AwsError) -> &'static str {
    match error {
        AwsError::NotFound(_) => "not_found",
        AwsError::Denied(_) => "denied",
        AwsError::Busy(_) => "busy",
        AwsError::Unavailable(_) => "unavailable",
        AwsError::Unsupported(_) => "unsupported",
        AwsError::NoCredentials(_) => "no_credentials",
        AwsError::Rejected { .. } => "rejected",
    }
}
