//! `autri connector rotate-secret`: a new secret for a program, the old one ended.
//!
//! An app client has at most two secrets, so that a program can change over while both are good:
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AddUserPoolClientSecret.html>.
//! The new one is printed before an old one is deleted: an interruption must not leave the operator without any.

use anyhow::{Context as _, anyhow, bail};
use autri_aws::{AwsError, ClientSecret, NewClientSecret};
use autri_db::Database;
use autri_db::connectors::{self, Connector, ConnectorKind};
use autri_domain::ConnectorId;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::app_client::{self, AppClients, Flow};
use crate::aws_step::AwsStep;
use crate::cognito::{PoolArgs, ScopeArgs};
use crate::context::Context;
use crate::output;

/// How many secrets an app client can have.
const MAX_SECRETS: usize = 2;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri connector rotate-secret 0197f6a2-8c1e-7000-8000-000000000003
  autri connector rotate-secret 0197f6a2-8c1e-7000-8000-000000000003 --keep-old
  autri connector rotate-secret 0197f6a2-8c1e-7000-8000-000000000003 --drop-old
The new secret is printed once. With --keep-old both are good until a run with --drop-old.
Tokens made with the old secret stay good until they expire; `autri connector revoke` ends them.")]
pub(super) struct RotateArgs {
    /// The connector
    #[arg(value_name = "ID")]
    connector: ConnectorId,
    /// Leave the old secret good, for the program to change over
    #[arg(long, conflicts_with = "drop_old")]
    keep_old: bool,
    /// Make no secret: delete all but the newest
    #[arg(long)]
    drop_old: bool,
    #[command(flatten)]
    pool: PoolArgs,
    #[command(flatten)]
    scope: ScopeArgs,
}

pub(super) async fn run(args: RotateArgs, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let connector = get_rotatable(&database, args.connector).await?;
    let clients = AppClients::of(&args.pool, &args.scope).await?;
    if args.drop_old {
        return drop_old(&clients, &connector, context).await;
    }
    match add(&clients, &connector).await {
        Ok(added) => finish(&clients, &connector, &added, args.keep_old, context).await,
        Err(error) if is_unsupported(&error) => {
            replace(&clients, &database, &connector, args.keep_old, context).await
        }
        Err(error) => Err(error),
    }
}

/// A live connector for programs: people's app clients have no secret.
async fn get_rotatable(database: &Database, id: ConnectorId) -> anyhow::Result<Connector> {
    let connector = super::get(database, id).await?;
    if connector.revoked_at.is_some() {
        bail!("the connector {id} was revoked; `autri connector create` makes another");
    }
    if connector.kind != ConnectorKind::Machine.as_str() {
        bail!("the connector {id} is for people: its app client has no secret");
    }
    Ok(connector)
}

/// Whether the endpoint does not know the operations on secrets: AWS partitions that lag behind, emulators.
fn is_unsupported(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref::<AwsError>(), Some(AwsError::Unsupported(_))))
}

/// A secret that was added, and those there were before.
struct Added {
    new: NewClientSecret,
    old: Vec<ClientSecret>,
}

async fn add(clients: &AppClients<'_>, connector: &Connector) -> anyhow::Result<Added> {
    let client_id = &connector.oauth_client_id;
    let old = list(clients, client_id).await?;
    if old.len() >= MAX_SECRETS {
        bail!(
            "the app client {client_id} has two secrets already, which is the most: delete the older one with \
             `autri connector rotate-secret {} --drop-old` first",
            connector.id
        );
    }
    match clients.pool().add_client_secret(client_id).await {
        Ok(new) => Ok(Added { new, old }),
        Err(error) => {
            if matches!(error, AwsError::Unavailable(_)) {
                forget_unseen(clients, connector, &old).await;
            }
            let step = AwsStep::new(
                format!("add a secret to the app client {client_id}"),
                "cognito-idp:AddUserPoolClientSecret",
            );
            Err(error).context(step)
        }
    }
}

/// A call that was not answered may have been carried out all the same. The secret that it made was shown to nobody, and as
/// the newest one it would be the one that `--drop-old` leaves.
async fn forget_unseen(clients: &AppClients<'_>, connector: &Connector, known: &[ClientSecret]) {
    let forgotten = async {
        let mut unseen = list(clients, &connector.oauth_client_id).await?;
        unseen.retain(|secret| known.iter().all(|known| known.id != secret.id));
        delete_all(clients, connector, &unseen).await
    };
    if let Err(error) = forgotten.await {
        output::note(format_args!(
            "the app client {} may have a secret now that nobody has seen ({error:#}); delete the newest one at Cognito \
             before any `--drop-old`",
            connector.oauth_client_id
        ));
    }
}

async fn finish(
    clients: &AppClients<'_>,
    connector: &Connector,
    added: &Added,
    keep_old: bool,
    context: &Context,
) -> anyhow::Result<()> {
    print_secret(connector.id, &connector.oauth_client_id, &added.new.value, false, context)?;
    if keep_old {
        output::note(format_args!(
            "the old secret is still good; `autri connector rotate-secret {} --drop-old` ends it",
            connector.id
        ));
        return Ok(());
    }
    delete_all(clients, connector, &added.old).await
}

/// Ends all secrets but the newest.
async fn drop_old(clients: &AppClients<'_>, connector: &Connector, context: &Context) -> anyhow::Result<()> {
    let mut secrets = list(clients, &connector.oauth_client_id).await?;
    secrets.sort_by_key(|secret| secret.created_at);
    secrets.pop();
    delete_all(clients, connector, &secrets).await?;
    if context.json {
        return output::json(&json!({ "id": connector.id, "deleted_secrets": secrets.len() }));
    }
    if secrets.is_empty() {
        output::line(format_args!("the app client {} has one secret only", connector.oauth_client_id));
    } else {
        output::line("deleted the old secret");
    }
    Ok(())
}

async fn list(clients: &AppClients<'_>, client_id: &str) -> anyhow::Result<Vec<ClientSecret>> {
    clients.pool().list_client_secrets(client_id).await.with_context(|| {
        AwsStep::new(
            format!("list the secrets of the app client {client_id}"),
            "cognito-idp:ListUserPoolClientSecrets",
        )
    })
}

async fn delete_all(
    clients: &AppClients<'_>,
    connector: &Connector,
    secrets: &[ClientSecret],
) -> anyhow::Result<()> {
    for secret in secrets {
        let deleted = clients.pool().delete_client_secret(&connector.oauth_client_id, &secret.id).await;
        deleted
            .with_context(|| AwsStep::new("delete the old secret", "cognito-idp:DeleteUserPoolClientSecret"))
            .with_context(|| {
                format!(
                    "the old secret is still good: end it with `autri connector rotate-secret {} --drop-old`",
                    connector.id
                )
            })?;
    }
    Ok(())
}

/// A new app client in place of the old one: where secrets cannot be added, a client keeps the one it was made with.
async fn replace(
    clients: &AppClients<'_>,
    database: &Database,
    connector: &Connector,
    keep_old: bool,
    context: &Context,
) -> anyhow::Result<()> {
    if keep_old {
        bail!(
            "this endpoint cannot give an app client a second secret: without --keep-old, the app client is replaced"
        );
    }
    let new = clients.create(connector.id, &Flow::Machine).await?;
    let Some(secret) = new.client_secret else {
        return Err(clients.undo(&new.client_id, anyhow!("the new app client came without a secret")).await);
    };
    if let Err(error) = move_to(database, connector.id, &new.client_id).await {
        return Err(clients.undo(&new.client_id, error).await);
    }
    print_secret(connector.id, &new.client_id, &secret, true, context)?;
    output::note(
        "this endpoint cannot add secrets, so the app client was replaced: the client_id is new too",
    );
    let old = &connector.oauth_client_id;
    app_client::delete(clients.pool(), old).await.with_context(|| {
        format!("the old app client {old} gets no tokens any more, but is still there: delete it at Cognito")
    })?;
    Ok(())
}

/// Binds the connector to another app client.
async fn move_to(database: &Database, connector: ConnectorId, client_id: &str) -> anyhow::Result<()> {
    let is_live = connectors::replace_client(database, connector, client_id).await?;
    is_live.then_some(()).with_context(|| format!("the connector {connector} was revoked meanwhile"))
}

fn print_secret(
    connector: ConnectorId,
    client_id: &str,
    secret: &SecretString,
    is_new_client: bool,
    context: &Context,
) -> anyhow::Result<()> {
    if context.json {
        return output::json(&json!({
            "id": connector,
            "client_id": client_id,
            "is_new_client": is_new_client,
            "client_secret": secret.expose_secret(),
        }));
    }
    output::entry("connector", connector);
    output::entry("client_id", client_id);
    output::entry("client_secret", secret.expose_secret());
    Ok(())
}
