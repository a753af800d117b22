//! Reading a request's body, within its bounds.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::error::error;

/// The longest that a caller may take to send its body: it is short, and keeps a connection's place meanwhile.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no body.
#[derive(Debug, Clone, Copy)]
pub(super) enum BodyFailure {
    TooLong { limit: usize },
    TooSlow,
    BrokeOff,
}

/// Reads a body of at most `limit` bytes; nothing of one that is announced as longer.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, BodyFailure> {
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyFailure::TooLong { limit });
    }
    match tokio::time::timeout(TIMEOUT, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(failure)) if failure.is::<LengthLimitError>() => Err(BodyFailure::TooLong { limit }),
        Ok(Err(_)) => Err(BodyFailure::BrokeOff),
        Err(_) => Err(BodyFailure::TooSlow),
    }
}

impl IntoResponse for BodyFailure {
    fn into_response(self) -> Response {
        match self {
            Self::TooLong { limit } => {
                let description = format!("a request body may be {limit} bytes long");
                error(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", &description)
            }
            Self::TooSlow => {
                let description = "the request body did not arrive in time";
                error(StatusCode::REQUEST_TIMEOUT, "request_timeout", description)
            }
            Self::BrokeOff => error(StatusCode::BAD_REQUEST, "invalid_request", "the request body broke off"),
        }
    }
}
