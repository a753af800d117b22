//! What only a cluster's administrator can make: roles, the database, the extension. Run once a cluster and database.
//!
//! Safe to run again: it makes what is missing and changes nothing that is there, but for the passwords it is given.

use std::collections::BTreeMap;
use std::str::FromStr;

use postgres_protocol::password::scram_sha_256;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::{DbError, roles};

/// Serialises bootstraps of one cluster. Roles belong to the cluster, and two concurrent CREATE ROLE collide.
const LOCK_KEY: i64 = 0x6175_7472_6921;

/// What to make.
#[derive(Debug)]
pub struct Bootstrap {
    /// The administrator's URL (a superuser, or RDS's master user), with any database of the cluster.
    pub admin_url: SecretString,
    /// The database to make: lower-case letters, digits and underscores, not beginning with a digit; ≤ 63 characters.
    pub database: String,
    /// Passwords to set, by role name. A login role without a password cannot log in where passwords are asked for.
    pub passwords: BTreeMap<&'static str, SecretString>,
}

impl Bootstrap {
    /// Makes what is missing.
    ///
    /// # Errors
    /// [`DbError::BadUrl`] for a database name or URL that does not fit; otherwise what the database says.
    pub async fn run(&self) -> Result<(), DbError> {
        check_name(&self.database)?;
        let options = PgConnectOptions::from_str(self.admin_url.expose_secret())
            .map_err(|error| DbError::BadUrl(error.to_string()))?;
        let mut admin = options.clone().connect().await?;
        sqlx::query!("SELECT pg_advisory_lock($1)", LOCK_KEY).execute(&mut admin).await?;
        let made = self.make_all(&mut admin, options).await;
        // Gives the lock back.
        admin.close().await?;
        made
    }

    async fn make_all(&self, admin: &mut PgConnection, options: PgConnectOptions) -> Result<(), DbError> {
        self.make_cluster_objects(admin).await?;
        let mut in_database = options.database(&self.database).connect().await?;
        let prepared = self.prepare_database(&mut in_database).await;
        in_database.close().await?;
        prepared
    }

    async fn make_cluster_objects(&self, admin: &mut PgConnection) -> Result<(), DbError> {
        sqlx::raw_sql(include_str!("../bootstrap/roles.sql")).execute(&mut *admin).await?;
        for (role, password) in &self.passwords {
            set_password(admin, role, password).await?;
        }
        let exists = sqlx::query_scalar!("SELECT 1 FROM pg_database WHERE datname = $1", self.database)
            .fetch_optional(&mut *admin)
            .await?
            .is_some();
        if !exists {
            // Making a database for another owner asks for the right to become that owner (a superuser has it).
            execute(admin, format!("GRANT {} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE", roles::MIGRATE))
                .await?;
            let sql = format!(
                r#"CREATE DATABASE "{}" OWNER {} TEMPLATE template0 ENCODING 'UTF8'"#,
                self.database,
                roles::MIGRATE
            );
            execute(admin, sql).await?;
        }
        Ok(())
    }

    async fn prepare_database(&self, connection: &mut PgConnection) -> Result<(), DbError> {
        execute(connection, "CREATE EXTENSION IF NOT EXISTS vector".to_owned()).await?;
        execute(connection, format!("SET ROLE {}", roles::MIGRATE)).await?;
        // The administrator needs no superuser's rights, and then could not connect for a second run.
        execute(connection, format!(r#"GRANT CONNECT ON DATABASE "{}" TO SESSION_USER"#, self.database))
            .await?;
        execute(connection, format!(r#"REVOKE ALL ON DATABASE "{}" FROM PUBLIC"#, self.database)).await?;
        execute(connection, "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned()).await?;
        for role in roles::LOGINS.into_iter().filter(|role| *role != roles::MIGRATE) {
            execute(connection, format!(r#"GRANT CONNECT ON DATABASE "{}" TO {role}"#, self.database))
                .await?;
        }
        execute(connection, "RESET ROLE".to_owned()).await
    }
}

fn check_name(database: &str) -> Result<(), DbError> {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let begins_well = database.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if begins_well && database.len() <= 63 && database.bytes().all(fits) {
        return Ok(());
    }
    Err(DbError::BadUrl(format!(
        "{database:?} is no database name that can be made here: use up to 63 lower-case letters, digits and underscores"
    )))
}

/// Sets what the server checks the password against, and not the password: that would stand in the server's log wherever
/// statements are logged (<https://www.postgresql.org/docs/16/sql-createrole.html>). ALTER ROLE takes no parameters, so the
/// server itself quotes it into the statement.
async fn set_password(admin: &mut PgConnection, role: &str, password: &SecretString) -> Result<(), DbError> {
    let sql = sqlx::query_scalar!(
        r#"SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text) AS "sql!""#,
        role,
        scram_sha_256(password.expose_secret().as_bytes())
    )
    .fetch_one(&mut *admin)
    .await?;
    execute(admin, sql).await
}

/// For statements that take no parameters. Every identifier in them is one of our constants or was checked.
async fn execute(connection: &mut PgConnection, sql: String) -> Result<(), DbError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_reach_create_database() {
        for good in ["autri", "autri_dev", "a1"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "Autri", "a-b", "a\"; DROP DATABASE x; --", "ä", &"a".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
