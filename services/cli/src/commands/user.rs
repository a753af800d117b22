//! `autri user`: who is invited, and who has an account.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::context::Context;

mod account;
mod allowlist;
mod delete;
mod list;
mod pool_user;
mod provision;
mod reconcile;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri user invite ada@example.com
  autri user invite '*@example.com'
  autri user list --json
  autri user reconcile --user-pool eu-central-1_EXAMPLE
  autri user delete ada@example.com --yes
AWS is reached as the AWS command line reaches it: AWS_PROFILE, AWS_REGION and the like.")]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let an address, or everyone at a domain, sign up
    Invite(allowlist::InviteArgs),
    /// Take an address or a domain from the allowlist; accounts that exist stay
    Uninvite(allowlist::UninviteArgs),
    /// List the people who have records, oldest first
    List,
    /// Make the records of somebody who has signed up
    Provision(provision::ProvisionArgs),
    /// Delete a person: at Cognito, with their own org and all its documents
    Delete(delete::DeleteArgs),
    /// Compare the user pool with the records; exit code 1 if something is left to do
    Reconcile(reconcile::ReconcileArgs),
}

pub(crate) async fn run(args: UserArgs, context: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Invite(args) => allowlist::invite(&args, context).await,
        Command::Uninvite(args) => allowlist::uninvite(&args, context).await,
        Command::List => list::run(context).await,
        Command::Provision(args) => provision::run(&args, context).await,
        Command::Delete(args) => delete::run(&args, context).await,
        Command::Reconcile(args) => reconcile::run(&args, context).await,
    }
}
