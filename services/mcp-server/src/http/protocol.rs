//! Makes of what real clients send what rmcp takes, and answers what is no JSON-RPC request.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::Value;

use super::RequestRecord;
use super::body::{self, BodyFailure};
use super::error::{error, rpc_error};
use super::message::{INVALID_REQUEST, Message};
use crate::App;

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The first version without a handshake: each request names its version in header and body.
/// <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http>
const FIRST_WITHOUT_HANDSHAKE: &str = "2026-07-28";

/// Whether the headers name a version of the era without a handshake. Versions are dates and compare as text.
pub(super) fn names_version_without_handshake(headers: &HeaderMap) -> bool {
    headers
        .get(&PROTOCOL_VERSION)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|version| version >= FIRST_WITHOUT_HANDSHAKE)
}

pub(super) async fn normalise(
    State(app): State<Arc<App>>,
    record: axum::Extension<RequestRecord>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "use POST");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    if !is_json(request.headers()) {
        let description = "send Content-Type: application/json";
        return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", description);
    }
    let (mut parts, body) = request.into_parts();
    let bytes = match read_body(&parts, body, app.settings.max_body_bytes).await {
        Ok(bytes) => bytes,
        Err(failure) => return failure.into_response(),
    };
    let message = match Message::read(&bytes) {
        Ok(message) => message,
        Err((code, text)) => return rpc_error(StatusCode::BAD_REQUEST, &Value::Null, code, text),
    };
    record.set_message(&message);
    accept_what_is_sent(&mut parts);
    agree_on_version(&mut parts, &message);
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    in_json(response, &message.id.unwrap_or_default())
}

/// rmcp says in plain text what is wrong with a message that it cannot read, and with headers that it does not take.
fn in_json(response: Response, id: &Value) -> Response {
    if !response.status().is_client_error() || is_json(response.headers()) {
        return response;
    }
    let message = match response.status() {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "the body is not a JSON-RPC message of MCP",
        _ => {
            "the request's headers do not fit: MCP-Protocol-Version must name a version that this server knows"
        }
    };
    rpc_error(StatusCode::BAD_REQUEST, id, INVALID_REQUEST, message)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads the body, unless the ping's layer has tried that in vain.
async fn read_body(parts: &Parts, body: Body, limit: usize) -> Result<Bytes, BodyFailure> {
    match parts.extensions.get() {
        Some(failure) => Err(*failure),
        None => body::read(body, limit).await,
    }
}

/// We answer with JSON whatever the client prefers, and real clients send `*/*` or one of the two types; rmcp insists
/// on both.
fn accept_what_is_sent(parts: &mut Parts) {
    parts.headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
}

/// Some clients of the version without a handshake send a header of the era before (claude-code#93290). The body was
/// made by the client's protocol code, the header by its transport: the body rules. Anything else that disagrees stays
/// as it is, and rmcp refuses it.
fn agree_on_version(parts: &mut Parts, message: &Message) {
    let in_body = message.protocol_version.as_deref();
    let in_header = parts.headers.get(&PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    let header_is_older = in_header.is_some_and(|version| version < FIRST_WITHOUT_HANDSHAKE);
    let Some(version) = in_body.filter(|version| header_is_older && *version >= FIRST_WITHOUT_HANDSHAKE)
    else {
        return;
    };
    let Ok(value) = HeaderValue::from_str(version) else { return };
    parts.headers.insert(PROTOCOL_VERSION, value);
    // The headers that this version asks for beside it, which such a client does not send.
    copy_to_header(parts, METHOD, message.method.as_deref());
    copy_to_header(parts, NAME, message.name.as_deref().or(message.uri.as_deref()));
}

fn copy_to_header(parts: &mut Parts, name: HeaderName, text: Option<&str>) {
    let value = text.and_then(|text| HeaderValue::from_str(text).ok());
    if let (false, Some(value)) = (parts.headers.contains_key(&name), value) {
        parts.headers.insert(name, value);
    }
}
