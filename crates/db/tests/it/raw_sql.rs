//! Statements that no function of the crate makes, and what the database says to them.

use sqlx::{AssertSqlSafe, PgConnection};

/// The SQLSTATE of "you may not": of a missing right, and of a row that row level security refuses.
pub(crate) const NOT_ALLOWED: &str = "42501";

/// Runs statements without parameters.
pub(crate) async fn run(connection: &mut PgConnection, sql: &str) -> Result<u64, sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.map(|done| done.rows_affected())
}

/// The only value of a query's only row.
pub(crate) async fn number(connection: &mut PgConnection, sql: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await
}

/// The only column of a query's rows.
pub(crate) async fn texts(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await.expect("rows of one text")
}

/// The database's code for what went wrong.
pub(crate) fn sqlstate(error: &sqlx::Error) -> String {
    let database = error.as_database_error().unwrap_or_else(|| panic!("not the database's error: {error}"));
    database.code().expect("a code").into_owned()
}

/// The code of a statement that must fail.
pub(crate) async fn refusal(connection: &mut PgConnection, sql: &str) -> String {
    match run(connection, sql).await {
        Ok(_) => panic!("went through: {sql}"),
        Err(error) => sqlstate(&error),
    }
}
