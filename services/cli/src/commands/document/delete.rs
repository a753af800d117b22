//! `autri document delete`.

use std::process::ExitCode;

use anyhow::bail;
use autri_db::Database;
use autri_db::documents::{self, DocumentCounts, DocumentName};
use autri_domain::{DocumentId, KnowledgeBaseId};
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use serde_json::json;

use super::{as_json, erase_documents, public_id};
use crate::context::Context;
use crate::output::{self, counted};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri document delete --knowledge-base 0197f6a2-8c1e-7000-8000-000000000004 doc_0197f6a2-8c1e-7000-8000-000000000005
  autri document delete --knowledge-base 0197f6a2-8c1e-7000-8000-000000000004 --key handbook/vacation.md
  autri document delete --knowledge-base 0197f6a2-8c1e-7000-8000-000000000004 --prefix handbook/old/ --yes
With --prefix and without --yes it says how many would go, and the exit code is 1. If it stops in the middle, run it again.")]
pub(super) struct DeleteArgs {
    /// The knowledge base
    #[arg(long, value_name = "ID")]
    knowledge_base: KnowledgeBaseId,
    #[command(flatten)]
    what: What,
    /// Do it, however many there are
    #[arg(long, requires = "prefix")]
    yes: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// The document's id, such as doc_0197f6a2-8c1e-7000-8000-000000000005
    #[arg(value_name = "DOC_ID", value_parser = document_id)]
    id: Option<DocumentId>,
    /// The document's key
    #[arg(long)]
    key: Option<String>,
    /// All documents whose keys begin so
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    prefix: Option<String>,
}

/// As clients of the server know it, or bare.
fn document_id(text: &str) -> Result<DocumentId, String> {
    let id = text.strip_prefix("doc_").unwrap_or(text);
    id.parse().map_err(|_| "not a document's id: doc_ and a UUID, or the UUID alone".to_owned())
}

pub(super) async fn run(args: &DeleteArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    super::expect_knowledge_base(&database, args.knowledge_base).await?;
    let What { id, key, prefix } = &args.what;
    match (id, key, prefix) {
        (Some(id), _, _) => delete_one(args.knowledge_base, DocumentName::Id(*id), &database, context).await,
        (_, Some(key), _) => {
            delete_one(args.knowledge_base, DocumentName::Key(key), &database, context).await
        }
        (_, _, Some(prefix)) => delete_all(args, prefix, &database, context).await,
        (None, None, None) => bail!("name a document by its id, --key or --prefix"),
    }
}

async fn delete_one(
    base: KnowledgeBaseId,
    name: DocumentName<'_>,
    database: &Database,
    context: &Context,
) -> anyhow::Result<ExitCode> {
    let Some(document) = documents::delete(database, base, name).await? else {
        let name = match name {
            DocumentName::Id(id) => format!("the id doc_{id}"),
            DocumentName::Key(key) => format!("the key {}", output::quoted(key)),
        };
        bail!(
            "the knowledge base {base} has no document with {name}; see `autri document list --knowledge-base {base}`"
        );
    };
    if context.json {
        output::json(&json!({ "deleted": as_json(&document) }))?;
    } else {
        output::line(format_args!(
            "deleted {} {} ({})",
            public_id(&document),
            output::quoted(&document.source_key),
            counted(document.chunk_count, "chunk")
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn delete_all(
    args: &DeleteArgs,
    prefix: &str,
    database: &Database,
    context: &Context,
) -> anyhow::Result<ExitCode> {
    let base = args.knowledge_base;
    let found = documents::count(database, base, prefix).await?;
    if found.documents == 0 {
        bail!(
            "the knowledge base {base} has no document whose key begins with {}; see `autri document list --knowledge-base {base}`",
            output::quoted(prefix)
        );
    }
    if !args.yes {
        say(found, false, prefix, context)?;
        output::note("nothing was deleted; --yes does it");
        return Ok(ExitCode::FAILURE);
    }
    let deleted = erase_documents(database, &[base], prefix, found.documents).await?;
    say(deleted, true, prefix, context)?;
    Ok(ExitCode::SUCCESS)
}

fn say(counts: DocumentCounts, is_deleted: bool, prefix: &str, context: &Context) -> anyhow::Result<()> {
    let DocumentCounts { documents, chunks } = counts;
    if context.json {
        let counts =
            json!({ "prefix": prefix, "documents": documents, "chunks": chunks, "is_deleted": is_deleted });
        return output::json(&counts);
    }
    let did = if is_deleted { "deleted" } else { "would delete" };
    let (documents, chunks) = (counted(documents, "document"), counted(chunks, "chunk"));
    output::line(format_args!(
        "{did} {documents} ({chunks}) whose key begins with {}",
        output::quoted(prefix)
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_named_as_clients_do_or_by_its_bare_id() {
        let id = DocumentId::new();
        assert_eq!(document_id(&id.to_string()), Ok(id));
        assert_eq!(document_id(&format!("doc_{id}")), Ok(id));
        for bad in ["", "doc_", "all", &format!("doc_doc_{id}"), &format!("doc_{id}.3.abcdef01")] {
            document_id(bad).expect_err(bad);
        }
    }
}
