//! `resources/templates/list`: how the URIs are made.

use rmcp::model::ResourceTemplate;

use super::MIME_TYPE;

/// Only what RFC 6570 calls level 1: `{?from}` would be shorter, and some clients fill in no more than `{name}`.
const DOCUMENT: &str = "autri://document/{id}";
const REST_OF_A_DOCUMENT: &str = "autri://document/{id}?from={passage}";

/// A constant: nothing that a tenant wrote stands in it.
pub(crate) fn templates() -> Vec<ResourceTemplate> {
    vec![
        ResourceTemplate::new(DOCUMENT, "document")
            .with_title("Document or passage")
            .with_description(
                "The text of a document (id: doc_…) or of one passage of it (doc_….3.ab12cd34). The tools search and \
                 list_documents give ids, and resources/list gives whole URIs. A long document comes in parts: the last \
                 line of a part names the URI of the next.",
            )
            .with_mime_type(MIME_TYPE),
        ResourceTemplate::new(REST_OF_A_DOCUMENT, "rest-of-a-document")
            .with_title("Document from a passage on")
            .with_description(
                "The text of a document (id: doc_…) from a passage on, counted from 0: of a passage's id \
                 doc_….3.ab12cd34 it is the 3.",
            )
            .with_mime_type(MIME_TYPE),
    ]
}
