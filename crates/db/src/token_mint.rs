//! Which connector a token is minted for. Connect as `autri_pre_token`.

use autri_domain::ConnectorId;

use crate::database::take_back;
use crate::{Database, DbError};

/// Whom a token is for, as Cognito's event tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenHolder<'a> {
    /// A program: `client_credentials`, no person in the event.
    Machine,
    /// A person, by the subject. A subject that nobody has is refused, never looked up otherwise.
    Person {
        /// Cognito's `sub`.
        sub: &'a str,
    },
    /// A person, by the name in the user pool, of an event without a subject.
    PersonByName {
        /// The pool, as in `users.user_pool_id`.
        user_pool_id: &'a str,
        /// The name in that pool, as in `users.user_name`.
        user_name: &'a str,
    },
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mint {
    /// The claim `connector_id`.
    Granted(ConnectorId),
    /// No token.
    Refused(MintRefusal),
}

/// Why there is no token: for the log, not for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MintRefusal {
    /// No connector has this OAuth client.
    UnknownClient,
    /// The connector was revoked.
    Revoked,
    /// A program at a connector for people.
    MachineOnInteractive,
    /// A person at a connector for programs.
    PersonOnMachine,
    /// Nobody known by this subject or name.
    UnknownPerson,
    /// The person has no access to the connector's library.
    NoAccess,
}

impl MintRefusal {
    const ALL: [Self; 6] = [
        Self::UnknownClient,
        Self::Revoked,
        Self::MachineOnInteractive,
        Self::PersonOnMachine,
        Self::UnknownPerson,
        Self::NoAccess,
    ];

    /// As the database spells it, and as logs and metrics do.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownClient => "unknown_client",
            Self::Revoked => "revoked",
            Self::MachineOnInteractive => "machine_on_interactive",
            Self::PersonOnMachine => "person_on_machine",
            Self::UnknownPerson => "unknown_person",
            Self::NoAccess => "no_access",
        }
    }

    fn find(spelling: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.as_str() == spelling)
    }
}

/// The live connector of this OAuth client, if the holder may use it. One statement.
///
/// The MCP server resolves the connector again at every call; this decides only whether there is a token at all.
pub async fn resolve(database: &Database, client_id: &str, holder: TokenHolder<'_>) -> Result<Mint, DbError> {
    let (sub, user_pool_id, user_name) = match holder {
        TokenHolder::Machine => (None, None, None),
        TokenHolder::Person { sub } => (Some(sub), None, None),
        TokenHolder::PersonByName { user_pool_id, user_name } => (None, Some(user_pool_id), Some(user_name)),
    };
    let mut connection = database.lend().await?;
    let answer = sqlx::query!(
        "SELECT connector_id, refusal FROM connector_for_token($1, $2, $3, $4)",
        client_id,
        sub,
        user_pool_id,
        user_name,
    )
    .fetch_one(&mut *connection)
    .await;
    take_back(connection).await;
    let row = answer?;
    let refusal = row.refusal.as_deref().map(MintRefusal::find);
    match (row.connector_id, refusal) {
        (Some(id), None) => Ok(Mint::Granted(id.into())),
        (None, Some(Some(refusal))) => Ok(Mint::Refused(refusal)),
        (Some(_), Some(_)) | (None, None | Some(None)) => Err(DbError::unreadable("connector_for_token")),
    }
}
