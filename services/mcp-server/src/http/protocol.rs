//! Makes of what real clients send what rmcp takes, and answers what is no JSON-RPC request.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use super::RequestRecord;
use super::error::{error, rpc_error};
use crate::App;

const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const NAME: HeaderName = HeaderName::from_static("mcp-name");

/// The first version without a handshake: each request names its version in header and body.
/// <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http>
const FIRST_WITHOUT_HANDSHAKE: &str = "2026-07-28";

/// The longest that a caller may take to send its body.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_secs(30);

// JSON-RPC 2.0 §5.1.
const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;

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
    let (bytes, message) = match read_message(body, app.settings.max_body_bytes).await {
        Ok(read) => read,
        Err(response) => return *response,
    };
    record.set_message(&message);
    accept_what_is_sent(&mut parts);
    agree_on_version(&mut parts, &message);
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    in_json(response, message.get("id").unwrap_or(&Value::Null))
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

async fn read_message(body: Body, limit: usize) -> Result<(Bytes, Value), Box<Response>> {
    let collected = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect()).await;
    let bytes = match collected {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(failure)) if failure.is::<LengthLimitError>() => {
            let description = format!("a request body may be {limit} bytes long");
            return Err(Box::new(error(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", &description)));
        }
        Ok(Err(_)) => {
            return Err(Box::new(error(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "the request body broke off",
            )));
        }
        Err(_) => {
            let description = "the request body did not arrive in time";
            return Err(Box::new(error(StatusCode::REQUEST_TIMEOUT, "request_timeout", description)));
        }
    };
    match serde_json::from_slice::<Value>(&bytes) {
        Ok(message @ Value::Object(_)) => Ok((bytes, message)),
        Ok(_) => {
            let message = "the body must be one JSON-RPC message; batches were removed in MCP 2025-06-18";
            Err(Box::new(rpc_error(StatusCode::BAD_REQUEST, &Value::Null, INVALID_REQUEST, message)))
        }
        Err(_) => Err(Box::new(rpc_error(
            StatusCode::BAD_REQUEST,
            &Value::Null,
            PARSE_ERROR,
            "the body is not JSON",
        ))),
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
fn agree_on_version(parts: &mut Parts, message: &Value) {
    let in_body =
        message.pointer("/params/_meta/io.modelcontextprotocol~1protocolVersion").and_then(Value::as_str);
    let in_header = parts.headers.get(&PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    let header_is_older = in_header.is_some_and(|version| version < FIRST_WITHOUT_HANDSHAKE);
    let Some(version) = in_body.filter(|version| header_is_older && *version >= FIRST_WITHOUT_HANDSHAKE)
    else {
        return;
    };
    let Ok(value) = HeaderValue::from_str(version) else { return };
    parts.headers.insert(PROTOCOL_VERSION, value);
    // The headers that this version asks for beside it, which such a client does not send.
    copy_to_header(parts, METHOD, message.get("method"));
    copy_to_header(parts, NAME, message.pointer("/params/name").or_else(|| message.pointer("/params/uri")));
}

fn copy_to_header(parts: &mut Parts, name: HeaderName, text: Option<&Value>) {
    let value = text.and_then(Value::as_str).and_then(|text| HeaderValue::from_str(text).ok());
    if let (false, Some(value)) = (parts.headers.contains_key(&name), value) {
        parts.headers.insert(name, value);
    }
}
