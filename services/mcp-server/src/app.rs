//! What the server holds between requests.

use std::sync::Arc;
use std::time::Duration;

use autri_audit_log::AuditLog;
use autri_auth::TokenVerifier;
use autri_db::Database;
use autri_domain::{Clock, Scope};
use autri_retrieval::search::Retriever;
use autri_telemetry::RequestLog;
use axum::http::HeaderName;
use tokio::sync::watch;
use url::Url;

pub use crate::shares::ConnectorShares;

/// Shared by all requests. Nothing in it expires or is unique to a process: connections and keys are fetched by the
/// first request that needs them, so that a snapshot taken before it can be restored any number of times.
#[derive(Debug)]
pub struct App {
    /// Says who is calling.
    pub verifier: TokenVerifier,
    /// As the role `autri_mcp`.
    pub database: Database,
    /// Who may use how much of it.
    pub shares: ConnectorShares,
    /// Turns questions into vectors and searches.
    pub retriever: Retriever,
    /// Records tool calls.
    pub audit: AuditLog,
    /// Records requests.
    pub request_log: RequestLog,
    /// What to wait for before the process ends.
    pub under_way: UnderWay,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What was configured.
    pub settings: Settings,
}

/// The requests that are under way. One ends with the last who works on it and not with its connection: a call goes on
/// when its client has gone away.
#[derive(Debug, Default)]
pub struct UnderWay(watch::Sender<()>);

/// Held by whoever works on a request.
#[derive(Debug)]
pub(crate) struct BegunRequest {
    _receiver: watch::Receiver<()>,
}

impl UnderWay {
    pub(crate) fn begin(&self) -> BegunRequest {
        BegunRequest { _receiver: self.0.subscribe() }
    }

    /// Returns when all that have begun have ended.
    pub(crate) async fn ended(&self) {
        self.0.closed().await;
    }
}

/// The settings that requests look at.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where clients reach this server, without a path: `https://mcp.autri.ai`.
    pub public_url: Url,
    /// The OAuth front door's base, for the resource metadata; none where tokens are handed out by hand.
    pub authorization_server: Option<String>,
    /// The scope that a challenge asks for.
    pub required_scope: Scope,
    /// Browser origins that may call, beside those of [`Settings::loopback_only`].
    pub allowed_origins: Vec<String>,
    /// `Host` values that may be asked for; empty means any, which is right behind a proxy that checks.
    pub allowed_hosts: Vec<String>,
    /// Listening on loopback: only loopback names are served, and pages from loopback may call.
    pub loopback_only: bool,
    /// The edge's header that carries the connector id of the URL's path.
    pub connector_header: HeaderName,
    /// Which protocol versions are offered.
    pub protocol: ProtocolOffer,
    /// The longest request body, in bytes.
    pub max_body_bytes: usize,
    /// The longest that a call may prepare its work and wait for its turn, and again the longest that it may work then.
    pub call_timeout: Duration,
}

/// Which MCP versions a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolOffer {
    /// 2024-11-05 up to 2026-07-28.
    All,
    /// Up to 2025-11-25: for clients that mix the two eras in one request.
    LegacyOnly,
}
