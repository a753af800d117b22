//! The words the other crates share: ids, the public form of an id, scopes, the verified principal, loopback, time.
//!
//! No I/O, no async, no framework types. What a value of these types proves is said on the type.

pub mod clock;
mod cognito;
pub mod ids;
mod loopback;
pub mod principal;
pub mod public_id;
pub mod scope;

pub use clock::{Clock, ManualClock, SystemClock};
pub use cognito::cognito_identifier;
pub use ids::{ConnectorId, DocumentId, IdError, KnowledgeBaseId, LibraryId, NotificationId, OrgId, UserId};
pub use loopback::is_loopback;
pub use principal::{Caller, Principal};
pub use public_id::{ChunkRef, DOCUMENT_URI, PublicId, PublicIdError};
pub use scope::{DEFAULT_SCOPE, Scope, ScopeError, ScopeSet};
