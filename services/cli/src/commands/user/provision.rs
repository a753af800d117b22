//! `autri user provision`: the operator's word that somebody gets an account.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use autri_admission::{Allowlist, Eligibility, EmailAddress, assess};
use autri_aws::PoolUser;
use autri_db::people::Account;
use clap::Args;
use serde_json::json;

use super::account::{self, ConnectorArgs, PersonalConnector};
use super::allowlist::read as read_allowlist;
use super::pool_user;
use crate::cognito::{AllowlistArgs, PoolArgs, TrustArgs};
use crate::context::Context;
use crate::embedder::{self, EmbedderArgs};
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri user provision ada@example.com --user-pool eu-central-1_EXAMPLE
  autri user provision ada@example.com --with-connector --public-url https://mcp.example.com \\
    --authorization-server https://auth.example.com
Whoever runs this decides: the address need not be on the allowlist. It must be verified, because
otherwise anybody can have typed it. Run again, it completes what is missing.")]
pub(super) struct ProvisionArgs {
    /// The address of somebody who has signed up
    #[arg(value_name = "EMAIL")]
    email: String,
    #[command(flatten)]
    pool: PoolArgs,
    #[command(flatten)]
    list: AllowlistArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    connector: ConnectorArgs,
    #[command(flatten)]
    embedder: EmbedderArgs,
}

pub(super) async fn run(args: &ProvisionArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    let connectors = args.connector.connectors(&args.pool).await?;
    let user = pool_user::get_by_email(&args.pool.get().await?, &args.email).await?;
    let (email, is_listed) = check(args, &user).await?;
    let model = embedder::register_model(&database, &args.embedder.choice(&context.environment)?).await?;
    let account = account::provision(&database, args.pool.get_id()?, &user, &email, &model).await?;
    let connector = match &connectors {
        Some(connectors) => {
            let made = connectors.complete(&database, &account).await;
            Some(made.context("the records are there, but not the connector: run this again")?)
        }
        None => None,
    };
    print(args, &account, connector.as_ref(), is_listed, context)?;
    Ok(ExitCode::SUCCESS)
}

/// The user's address, which must be verified, and whether the allowlist has it, if that could be read.
async fn check(args: &ProvisionArgs, user: &PoolUser) -> anyhow::Result<(EmailAddress, Option<bool>)> {
    let list = read_allowlist(&args.list).await;
    let email = &args.email;
    let known = list.as_ref().map_or_else(|_| Allowlist::default(), Clone::clone);
    match (assess(&known, &pool_user::sign_up(user), &args.trust.providers()), list) {
        (Eligibility::Eligible(address), _) => Ok((address, Some(true))),
        (Eligibility::NotListed { verified: true, email: address }, Ok(_)) => {
            output::note(format_args!(
                "warning: {email} is not on the allowlist; the account is your decision"
            ));
            Ok((address, Some(false)))
        }
        (Eligibility::NotListed { verified: true, email: address }, Err(error)) => {
            output::note(format_args!(
                "warning: whether {email} is on the allowlist is not known: {error:#}"
            ));
            Ok((address, None))
        }
        (Eligibility::NotListed { verified: false, .. } | Eligibility::Unverified(_), _) => bail!(
            "the address {email} is not verified, so that anybody can have typed it: if you know that it is theirs, set the \
             user's `email_verified` to `true` at Cognito and run this again"
        ),
        (Eligibility::NoAddress, _) => bail!("the address {email} is none that could be invited"),
    }
}

fn print(
    args: &ProvisionArgs,
    account: &Account,
    connector: Option<&PersonalConnector>,
    is_listed: Option<bool>,
    context: &Context,
) -> anyhow::Result<()> {
    if context.json {
        return output::json(&json!({
            "email": args.email,
            "user_id": account.user_id,
            "org_id": account.org_id,
            "library_id": account.library_id,
            "knowledge_base_id": account.knowledge_base_id,
            "is_new": account.is_new,
            "is_listed": is_listed,
            "connector_id": connector.map(|made| made.connector.id),
            "url": connector.map(|made| &made.url),
        }));
    }
    let what = if account.is_new { "has an account now" } else { "had an account; it is complete" };
    output::line(format_args!("{} {what}: library {}", args.email, account.library_id));
    if let Some(made) = connector {
        output::line(&made.url);
    }
    Ok(())
}
