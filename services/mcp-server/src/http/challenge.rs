//! Refusals as HTTP: 401 and 403 with a challenge (RFC 6750 §3, RFC 9728 §5.1), 503 while keys cannot be had.

use autri_auth::Refusal;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::connector::RequestedConnector;
use super::error::{error, unavailable};
use super::metadata;
use crate::app::Settings;

/// The answer to a refused caller.
pub(super) fn refuse(
    settings: &Settings,
    requested: Option<RequestedConnector>,
    refusal: Refusal,
) -> Response {
    match refusal {
        Refusal::MissingToken => {
            challenged(settings, requested, StatusCode::UNAUTHORIZED, None, "a bearer token is required")
        }
        Refusal::InvalidToken(_) => invalid_token(settings, requested),
        Refusal::InsufficientScope => challenged(
            settings,
            requested,
            StatusCode::FORBIDDEN,
            Some("insufficient_scope"),
            "the token lacks the required scope",
        ),
        Refusal::KeysUnavailable { retry_after_secs } => {
            unavailable(retry_after_secs, "tokens cannot be verified at the moment")
        }
    }
}

/// The one answer to a token that is not valid, and to a valid one whose connector is unknown, revoked or another's.
pub(super) fn invalid_token(settings: &Settings, requested: Option<RequestedConnector>) -> Response {
    let description = "the token is not valid, or its connector is closed";
    challenged(settings, requested, StatusCode::UNAUTHORIZED, Some("invalid_token"), description)
}

/// The answer to a token whose connector is not the one that the URL names.
pub(super) fn other_connector() -> Response {
    error(StatusCode::FORBIDDEN, "access_denied", "the token is for another connector than this URL's")
}

fn challenged(
    settings: &Settings,
    requested: Option<RequestedConnector>,
    status: StatusCode,
    code: Option<&str>,
    description: &str,
) -> Response {
    let code_param = code.map(|code| format!("error=\"{code}\", ")).unwrap_or_default();
    let scope = &settings.required_scope;
    let metadata_url = metadata::url(settings, requested);
    let challenge = format!("Bearer {code_param}scope=\"{scope}\", resource_metadata=\"{metadata_url}\"");
    // A request without credentials gets no error code in its challenge (RFC 6750 §3.1); the body has a word for it.
    let mut response = error(status, code.unwrap_or("missing_token"), description);
    if let Ok(value) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
