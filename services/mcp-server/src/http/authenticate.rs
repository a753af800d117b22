//! Bearer token → principal → live connector, for every request to MCP but the ping.

use std::sync::Arc;
use std::time::Instant;

use autri_auth::{InvalidReason, Refusal, bearer_token};
use autri_db::{DbError, TenantScope};
use autri_domain::Principal;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::timeout;

use super::RequestRecord;
use super::challenge;
use super::connector::RequestedConnector;
use super::error::unavailable;
use super::request_record::Unavailable;
use crate::App;

/// Seconds after which a caller may try again when the database is away.
const RETRY_AFTER_SECS: u32 = 5;
const NOT_AVAILABLE: &str = "the service is not available at the moment";
const DATABASE_AWAY: &str = "database_unavailable";

/// A caller who was let in.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Verified.
    pub(crate) principal: Arc<Principal>,
    /// As it stood when the request came in; the tool's own transaction asks again.
    pub(crate) scope: Arc<TenantScope>,
}

pub(super) async fn authenticate(
    State(app): State<Arc<App>>,
    record: axum::Extension<RequestRecord>,
    mut request: Request,
    next: Next,
) -> Response {
    let requested = RequestedConnector::of(&app.settings, &request);
    let principal = match verify(&app, request.headers()).await {
        Ok(principal) => principal,
        Err(refusal) => {
            record.set_refusal(refusal.reason().map_or(refusal.class(), InvalidReason::as_str));
            return challenge::refuse(&app.settings, requested, refusal);
        }
    };
    record.set_principal(&principal);
    if requested.is_some_and(|requested| !requested.allows(principal.connector_id())) {
        record.set_refusal("other_connector");
        return challenge::other_connector();
    }
    let waiting = timeout(app.settings.call_timeout, app.shares.take(principal.connector_id()));
    let Ok(share) = waiting.await else { return busy(&record) };
    let asked = Instant::now();
    let scope = TenantScope::find(&app.database, &principal).await;
    record.add_database_time(asked.elapsed());
    // The call takes it again: it may prepare its work for long.
    drop(share);
    match scope {
        Ok(Some(scope)) => {
            request
                .extensions_mut()
                .insert(Caller { principal: Arc::new(principal), scope: Arc::new(scope) });
            let response = next.run(request).await;
            match record.unavailable() {
                Some(Unavailable::DatabaseAway) => {
                    record.set_refusal(DATABASE_AWAY);
                    return unavailable(RETRY_AFTER_SECS, NOT_AVAILABLE);
                }
                Some(Unavailable::Busy) => return busy(&record),
                None => {}
            }
            if !record.was_revoked_meanwhile() {
                return response;
            }
        }
        Ok(None) => {}
        Err(error) => return database_away(&record, &error),
    }
    record.set_refusal("closed_connector");
    challenge::invalid_token(&app.settings, requested)
}

async fn verify(app: &App, headers: &HeaderMap) -> Result<Principal, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => Some(value.to_str().map_err(|_| InvalidReason::Malformed)?),
        // Two headers are as malformed as two tokens in one.
        (Some(_), Some(_)) => return Err(InvalidReason::Malformed.into()),
    };
    app.verifier.verify(bearer_token(value)?).await
}

fn busy(record: &RequestRecord) -> Response {
    record.set_refusal("busy");
    unavailable(RETRY_AFTER_SECS, "the connector's other requests are still under way: make fewer at once")
}

fn database_away(record: &RequestRecord, error: &DbError) -> Response {
    tracing::error!(
        error = error as &dyn std::error::Error,
        request_id = record.request_id(),
        "the connector could not be looked up"
    );
    record.set_refusal(DATABASE_AWAY);
    unavailable(RETRY_AFTER_SECS, NOT_AVAILABLE)
}
