//! `autri user delete`: a person, at Cognito and here.
//!
//! The order fails closed and can be run again from any point: the connectors open nothing any more, nobody can sign in,
//! the app clients go, and the records, which say what is still to be done, go last.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use autri_aws::{Deletion, UserPool};
use autri_db::connectors::{self, Connector};
use autri_db::people::{self, Person};
use autri_db::{Database, memberships, tenancy};
use clap::Args;
use serde_json::{Value, json};

use super::pool_user;
use crate::aws_step::AwsStep;
use crate::cognito::PoolArgs;
use crate::commands::connector::app_client;
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
}

/// What goes from the database.
struct Records {
    person: Person,
    library_count: usize,
    document_count: i64,
    connectors: Vec<Connector>,
}

/// The app clients of the connectors.
struct Clients<'a> {
    going: Vec<&'a str>,
    kept: Vec<&'a str>,
}

pub(super) async fn run(args: &DeleteArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    let pool = args.pool.get().await?;
    let plan = Plan::make(&database, &pool, args).await?;
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
        let records = Records::read(database, person).await?;
        Ok(Self { email, records: Some(records), user_name, keeps_clients: *keep_clients })
    }

    /// Whoever has no records may still be a user of the pool.
    async fn without_records(pool: &UserPool, email: &str) -> anyhow::Result<Self> {
        let mut users = pool_user::list_by_email(pool, email).await?;
        match (users.pop(), users.is_empty()) {
            (Some(user), true) => {
                let user_name = Some(user.user_name);
                Ok(Self { email: email.to_owned(), records: None, user_name, keeps_clients: false })
            }
            (Some(_), false) => {
                bail!(
                    "{email} has no records, and several users of the pool have this address: delete the right one at Cognito"
                )
            }
            (None, _) => bail!("nobody has the address {email}: no records, and no user of the pool"),
        }
    }

    /// What opens something is closed first: wherever it stops, nothing is left open.
    async fn carry_out(&self, database: &Database, pool: &UserPool) -> anyhow::Result<Deletion> {
        if let Some(records) = &self.records {
            memberships::revoke_all_access(database, records.person.id).await?;
        }
        for connector in self.connectors() {
            connectors::revoke(database, connector.id).await?;
        }
        let user = match &self.user_name {
            Some(name) => pool.delete_user(name).await.with_context(|| {
                AwsStep::new("delete the user from the pool", "cognito-idp:AdminDeleteUser")
            })?,
            None => Deletion::AlreadyGone,
        };
        for client in self.clients().going {
            app_client::delete(pool, client).await?;
        }
        if let Some(records) = &self.records {
            people::delete(database, records.person.id).await?;
        }
        Ok(user)
    }

    fn connectors(&self) -> &[Connector] {
        self.records.as_ref().map(|records| &*records.connectors).unwrap_or_default()
    }

    fn clients(&self) -> Clients<'_> {
        let all = self.connectors().iter().map(|connector| connector.oauth_client_id.as_str()).collect();
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
            "library_count": self.records.as_ref().map(|records| records.library_count),
            "document_count": self.records.as_ref().map(|records| records.document_count),
            "connector_ids": self.connectors().iter().map(|connector| connector.id).collect::<Vec<_>>(),
            "client_ids": clients.going,
            "kept_client_ids": clients.kept,
        })
    }
}

impl Records {
    /// What the person's own org has; memberships elsewhere go with the person, and take nothing along.
    async fn read(database: &Database, person: Person) -> anyhow::Result<Self> {
        let libraries = match person.personal_org {
            Some(org) => tenancy::list_libraries(database, Some(org)).await?,
            None => Vec::new(),
        };
        let mut connectors = Vec::new();
        let mut bases = Vec::new();
        for library in &libraries {
            connectors.extend(connectors::list(database, Some(library.id)).await?);
            bases.extend(tenancy::list_knowledge_bases(database, Some(library.id)).await?);
        }
        // A knowledge base can be in several libraries.
        bases.sort_by_key(|base| base.id);
        bases.dedup_by_key(|base| base.id);
        let document_count = bases.iter().map(|base| base.document_count).sum();
        Ok(Self { person, library_count: libraries.len(), document_count, connectors })
    }

    fn print(&self, keeps_clients: bool) {
        output::entry("org", self.person.personal_org.map_or("none".to_owned(), |org| org.to_string()));
        output::entry("libraries", self.library_count);
        output::entry("documents", self.document_count);
        let fate = if keeps_clients { " stays" } else { "" };
        for Connector { id, oauth_client_id, .. } in &self.connectors {
            output::entry("connector", format_args!("{id} (app client {oauth_client_id}{fate})"));
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
