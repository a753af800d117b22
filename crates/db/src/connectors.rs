//! Connectors, as the operator keeps them. How a token's connector is resolved stands in `scope`.

use autri_domain::{ConnectorId, LibraryId, OrgId};
use chrono::{DateTime, Utc};

use crate::{Database, DbError};

/// For programs or for people; a token of the other nature is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectorKind {
    /// `client_credentials`: a client with a secret, no person.
    Machine,
    /// Authorization code with PKCE: a person signs in.
    Interactive,
}

impl ConnectorKind {
    /// As the database spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Interactive => "interactive",
        }
    }
}

/// A connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connector {
    /// Its id: the claim `connector_id`.
    pub id: ConnectorId,
    /// Whose it is.
    pub org_id: OrgId,
    /// The library it opens.
    pub library_id: LibraryId,
    /// That library's name.
    pub library_name: String,
    /// `machine` or `interactive`.
    pub kind: String,
    /// Its app client's id at Cognito.
    pub oauth_client_id: String,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// A connector to make. The caller chooses the id, because the app client is made first and may carry it in its name.
#[derive(Debug, Clone, Copy)]
pub struct NewConnector<'a> {
    /// The id it gets.
    pub id: ConnectorId,
    /// The library that it opens.
    pub library_id: LibraryId,
    /// For programs or for people.
    pub kind: ConnectorKind,
    /// Its app client's id at Cognito, 1 to 200 characters. No other connector has it, revoked ones included.
    pub oauth_client_id: &'a str,
    /// What people call it, 1 to 200 characters.
    pub name: &'a str,
}

/// Makes a connector for a library; `None` when there is no such library.
///
/// # Errors
/// The rule `connectors_oauth_client_id_key` when the OAuth client has a connector already.
pub async fn insert(database: &Database, new: &NewConnector<'_>) -> Result<Option<Connector>, DbError> {
    let row = sqlx::query_as!(
        Connector,
        r#"INSERT INTO connectors (id, org_id, library_id, kind, oauth_client_id, name)
           SELECT $1, l.org_id, l.id, $3, $4, $5 FROM libraries l WHERE l.id = $2
           RETURNING id, org_id, library_id, kind, oauth_client_id, name, created_at, revoked_at,
                     (SELECT l.name FROM libraries l WHERE l.id = $2) AS "library_name!""#,
        new.id.as_uuid(),
        new.library_id.as_uuid(),
        new.kind.as_str(),
        new.oauth_client_id,
        new.name,
    )
    .fetch_optional(&mut *database.acquire().await?)
    .await?;
    Ok(row)
}

/// All connectors, of one library if that is given, oldest first; revoked ones too.
pub async fn list(database: &Database, library_id: Option<LibraryId>) -> Result<Vec<Connector>, DbError> {
    let rows = sqlx::query_as!(
        Connector,
        r#"SELECT c.id, c.org_id, c.library_id, l.name AS library_name, c.kind, c.oauth_client_id, c.name, c.created_at,
                  c.revoked_at
           FROM connectors c JOIN libraries l ON l.id = c.library_id
           WHERE $1::uuid IS NULL OR c.library_id = $1
           ORDER BY c.created_at, c.id"#,
        library_id.map(LibraryId::as_uuid),
    )
    .fetch_all(&mut *database.acquire().await?)
    .await?;
    Ok(rows)
}

/// One connector.
pub async fn find(database: &Database, id: ConnectorId) -> Result<Option<Connector>, DbError> {
    let row = sqlx::query_as!(
        Connector,
        r#"SELECT c.id, c.org_id, c.library_id, l.name AS library_name, c.kind, c.oauth_client_id, c.name, c.created_at,
                  c.revoked_at
           FROM connectors c JOIN libraries l ON l.id = c.library_id
           WHERE c.id = $1"#,
        id.as_uuid(),
    )
    .fetch_optional(&mut *database.acquire().await?)
    .await?;
    Ok(row)
}

/// Revokes a connector: its next call is refused. Returns when it was revoked (the first time, if it already was), or
/// `None` when there is no such connector.
pub async fn revoke(database: &Database, id: ConnectorId) -> Result<Option<DateTime<Utc>>, DbError> {
    let revoked_at = sqlx::query_scalar!(
        r#"UPDATE connectors SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING revoked_at AS "at!""#,
        id.as_uuid(),
    )
    .fetch_optional(&mut *database.acquire().await?)
    .await?;
    Ok(revoked_at)
}

/// Binds a live connector to another app client: the old one's tokens are refused from the next call on. Whether there is
/// such a connector that is not revoked.
///
/// # Errors
/// The rule `connectors_oauth_client_id_key` when the new client has a connector already.
pub async fn replace_client(
    database: &Database,
    id: ConnectorId,
    new_client_id: &str,
) -> Result<bool, DbError> {
    let replaced = sqlx::query!(
        "UPDATE connectors SET oauth_client_id = $2 WHERE id = $1 AND revoked_at IS NULL",
        id.as_uuid(),
        new_client_id,
    )
    .execute(&mut *database.acquire().await?)
    .await?;
    Ok(replaced.rows_affected() > 0)
}
