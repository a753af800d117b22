//! What can go wrong, by what the caller does next.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::LoginError;

/// Why a database operation failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database cannot be reached or is too busy: try again later.
    #[error("the database is not reachable")]
    Unavailable(#[source] DriverError),
    /// A named constraint of the schema refused the change: tell the caller what the rule is.
    #[error("refused by the rule {constraint:?}")]
    Rule {
        /// The constraint's name, as in the migrations.
        constraint: String,
        /// The driver's error.
        #[source]
        source: DriverError,
    },
    /// The statement ran longer than the time limit, or waited in a circle with another: try again.
    #[error("the statement took too long and was cancelled")]
    TimedOut(#[source] DriverError),
    /// The login's credentials were refused: read them again.
    #[error("the database refused the credentials")]
    Credentials(#[source] DriverError),
    /// The login is kept elsewhere and not to be had: do as the error says.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The connection settings do not parse.
    #[error("the database URL is not usable: {0}")]
    BadUrl(String),
    /// The login sees all tenants' rows: connect as `autri_mcp`.
    #[error("the database login is not bound by row level security: connect as autri_mcp")]
    RowSecurityOff,
    /// A migration could not be applied.
    #[error("migrations failed")]
    Migration(#[source] Box<sqlx::migrate::MigrateError>),
    /// Anything else: a defect, or a database that is not ours.
    #[error("the database answered with an error")]
    Unexpected(#[source] DriverError),
}

/// What the driver says, once: its errors have their cause both in their text and as a cause. Of what the database answers it
/// is the message alone, without the line of Postgres's source that made it.
#[derive(Debug)]
pub struct DriverError(sqlx::Error);

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_database_error() {
            Some(answer) => f.write_str(answer.message()),
            None => self.0.fmt(f),
        }
    }
}

impl Error for DriverError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source().and_then(Error::source)
    }
}

impl DbError {
    /// An answer that this build cannot read, of a function or column that it names.
    pub(crate) fn unreadable(what: &'static str) -> Self {
        let unknown = format!("{what} has a value that is not known");
        Self::Unexpected(DriverError(sqlx::Error::Decode(unknown.into())))
    }

    /// The violated constraint's name, if that is what this is.
    #[must_use]
    pub fn constraint(&self) -> Option<&str> {
        match self {
            Self::Rule { constraint, .. } => Some(constraint),
            Self::Unavailable(_)
            | Self::TimedOut(_)
            | Self::Credentials(_)
            | Self::Login(_)
            | Self::BadUrl(_)
            | Self::RowSecurityOff
            | Self::Migration(_)
            | Self::Unexpected(_) => None,
        }
    }
}

impl From<sqlx::Error> for DbError {
    fn from(error: sqlx::Error) -> Self {
        let Some(database) = error.as_database_error() else {
            return match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed => Self::Unavailable(DriverError(error)),
                other => Self::Unexpected(DriverError(other)),
            };
        };
        if let Some(constraint) = database.constraint() {
            return Self::Rule { constraint: constraint.to_owned(), source: DriverError(error) };
        }
        let code = database.code().map(Cow::into_owned);
        let error = DriverError(error);
        // https://www.postgresql.org/docs/16/errcodes-appendix.html
        match code.as_deref() {
            Some("57014" | "40P01") => Self::TimedOut(error),
            Some("28P01" | "28000") => Self::Credentials(error),
            // Class 08: connection; 53: resources; 57P: the server is starting, stopping or was told to end us.
            Some(code) if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
                Self::Unavailable(error)
            }
            _ => Self::Unexpected(error),
        }
    }
}

impl From<sqlx::migrate::MigrateError> for DbError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Migration(Box::new(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_is_said_once() {
        let error = DbError::from(sqlx::Error::Io(std::io::Error::other("nobody is there")));
        let mut said = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            said = format!("{said}: {error}");
            cause = error.source();
        }
        assert!(said.starts_with("the database is not reachable: "), "{said}");
        assert_eq!(said.matches("nobody is there").count(), 1, "{said}");
    }
}
