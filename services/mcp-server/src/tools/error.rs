//! Why a tool gives no result.

use autri_db::DbError;

/// By what the caller gets to see.
#[derive(Debug, thiserror::Error)]
pub(super) enum ToolError {
    /// The caller's mistake. The text says what to do instead, and holds nothing that was retrieved.
    #[error("{0}")]
    Caller(String),
    /// The connector was closed since the request came in.
    #[error("the connector is closed")]
    Closed,
    /// Ours.
    #[error("a database operation failed")]
    Database(#[from] DbError),
    /// Ours.
    #[error("the result could not be written as JSON")]
    Serialize(#[from] serde_json::Error),
}

impl ToolError {
    pub(super) fn caller(text: impl Into<String>) -> Self {
        Self::Caller(text.into())
    }
}
