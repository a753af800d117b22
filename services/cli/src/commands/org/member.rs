//! `autri org member`: the people of an org.

use anyhow::{Context as _, bail};
use autri_db::memberships::{self, Member, OrgRole, Removal};
use autri_db::tenancy;
use autri_domain::OrgId;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::context::Context;
use crate::{output, person};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri org member add ada@example.com --org 0197f6a2-8c1e-7000-8000-000000000001
  autri org member remove ada@example.com --org 0197f6a2-8c1e-7000-8000-000000000001
  autri org member list --org 0197f6a2-8c1e-7000-8000-000000000001 --json
Membership opens no library: `autri library grant` does that.")]
pub(super) struct MemberArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a person a member, or give a member another role
    Add {
        /// The person's address
        #[arg(value_name = "EMAIL")]
        email: String,
        /// The org
        #[arg(long, value_name = "ID")]
        org: OrgId,
        /// What they may do in it
        #[arg(long, value_enum, default_value = "member")]
        role: Role,
    },
    /// End a membership, and with it the person's access to the org's libraries
    Remove {
        /// The person's address
        #[arg(value_name = "EMAIL")]
        email: String,
        /// The org
        #[arg(long, value_name = "ID")]
        org: OrgId,
    },
    /// List the members of an org
    List {
        /// The org
        #[arg(long, value_name = "ID")]
        org: OrgId,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Whose org it is
    Owner,
    /// Keeps its libraries and people
    Admin,
    /// Works in it
    Member,
}

impl From<Role> for OrgRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Admin => Self::Admin,
            Role::Member => Self::Member,
        }
    }
}

pub(super) async fn run(args: MemberArgs, context: &Context) -> anyhow::Result<()> {
    match args.command {
        Command::Add { email, org, role } => add(&email, org, role.into(), context).await,
        Command::Remove { email, org } => remove(&email, org, context).await,
        Command::List { org } => list(org, context).await,
    }
}

async fn add(email: &str, org: OrgId, role: OrgRole, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let person = person::get(&database, email).await?;
    memberships::add_member(&database, org, person.id, role).await?;
    // Whoever a personal org belongs to stays its owner.
    let members = memberships::list_members(&database, org).await?;
    let member = members.into_iter().find(|member| member.user_id == person.id);
    let role = member.context("the membership ended meanwhile")?.role;
    if context.json {
        return output::json(&json!({ "org_id": org, "user_id": person.id, "role": role.as_str() }));
    }
    output::line(format_args!("{} is a member of the org {org}, as {}", person.email, role.as_str()));
    Ok(())
}

async fn remove(email: &str, org: OrgId, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let person = person::get(&database, email).await?;
    let email = &person.email;
    let (was_member, had_access) = match memberships::remove_member(&database, org, person.id).await? {
        Removal::LeftOrg { had_access } => (true, had_access),
        Removal::LostAccess => (false, true),
        Removal::NoMember => (false, false),
        Removal::NoOrg => bail!(no_org(org)),
        Removal::PersonalOwner => bail!(person::owns(email, org)),
    };
    if context.json {
        return output::json(&json!({
            "org_id": org,
            "user_id": person.id,
            "was_member": was_member,
            "had_access": had_access,
        }));
    }
    let outcome = match (was_member, had_access) {
        (true, true) => format!("left the org {org}, and its libraries"),
        (true, false) => format!("left the org {org}, and had none of its libraries"),
        (false, true) => format!("was no member of the org {org}, and may not use its libraries any more"),
        (false, false) => format!("was no member of the org {org}"),
    };
    output::line(format_args!("{email} {outcome}"));
    Ok(())
}

async fn list(org: OrgId, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let known = tenancy::list_orgs(&database).await?.iter().any(|one| one.id == org);
    known.then_some(()).with_context(|| no_org(org))?;
    let members = memberships::list_members(&database, org).await?;
    if context.json {
        return output::json(&members.iter().map(as_json).collect::<Vec<_>>());
    }
    let row =
        |member: &Member| [member.email.clone(), member.role.as_str().to_owned(), member.user_id.to_string()];
    output::table(["EMAIL", "ROLE", "USER"], &members.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

fn no_org(org: OrgId) -> String {
    format!("there is no org {org}; see `autri org list`")
}

fn as_json(member: &Member) -> Value {
    json!({ "user_id": member.user_id, "email": member.email, "role": member.role.as_str() })
}
