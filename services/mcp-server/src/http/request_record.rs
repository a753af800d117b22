//! The outermost layer: names each request, collects what the others learn of it, and logs it once, whatever happens.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use autri_domain::Principal;
use autri_telemetry::{RequestLine, RequestLog, shortened};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use serde_json::Value;
use uuid::Uuid;

use super::error::rpc_error;
use super::message::Message;
use crate::App;
use crate::app::BegunRequest;

/// JSON-RPC's internal error.
const INTERNAL_ERROR: i32 = -32603;
/// What nginx logs for a client that went away; there is no registered code.
const CLIENT_CLOSED_REQUEST: u16 = 499;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MCP_SESSION_ID: &str = "mcp-session-id";
const RUNTIME_SESSION_ID: &str = "x-amzn-bedrock-agentcore-runtime-session-id";
const PROTOCOL_VERSION: &str = "mcp-protocol-version";

/// What is known of a request so far. Cloned handles share it, and as long as there is one the request is under way.
#[derive(Debug, Clone)]
pub(crate) struct RequestRecord {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    log: RequestLog,
    arrived_at: DateTime<Utc>,
    started: Instant,
    request_id: String,
    learned: Mutex<Learned>,
    _under_way: BegunRequest,
}

#[derive(Debug, Default)]
struct Learned {
    method: Option<String>,
    tool: Option<String>,
    sub: Option<String>,
    client_id: Option<String>,
    connector_id: Option<String>,
    session_id: Option<String>,
    mcp_protocol: Option<String>,
    refusal: Option<String>,
    database: Duration,
    revoked_meanwhile: bool,
    unavailable: Option<Unavailable>,
    logged: bool,
}

/// Why a call had no database to work in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unavailable {
    /// Nobody has.
    DatabaseAway,
    /// The connector's other requests took its share of it.
    Busy,
}

impl RequestRecord {
    fn new(app: &App, request: &Request) -> Self {
        let headers = request.headers();
        let learned = Learned {
            method: Some(shortened(&format!("{} {}", request.method(), request.uri().path()))),
            session_id: text_of(headers, MCP_SESSION_ID).or_else(|| text_of(headers, RUNTIME_SESSION_ID)),
            mcp_protocol: text_of(headers, PROTOCOL_VERSION),
            ..Learned::default()
        };
        Self {
            inner: Arc::new(Inner {
                log: app.request_log.clone(),
                arrived_at: app.clock.now(),
                started: Instant::now(),
                request_id: new_request_id(),
                learned: Mutex::new(learned),
                _under_way: app.under_way.begin(),
            }),
        }
    }

    /// The request's id: ours, never one that a client sent.
    #[must_use]
    pub(crate) fn request_id(&self) -> &str {
        &self.inner.request_id
    }

    /// Adds time spent in the database.
    pub(crate) fn add_database_time(&self, spent: Duration) {
        self.learn(|learned| learned.database += spent);
    }

    /// Notes who is calling, once that is verified.
    pub(super) fn set_principal(&self, principal: &Principal) {
        self.learn(|learned| {
            learned.sub = Some(principal.subject().to_owned());
            learned.client_id = Some(principal.client_id().to_owned());
            learned.connector_id = Some(principal.connector_id().to_string());
        });
    }

    /// Notes the JSON-RPC method and, of a `tools/call`, the tool.
    pub(super) fn set_message(&self, message: &Message) {
        let Some(method) = message.method.as_deref() else { return };
        let tool = message.name.as_deref().filter(|_| method == "tools/call");
        self.learn(|learned| {
            learned.method = Some(shortened(method));
            learned.tool = tool.map(shortened);
        });
    }

    /// Notes why the request is refused, as a class.
    pub(super) fn set_refusal(&self, refusal: &str) {
        self.learn(|learned| learned.refusal = Some(refusal.to_owned()));
    }

    /// Notes that the connector was found revoked inside the tool's transaction.
    pub(crate) fn set_revoked_meanwhile(&self) {
        self.learn(|learned| learned.revoked_meanwhile = true);
    }

    /// Notes why there was no database when the tool needed it.
    pub(crate) fn set_unavailable(&self, why: Unavailable) {
        self.learn(|learned| learned.unavailable = Some(why));
    }

    pub(super) fn unavailable(&self) -> Option<Unavailable> {
        let mut unavailable = None;
        self.learn(|learned| unavailable = learned.unavailable);
        unavailable
    }

    pub(super) fn was_revoked_meanwhile(&self) -> bool {
        let mut revoked = false;
        self.learn(|learned| revoked = learned.revoked_meanwhile);
        revoked
    }

    fn learn(&self, change: impl FnOnce(&mut Learned)) {
        change(&mut self.inner.learned.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn write(&self, status: u16) {
        let mut line = None;
        self.learn(|learned| {
            if std::mem::replace(&mut learned.logged, true) {
                return;
            }
            line = Some(RequestLine {
                time: self.inner.arrived_at,
                method: learned.method.take(),
                tool: learned.tool.take(),
                sub: learned.sub.take(),
                client_id: learned.client_id.take(),
                connector_id: learned.connector_id.take(),
                status,
                latency: self.inner.started.elapsed(),
                database: learned.database,
                request_id: self.inner.request_id.clone(),
                session_id: learned.session_id.take(),
                mcp_protocol: learned.mcp_protocol.take(),
                refusal: learned.refusal.take(),
            });
        });
        if let Some(line) = line {
            self.inner.log.write(&line);
        }
    }
}

/// Logs a request whose client went away: its future is dropped before there is an answer.
struct LogIfDropped(RequestRecord);

impl Drop for LogIfDropped {
    fn drop(&mut self) {
        self.0.write(CLIENT_CLOSED_REQUEST);
    }
}

pub(super) async fn record(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let record = RequestRecord::new(&app, &request);
    let guard = LogIfDropped(record.clone());
    request.extensions_mut().insert(record.clone());
    let mut response = AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| {
        // The panic hook has written the message and the place to the diagnostics already.
        rpc_error(StatusCode::INTERNAL_SERVER_ERROR, &Value::Null, INTERNAL_ERROR, "internal error")
    });
    if let Ok(request_id) = HeaderValue::from_str(record.request_id()) {
        response.headers_mut().insert(REQUEST_ID, request_id);
    }
    record.write(response.status().as_u16());
    drop(guard);
    response
}

#[expect(
    clippy::disallowed_methods,
    reason = "a request's id is made nowhere else; made per request, not at start-up"
)]
fn new_request_id() -> String {
    Uuid::now_v7().to_string()
}

fn text_of(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(shortened)
}
