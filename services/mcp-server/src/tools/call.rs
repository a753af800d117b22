//! One tool call: its transaction, its time limit, its audit row.
//!
//! The row is written once, after the work and before the answer, in the transaction that did the work. Where there is
//! no such transaction any more, because the work failed, it is written alone. If it cannot be written, no result goes
//! out. The call runs as a task of its own, so that a client that goes away takes neither the row nor the work with it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use autri_audit_log::{AuditedTool, Outcome, ToolCall};
use autri_db::{DbError, ScopedTx};
use futures_util::FutureExt;
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::{Map, Value};

use super::error::ToolError;
use super::{fetch, list_documents, list_knowledge_bases, search};
use crate::App;
use crate::http::{Caller, RequestRecord};

/// A call on its way.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) app: Arc<App>,
    pub(super) caller: Caller,
    pub(super) record: RequestRecord,
    pub(super) tool: AuditedTool,
    pub(super) arguments: Map<String, Value>,
}

/// A tool's result.
pub(super) struct Answer {
    pub(super) content: Value,
    pub(super) result_count: u32,
}

impl Answer {
    pub(super) fn new(content: &impl serde::Serialize, result_count: usize) -> Result<Self, ToolError> {
        let content = serde_json::to_value(content)?;
        Ok(Self { content, result_count: u32::try_from(result_count).unwrap_or(u32::MAX) })
    }
}

/// What became of a call whose transaction is gone.
enum Failure {
    Tool(ToolError),
    TimedOut,
    Panicked,
}

/// Runs a call to its end.
///
/// # Errors
/// A JSON-RPC error when the failure is ours; the caller's mistakes are tool errors, which the model gets to read.
pub(super) async fn run(call: Call) -> Result<CallToolResult, ErrorData> {
    match tokio::spawn(call.finish()).await {
        Ok(result) => result,
        Err(_) => Err(internal_error()),
    }
}

impl Call {
    async fn finish(self) -> Result<CallToolResult, ErrorData> {
        let started = Instant::now();
        let work = AssertUnwindSafe(self.work(started)).catch_unwind();
        let failure = match tokio::time::timeout(self.app.settings.call_timeout, work).await {
            Ok(Ok(Ok(answer))) => return Ok(CallToolResult::structured(answer.content)),
            // The database's own limit, which is a little shorter.
            Ok(Ok(Err(ToolError::Database(DbError::TimedOut(_))))) | Err(_) => Failure::TimedOut,
            Ok(Ok(Err(error))) => Failure::Tool(error),
            Ok(Err(_)) => Failure::Panicked,
        };
        self.record_failure(&failure, started).await?;
        self.answer_failure(failure)
    }

    async fn work(&self, started: Instant) -> Result<Answer, ToolError> {
        let prepared = match self.tool {
            AuditedTool::Search => Prepared::Search(Box::new(search::prepare(self).await?)),
            AuditedTool::Fetch => Prepared::Fetch(fetch::prepare(self)?),
            AuditedTool::ListKnowledgeBases => {
                Prepared::ListKnowledgeBases(list_knowledge_bases::prepare(self)?)
            }
            AuditedTool::ListDocuments => Prepared::ListDocuments(list_documents::prepare(self)?),
        };
        let in_database = Instant::now();
        let answer = self.work_in_scope(prepared, started).await;
        self.record.add_database_time(in_database.elapsed());
        answer
    }

    async fn work_in_scope(&self, prepared: Prepared, started: Instant) -> Result<Answer, ToolError> {
        let entered = ScopedTx::enter(&self.app.database, &self.caller.principal).await?;
        let mut tx = entered.ok_or(ToolError::Closed)?;
        let answer = match prepared {
            Prepared::Search(search) => search.run(self, &mut tx).await?,
            Prepared::Fetch(fetch) => fetch.run(self, &mut tx).await?,
            Prepared::ListKnowledgeBases(list) => list.run(&mut tx).await?,
            Prepared::ListDocuments(list) => list.run(self, &mut tx).await?,
        };
        let latency_ms = millis_since(started);
        with_event(self, async |event| {
            self.app.audit.append(&mut tx, event, Outcome::Ok, answer.result_count, latency_ms).await
        })
        .await?;
        tx.commit().await?;
        Ok(answer)
    }

    async fn record_failure(&self, failure: &Failure, started: Instant) -> Result<(), ErrorData> {
        let outcome = match failure {
            Failure::Tool(ToolError::Caller(_)) => Outcome::CallerError,
            Failure::Tool(ToolError::Closed) => Outcome::Refused,
            Failure::Tool(ToolError::Database(_) | ToolError::Serialize(_)) | Failure::Panicked => {
                Outcome::Failed
            }
            Failure::TimedOut => Outcome::TimedOut,
        };
        let written = with_event(self, async |event| {
            self.app.audit.append_alone(&self.app.database, event, outcome, millis_since(started)).await
        });
        written.await.map_err(|error| {
            self.note_if_away(&error);
            tracing::error!(
                error = &error as &dyn std::error::Error,
                request_id = self.record.request_id(),
                tool = self.tool.name(),
                "a failed call could not be recorded"
            );
            internal_error()
        })
    }

    fn answer_failure(&self, failure: Failure) -> Result<CallToolResult, ErrorData> {
        match failure {
            Failure::Tool(ToolError::Caller(text)) => Ok(tool_error(text)),
            Failure::Tool(ToolError::Closed) => {
                self.record.set_revoked_meanwhile();
                Err(internal_error())
            }
            Failure::Tool(error @ (ToolError::Database(_) | ToolError::Serialize(_))) => {
                if let ToolError::Database(error) = &error {
                    self.note_if_away(error);
                }
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    request_id = self.record.request_id(),
                    tool = self.tool.name(),
                    "a call failed"
                );
                Err(internal_error())
            }
            // The panic hook has written the message and the place.
            Failure::Panicked => Err(internal_error()),
            Failure::TimedOut => {
                let secs = self.app.settings.call_timeout.as_secs();
                Ok(tool_error(format!(
                    "the call took longer than {secs} s and was stopped; ask for less, or try again"
                )))
            }
        }
    }

    /// A database that is away is a 503 for the whole request, as it is when the connector is looked up.
    fn note_if_away(&self, error: &DbError) {
        if matches!(error, DbError::Unavailable(_) | DbError::Credentials(_) | DbError::Login(_)) {
            self.record.set_database_away();
        }
    }
}

/// A tool whose arguments were read.
enum Prepared {
    Search(Box<search::Search>),
    Fetch(fetch::Fetch),
    ListKnowledgeBases(list_knowledge_bases::ListKnowledgeBases),
    ListDocuments(list_documents::ListDocuments),
}

async fn with_event<T>(call: &Call, write: impl AsyncFnOnce(&ToolCall<'_>) -> T) -> T {
    let arguments = Value::Object(call.arguments.clone());
    let event = ToolCall {
        principal: &call.caller.principal,
        tool: call.tool,
        arguments: &arguments,
        request_id: call.record.request_id(),
    };
    write(&event).await
}

fn tool_error(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

fn internal_error() -> ErrorData {
    ErrorData::internal_error(
        "internal error; the request id in the x-request-id header names it in our log",
        None,
    )
}

fn millis_since(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
