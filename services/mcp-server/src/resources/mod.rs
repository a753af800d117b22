//! The library's documents as MCP resources: listed, and read by URI, with the rules and the records of a tool's call.
//! <https://modelcontextprotocol.io/specification/2026-07-28/server/resources>

mod list;
mod read;
mod templates;
mod uri;

use rmcp::model::ErrorData;

use crate::calls::{Failure, internal_error};

pub(crate) use list::ListResources;
pub(crate) use read::{ReadResource, not_found};
pub(crate) use templates::templates;
pub(crate) use uri::ResourceUri;

/// What all our resources are said to be. The database does not keep what syntax a text is written in: Markdown, made from
/// HTML or DOCX too, or none. Plain text is true of all of them (Markdown is plain text: RFC 7763 §1), and keeps a client
/// from rendering links and images that a stranger put into a document.
const MIME_TYPE: &str = "text/plain";

/// A failure as a JSON-RPC error, which is all that these methods have; `mistake` says what the caller's own becomes.
pub(crate) fn error(failure: Failure, mistake: impl FnOnce(String) -> ErrorData) -> ErrorData {
    match failure {
        Failure::Mistake(text) => mistake(text),
        Failure::TimedOut(text) => ErrorData::internal_error(text, None),
        Failure::Internal => internal_error(),
    }
}
