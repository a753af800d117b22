//! `autri db`: the database's life.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use autri_db::bootstrap::Bootstrap;
use autri_db::migrations::{self, MigrationStatus};
use autri_db::roles;
use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::context::Context;
use crate::environment::password_variable;
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples, in this order for a new database:
  AUTRI_MIGRATE_PASSWORD=… AUTRI_ADMIN_PASSWORD=… AUTRI_MCP_PASSWORD=… \\
  AUTRI_PRE_TOKEN_PASSWORD=… AUTRI_POST_CONFIRMATION_PASSWORD=… \\
    autri db bootstrap --admin-url postgresql://postgres:…@HOST:5432/postgres
  DATABASE_URL=postgresql://autri_migrate:…@HOST:5432/autri autri db migrate
  DATABASE_URL=postgresql://autri_admin:…@HOST:5432/autri autri db status")]
pub(crate) struct DbArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make the roles, the database and its extension: once a cluster, by its administrator; again does no harm
    #[command(after_help = "\
Passwords are read from the environment, each optional, and set for roles that exist as well:
  AUTRI_MIGRATE_PASSWORD            owns the schema, for `autri db migrate`
  AUTRI_ADMIN_PASSWORD              the other commands
  AUTRI_MCP_PASSWORD                the MCP server
  AUTRI_INGEST_PASSWORD             an ingesting process
  AUTRI_PRE_TOKEN_PASSWORD          the pre-token-generation Lambda
  AUTRI_POST_CONFIRMATION_PASSWORD  the post-confirmation Lambda
  AUTRI_FRONT_DOOR_PASSWORD         the OAuth front door")]
    Bootstrap {
        /// The administrator's Postgres URL, with any database of the cluster
        #[arg(long, value_name = "URL", env = "AUTRI_ADMIN_URL", hide_env_values = true)]
        admin_url: SecretString,
        /// The database to make
        #[arg(long, value_name = "NAME", default_value = "autri")]
        database: String,
    },
    /// Apply the migrations that the database lacks, as `autri_migrate`
    Migrate,
    /// List the migrations; exit code 1 if the database lacks one
    Status,
}

pub(crate) async fn run(args: DbArgs, context: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Bootstrap { admin_url, database } => bootstrap(admin_url, database, context).await,
        Command::Migrate => migrate(context).await,
        Command::Status => status(context).await,
    }
}

async fn bootstrap(admin_url: SecretString, database: String, context: &Context) -> anyhow::Result<ExitCode> {
    let passwords = context.environment.role_passwords.clone();
    let (with, without): (Vec<_>, Vec<_>) =
        roles::LOGINS.into_iter().partition(|role| passwords.contains_key(role));
    Bootstrap { admin_url, database: database.clone(), passwords }.run().await?;
    if context.json {
        output::json(&json!({ "database": database, "passwords_set": with }))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format_args!("the database {database} and the roles are there"));
    if !with.is_empty() {
        output::line(format_args!("passwords set: {}", with.join(", ")));
    }
    if !without.is_empty() {
        let variables: Vec<_> = without.into_iter().map(password_variable).collect();
        output::note(format_args!("no password given in {}", variables.join(", ")));
    }
    output::note("next: `autri db migrate`, with a DATABASE_URL that logs in as autri_migrate");
    Ok(ExitCode::SUCCESS)
}

async fn migrate(context: &Context) -> anyhow::Result<ExitCode> {
    if context.login().is_none() {
        bail!("no database: set DATABASE_URL (or --database-url) to Postgres as autri_migrate");
    }
    let database = context.database()?;
    let before = migrations::status(&database).await?;
    migrations::apply(&database).await?;
    let applied: Vec<_> = before.into_iter().filter(|migration| !migration.applied).collect();
    if context.json {
        output::json(
            &json!({ "applied": applied.iter().map(|migration| migration.version).collect::<Vec<_>>() }),
        )?;
    } else if applied.is_empty() {
        output::line("nothing to do: the schema is current");
    } else {
        for migration in &applied {
            output::line(format_args!("applied {:04} {}", migration.version, migration.description));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(context: &Context) -> anyhow::Result<ExitCode> {
    let migrations =
        migrations::status(&context.database()?).await.context("cannot read the schema's version")?;
    if context.json {
        output::json(&migrations.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        output::table(["VERSION", "DESCRIPTION", "STATE"], &migrations.iter().map(row).collect::<Vec<_>>());
    }
    let is_current = migrations.iter().all(|migration| migration.applied);
    if !is_current && !context.json {
        output::note("next: `autri db migrate`, with a DATABASE_URL that logs in as autri_migrate");
    }
    Ok(if is_current { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn row(migration: &MigrationStatus) -> [String; 3] {
    let state = if migration.applied { "applied" } else { "missing" };
    [format!("{:04}", migration.version), migration.description.clone(), state.to_owned()]
}

fn as_json(migration: &MigrationStatus) -> Value {
    json!({
        "version": migration.version,
        "description": migration.description,
        "applied": migration.applied,
    })
}
