//! Identifiers: UUIDv7 (RFC 9562), one newtype each so that they cannot be swapped.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A text that is not the hyphenated form of a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a UUID")]
pub struct IdError(String);

macro_rules! id_types {
    ($($(#[$doc:meta])+ $name:ident;)+) => {$(
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh, time-ordered id (UUIDv7).
            #[expect(clippy::new_without_default, reason = "a default id that differs each time would surprise")]
            #[expect(clippy::disallowed_methods, reason = "this is where ids are made")]
            #[must_use]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// The bare UUID, for a database parameter.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        /// Accepts the 36-character hyphenated form only: an id has one spelling.
        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                if text.len() != 36 {
                    return Err(IdError(text.chars().take(64).collect()));
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdError(text.to_owned()))
            }
        }
    )+};
}

id_types! {
    /// An organisation: the tenant that owns libraries and knowledge bases.
    OrgId;
    /// A library: what a connector opens, a set of knowledge bases that share one embedding model.
    LibraryId;
    /// A knowledge base: a set of documents.
    KnowledgeBaseId;
    /// A document.
    DocumentId;
    /// A connector: an OAuth client bound to one library. Travels as the token claim `connector_id`.
    ConnectorId;
    /// A person.
    UserId;
    /// A notification to a person.
    NotificationId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = ConnectorId::new();
        assert_eq!(id.to_string().parse::<ConnectorId>(), Ok(id));
        for bad in
            ["", "not-a-uuid", &id.as_uuid().simple().to_string(), &format!("{{{id}}}"), &format!("{id} ")]
        {
            assert!(bad.parse::<ConnectorId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_are_version_7() {
        assert_eq!(DocumentId::new().as_uuid().get_version_num(), 7);
    }
}
