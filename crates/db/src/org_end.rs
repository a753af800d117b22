//! The end of an org: what it has, its connectors closed, what was kept in clear erased. Connect as `autri_admin`.

use autri_domain::{ConnectorId, KnowledgeBaseId, OrgId};
use sqlx::PgConnection;

use crate::{Database, DbError};

/// How many audit rows one transaction erases the arguments of.
const ERASE_BATCH: i32 = 10_000;

/// What an org has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgInventory {
    /// What people call it.
    pub name: String,
    /// The address of the person whose personal org it is.
    pub personal_email: Option<String>,
    /// Members.
    pub member_count: i64,
    /// Libraries.
    pub library_count: i64,
    /// Documents in all its knowledge bases.
    pub document_count: i64,
    /// Questions that were asked in the web app.
    pub chat_query_count: i64,
    /// Its knowledge bases, by id.
    pub knowledge_base_ids: Vec<KnowledgeBaseId>,
    /// Its connectors, revoked ones too, each with its app client's id.
    pub connectors: Vec<(ConnectorId, String)>,
}

/// What an org has; `None` when there is no such org.
pub async fn find(database: &Database, id: OrgId) -> Result<Option<OrgInventory>, DbError> {
    let mut connection = database.acquire().await?;
    let row = sqlx::query!(
        r#"SELECT o.name, u.email AS "personal_email?",
                  (SELECT count(*) FROM org_members m WHERE m.org_id = o.id) AS "members!",
                  (SELECT count(*) FROM libraries l WHERE l.org_id = o.id) AS "libraries!",
                  (SELECT count(*) FROM documents d JOIN knowledge_bases k ON k.id = d.knowledge_base_id
                   WHERE k.org_id = o.id) AS "documents!",
                  (SELECT count(*) FROM chat_queries q WHERE q.org_id = o.id) AS "chat_queries!",
                  ARRAY(SELECT k.id FROM knowledge_bases k WHERE k.org_id = o.id ORDER BY k.id) AS "bases!"
           FROM orgs o LEFT JOIN users u ON u.id = o.personal_user
           WHERE o.id = $1"#,
        id.as_uuid(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let connectors = connectors_of(&mut connection, id).await?;
    Ok(Some(OrgInventory {
        name: row.name,
        personal_email: row.personal_email,
        member_count: row.members,
        library_count: row.libraries,
        document_count: row.documents,
        chat_query_count: row.chat_queries,
        knowledge_base_ids: row.bases.into_iter().map(KnowledgeBaseId::from).collect(),
        connectors,
    }))
}

/// An org's connectors, revoked ones too, each with its app client's id.
pub async fn list_connectors(database: &Database, id: OrgId) -> Result<Vec<(ConnectorId, String)>, DbError> {
    connectors_of(&mut *database.acquire().await?, id).await
}

async fn connectors_of(
    connection: &mut PgConnection,
    id: OrgId,
) -> Result<Vec<(ConnectorId, String)>, DbError> {
    let rows = sqlx::query!(
        "SELECT id, oauth_client_id FROM connectors WHERE org_id = $1 ORDER BY created_at, id",
        id.as_uuid(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id.into(), row.oauth_client_id)).collect())
}

/// Revokes all of an org's connectors at once: nobody's next call reaches its content. How many were live.
pub async fn close_connectors(database: &Database, id: OrgId) -> Result<u64, DbError> {
    let closed = sqlx::query!(
        "UPDATE connectors SET revoked_at = now() WHERE org_id = $1 AND revoked_at IS NULL",
        id.as_uuid(),
    )
    .execute(&mut *database.acquire().await?)
    .await?;
    Ok(closed.rows_affected())
}

/// How many rows of an org's audit log there are, and of how many the arguments were kept in clear.
pub async fn count_audit_rows(database: &Database, id: OrgId) -> Result<(i64, i64), DbError> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "all!", count(*) FILTER (WHERE arguments IS NOT NULL) AS "clear!"
           FROM mcp_audit_log WHERE org_id = $1"#,
        id.as_uuid(),
    )
    .fetch_one(&mut *database.acquire().await?)
    .await?;
    Ok((row.all, row.clear))
}

/// Erases, in pieces, the arguments that were kept in clear of a gone org's calls; of how many. The rows stay, with their
/// digests.
///
/// # Errors
/// The rule `mcp_audit_log_arguments_of_a_gone_org` while there is such an org.
pub async fn erase_audit_arguments(database: &Database, id: OrgId) -> Result<u64, DbError> {
    let mut erased = 0;
    loop {
        let some = erase_some_audit_arguments(&mut *database.acquire().await?, id, ERASE_BATCH).await?;
        if some == 0 {
            return Ok(erased);
        }
        erased += some;
    }
}

/// As [`erase_audit_arguments`], of at most so many rows.
pub(crate) async fn erase_some_audit_arguments(
    connection: &mut PgConnection,
    id: OrgId,
    most: i32,
) -> Result<u64, DbError> {
    let erased =
        sqlx::query_scalar!(r#"SELECT erase_audit_arguments($1, $2) AS "erased!""#, id.as_uuid(), most)
            .fetch_one(connection)
            .await?;
    Ok(erased.unsigned_abs().into())
}
