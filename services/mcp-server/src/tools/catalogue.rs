//! The tools as `tools/list` shows them.

use std::sync::LazyLock;

use autri_audit_log::AuditedTool;
use rmcp::handler::server::tool::schema_for_type;
use rmcp::model::{Tool, ToolAnnotations};
use schemars::JsonSchema;

use super::{fetch, list_documents, list_knowledge_bases, search};

pub(crate) static TOOLS: LazyLock<Vec<Tool>> =
    LazyLock::new(|| AuditedTool::ALL.into_iter().map(describe).collect());

fn describe(tool: AuditedTool) -> Tool {
    match tool {
        AuditedTool::Search => read_only::<search::Input, search::Output>(
            tool,
            "Search",
            "Find the passages of the library's documents that answer a question. Returns ids for `fetch`.",
        ),
        AuditedTool::Fetch => read_only::<fetch::Input, fetch::Output>(
            tool,
            "Fetch",
            "Read the whole text of a passage or a document by its id. Long documents come in pages: pass next_cursor on.",
        ),
        AuditedTool::ListKnowledgeBases => {
            read_only::<list_knowledge_bases::Input, list_knowledge_bases::Output>(
                tool,
                "List knowledge bases",
                "List the knowledge bases of the library, to narrow a search to one.",
            )
        }
        AuditedTool::ListDocuments => read_only::<list_documents::Input, list_documents::Output>(
            tool,
            "List documents",
            "List the library's documents by title, to see what there is or to find one by name.",
        ),
    }
}

fn read_only<I: JsonSchema + 'static, O: JsonSchema + 'static>(
    tool: AuditedTool,
    title: &'static str,
    description: &'static str,
) -> Tool {
    let annotations = ToolAnnotations::with_title(title)
        .read_only(true)
        .destructive(false)
        .idempotent(true)
        .open_world(false);
    Tool::new(tool.name(), description, schema_for_type::<I>())
        .with_title(title)
        .with_output_schema::<O>()
        .with_annotations(annotations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_hold_no_references() {
        // AgentCore Gateway refuses targets whose tools have them.
        let written = serde_json::to_string(&*TOOLS).unwrap();
        for word in ["$ref", "$defs", "$anchor"] {
            assert!(!written.contains(word), "{word}");
        }
    }
}
