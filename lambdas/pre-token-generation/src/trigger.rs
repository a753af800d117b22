//! One invocation: an event in, the event with its claim out, or no token.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use autri_aws::TriggerDatabase;
use autri_db::token_mint::{self, Mint};
use autri_domain::{Clock, ConnectorId};
use autri_telemetry::{InvocationLine, InvocationLog, JsonLines, Metrics, shortened};
use serde_json::Value;

use crate::event::Event;
use crate::failure::Failure;

/// The function, as it calls itself in logs, in metrics and in `pg_stat_activity`.
pub const FUNCTION: &str = "pre-token-generation";

/// What an invocation needs.
#[derive(Debug)]
pub struct Trigger {
    /// As `autri_pre_token`.
    pub database: TriggerDatabase,
    /// App clients whose tokens are left alone, and so open nothing at the MCP server.
    pub passthrough_clients: BTreeSet<String>,
    /// The longest that an invocation may take; [`TRIGGER_PATIENCE`](autri_aws::TRIGGER_PATIENCE).
    pub patience: Duration,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where the invocation log and the metrics go.
    pub lines: JsonLines,
}

/// What became of an event.
#[derive(Debug)]
enum Answer {
    /// The token gets this connector.
    Granted(ConnectorId, Value),
    /// A client of the list.
    Passed(Value),
}

/// What the log says of an event, read before the event goes its way.
#[derive(Debug, Default)]
struct Subject {
    trigger: Option<String>,
    user_pool_id: Option<String>,
    client_id: Option<String>,
}

/// Answers `event`: with itself and the claim, or unchanged for a client that is let through.
///
/// Writes one line to the invocation log, and one metric on whatever is no plain refusal. `request_id` is Lambda's.
///
/// # Errors
/// [`Failure`], on which Cognito issues no token.
pub async fn handle(trigger: &Trigger, event: Value, request_id: &str) -> Result<Value, Failure> {
    let (arrived_at, started) = (trigger.clock.now(), Instant::now());
    let subject = Subject::of(&event);
    let answering = tokio::time::timeout(trigger.patience, answer(trigger, event));
    let result = answering.await.unwrap_or(Err(Failure::TooLate));
    let (outcome, reason, connector_id) = match &result {
        Ok(Answer::Granted(connector, _)) => ("granted", None, Some(connector.to_string())),
        Ok(Answer::Passed(_)) => ("passed", None, None),
        Err(failure) => (failure.outcome(), Some(failure.reason()), None),
    };
    InvocationLog::new(trigger.lines.clone()).write(&InvocationLine {
        time: arrived_at,
        function: FUNCTION,
        trigger: subject.trigger,
        user_pool_id: subject.user_pool_id,
        client_id: subject.client_id,
        connector_id,
        outcome,
        reason,
        email_digest: None,
        latency: started.elapsed(),
        request_id: request_id.to_owned(),
    });
    match result {
        Ok(Answer::Granted(_, event) | Answer::Passed(event)) => Ok(event),
        Err(failure) => {
            report(trigger, &failure, request_id);
            Err(failure)
        }
    }
}

async fn answer(trigger: &Trigger, event: Value) -> Result<Answer, Failure> {
    let event = Event::new(event)?;
    let client_id = event.client_id()?;
    if trigger.passthrough_clients.contains(client_id) {
        return Ok(Answer::Passed(event.unchanged()));
    }
    event.require_access_token_claims()?;
    let holder = event.holder(client_id)?;
    let minting =
        trigger.database.run(async |database| token_mint::resolve(database, client_id, holder).await);
    match minting.await? {
        Mint::Granted(connector) => Ok(Answer::Granted(connector, event.with_connector(connector)?)),
        Mint::Refused(refusal) => Err(Failure::Refused(refusal)),
    }
}

/// The metric, and for whoever has to mend it, the error behind it.
fn report(trigger: &Trigger, failure: &Failure, request_id: &str) {
    if let Some(stage) = failure.stage() {
        let metrics = Metrics::new(trigger.lines.clone(), "Autri", FUNCTION);
        metrics.failure(trigger.clock.now(), stage, failure.reason());
    }
    match failure {
        // An answer like any other; the invocation log has it.
        Failure::Refused(_) => {}
        Failure::Malformed(malformed) => {
            tracing::error!(reason = %malformed, request_id, "no token can be made for this event");
        }
        Failure::Database(error) => {
            tracing::error!(
                error = error as &dyn std::error::Error,
                request_id,
                "the connector could not be looked up"
            );
        }
        Failure::TooLate => tracing::error!(request_id, "the database took too long"),
    }
}

impl Subject {
    fn of(event: &Value) -> Self {
        let text = |pointer| event.pointer(pointer).and_then(Value::as_str).map(shortened);
        Self {
            trigger: text("/triggerSource"),
            user_pool_id: text("/userPoolId"),
            client_id: text("/callerContext/clientId"),
        }
    }
}
