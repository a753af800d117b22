//! One call, of a tool or of a method that reads resources: its transaction, its time limit, its audit row.
//!
//! The row is written once, after the work and before the answer, in the transaction that did the work. Where there is
//! no such transaction any more, because the work failed, it is written alone. If it cannot be written, no result goes
//! out. The call runs as a task of its own, so that a client that goes away takes neither the row nor the work with it;
//! it has its request's record, for which a server that is told to stop waits.

pub(crate) mod cursor;
mod error;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use autri_audit_log::{AuditedCall, CallEvent, CallRow, Outcome};
use autri_db::{DbError, ScopedTx};
use futures_util::FutureExt;
use rmcp::ErrorData;
use serde_json::{Map, Value};
use tokio::time::{timeout, timeout_at};

pub(crate) use error::{CallError, Failure};

use crate::App;
use crate::http::{Caller, RequestRecord, Unavailable};

/// What a call does.
pub(crate) trait Work: Send + Sync + 'static {
    /// The work, once the arguments were read.
    type Prepared: Send;
    /// What it gives the caller.
    type Content: Send + 'static;

    /// What stands in the audit row.
    fn recorded_as(&self) -> AuditedCall;

    /// Reads the arguments, and does what needs no database: no connection is held meanwhile.
    fn prepare(&self, call: &Call) -> impl Future<Output = Result<Self::Prepared, CallError>> + Send;

    /// Does the work in the caller's scope.
    fn run(
        prepared: Self::Prepared,
        call: &Call,
        tx: &mut ScopedTx,
    ) -> impl Future<Output = Result<Answer<Self::Content>, CallError>> + Send;
}

/// A call on its way.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) app: Arc<App>,
    pub(crate) caller: Caller,
    pub(crate) record: RequestRecord,
    /// As they came.
    pub(crate) arguments: Map<String, Value>,
}

/// A call's result: a tool's is JSON.
#[derive(Debug)]
pub(crate) struct Answer<T = Value> {
    pub(crate) content: T,
    pub(crate) result_count: u32,
}

impl Answer {
    pub(crate) fn new(content: &impl serde::Serialize, result_count: usize) -> Result<Self, CallError> {
        Ok(Self::of(serde_json::to_value(content)?, result_count))
    }
}

impl<T> Answer<T> {
    pub(crate) fn of(content: T, result_count: usize) -> Self {
        Self { content, result_count: u32::try_from(result_count).unwrap_or(u32::MAX) }
    }
}

/// How work ended whose transaction is gone.
enum Ending {
    Error(CallError),
    Panicked,
}

/// Runs a call to its end.
pub(crate) async fn run<W: Work>(call: Call, work: W) -> Result<W::Content, Failure> {
    tokio::spawn(call.finish(work)).await.unwrap_or(Err(Failure::Internal))
}

impl Call {
    async fn finish<W: Work>(self, work: W) -> Result<W::Content, Failure> {
        let started = Instant::now();
        let arguments = Value::Object(self.arguments.clone());
        let event = CallEvent {
            principal: &self.caller.principal,
            call: work.recorded_as(),
            arguments: &arguments,
            request_id: self.record.request_id(),
        };
        let row = self.app.audit.row(&event);
        let doing = AssertUnwindSafe(self.work(&work, &row, started)).catch_unwind();
        let ending = match doing.await {
            Ok(Ok(content)) => return Ok(content),
            // The database's own limit is a little shorter.
            Ok(Err(CallError::Database(DbError::TimedOut(_)))) => Ending::Error(CallError::TimedOut),
            Ok(Err(error)) => Ending::Error(error),
            Err(_) => Ending::Panicked,
        };
        self.record_failure(&row, &ending, started).await?;
        Err(self.failure(row.call(), ending))
    }

    async fn work<W: Work>(
        &self,
        work: &W,
        row: &CallRow<'_>,
        started: Instant,
    ) -> Result<W::Content, CallError> {
        let limit = self.app.settings.call_timeout;
        let deadline = Instant::now() + limit;
        let preparing = timeout_at(deadline.into(), work.prepare(self));
        let prepared = preparing.await.map_err(|_| CallError::TimedOut)??;
        let waiting = timeout_at(deadline.into(), self.app.shares.take(self.caller.principal.connector_id()));
        let share = waiting.await.map_err(|_| CallError::Busy)?;
        let in_database = Instant::now();
        // As long again, however long that took: a statement of a call that is cut off goes on in its connection until the
        // database's limit for it, and nobody would hold a share for that.
        let working = timeout(limit, self.work_in_scope::<W>(prepared, row, started)).await;
        self.record.add_database_time(in_database.elapsed());
        drop(share);
        working.map_err(|_| CallError::TimedOut)?
    }

    async fn work_in_scope<W: Work>(
        &self,
        prepared: W::Prepared,
        row: &CallRow<'_>,
        started: Instant,
    ) -> Result<W::Content, CallError> {
        let entered = ScopedTx::enter(&self.app.database, &self.caller.principal).await?;
        let mut tx = entered.ok_or(CallError::Closed)?;
        let answer = W::run(prepared, self, &mut tx).await?;
        row.append(&mut tx, Outcome::Ok, answer.result_count, millis_since(started)).await?;
        tx.commit().await?;
        Ok(answer.content)
    }

    async fn record_failure(
        &self,
        row: &CallRow<'_>,
        ending: &Ending,
        started: Instant,
    ) -> Result<(), Failure> {
        let outcome = match ending {
            Ending::Error(CallError::Caller(_)) => Outcome::CallerError,
            Ending::Error(CallError::Closed) => Outcome::Refused,
            Ending::Error(CallError::Busy | CallError::TimedOut) => Outcome::TimedOut,
            Ending::Error(CallError::Database(_) | CallError::Serialize(_)) | Ending::Panicked => {
                Outcome::Failed
            }
        };
        let written = row.append_alone(&self.app.database, outcome, millis_since(started)).await;
        written.map_err(|error| {
            self.note_if_away(&error);
            tracing::error!(
                error = &error as &dyn std::error::Error,
                request_id = self.record.request_id(),
                call = row.call().name(),
                "a failed call could not be recorded"
            );
            Failure::Internal
        })
    }

    fn failure(&self, what: AuditedCall, ending: Ending) -> Failure {
        match ending {
            Ending::Error(CallError::Caller(text)) => Failure::Mistake(text),
            Ending::Error(CallError::Closed) => {
                self.record.set_revoked_meanwhile();
                Failure::Internal
            }
            Ending::Error(CallError::Busy) => {
                self.record.set_unavailable(Unavailable::Busy);
                Failure::Internal
            }
            Ending::Error(error @ (CallError::Database(_) | CallError::Serialize(_))) => {
                if let CallError::Database(error) = &error {
                    self.note_if_away(error);
                }
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    request_id = self.record.request_id(),
                    call = what.name(),
                    "a call failed"
                );
                Failure::Internal
            }
            // The panic hook has written the message and the place.
            Ending::Panicked => Failure::Internal,
            Ending::Error(CallError::TimedOut) => {
                let secs = self.app.settings.call_timeout.as_secs();
                Failure::TimedOut(format!(
                    "the call took longer than {secs} s and was stopped; ask for less, or try again"
                ))
            }
        }
    }

    /// A database that is away is a 503 for the whole request, as it is when the connector is looked up.
    fn note_if_away(&self, error: &DbError) {
        if matches!(error, DbError::Unavailable(_) | DbError::Credentials(_) | DbError::Login(_)) {
            self.record.set_unavailable(Unavailable::DatabaseAway);
        }
    }
}

/// What a caller is told of a failure of ours.
pub(crate) fn internal_error() -> ErrorData {
    ErrorData::internal_error(
        "internal error; the request id in the x-request-id header names it in our log",
        None,
    )
}

fn millis_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
