//! One event a call: of a tool, or of a method that reads the library as resources.

use std::io;

use autri_db::audit::NewAuditRow;
use autri_db::{Database, DbError, ScopedTx};
use autri_domain::Principal;
use serde_json::Value;
use uuid::Uuid;

use crate::AuditKey;

/// The tools whose calls are recorded. A tool that is not here cannot be called: the server asks for this first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditedTool {
    /// Finding passages.
    Search,
    /// Reading a chunk or a document.
    Fetch,
    /// Listing the library's knowledge bases.
    ListKnowledgeBases,
    /// Listing documents.
    ListDocuments,
}

impl AuditedTool {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Search, Self::Fetch, Self::ListKnowledgeBases, Self::ListDocuments];

    /// The tool's name in MCP and in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Fetch => "fetch",
            Self::ListKnowledgeBases => "list_knowledge_bases",
            Self::ListDocuments => "list_documents",
        }
    }

    /// The tool of that name, if its calls are recorded.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }
}

/// What is recorded: whatever shows a caller something of a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditedCall {
    /// A tool's call.
    Tool(AuditedTool),
    /// MCP's `resources/list`.
    ListResources,
    /// MCP's `resources/read`.
    ReadResource,
}

impl AuditedCall {
    /// Its name in the log: the tool's, or the method's. No tool's name holds a slash, so the two never meet.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tool(tool) => tool.name(),
            Self::ListResources => "resources/list",
            Self::ReadResource => "resources/read",
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It answered.
    Ok,
    /// The caller's mistake: the answer says what to do.
    CallerError,
    /// The connector was revoked, or access to its library taken, while the call was on its way.
    Refused,
    /// Our failure.
    Failed,
    /// It ran into the time limit.
    TimedOut,
}

impl Outcome {
    /// As the database spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::CallerError => "caller_error",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }
}

/// What a row keeps of the arguments beside their digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArgumentRetention {
    /// Nothing.
    #[default]
    DigestOnly,
    /// The arguments in clear, if they are not long: queries become readable to whoever reads the log.
    Clear,
}

/// One call, as it is recorded.
#[derive(Debug)]
pub struct CallEvent<'a> {
    /// Who called.
    pub principal: &'a Principal,
    /// What was called.
    pub call: AuditedCall,
    /// With which arguments, as they came.
    pub arguments: &'a Value,
    /// The request's id in the request log.
    pub request_id: &'a str,
}

/// Writes the audit log.
#[derive(Debug, Clone)]
pub struct AuditLog {
    key: AuditKey,
    retention: ArgumentRetention,
}

impl AuditLog {
    /// An audit log whose digests are made with `key`.
    #[must_use]
    pub const fn new(key: AuditKey, retention: ArgumentRetention) -> Self {
        Self { key, retention }
    }

    /// The row of a call that begins.
    #[must_use]
    pub fn row<'a>(&'a self, event: &'a CallEvent<'a>) -> CallRow<'a> {
        CallRow { log: self, event, id: new_row_id() }
    }
}

/// The row of one call. It has one id from the call's beginning to its end, so that a call has one row although nobody
/// may know whether it was written: a connection can be lost while the transaction is being committed.
#[derive(Debug)]
pub struct CallRow<'a> {
    log: &'a AuditLog,
    event: &'a CallEvent<'a>,
    id: Uuid,
}

impl CallRow<'_> {
    /// What was called.
    #[must_use]
    pub const fn call(&self) -> AuditedCall {
        self.event.call
    }

    /// Writes it in the transaction that did the work: both become lasting together, or neither does.
    pub async fn append(
        &self,
        tx: &mut ScopedTx,
        outcome: Outcome,
        result_count: u32,
        latency_ms: f64,
    ) -> Result<(), DbError> {
        autri_db::audit::append(tx, &self.ended(outcome, result_count, latency_ms)).await
    }

    /// Writes it in a transaction of its own, for work that was rolled back. Should the work have been committed after all,
    /// the row is there and stays as it is.
    pub async fn append_alone(
        &self,
        database: &Database,
        outcome: Outcome,
        latency_ms: f64,
    ) -> Result<(), DbError> {
        autri_db::audit::append_alone(database, &self.ended(outcome, 0, latency_ms)).await
    }

    fn ended(&self, outcome: Outcome, result_count: u32, latency_ms: f64) -> NewAuditRow {
        let (log, event) = (self.log, self.event);
        NewAuditRow {
            id: self.id,
            connector_id: event.principal.connector_id(),
            client_id: event.principal.client_id().to_owned(),
            sub: event.principal.subject().to_owned(),
            tool: event.call.name().to_owned(),
            arguments_digest: log.key.digest(event.call.name(), event.arguments),
            digest_key_id: log.key.id().to_owned(),
            arguments: match log.retention {
                ArgumentRetention::DigestOnly => None,
                ArgumentRetention::Clear => Some(kept(event.arguments)),
            },
            result_count,
            status: outcome.as_str(),
            latency_ms,
            request_id: event.request_id.to_owned(),
        }
    }
}

/// The most bytes of JSON that a row keeps in clear. The longest query takes 8,000, if each of its 2,000 characters takes
/// four. Longer ones are refused, and recorded: whoever sends them must not fill the disk.
const MAX_CLEAR_BYTES: usize = 8 * 1024;

/// What a row keeps of the arguments in clear: all, or of long ones a text that says so. It cannot be taken for arguments,
/// which are an object. The digest is of all of them in any case.
fn kept(arguments: &Value) -> Value {
    if fits(arguments) {
        storable(arguments)
    } else {
        Value::String(format!("not kept: longer than {MAX_CLEAR_BYTES} bytes"))
    }
}

/// Whether a value is short enough as JSON. Nothing of it is copied to find out.
fn fits(value: &Value) -> bool {
    serde_json::to_writer(Room(MAX_CLEAR_BYTES), value).is_ok()
}

/// Takes so many bytes, keeps none, and fails at the next.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The arguments with U+FFFD in place of U+0000, which JSON allows and Postgres' jsonb does not: otherwise a caller could
/// make calls that cannot be recorded. The digest is of the arguments as they came.
fn storable(arguments: &Value) -> Value {
    let text = |text: &String| text.replace('\0', "\u{fffd}");
    match arguments {
        Value::String(string) => Value::String(text(string)),
        Value::Array(items) => items.iter().map(storable).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (text(name), storable(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => arguments.clone(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an audit row's id is made nowhere else and shared with nobody"
)]
fn new_row_id() -> Uuid {
    Uuid::now_v7()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn each_call_has_a_name_of_its_own() {
        let tools = AuditedTool::ALL.map(AuditedCall::Tool);
        let calls = [tools.as_slice(), &[AuditedCall::ListResources, AuditedCall::ReadResource]].concat();
        let names: BTreeSet<_> = calls.iter().map(|call| call.name()).collect();
        assert_eq!(names.len(), calls.len());
        assert!(AuditedTool::ALL.iter().all(|tool| !tool.name().contains('/')));
        assert_eq!(AuditedTool::from_name("resources/read"), None, "a resource is not read as a tool");
    }

    #[test]
    fn what_the_database_cannot_hold_is_replaced_everywhere() {
        let given =
            json!({ "query": "a\0b", "list": ["\0", { "k\0": null }], "limit": 5, "plain": "ä\u{1}" });
        let kept = json!({
            "query": "a\u{fffd}b", "list": ["\u{fffd}", { "k\u{fffd}": null }], "limit": 5, "plain": "ä\u{1}",
        });
        assert_eq!(storable(&given), kept);
    }

    #[test]
    fn what_is_kept_in_clear_has_a_bound() {
        let fitting = json!({ "query": "q".repeat(MAX_CLEAR_BYTES - r#"{"query":""}"#.len()) });
        assert_eq!(kept(&fitting), fitting);
        let bytes = MAX_CLEAR_BYTES + 1;
        let mark = json!(format!("not kept: longer than {MAX_CLEAR_BYTES} bytes"));
        for long in [
            json!({ "query": "q".repeat(bytes - r#"{"query":""}"#.len()) }),
            // Short in characters, long as it is written.
            json!({ "query": "\u{1}".repeat(MAX_CLEAR_BYTES / 6) }),
            json!({ "x": vec![json!({}); bytes] }),
        ] {
            assert_eq!(kept(&long), mark);
        }
    }
}
