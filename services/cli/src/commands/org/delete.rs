//! `autri org delete`: the end of an org.
//!
//! The order fails closed and can be run again from any point: the connectors open nothing any more, their app clients go,
//! then the documents, piece by piece, then the org with all the rest, and last what the audit log kept in clear.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use autri_db::org_end::{self, OrgInventory};
use autri_db::{Database, tenancy};
use autri_domain::OrgId;
use clap::Args;
use serde_json::{Value, json};

#[cfg(feature = "aws")]
use crate::cognito::PoolArgs;
#[cfg(feature = "aws")]
use crate::commands::connector::app_client;
use crate::commands::document::erase_documents;
use crate::context::Context;
use crate::{output, person};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri org delete 0197f6a2-8c1e-7000-8000-000000000001
  autri org delete 0197f6a2-8c1e-7000-8000-000000000001 --yes
Without --yes it says what would go, and the exit code is 1. If it stops in the middle, run it again.
The rows of the audit log stay, with the digests of what was asked; what was kept in clear is erased.
`autri org export` comes first, if anything is to be kept. A person's own org goes with the person: `autri user delete`.")]
pub(super) struct DeleteArgs {
    /// The org
    #[arg(value_name = "ID")]
    org: OrgId,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// Leave the app clients of its connectors at Cognito alone: they serve something else as well
    #[cfg(feature = "aws")]
    #[arg(long)]
    keep_clients: bool,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pool: PoolArgs,
}

/// What goes, and what stays.
struct Plan {
    org: OrgId,
    /// None when it is gone, and the audit log is still to be cleared.
    inventory: Option<OrgInventory>,
    audit_rows: i64,
    clear_audit_rows: i64,
    /// Whether the app clients stay at Cognito.
    keeps_clients: bool,
    /// Those that are gone.
    deleted_clients: BTreeSet<String>,
}

pub(super) async fn run(args: &DeleteArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    let mut plan = Plan::make(&database, args).await?;
    if !args.yes {
        plan.print(context)?;
        output::note("nothing was deleted; --yes does it");
        return Ok(ExitCode::FAILURE);
    }
    plan.carry_out(&database, args).await.context("not all is deleted yet; run this again")?;
    if context.json {
        output::json(&plan.as_json(true))?;
    } else {
        output::line(format_args!("deleted the org {}", plan.org));
        let (_, kept) = plan.clients();
        if !kept.is_empty() {
            let kept = kept.join(", ");
            output::note(format_args!("app clients that stay at Cognito, and get no tokens: {kept}"));
        }
        if plan.audit_rows > 0 {
            output::note("its rows of the audit log stay, by digest: see `autri audit list --org`");
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Plan {
    async fn make(database: &Database, args: &DeleteArgs) -> anyhow::Result<Self> {
        let org = args.org;
        let inventory = org_end::find(database, org).await?;
        if let Some(email) = inventory.as_ref().and_then(|inventory| inventory.personal_email.as_deref()) {
            // It would come back with the person's next sign-up or `autri user reconcile`, and empty.
            bail!(person::owns(email, org));
        }
        let (audit_rows, clear_audit_rows) = org_end::count_audit_rows(database, org).await?;
        if inventory.is_none() && clear_audit_rows == 0 {
            bail!("there is no org {org}; see `autri org list`");
        }
        let keeps_clients = keeps_clients(args);
        let deleted_clients = BTreeSet::new();
        Ok(Self { org, inventory, audit_rows, clear_audit_rows, keeps_clients, deleted_clients })
    }

    async fn carry_out(&mut self, database: &Database, args: &DeleteArgs) -> anyhow::Result<()> {
        if self.inventory.is_some() {
            self.close_connectors(database, args).await?;
            if let Some(inventory) = &self.inventory {
                // The org's own statement has little left to do then.
                erase_documents(database, &inventory.knowledge_base_ids, "", inventory.document_count)
                    .await?;
            }
            // That may have taken long, and with the rows goes all knowledge of which app clients there are.
            self.close_connectors(database, args).await?;
            tenancy::delete_org(database, self.org).await?;
        }
        org_end::erase_audit_arguments(database, self.org).await?;
        Ok(())
    }

    /// Closes the connectors that there are by now, and deletes their app clients.
    async fn close_connectors(&mut self, database: &Database, args: &DeleteArgs) -> anyhow::Result<()> {
        org_end::close_connectors(database, self.org).await?;
        if let Some(inventory) = &mut self.inventory {
            inventory.connectors = org_end::list_connectors(database, self.org).await?;
        }
        let (going, _) = self.clients();
        let going: Vec<_> =
            going.into_iter().filter(|client| !self.deleted_clients.contains(*client)).collect();
        delete_clients(args, &going).await?;
        let deleted: Vec<_> = going.into_iter().map(str::to_owned).collect();
        self.deleted_clients.extend(deleted);
        Ok(())
    }

    /// The app clients that go, and those that stay.
    fn clients(&self) -> (Vec<&str>, Vec<&str>) {
        let connectors = self.inventory.as_ref().map(|inventory| &*inventory.connectors).unwrap_or_default();
        let all = connectors.iter().map(|(_, client)| client.as_str()).collect();
        if self.keeps_clients { (Vec::new(), all) } else { (all, Vec::new()) }
    }

    fn print(&self, context: &Context) -> anyhow::Result<()> {
        if context.json {
            return output::json(&self.as_json(false));
        }
        match &self.inventory {
            None => output::entry("org", format_args!("{}, gone already", self.org)),
            Some(inventory) => {
                output::entry("org", format_args!("{} {}", self.org, output::quoted(&inventory.name)));
                output::entry("members", inventory.member_count);
                output::entry("libraries", inventory.library_count);
                output::entry("knowledge bases", inventory.knowledge_base_ids.len());
                output::entry("documents", inventory.document_count);
                output::entry("questions", inventory.chat_query_count);
                let fate = if self.keeps_clients { " stays" } else { "" };
                for (id, client) in &inventory.connectors {
                    output::entry(
                        "connector",
                        format_args!("{id} (app client {}{fate})", output::quoted(client)),
                    );
                }
            }
        }
        output::entry(
            "audit log",
            format_args!(
                "{} rows stay, {} of them lose what they have in clear",
                self.audit_rows, self.clear_audit_rows
            ),
        );
        Ok(())
    }

    fn as_json(&self, is_deleted: bool) -> Value {
        let (going, kept) = self.clients();
        let inventory = self.inventory.as_ref();
        json!({
            "org_id": self.org,
            "is_deleted": is_deleted,
            "name": inventory.map(|inventory| &inventory.name),
            "member_count": inventory.map(|inventory| inventory.member_count),
            "library_count": inventory.map(|inventory| inventory.library_count),
            "knowledge_base_count": inventory.map(|inventory| inventory.knowledge_base_ids.len()),
            "document_count": inventory.map(|inventory| inventory.document_count),
            "chat_query_count": inventory.map(|inventory| inventory.chat_query_count),
            "connector_ids": inventory.map(|inventory| inventory.connectors.iter().map(|(id, _)| id).collect::<Vec<_>>()),
            "client_ids": going,
            "kept_client_ids": kept,
            "audit_row_count": self.audit_rows,
            "clear_audit_row_count": self.clear_audit_rows,
        })
    }
}

#[cfg(feature = "aws")]
fn keeps_clients(args: &DeleteArgs) -> bool {
    args.keep_clients || args.pool.find_id().is_none()
}

#[cfg(feature = "aws")]
async fn delete_clients(args: &DeleteArgs, clients: &[&str]) -> anyhow::Result<()> {
    if clients.is_empty() {
        return Ok(());
    }
    let pool = args.pool.get().await?;
    for client in clients {
        app_client::delete(&pool, client).await?;
    }
    Ok(())
}

#[cfg(not(feature = "aws"))]
const fn keeps_clients(_: &DeleteArgs) -> bool {
    true
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "with the feature `aws` it asks Cognito")]
async fn delete_clients(_: &DeleteArgs, _: &[&str]) -> anyhow::Result<()> {
    Ok(())
}
