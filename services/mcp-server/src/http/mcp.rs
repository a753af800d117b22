//! Hands a request to rmcp, with a server made for its caller.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};

use super::RequestRecord;
use super::authenticate::Caller;
use crate::App;
use crate::server::LibraryServer;

pub(super) async fn handle(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(record): Extension<RequestRecord>,
    request: Request<Body>,
) -> Response {
    let max_body_bytes = app.settings.max_body_bytes;
    let server = LibraryServer::new(app, caller, record);
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_sse_keep_alive(None)
        .with_max_request_body_bytes(max_body_bytes)
        // `http::origin` has checked the host already.
        .disable_allowed_hosts();
    let service = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    service.handle(request).await.into_response()
}
