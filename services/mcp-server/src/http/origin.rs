//! Which names this server answers to, and which web pages may call it.
//!
//! A page that makes a person's browser call a server on their machine (DNS rebinding) is stopped by the `Host` and the
//! `Origin` it cannot choose (MCP transports, security warning). Tokens are asked for all the same.

use std::sync::Arc;
use std::time::Duration;

use autri_domain::is_loopback;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::cors::{AllowOrigin, CorsLayer};
use url::{Host, Url};

use super::RequestRecord;
use super::error::error;
use crate::App;
use crate::app::Settings;

/// How long a browser may remember a preflight's answer.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(1);

/// Refuses a `Host` that is not ours and an `Origin` that is not allowed.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    record: axum::Extension<RequestRecord>,
    request: Request,
    next: Next,
) -> Response {
    let Ok(authority) = authority(&request) else {
        record.set_refusal("host");
        return error(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "a request names one host, in one Host header",
        );
    };
    if !host_is_ours(&app.settings, authority.as_ref()) {
        record.set_refusal("host");
        return error(
            StatusCode::FORBIDDEN,
            "forbidden_host",
            "this server does not answer to that host name",
        );
    }
    if request
        .headers()
        .get_all(header::ORIGIN)
        .iter()
        .any(|origin| !origin_is_allowed(&app.settings, origin))
    {
        record.set_refusal("origin");
        return error(
            StatusCode::FORBIDDEN,
            "forbidden_origin",
            "pages of that origin may not call this server",
        );
    }
    next.run(request).await
}

/// Answers preflights, and tells browsers what an allowed page may send and read.
pub(super) fn cors(settings: &Settings) -> CorsLayer {
    let rules = settings.clone();
    let connector_header = settings.connector_header.clone();
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| origin_is_allowed(&rules, origin)))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::ACCEPT,
            HeaderName::from_static("mcp-protocol-version"),
            HeaderName::from_static("mcp-session-id"),
            HeaderName::from_static("mcp-method"),
            HeaderName::from_static("mcp-name"),
            HeaderName::from_static("last-event-id"),
            connector_header,
        ])
        .expose_headers([
            header::WWW_AUTHENTICATE,
            header::RETRY_AFTER,
            HeaderName::from_static("x-request-id"),
        ])
        .max_age(PREFLIGHT_MAX_AGE)
}

/// The host that a request names, if any. One that names two could pass a proxy's check with the one and ours with the other.
/// <https://www.rfc-editor.org/rfc/rfc9112#section-3.2>
fn authority(request: &Request) -> Result<Option<Authority>, Ambiguous> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let in_header = headers.next();
    if headers.next().is_some() {
        return Err(Ambiguous);
    }
    let in_target = request.uri().authority();
    let Some(in_header) = in_header else { return Ok(in_target.cloned()) };
    let in_header = in_header.to_str().ok().and_then(|text| text.parse::<Authority>().ok());
    if in_target.is_some() && in_target != in_header.as_ref() {
        return Err(Ambiguous);
    }
    Ok(in_header)
}

/// More than one host is named.
struct Ambiguous;

fn host_is_ours(settings: &Settings, authority: Option<&Authority>) -> bool {
    let Some(authority) = authority else {
        return settings.allowed_hosts.is_empty() && !settings.loopback_only;
    };
    let host = authority.host();
    let listed = || settings.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
    if settings.loopback_only {
        names_loopback(host) || listed()
    } else {
        settings.allowed_hosts.is_empty() || listed()
    }
}

fn origin_is_allowed(settings: &Settings, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    if settings.allowed_origins.iter().any(|allowed| allowed == origin) {
        return true;
    }
    let parsed = Url::parse(origin).ok();
    settings.loopback_only && parsed.is_some_and(|url| url.host().is_some_and(|host| is_loopback(&host)))
}

fn names_loopback(host: &str) -> bool {
    Host::parse(host).is_ok_and(|host| is_loopback(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_loopback() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "[::1]"] {
            assert!(names_loopback(host), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "[::2]"]
        {
            assert!(!names_loopback(host), "{host}");
        }
    }
}
