//! Probes: is the process alive, and could it answer a call.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::error::unavailable;
use crate::App;

/// Seconds after which a probe may ask again.
const RETRY_AFTER_SECS: u32 = 5;

/// The process runs. Asks nobody else, so that a database failure does not make an orchestrator kill the server.
pub(super) async fn alive() -> Response {
    axum::Json(json!({ "status": "alive" })).into_response()
}

/// The database answers, and its schema is the one that this build was made for.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    match autri_db::migrations::are_current(&app.database).await {
        Ok(true) => (StatusCode::OK, axum::Json(json!({ "status": "ready" }))).into_response(),
        Ok(false) => unavailable(RETRY_AFTER_SECS, "the database lacks migrations: run `autri db migrate`"),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "not ready");
            unavailable(RETRY_AFTER_SECS, "the database is not reachable")
        }
    }
}
