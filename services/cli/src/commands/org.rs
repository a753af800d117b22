//! `autri org`: the tenants.

use std::process::ExitCode;

use autri_db::tenancy::{self, Org};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::context::Context;
use crate::output;

mod delete;
mod export;
mod member;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri org create --name \"Acme\"
  autri org list --json
  autri org member add ada@example.com --org 0197f6a2-8c1e-7000-8000-000000000001 --role admin
  autri org export 0197f6a2-8c1e-7000-8000-000000000001 --output acme.jsonl
  autri org delete 0197f6a2-8c1e-7000-8000-000000000001 --yes")]
pub(crate) struct OrgArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an org
    Create {
        /// What people call it, 1 to 200 characters
        #[arg(long)]
        name: String,
    },
    /// List all orgs, oldest first
    List,
    /// Keep the people of an org
    Member(member::MemberArgs),
    /// Write out all that an org has, as JSON lines
    Export(export::ExportArgs),
    /// Delete an org with all that it has
    Delete(delete::DeleteArgs),
}

pub(crate) async fn run(args: OrgArgs, context: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Create { name } => create(&name, context).await?,
        Command::List => list(context).await?,
        Command::Member(args) => member::run(args, context).await?,
        Command::Export(args) => return export::run(&args, context).await,
        Command::Delete(args) => return delete::run(&args, context).await,
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(name: &str, context: &Context) -> anyhow::Result<()> {
    let org = tenancy::insert_org(&context.database()?, name).await?;
    if context.json {
        return output::json(&as_json(&org));
    }
    output::line(org.id);
    Ok(())
}

async fn list(context: &Context) -> anyhow::Result<()> {
    let orgs = tenancy::list_orgs(&context.database()?).await?;
    if context.json {
        return output::json(&orgs.iter().map(as_json).collect::<Vec<_>>());
    }
    let row = |org: &Org| [org.id.to_string(), org.name.clone(), personal(org).to_owned()];
    output::table(["ID", "NAME", "KIND"], &orgs.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

const fn personal(org: &Org) -> &'static str {
    if org.is_personal { "personal" } else { "shared" }
}

fn as_json(org: &Org) -> Value {
    json!({ "id": org.id, "name": org.name, "is_personal": org.is_personal, "created_at": org.created_at })
}
