//! `resources/list`: which documents there are.

use autri_audit_log::AuditedCall;
use autri_db::ScopedTx;
use autri_db::content::{self, DocumentSummary};
use chrono::SecondsFormat;
use rmcp::model::{Annotations, ListResourcesResult, Resource};
use serde_json::{Map, Value};

use super::{MIME_TYPE, ResourceUri};
use crate::calls::{Answer, Call, CallError, Work, cursor};
use crate::tools::{budget, one_line, shown_path};

/// More than a tool lists: clients show these to a person, and not to a model.
const PAGE: u32 = 100;
/// How deep a list can be paged.
const MAX_OFFSET: u32 = 1_000_000;
/// Bytes of a resource beside its name, which stands in it twice, and its description, as JSON.
const FIXED_BYTES: usize = 270;

/// The documents of a library, by title.
#[derive(Debug)]
pub(crate) struct ListResources {
    cursor: Option<String>,
}

impl ListResources {
    pub(crate) const fn new(cursor: Option<String>) -> Self {
        Self { cursor }
    }

    /// As the audit log keeps them.
    pub(crate) fn arguments(&self) -> Map<String, Value> {
        self.cursor.iter().map(|cursor| ("cursor".to_owned(), Value::from(cursor.as_str()))).collect()
    }
}

impl Work for ListResources {
    type Prepared = u32;
    type Content = ListResourcesResult;

    fn recorded_as(&self) -> AuditedCall {
        AuditedCall::ListResources
    }

    async fn prepare(&self, call: &Call) -> Result<u32, CallError> {
        let of = self.recorded_as().name();
        cursor::offset(of, &call.arguments, self.cursor.as_deref(), MAX_OFFSET).map_err(|_| {
            CallError::caller(
                "the cursor is none of this list: pass nextCursor unchanged, or leave it out to start again",
            )
        })
    }

    async fn run(
        offset: u32,
        call: &Call,
        tx: &mut ScopedTx,
    ) -> Result<Answer<ListResourcesResult>, CallError> {
        // One more than a page tells whether there are more.
        let found = content::list_documents(tx, None, offset, PAGE + 1).await?;
        let mut resources: Vec<Resource> = found.iter().take(PAGE as usize).map(resource).collect();
        resources.truncate(budget::fitting(&resources, size));
        let count = resources.len();
        let next_offset = offset + u32::try_from(count).unwrap_or(u32::MAX);
        let more = count < found.len() && next_offset <= MAX_OFFSET;
        let next_cursor = more
            .then(|| cursor::next(AuditedCall::ListResources.name(), &call.arguments, next_offset))
            .transpose()?;
        let page = ListResourcesResult { next_cursor, ..ListResourcesResult::with_all_items(resources) };
        Ok(Answer::of(page, count))
    }
}

fn size(resource: &Resource) -> usize {
    2 * resource.name.len() + resource.description.as_ref().map_or(0, String::len) + FIXED_BYTES
}

fn resource(document: &DocumentSummary) -> Resource {
    let name = display_name(&document.title);
    let mut annotations = Annotations::default();
    annotations.last_modified = Some(document.updated_at.to_rfc3339_opts(SecondsFormat::Secs, true));
    let resource = Resource::new(ResourceUri::of_document(document.id).to_string(), name.clone())
        .with_title(name)
        .with_mime_type(MIME_TYPE)
        .with_size(document.byte_count.unsigned_abs())
        .with_annotations(annotations);
    // Several documents may have one title.
    match shown_path(&document.source_key) {
        Some(path) => resource.with_description(path),
        None => resource,
    }
}

fn display_name(title: &str) -> String {
    let name = one_line(title);
    if name.is_empty() { "Untitled".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_printable_line() {
        for (title, name) in [
            ("Leave policy", "Leave policy"),
            ("\u{202e}ycilop\u{1b}[31m\u{200b} evaeL", "ycilop[31m evaeL"),
            ("two\nlines\tand\u{2028}more", "two lines and more"),
            ("\u{7}\u{feff} ", "Untitled"),
            ("Grüße 石 🪨", "Grüße 石 🪨"),
        ] {
            assert_eq!(display_name(title), name);
        }
    }
}
