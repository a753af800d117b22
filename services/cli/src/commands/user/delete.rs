//! `autri user delete`: a person, at Cognito and here.
//!
//! The order fails closed and can be run again from any point: the connectors open nothing any more, nobody can sign in,
//! the app clients go, then the documents, piece by piece, and the records, which say what is still to be done, go last.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use autri_aws::{Deletion, UserPool};
use autri_db::org_end::{self, OrgInventory};
use autri_db::people::{self, Person};
use autri_db::{Database, memberships};
use autri_domain::ConnectorId;
use clap::Args;
use serde_json::{Value, json};

use super::pool_user;
use crate::aws_step::AwsStep;
use crate::cognito::PoolArgs;
use crate::commands::connector::app_client;
use crate::commands::document::erase_documents;
use crate::context::Context;
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri user delete ada@example.com
  autri user delete ada@example.com --yes --user-pool eu-central-1_EXAMPLE
  autri user delete ada@example.com --yes --keep-clients
Without --yes it says what would go, and the exit code is 1. If it stops in the middle, run it again.
An address that is on the allowlist can sign up again: see `autri user uninvite`.")]
pub(super) struct DeleteArgs {
    /// The person's address
    #[arg(value_name = "EMAIL")]
    email: String,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// Leave the app clients of the person's connectors at Cognito alone: they serve something else as well
    #[arg(long)]
    keep_clients: bool,
    #[command(flatten)]
    pool: PoolArgs,
}

/// What goes.
struct Plan {
    email: String,
    /// None when somebody signed up and got no records.
    records: Option<Records>,
    /// The user's name in the pool; none when it is gone already.
    user_name: Option<String>,
    /// Whether the app clients of the connectors stay at Cognito.
    keeps_clients: bool,
    /// Those that are gone.
    deleted_clients: BTreeSet<String>,
}

/// What goes from the database.
struct Records {
    person: Person,
    /// What the person's own org has; memberships elsewhere go with the person, and take nothing along.
    own_org: Option<OrgInventory>,
}

/// The app clients of the connectors.
struct Clients<'a> {
    going: Vec<&'a str>,
    kept: Vec<&'a str>,
}

pub(super) async fn run(args: &DeleteArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    let pool = args.pool.get().await?;
    let mut plan = Plan::make(&database, &pool, args).await?;
    if !args.yes {
        plan.print(context)?;
        output::note("nothing was deleted; --yes does it");
        return Ok(ExitCode::FAILURE);
    }
    let user = plan.carry_out(&database, &pool).await.context("not all is deleted yet; run this again")?;
    if context.json {
        output::json(&plan.as_json(true))?;
    } else {
        let at_cognito = match user {
            Deletion::Deleted => "",
            Deletion::AlreadyGone => " (the user was gone from the pool already)",
        };
        output::line(format_args!("deleted {}{at_cognito}", plan.email));
        let clients = plan.clients();
        if !clients.kept.is_empty() {
            let kept = clients.kept.join(", ");
            output::note(format_args!("app clients that stay at Cognito, and get no tokens: {kept}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Plan {
    async fn make(database: &Database, pool: &UserPool, args: &DeleteArgs) -> anyhow::Result<Self> {
        let DeleteArgs { email, keep_clients, .. } = args;
        let pool_id = args.pool.get_id()?;
        let Some(person) = people::find_by_email(database, email).await? else {
            return Self::without_records(pool, email).await;
        };
        if let Some(other) = person.user_pool_id.as_deref().filter(|id| *id != pool_id) {
            bail!("{email} signed up in the user pool {other}, not in {pool_id}");
        }
        let user_name = find_user_name(pool, &person).await?;
        let email = person.email.clone();
        let own_org = match person.personal_org {
            Some(org) => org_end::find(database, org).await?,
            None => None,
        };
        let records = Some(Records { person, own_org });
        Ok(Self { email, records, user_name, keeps_clients: *keep_clients, deleted_clients: BTreeSet::new() })
    }

    /// Whoever has no records may still be a user of the pool.
    async fn without_records(pool: &UserPool, email: &str) -> anyhow::Result<Self> {
        let mut users = pool_user::list_by_email(pool, email).await?;
        match (users.pop(), users.is_empty()) {
            (Some(user), true) => Ok(Self {
                email: email.to_owned(),
                records: None,
                user_name: Some(user.user_name),
                keeps_clients: false,
                deleted_clients: BTreeSet::new(),
            }),
            (Some(_), false) => {
                bail!(
                    "{email} has no records, and several users of the pool have this address: delete the right one at Cognito"
                )
            }
            (None, _) => bail!("nobody has the address {email}: no records, and no user of the pool"),
        }
    }

    /// What opens something is closed first: wherever it stops, nothing is left open.
    async fn carry_out(&mut self, database: &Database, pool: &UserPool) -> anyhow::Result<Deletion> {
        if let Some(records) = &self.records {
            memberships::revoke_all_access(database, records.person.id).await?;
        }
        self.close_connectors(database).await?;
        let user = match &self.user_name {
            Some(name) => pool.delete_user(name).await.with_context(|| {
                AwsStep::new("delete the user from the pool", "cognito-idp:AdminDeleteUser")
            })?,
            None => Deletion::AlreadyGone,
        };
        self.delete_clients(pool).await?;
        if let Some(org) = self.own_org() {
            // The statement that deletes the person has little left to do then.
            erase_documents(database, &org.knowledge_base_ids, "", org.document_count).await?;
        }
        // That may have taken long, and with the records goes all knowledge of which app clients there are.
        self.close_connectors(database).await?;
        self.delete_clients(pool).await?;
        if let Some(records) = &self.records {
            people::delete(database, records.person.id).await?;
        }
        Ok(user)
    }

    /// Closes the connectors of the person's own org that there are by now.
    async fn close_connectors(&mut self, database: &Database) -> anyhow::Result<()> {
        let Some(Records { person: Person { personal_org: Some(id), .. }, own_org: Some(org) }) =
            &mut self.records
        else {
            return Ok(());
        };
        org_end::close_connectors(database, *id).await?;
        org.connectors = org_end::list_connectors(database, *id).await?;
        Ok(())
    }

    /// Deletes those app clients that are not deleted yet.
    async fn delete_clients(&mut self, pool: &UserPool) -> anyhow::Result<()> {
        let going: Vec<_> = self.clients().going.into_iter().map(str::to_owned).collect();
        for client in going {
            if !self.deleted_clients.contains(&client) {
                app_client::delete(pool, &client).await?;
                self.deleted_clients.insert(client);
            }
        }
        Ok(())
    }

    fn own_org(&self) -> Option<&OrgInventory> {
        self.records.as_ref()?.own_org.as_ref()
    }

    fn connectors(&self) -> &[(ConnectorId, String)] {
        self.own_org().map(|org| &*org.connectors).unwrap_or_default()
    }

    fn clients(&self) -> Clients<'_> {
        let all = self.connectors().iter().map(|(_, client)| client.as_str()).collect();
        if self.keeps_clients {
            Clients { going: Vec::new(), kept: all }
        } else {
            Clients { going: all, kept: Vec::new() }
        }
    }

    fn print(&self, context: &Context) -> anyhow::Result<()> {
        if context.json {
            return output::json(&self.as_json(false));
        }
        output::entry("person", &self.email);
        output::entry(
            "user",
            if self.user_name.is_some() { "in the pool" } else { "gone from the pool already" },
        );
        match &self.records {
            None => output::entry("records", "none"),
            Some(records) => records.print(self.keeps_clients),
        }
        Ok(())
    }

    fn as_json(&self, is_deleted: bool) -> Value {
        let clients = self.clients();
        json!({
            "email": self.email,
            "is_deleted": is_deleted,
            "user_name": self.user_name,
            "user_id": self.records.as_ref().map(|records| records.person.id),
            "org_id": self.records.as_ref().and_then(|records| records.person.personal_org),
            "library_count": self.records.as_ref().map(Records::library_count),
            "document_count": self.records.as_ref().map(Records::document_count),
            "connector_ids": self.connectors().iter().map(|(id, _)| id).collect::<Vec<_>>(),
            "client_ids": clients.going,
            "kept_client_ids": clients.kept,
        })
    }
}

impl Records {
    fn library_count(&self) -> i64 {
        self.own_org.as_ref().map_or(0, |org| org.library_count)
    }

    fn document_count(&self) -> i64 {
        self.own_org.as_ref().map_or(0, |org| org.document_count)
    }

    fn print(&self, keeps_clients: bool) {
        output::entry("org", self.person.personal_org.map_or("none".to_owned(), |org| org.to_string()));
        output::entry("libraries", self.library_count());
        output::entry("documents", self.document_count());
        let fate = if keeps_clients { " stays" } else { "" };
        for (id, client) in self.own_org.iter().flat_map(|org| &org.connectors) {
            output::entry("connector", format_args!("{id} (app client {client}{fate})"));
        }
    }
}

/// The name of the user with this person's `sub`, and no other: a name that was given up can be somebody else's by now.
async fn find_user_name(pool: &UserPool, person: &Person) -> anyhow::Result<Option<String>> {
    let sub = Some(person.cognito_sub.as_str());
    let with_address = pool_user::list_by_email(pool, &person.email).await?;
    if let Some(user) = with_address.into_iter().find(|user| user.sub.as_deref() == sub) {
        return Ok(Some(user.user_name));
    }
    // The address may have been changed at Cognito.
    let found = pool_user::list(pool).await?.into_iter().find(|user| user.sub.as_deref() == sub);
    Ok(found.map(|user| user.user_name))
}
