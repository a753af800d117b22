//! `autri connector revoke`: the row first, then the app client.

use anyhow::Context as _;
use autri_db::connectors;
use autri_domain::ConnectorId;
use clap::Args;
use serde_json::json;

use super::unknown;
#[cfg(feature = "aws")]
use crate::cognito::PoolArgs;
use crate::context::Context;
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri connector revoke 0197f6a2-8c1e-7000-8000-000000000003
Its tokens are refused from the next call on, whatever becomes of the app client.
Run it again if the app client could not be deleted.")]
pub(super) struct RevokeArgs {
    /// The connector
    #[arg(value_name = "ID")]
    connector: ConnectorId,
    /// Leave the app client at Cognito alone: it serves something else as well
    #[cfg(feature = "aws")]
    #[arg(long)]
    keep_client: bool,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pool: PoolArgs,
}

/// What became of the app client.
#[derive(Debug, Clone, Copy)]
enum Fate {
    #[cfg(feature = "aws")]
    Deleted,
    #[cfg(feature = "aws")]
    AlreadyGone,
    /// Nobody was asked to delete it.
    Kept,
}

pub(super) async fn run(args: RevokeArgs, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let id = args.connector;
    let revoked_at = connectors::revoke(&database, id).await?.with_context(|| unknown(id))?;
    let client_id = super::get(&database, id).await?.oauth_client_id;
    let fate = end_client(&args, &client_id).await.with_context(|| {
        format!(
            "the connector {id} is revoked, but its app client may still be there: run this again to delete it"
        )
    })?;
    if context.json {
        return output::json(&json!({
            "id": id,
            "revoked_at": revoked_at,
            "client_id": client_id,
            "app_client": fate.as_str(),
        }));
    }
    output::line(format_args!("revoked at {revoked_at}"));
    match fate {
        #[cfg(feature = "aws")]
        Fate::Deleted => output::line(format_args!("deleted its app client {client_id}")),
        #[cfg(feature = "aws")]
        // Cognito gives the same answer when there is no such pool.
        Fate::AlreadyGone => output::line(format_args!(
            "its app client {client_id} is gone: there is none in the user pool {}",
            args.pool.get_id()?
        )),
        Fate::Kept => {
            output::note(format_args!("its app client {client_id} stays at Cognito, and gets no tokens"));
        }
    }
    Ok(())
}

#[cfg(feature = "aws")]
async fn end_client(args: &RevokeArgs, client_id: &str) -> anyhow::Result<Fate> {
    if args.keep_client || args.pool.find_id().is_none() {
        return Ok(Fate::Kept);
    }
    Ok(match super::app_client::delete(&args.pool.get().await?, client_id).await? {
        autri_aws::Deletion::Deleted => Fate::Deleted,
        autri_aws::Deletion::AlreadyGone => Fate::AlreadyGone,
    })
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "with the feature `aws` it asks Cognito")]
async fn end_client(_: &RevokeArgs, _: &str) -> anyhow::Result<Fate> {
    Ok(Fate::Kept)
}

impl Fate {
    const fn as_str(self) -> &'static str {
        match self {
            #[cfg(feature = "aws")]
            Self::Deleted => "deleted",
            #[cfg(feature = "aws")]
            Self::AlreadyGone => "already_gone",
            Self::Kept => "kept",
        }
    }
}
