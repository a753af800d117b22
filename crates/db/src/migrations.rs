//! The schema's versions: embedded, forward only, applied by a command and never at a server's start.

use sqlx::migrate::Migrator;

use crate::{Database, DbError};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// One migration and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The number its file begins with.
    pub version: i64,
    /// What the file's name says.
    pub description: String,
    /// Whether it was applied with this very text.
    pub applied: bool,
}

/// Applies what is missing, each migration in its own transaction and for as long as it takes. Connect as `autri_migrate`.
///
/// # Errors
/// [`DbError::Migration`] also when an applied migration's text has changed since.
pub async fn apply(database: &Database) -> Result<(), DbError> {
    // Closed afterwards, so that nobody else gets a connection without a limit.
    let mut connection = database.lend().await?;
    // The pool's limit is for statements: making an index, or waiting for another run to end, may take longer.
    sqlx::raw_sql("SET statement_timeout = 0").execute(&mut *connection).await?;
    Ok(MIGRATOR.run(&mut *connection).await?)
}

/// The migrations that this build knows, oldest first, and which of them the database has.
pub async fn status(database: &Database) -> Result<Vec<MigrationStatus>, DbError> {
    let table_exists =
        sqlx::query_scalar!(r#"SELECT to_regclass('public._sqlx_migrations') IS NOT NULL AS "exists!""#)
            .fetch_one(&mut *database.acquire().await?)
            .await?;
    let applied = if table_exists {
        sqlx::query!("SELECT version, checksum FROM _sqlx_migrations WHERE success")
            .fetch_all(&mut *database.acquire().await?)
            .await?
    } else {
        Vec::new()
    };
    let status = MIGRATOR.iter().map(|known| MigrationStatus {
        version: known.version,
        description: known.description.to_string(),
        applied: applied.iter().any(|row| row.version == known.version && row.checksum == *known.checksum),
    });
    Ok(status.collect())
}

/// Whether the database has every migration that this build knows. A newer database counts as current: migrations
/// expand before they contract, so that the running version keeps working while the next one is deployed.
pub async fn are_current(database: &Database) -> Result<bool, DbError> {
    Ok(status(database).await?.iter().all(|migration| migration.applied))
}

/// Number and checksum of all migrations, oldest first: names a template database after the schema it holds.
#[cfg(feature = "test-support")]
pub(crate) fn checksums() -> impl Iterator<Item = (i64, &'static [u8])> {
    MIGRATOR.iter().map(|migration| (migration.version, &*migration.checksum))
}
