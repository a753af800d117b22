//! A tool as a call's work, and its result as MCP's.

use autri_audit_log::{AuditedCall, AuditedTool};
use autri_db::ScopedTx;
use rmcp::ErrorData;
use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::Value;

use super::{fetch, list_documents, list_knowledge_bases, search};
use crate::calls::{Answer, Call, CallError, Failure, Work, internal_error};

/// A tool whose arguments were read.
pub(crate) struct PreparedTool(Prepared);

enum Prepared {
    Search(Box<search::Search>),
    Fetch(fetch::Fetch),
    ListKnowledgeBases(list_knowledge_bases::ListKnowledgeBases),
    ListDocuments(list_documents::ListDocuments),
}

impl Work for AuditedTool {
    type Prepared = PreparedTool;
    type Content = Value;

    fn recorded_as(&self) -> AuditedCall {
        AuditedCall::Tool(*self)
    }

    async fn prepare(&self, call: &Call) -> Result<PreparedTool, CallError> {
        Ok(PreparedTool(match self {
            Self::Search => Prepared::Search(Box::new(search::prepare(call).await?)),
            Self::Fetch => Prepared::Fetch(fetch::prepare(call)?),
            Self::ListKnowledgeBases => Prepared::ListKnowledgeBases(list_knowledge_bases::prepare(call)?),
            Self::ListDocuments => Prepared::ListDocuments(list_documents::prepare(call)?),
        }))
    }

    async fn run(tool: PreparedTool, call: &Call, tx: &mut ScopedTx) -> Result<Answer, CallError> {
        match tool.0 {
            Prepared::Search(search) => search.run(call, tx).await,
            Prepared::Fetch(fetch) => fetch.run(call, tx).await,
            Prepared::ListKnowledgeBases(list) => list.run(call, tx).await,
            Prepared::ListDocuments(list) => list.run(call, tx).await,
        }
    }
}

/// What a tool's caller gets: its own mistakes are tool errors, which the model gets to read.
///
/// # Errors
/// A JSON-RPC error when the failure is ours.
pub(crate) fn result(outcome: Result<Value, Failure>) -> Result<CallToolResult, ErrorData> {
    match outcome {
        Ok(content) => Ok(CallToolResult::structured(content)),
        Err(Failure::Mistake(text) | Failure::TimedOut(text)) => {
            Ok(CallToolResult::error(vec![ContentBlock::text(text)]))
        }
        Err(Failure::Internal) => Err(internal_error()),
    }
}
