//! Answers to requests that never reach a tool: JSON that names the class of what went wrong, and nothing of its detail.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An OAuth-style error body (RFC 6750 §3.1 uses the same two fields in its header).
pub(super) fn error(status: StatusCode, error: &str, description: &str) -> Response {
    (status, Json(json!({ "error": error, "error_description": description }))).into_response()
}

/// A JSON-RPC error, for bodies that are not a request we can pass on.
pub(super) fn rpc_error(status: StatusCode, id: &Value, code: i32, message: &str) -> Response {
    let body = json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } });
    (status, Json(body)).into_response()
}

/// 503 with the seconds after which it is worth trying again.
pub(super) fn unavailable(retry_after_secs: u32, description: &str) -> Response {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", description);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after_secs));
    response
}

pub(super) async fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "not_found", "the MCP endpoint is /mcp or /c/{connector_id}/mcp")
}
