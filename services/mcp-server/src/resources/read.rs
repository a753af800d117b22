//! `resources/read`: the text of a document, or of one passage.
//!
//! The method has no cursor, and a document may be longer than a client takes. A long one therefore comes in parts, each
//! with a URI of its own. A part's last line names the next, because that line is what all clients hand on: some read a
//! result's first content alone, and few show `_meta`, which names the next part for programs.

use autri_audit_log::AuditedCall;
use autri_db::ScopedTx;
use autri_db::content;
use autri_domain::{ChunkRef, DocumentId, PublicId};
use rmcp::model::{ErrorData, MetaObject, ReadResourceResult, ResourceContents};
use serde_json::{Map, Value, json};

use super::{MIME_TYPE, ResourceUri};
use crate::calls::{Answer, Call, CallError, Work};
use crate::tools;

/// The most bytes that the line about the next part takes.
const NOTICE_BYTES: usize = 400;
/// The key under which `_meta` has the next part's URI.
const NEXT: &str = "ai.autri/next";
/// The longest URI that an error repeats; ours have up to 80 bytes.
const MAX_URI_BYTES: usize = 1_000;

/// A resource to read.
#[derive(Debug)]
pub(crate) struct ReadResource {
    uri: String,
}

impl ReadResource {
    pub(crate) const fn new(uri: String) -> Self {
        Self { uri }
    }

    /// As the audit log keeps them.
    pub(crate) fn arguments(&self) -> Map<String, Value> {
        Map::from_iter([("uri".to_owned(), Value::from(self.uri.as_str()))])
    }
}

impl Work for ReadResource {
    type Prepared = ResourceUri;
    type Content = ReadResourceResult;

    fn recorded_as(&self) -> AuditedCall {
        AuditedCall::ReadResource
    }

    async fn prepare(&self, _call: &Call) -> Result<ResourceUri, CallError> {
        ResourceUri::parse(&self.uri).ok_or_else(nothing_there)
    }

    async fn run(
        uri: ResourceUri,
        _call: &Call,
        tx: &mut ScopedTx,
    ) -> Result<Answer<ReadResourceResult>, CallError> {
        let content = match uri {
            ResourceUri::Passage(reference) => passage(tx, reference).await?,
            ResourceUri::Document { id, from } => part(tx, id, from).await?,
        };
        Ok(Answer::of(ReadResourceResult::new(vec![content.with_mime_type(MIME_TYPE)]), 1))
    }
}

async fn passage(tx: &mut ScopedTx, reference: ChunkRef) -> Result<ResourceContents, CallError> {
    let chunk = content::find_chunk(tx, reference).await?.ok_or_else(nothing_there)?;
    Ok(ResourceContents::text(chunk.body, ResourceUri::Passage(reference).to_string()))
}

/// A document from a passage on, as far as a result goes.
async fn part(tx: &mut ScopedTx, id: DocumentId, from: u32) -> Result<ResourceContents, CallError> {
    let document = content::find_document(tx, id).await?.ok_or_else(nothing_there)?;
    let part = tools::part(tx, &document, from, NOTICE_BYTES).await?;
    if part.text.is_empty() && from > 0 {
        return Err(nothing_there());
    }
    let uri = ResourceUri::Document { id, from }.to_string();
    let Some(next) = part.next else { return Ok(ResourceContents::text(part.text, uri)) };
    let next_uri = ResourceUri::Document { id, from: next }.to_string();
    let text = part.text + &notice(id, from, next, document.chunk_count.unsigned_abs(), &next_uri);
    let meta = MetaObject(Map::from_iter([(NEXT.to_owned(), Value::from(next_uri))]));
    Ok(ResourceContents::text(text, uri).with_meta(meta))
}

/// Tells people and models alike that there is more, and where.
fn notice(id: DocumentId, from: u32, next: u32, count: u32, next_uri: &str) -> String {
    let id = PublicId::Document(id);
    format!(
        "\n\n[Passages {from} to {} of {count}, counted from 0, of a longer document. The next part is the resource \
         {next_uri}. The tool fetch reads the document as well, with the id {id}.]",
        next - 1
    )
}

/// One answer for what is no URI of ours, what never was, what another tenant has, and what has changed since.
fn nothing_there() -> CallError {
    CallError::caller(
        "there is no such resource here; resources/list and the tools search and list_documents give URIs and ids",
    )
}

/// The same as a JSON-RPC error: -32002 for the versions with a handshake; rmcp makes it -32602 for those after them.
/// <https://modelcontextprotocol.io/seps/2164-resource-not-found-error>
pub(crate) fn not_found(text: String, uri: &str) -> ErrorData {
    // A caller may have sent a megabyte.
    let data = (uri.len() <= MAX_URI_BYTES).then(|| json!({ "uri": uri }));
    ErrorData::resource_not_found(text, data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_notice_has_room() {
        let id = DocumentId::new();
        let next = ResourceUri::Document { id, from: u32::MAX }.to_string();
        assert!(notice(id, u32::MAX, u32::MAX, u32::MAX, &next).len() <= NOTICE_BYTES);
    }
}
