//! HTTP around the tools: which paths there are, and what each request passes on its way in.

mod authenticate;
mod body;
mod challenge;
mod connector;
mod error;
mod health;
mod mcp;
mod message;
mod metadata;
mod origin;
mod ping;
mod protocol;
mod request_record;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{any, get};

pub(crate) use authenticate::Caller;
pub(crate) use request_record::{RequestRecord, Unavailable};

use crate::App;

/// The server's routes. Layers run from the last to the first.
pub fn router(app: Arc<App>) -> Router {
    let mcp = Router::new()
        .route("/mcp", any(mcp::handle))
        .route("/mcp/", any(mcp::handle))
        .route("/c/{connector_id}/mcp", any(mcp::handle))
        .route("/c/{connector_id}/mcp/", any(mcp::handle))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), protocol::normalise))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), authenticate::authenticate))
        .layer(middleware::from_fn(ping::answer));
    let metadata = Router::new()
        .route("/.well-known/oauth-protected-resource", get(metadata::of_server))
        .route("/.well-known/oauth-protected-resource/mcp", get(metadata::of_server))
        .route("/.well-known/oauth-protected-resource/c/{connector_id}/mcp", get(metadata::of_connector));
    let health = Router::new().route("/healthz", get(health::alive)).route("/readyz", get(health::ready));
    Router::new()
        .merge(mcp)
        .merge(metadata)
        .fallback(error::not_found)
        .layer(origin::cors(&app.settings))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), origin::check))
        // Probes come by address, not by name.
        .merge(health)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), request_record::record))
        .with_state(app)
}
