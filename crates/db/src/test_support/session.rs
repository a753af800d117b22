//! Statements that no function of this crate makes, for tests of crates that have no SQL.

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgConnection;

use super::TestDatabase;

/// A connection as the cluster's administrator. Locks and open transactions end with it.
#[derive(Debug)]
pub struct AdminSession(PgConnection);

impl TestDatabase {
    /// Opens a session of the cluster's administrator in this database.
    pub async fn admin_session(&self) -> AdminSession {
        AdminSession(self.admin_connection().await)
    }
}

impl AdminSession {
    /// Runs statements without parameters.
    pub async fn run(&mut self, sql: &str) {
        let statements = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        statements.execute(&mut self.0).await.expect("the statements to run");
    }

    /// The only value, a bigint, of a query's only row.
    pub async fn number(&mut self, sql: &str) -> i64 {
        let query = sqlx::query_scalar(AssertSqlSafe(sql.to_owned()));
        query.fetch_one(&mut self.0).await.expect("one bigint")
    }
}
