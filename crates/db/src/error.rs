//! What can go wrong, by what the caller does next.

use crate::LoginError;

/// Why a database operation failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The database cannot be reached or is too busy: try again later.
    #[error("the database is not reachable")]
    Unavailable(#[source] sqlx::Error),
    /// A named constraint of the schema refused the change: tell the caller what the rule is.
    #[error("refused by the rule {constraint:?}")]
    Rule {
        /// The constraint's name, as in the migrations.
        constraint: String,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// The statement ran longer than the time limit, or waited in a circle with another: try again.
    #[error("the statement took too long and was cancelled")]
    TimedOut(#[source] sqlx::Error),
    /// The login's credentials were refused: read them again.
    #[error("the database refused the credentials")]
    Credentials(#[source] sqlx::Error),
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
    Unexpected(#[source] sqlx::Error),
}

impl DbError {
    /// An answer that this build cannot read, of a function or column that it names.
    pub(crate) fn unreadable(what: &'static str) -> Self {
        Self::Unexpected(sqlx::Error::Decode(format!("{what} has a value that is not known").into()))
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
                | sqlx::Error::PoolClosed => Self::Unavailable(error),
                other => Self::Unexpected(other),
            };
        };
        if let Some(constraint) = database.constraint() {
            return Self::Rule { constraint: constraint.to_owned(), source: error };
        }
        // https://www.postgresql.org/docs/16/errcodes-appendix.html
        match database.code().as_deref() {
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
