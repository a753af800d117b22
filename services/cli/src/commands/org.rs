//! `autri org`: the tenants.

use std::process::ExitCode;

use autri_db::tenancy::{self, Org};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::context::Context;
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri org create --name \"Acme\"
  autri org list --json")]
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
}

pub(crate) async fn run(args: OrgArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    match args.command {
        Command::Create { name } => {
            let org = tenancy::insert_org(&database, &name).await?;
            if context.json { output::json(&as_json(&org))? } else { output::line(org.id) }
        }
        Command::List => {
            let orgs = tenancy::list_orgs(&database).await?;
            if context.json {
                output::json(&orgs.iter().map(as_json).collect::<Vec<_>>())?;
            } else {
                let row = |org: &Org| [org.id.to_string(), org.name.clone(), personal(org).to_owned()];
                output::table(["ID", "NAME", "KIND"], &orgs.iter().map(row).collect::<Vec<_>>());
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

const fn personal(org: &Org) -> &'static str {
    if org.is_personal { "personal" } else { "shared" }
}

fn as_json(org: &Org) -> Value {
    json!({ "id": org.id, "name": org.name, "is_personal": org.is_personal, "created_at": org.created_at })
}
