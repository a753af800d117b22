//! Who is calling, once a verifier has said so.

use crate::{ConnectorId, ScopeSet};

/// What stands behind a token: a program with its own credentials, or a person who signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    /// A `client_credentials` token. Cognito sets its `sub` to the client's id.
    Machine,
    /// A token of a user flow; its `sub` is the user's.
    Person,
}

impl Caller {
    /// `machine` or `person`, as the database and the logs spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Person => "person",
        }
    }
}

/// A caller whose token was verified.
///
/// Only a verifier in `autri-auth` makes one (clippy refuses the constructor elsewhere), so holding one is
/// proof of authentication. It is not proof that the connector still exists: that is asked of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    connector_id: ConnectorId,
    client_id: String,
    subject: String,
    caller: Caller,
    scopes: ScopeSet,
}

impl Principal {
    /// Asserts that these values come from a token whose signature and claims were checked.
    #[must_use]
    pub fn assert_verified(
        connector_id: ConnectorId,
        client_id: String,
        subject: String,
        caller: Caller,
        scopes: ScopeSet,
    ) -> Self {
        Self { connector_id, client_id, subject, caller, scopes }
    }

    /// The claim `connector_id`.
    #[must_use]
    pub const fn connector_id(&self) -> ConnectorId {
        self.connector_id
    }

    /// The claim `client_id`: the OAuth client the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The claim `sub`: the person's, or the client's id again for a machine.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// A program or a person.
    #[must_use]
    pub const fn caller(&self) -> Caller {
        self.caller
    }

    /// The granted scopes.
    #[must_use]
    pub const fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }
}
