//! OAuth protected resource metadata (RFC 9728): where a client learns which scope it needs and who issues tokens.

use std::sync::Arc;

use autri_domain::ConnectorId;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::connector::RequestedConnector;
use super::error::not_found;
use crate::App;
use crate::app::Settings;

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Where the metadata of the resource that was asked for stands: an absolute URL.
pub(super) fn url(settings: &Settings, requested: Option<RequestedConnector>) -> String {
    format!("{}{WELL_KNOWN}{}", base(settings), resource_path(connector_of(requested)))
}

pub(super) async fn of_server(State(app): State<Arc<App>>) -> Response {
    document(&app.settings, None)
}

/// The same for any connector id, whether there is such a connector or not: this tells nobody which ones exist.
pub(super) async fn of_connector(State(app): State<Arc<App>>, Path(connector_id): Path<String>) -> Response {
    match connector_id.parse() {
        Ok(connector_id) => document(&app.settings, Some(connector_id)),
        Err(_) => not_found().await,
    }
}

fn document(settings: &Settings, connector_id: Option<ConnectorId>) -> Response {
    let mut document = json!({
        "resource": format!("{}{}", base(settings), resource_path(connector_id)),
        "scopes_supported": [settings.required_scope.as_str()],
        "bearer_methods_supported": ["header"],
    });
    // The front door is one issuer a connector: its metadata must be found under the issuer's own URL (RFC 8414 §3.3).
    if let Some(server) = &settings.authorization_server {
        let issuer = connector_id.map_or_else(|| server.clone(), |id| format!("{server}/c/{id}"));
        document["authorization_servers"] = json!([issuer]);
    }
    ([(header::CACHE_CONTROL, "public, max-age=300")], Json(document)).into_response()
}

fn base(settings: &Settings) -> &str {
    settings.public_url.as_str().trim_end_matches('/')
}

fn resource_path(connector_id: Option<ConnectorId>) -> String {
    connector_id.map_or_else(|| "/mcp".to_owned(), |id| format!("/c/{id}/mcp"))
}

fn connector_of(requested: Option<RequestedConnector>) -> Option<ConnectorId> {
    match requested {
        Some(RequestedConnector::Id(id)) => Some(id),
        Some(RequestedConnector::Nonsense) | None => None,
    }
}
