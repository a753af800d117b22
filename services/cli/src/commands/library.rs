//! `autri library`: what connectors open.

use std::process::ExitCode;

use autri_db::tenancy::{self, Library};
use autri_domain::OrgId;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::context::Context;
use crate::embedder::{self, EmbedderArgs};
use crate::output;

mod access;
mod attachment;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri library create --org 0197f6a2-8c1e-7000-8000-000000000001 --name Handbook
  autri library create --org 0197f6a2-8c1e-7000-8000-000000000001 --name Handbook --embedder static
  autri library list --json
  autri library attach 0197f6a2-8c1e-7000-8000-000000000004 --library 0197f6a2-8c1e-7000-8000-000000000002
  autri library detach 0197f6a2-8c1e-7000-8000-000000000004 --library 0197f6a2-8c1e-7000-8000-000000000002
  autri library grant ada@example.com --library 0197f6a2-8c1e-7000-8000-000000000002
  autri library revoke-access ada@example.com --library 0197f6a2-8c1e-7000-8000-000000000002")]
pub(crate) struct LibraryArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a library. Its embedding model is changed by `autri knowledge-base reembed` alone
    Create {
        /// The org that owns it
        #[arg(long, value_name = "ID")]
        org: OrgId,
        /// Its name, 1 to 200 characters, unique in the org
        #[arg(long)]
        name: String,
        #[command(flatten)]
        embedder: EmbedderArgs,
    },
    /// List libraries, oldest first
    List {
        /// Only this org's
        #[arg(long, value_name = "ID")]
        org: Option<OrgId>,
    },
    /// Put a knowledge base into a library as well: it is searched there from the next search on
    Attach(attachment::AttachmentArgs),
    /// Take a knowledge base out of a library; its documents stay
    Detach(attachment::AttachmentArgs),
    /// Let a person use a library through its interactive connectors
    Grant(access::AccessArgs),
    /// End a person's access to a library
    RevokeAccess(access::AccessArgs),
}

pub(crate) async fn run(args: LibraryArgs, context: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Create { org, name, embedder } => create(org, &name, &embedder, context).await?,
        Command::List { org } => list(org, context).await?,
        Command::Attach(args) => attachment::attach(&args, context).await?,
        Command::Detach(args) => attachment::detach(&args, context).await?,
        Command::Grant(args) => access::grant(&args, context).await?,
        Command::RevokeAccess(args) => access::revoke(&args, context).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(org: OrgId, name: &str, embedder: &EmbedderArgs, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let model = embedder::register_model(&database, &embedder.choice(&context.environment)?).await?;
    let library = tenancy::insert_library(&database, org, name, &model).await?;
    if context.json {
        return output::json(&as_json(&library));
    }
    output::line(library.id);
    Ok(())
}

async fn list(org: Option<OrgId>, context: &Context) -> anyhow::Result<()> {
    let libraries = tenancy::list_libraries(&context.database()?, org).await?;
    if context.json {
        return output::json(&libraries.iter().map(as_json).collect::<Vec<_>>());
    }
    let rows: Vec<_> = libraries.iter().map(row).collect();
    output::table(["ID", "NAME", "ORG", "EMBEDDING MODEL", "KNOWLEDGE BASES"], &rows);
    Ok(())
}

fn row(library: &Library) -> [String; 5] {
    [
        library.id.to_string(),
        library.name.clone(),
        library.org_id.to_string(),
        library.embedding_model.clone(),
        library.knowledge_base_ids.len().to_string(),
    ]
}

fn as_json(library: &Library) -> Value {
    json!({
        "id": library.id,
        "org_id": library.org_id,
        "name": library.name,
        "embedding_model": library.embedding_model,
        "knowledge_base_ids": library.knowledge_base_ids,
        "created_at": library.created_at,
    })
}
