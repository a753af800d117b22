//! Why a call gives no result.

use autri_db::DbError;

/// By what the caller gets to see.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The caller's mistake. The text says what to do instead, and holds nothing that was retrieved.
    #[error("{0}")]
    Caller(String),
    /// The connector was closed since the request came in.
    #[error("the connector is closed")]
    Closed,
    /// The connector's other requests took all of its share of the database for as long as this one could wait.
    #[error("the connector's other requests are still under way")]
    Busy,
    /// The time limit.
    #[error("the time limit was reached")]
    TimedOut,
    /// Ours.
    #[error("a database operation failed")]
    Database(#[from] DbError),
    /// Ours.
    #[error("the result could not be written as JSON")]
    Serialize(#[from] serde_json::Error),
}

impl CallError {
    pub(crate) fn caller(text: impl Into<String>) -> Self {
        Self::Caller(text.into())
    }
}

/// How a call failed, once it is recorded: what its caller is told, in the words of the method that was called.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The caller's mistake, with what to do instead.
    Mistake(String),
    /// It ran into the time limit; the text says so.
    TimedOut(String),
    /// Ours. The log has the reason.
    Internal,
}
