//! The platform's health probe: a JSON-RPC `ping` without a token, on `/mcp` and `/mcp/`.
//!
//! AgentCore Runtime declares a container unhealthy that answers it with 401, so it is answered before authentication,
//! and without the database. It says nothing but that the process is alive.

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::message::Message;
use super::protocol::names_version_without_handshake;
use super::{RequestRecord, body};

/// The longest body that is read before the caller is known, in bytes: enough for a ping, and to name the method of a
/// refused request in the log.
const MAX_BODY_BYTES: usize = 16 * 1024;

pub(super) async fn answer(request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !is_worth_reading(request.headers()) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let bytes = match body::read(body, MAX_BODY_BYTES).await {
        Ok(bytes) => bytes,
        Err(failure) => {
            // Callers with a token are told so further in; the others, that they have none.
            parts.extensions.insert(failure);
            return next.run(Request::from_parts(parts, Body::empty())).await;
        }
    };
    let message = Message::read(&bytes).unwrap_or_default();
    if let Some(record) = parts.extensions.get::<RequestRecord>() {
        record.set_message(&message);
    }
    match ping_id(&message) {
        // 2026-07-28 has no ping; rmcp says so.
        Some(id) if !names_version_without_handshake(&parts.headers) => {
            Json(json!({ "jsonrpc": "2.0", "id": id, "result": {} })).into_response()
        }
        _ => next.run(Request::from_parts(parts, Body::from(bytes))).await,
    }
}

/// With a token, a body is read here only if it is announced as short: the others have a limit of their own further in.
fn is_worth_reading(headers: &HeaderMap) -> bool {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    !headers.contains_key(header::AUTHORIZATION) || length.is_some_and(|length| length <= MAX_BODY_BYTES)
}

/// The id of a ping request; a notification has none and gets no answer (JSON-RPC 2.0 §4.1).
fn ping_id(message: &Message) -> Option<&Value> {
    let is_ping = message.is_version_2 && message.method.as_deref() == Some("ping");
    message.id.as_ref().filter(|_| is_ping)
}
