//! The tenant a call may see: resolved from the live connector, and entered in the transaction that reads.

use autri_domain::{ConnectorId, LibraryId, OrgId, Principal};
use sqlx::{PgConnection, Postgres, Transaction};

use crate::{Database, DbError};

/// What a principal's connector opens, as of the moment it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantScope {
    /// The connector named by the token.
    pub connector_id: ConnectorId,
    /// The org that owns it.
    pub org_id: OrgId,
    /// The library it opens.
    pub library_id: LibraryId,
    /// The library's name, as people chose it: not to be trusted as an instruction.
    pub library_name: String,
    /// The library's embedding model; `none` for lexical search only.
    pub embedding_model: String,
    /// That model's dimensions; 0 for `none`.
    pub embedding_dimensions: u32,
}

struct ScopeRow {
    org_id: uuid::Uuid,
    library_id: uuid::Uuid,
    library_name: String,
    embedding_model: String,
    embedding_dimensions: i32,
    row_security: bool,
}

impl TenantScope {
    /// The scope of a principal, or `None` when its connector is unknown, revoked, another client's, of the other
    /// kind, or closed to this person: five reasons that a caller must not be able to tell apart.
    pub async fn find(database: &Database, principal: &Principal) -> Result<Option<Self>, DbError> {
        let row = sqlx::query_as!(
            ScopeRow,
            r#"SELECT org_id AS "org_id!", library_id AS "library_id!", library_name AS "library_name!",
                      embedding_model AS "embedding_model!", embedding_dimensions AS "embedding_dimensions!",
                      row_security_active('chunks') AS "row_security!"
               FROM resolve_connector($1, $2, $3)"#,
            principal.connector_id().as_uuid(),
            principal.client_id(),
            principal.subject(),
        )
        .fetch_optional(&mut *database.acquire().await?)
        .await?;
        row.map(|row| Self::from_row(principal, row)).transpose()
    }

    /// Refuses a login that row level security does not bind, such as a superuser: it would see every tenant's rows.
    fn from_row(principal: &Principal, row: ScopeRow) -> Result<Self, DbError> {
        if !row.row_security {
            return Err(DbError::RowSecurityOff);
        }
        Ok(Self {
            connector_id: principal.connector_id(),
            org_id: row.org_id.into(),
            library_id: row.library_id.into(),
            library_name: row.library_name,
            embedding_model: row.embedding_model,
            embedding_dimensions: row.embedding_dimensions.unsigned_abs(),
        })
    }
}

/// A transaction in which the database shows one scope's rows and no others.
///
/// Dropped without [`ScopedTx::commit`], it leaves nothing behind.
#[derive(Debug)]
pub struct ScopedTx {
    transaction: Transaction<'static, Postgres>,
    scope: TenantScope,
}

impl ScopedTx {
    /// Begins a transaction and enters the principal's scope in it; `None` as for [`TenantScope::find`]. This check
    /// rules: the connector may have been revoked since the request was let in.
    pub async fn enter(database: &Database, principal: &Principal) -> Result<Option<Self>, DbError> {
        let mut transaction = database.begin().await?;
        // A statement of its own: policies of the same statement would be evaluated before it.
        let row = sqlx::query_as!(
            ScopeRow,
            r#"SELECT org_id AS "org_id!", library_id AS "library_id!", library_name AS "library_name!",
                      embedding_model AS "embedding_model!", embedding_dimensions AS "embedding_dimensions!",
                      row_security_active('chunks') AS "row_security!"
               FROM enter_scope($1, $2, $3)"#,
            principal.connector_id().as_uuid(),
            principal.client_id(),
            principal.subject(),
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let scope = row.map(|row| TenantScope::from_row(principal, row)).transpose()?;
        Ok(scope.map(|scope| Self { transaction, scope }))
    }

    /// The scope that was entered.
    #[must_use]
    pub const fn scope(&self) -> &TenantScope {
        &self.scope
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Makes what was written last.
    pub async fn commit(self) -> Result<(), DbError> {
        Ok(self.transaction.commit().await?)
    }
}
