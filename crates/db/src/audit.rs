//! The audit log's rows. What they mean, and what may stand in them, is `autri-audit-log`'s business.

use autri_domain::{ConnectorId, OrgId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Database, DbError, ScopedTx};

/// The rule that no two rows have one id.
const ONE_ROW_AN_ID: &str = "mcp_audit_log_pkey";

/// A row to append. The time is the database's, the org the connector's.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAuditRow {
    /// The row's own id (UUIDv7): one a call, however often it is tried to be written.
    pub id: Uuid,
    /// The connector that was called.
    pub connector_id: ConnectorId,
    /// The token's OAuth client.
    pub client_id: String,
    /// The token's subject.
    pub sub: String,
    /// The tool's name.
    pub tool: String,
    /// HMAC-SHA-256 of the canonical arguments.
    pub arguments_digest: [u8; 32],
    /// Which key made the digest.
    pub digest_key_id: String,
    /// The arguments in clear, where the operator chose so.
    pub arguments: Option<serde_json::Value>,
    /// How many results went out.
    pub result_count: u32,
    /// `ok`, `caller_error`, `refused`, `failed` or `timed_out`.
    pub status: &'static str,
    /// How long the work took, in milliseconds.
    pub latency_ms: f64,
    /// The request's id in the request log.
    pub request_id: String,
}

/// A row as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// The row's own id.
    pub id: Uuid,
    /// When, by the database's clock.
    pub at: DateTime<Utc>,
    /// Whose.
    pub org_id: OrgId,
    /// The connector.
    pub connector_id: ConnectorId,
    /// The OAuth client.
    pub client_id: String,
    /// The subject.
    pub sub: String,
    /// The tool.
    pub tool: String,
    /// The arguments' keyed digest.
    pub arguments_digest: Vec<u8>,
    /// Which key made it.
    pub digest_key_id: String,
    /// The arguments in clear, where they were kept so.
    pub arguments: Option<serde_json::Value>,
    /// How many results went out.
    pub result_count: i32,
    /// The outcome.
    pub status: String,
    /// Milliseconds.
    pub latency_ms: f64,
    /// The request's id.
    pub request_id: String,
}

/// Which rows to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only this org's.
    pub org_id: Option<OrgId>,
    /// Only this connector's.
    pub connector_id: Option<ConnectorId>,
    /// Only from this time on.
    pub since: Option<DateTime<Utc>>,
    /// Only those further down the list than this place, which is a row's time and id. With the nil id only those of an
    /// earlier time.
    pub before: Option<(DateTime<Utc>, Uuid)>,
    /// At most so many rows.
    pub limit: u32,
}

/// Appends a row in the transaction that did the work.
pub async fn append(tx: &mut ScopedTx, row: &NewAuditRow) -> Result<(), DbError> {
    append_on(tx.connection(), row).await
}

/// Appends a row in a transaction of its own: for work that failed and was rolled back.
///
/// Nothing is written where the row is there already: a connection that was lost during the commit does not tell whether the
/// work was rolled back. If it is being committed still, this waits for how that ends. In [`append`] an id that is taken
/// stays an error, and no result goes out.
pub async fn append_alone(database: &Database, row: &NewAuditRow) -> Result<(), DbError> {
    match append_on(&mut *database.acquire().await?, row).await {
        Err(error) if error.constraint() == Some(ONE_ROW_AN_ID) => Ok(()),
        appended => appended,
    }
}

async fn append_on(connection: &mut PgConnection, row: &NewAuditRow) -> Result<(), DbError> {
    sqlx::query!(
        "SELECT append_mcp_audit($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        row.id,
        row.connector_id.as_uuid(),
        row.client_id,
        row.sub,
        row.tool,
        row.arguments_digest.as_slice(),
        row.digest_key_id,
        row.arguments,
        i32::try_from(row.result_count).unwrap_or(i32::MAX),
        row.status,
        row.latency_ms,
        row.request_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest rows that match, by time and then by id. Connect as `autri_admin`.
pub async fn list(database: &Database, filter: &AuditFilter) -> Result<Vec<AuditRow>, DbError> {
    let (before, before_id) = filter.before.unzip();
    let rows = sqlx::query_as!(
        AuditRow,
        r#"SELECT id, at, org_id, connector_id, client_id, sub, tool, arguments_digest, digest_key_id, arguments,
                  result_count, status, latency_ms, request_id
           FROM mcp_audit_log
           WHERE ($1::uuid IS NULL OR org_id = $1) AND ($2::uuid IS NULL OR connector_id = $2)
             AND ($3::timestamptz IS NULL OR at >= $3)
             AND ($4::timestamptz IS NULL OR (at, id) < ($4, $5::uuid))
           ORDER BY at DESC, id DESC
           LIMIT $6"#,
        filter.org_id.map(OrgId::as_uuid),
        filter.connector_id.map(ConnectorId::as_uuid),
        filter.since,
        before,
        before_id,
        i64::from(filter.limit),
    )
    .fetch_all(&mut *database.acquire().await?)
    .await?;
    Ok(rows)
}
