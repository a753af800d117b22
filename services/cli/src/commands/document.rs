//! `autri document`: what a knowledge base holds, and how single documents leave it.

use std::process::ExitCode;

use anyhow::Context as _;
use autri_db::documents::Document;
use autri_db::{Database, tenancy};
use autri_domain::{KnowledgeBaseId, PublicId};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::context::Context;

mod delete;
mod erase;
mod list;

pub(crate) use self::erase::erase_documents;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri document list --knowledge-base 0197f6a2-8c1e-7000-8000-000000000004 --prefix handbook/
  autri document delete --knowledge-base 0197f6a2-8c1e-7000-8000-000000000004 --key handbook/vacation.md
  autri document delete --knowledge-base 0197f6a2-8c1e-7000-8000-000000000004 --prefix handbook/old/ --yes
What is deleted is gone from the next search. `autri ingest` brings it back if its file is still there.")]
pub(crate) struct DocumentArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List a knowledge base's documents by key
    List(list::ListArgs),
    /// Delete a document, or all whose keys begin alike
    Delete(delete::DeleteArgs),
}

pub(crate) async fn run(args: DocumentArgs, context: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::List(args) => list::run(&args, context).await,
        Command::Delete(args) => delete::run(&args, context).await,
    }
}

/// Refuses a knowledge base that there is not: an empty list would look like an empty base.
async fn expect_knowledge_base(database: &Database, id: KnowledgeBaseId) -> anyhow::Result<()> {
    let found = tenancy::find_knowledge_base(database, id).await?;
    found
        .map(|_| ())
        .with_context(|| format!("there is no knowledge base {id}; see `autri knowledge-base list`"))
}

/// The id that clients of the server know it by.
fn public_id(document: &Document) -> String {
    PublicId::Document(document.id).to_string()
}

/// Where people can read it, or the server's name for it.
fn url(document: &Document) -> String {
    document.source_url.clone().unwrap_or_else(|| PublicId::Document(document.id).uri())
}

fn as_json(document: &Document) -> Value {
    json!({
        "id": public_id(document),
        "key": document.source_key,
        "title": document.title,
        "url": url(document),
        "chunk_count": document.chunk_count,
        "byte_count": document.byte_count,
        "updated_at": document.updated_at,
        "ingested_at": document.ingested_at,
    })
}
