//! `autri knowledge-base`: sets of documents.

use std::process::ExitCode;

use anyhow::Context as _;
use autri_db::tenancy::{self, KnowledgeBase};
use autri_domain::LibraryId;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::context::Context;
use crate::output;

mod reembed;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri knowledge-base create --library 0197f6a2-8c1e-7000-8000-000000000002 --name \"Engineering handbook\"
  autri knowledge-base list --json
  autri knowledge-base reembed 0197f6a2-8c1e-7000-8000-000000000004 --embedder static")]
pub(crate) struct KnowledgeBaseArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a knowledge base and attach it to a library, whose org and embedding model it takes
    Create {
        /// The library
        #[arg(long, value_name = "ID")]
        library: LibraryId,
        /// Its name, 1 to 200 characters, unique in the org
        #[arg(long)]
        name: String,
    },
    /// List knowledge bases, oldest first
    List {
        /// Only this library's
        #[arg(long, value_name = "ID")]
        library: Option<LibraryId>,
    },
    /// Give a knowledge base another embedding model, while it is searched
    Reembed(reembed::ReembedArgs),
}

pub(crate) async fn run(args: KnowledgeBaseArgs, context: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Create { library, name } => {
            let database = context.database()?;
            let made = tenancy::insert_knowledge_base(&database, library, &name).await?;
            let base =
                made.with_context(|| format!("there is no library {library}; see `autri library list`"))?;
            if context.json { output::json(&as_json(&base))? } else { output::line(base.id) }
        }
        Command::List { library } => {
            let database = context.database()?;
            let bases = tenancy::list_knowledge_bases(&database, library).await?;
            if context.json {
                output::json(&bases.iter().map(as_json).collect::<Vec<_>>())?;
            } else {
                let rows: Vec<_> = bases.iter().map(row).collect();
                output::table(["ID", "NAME", "DOCUMENTS", "CHUNKS", "EMBEDDING MODEL"], &rows);
            }
        }
        Command::Reembed(args) => return reembed::run(args, context).await,
    }
    Ok(ExitCode::SUCCESS)
}

fn row(base: &KnowledgeBase) -> [String; 5] {
    [
        base.id.to_string(),
        base.name.clone(),
        base.document_count.to_string(),
        base.chunk_count.to_string(),
        base.embedding_model.clone(),
    ]
}

fn as_json(base: &KnowledgeBase) -> Value {
    json!({
        "id": base.id,
        "org_id": base.org_id,
        "name": base.name,
        "embedding_model": base.embedding_model,
        "document_count": base.document_count,
        "chunk_count": base.chunk_count,
        "created_at": base.created_at,
    })
}
