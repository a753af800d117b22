//! `autri connector`: OAuth clients, each bound to one library.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use autri_db::Database;
use autri_db::connectors::{self, Connector};
use autri_domain::{ConnectorId, LibraryId};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use url::Url;

use crate::context::Context;
use crate::output;

#[cfg(feature = "aws")]
pub(crate) mod app_client;
mod create;
mod revoke;
#[cfg(feature = "aws")]
mod rotate_secret;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri connector create --library 0197f6a2-8c1e-7000-8000-000000000002 --machine --name \"CI agent\"
  autri connector create --library 0197f6a2-8c1e-7000-8000-000000000002 --interactive --name Handbook
  autri connector list --json
  autri connector url 0197f6a2-8c1e-7000-8000-000000000003 --public-url https://mcp.example.com
  autri connector rotate-secret 0197f6a2-8c1e-7000-8000-000000000003
  autri connector revoke 0197f6a2-8c1e-7000-8000-000000000003")]
pub(crate) struct ConnectorArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an OAuth client that opens a library, or bind one that exists
    Create(create::CreateArgs),
    /// List connectors, oldest first, with the revoked ones
    List {
        /// Only this library's
        #[arg(long, value_name = "ID")]
        library: Option<LibraryId>,
        #[command(flatten)]
        base: BaseUrl,
    },
    /// Give a machine connector a new secret, and end the old one
    #[cfg(feature = "aws")]
    RotateSecret(rotate_secret::RotateArgs),
    /// Close a connector: refuse its tokens from the next call on, and delete its app client
    Revoke(revoke::RevokeArgs),
    /// Print the URL that clients are given
    Url {
        /// The connector
        #[arg(value_name = "ID")]
        connector: ConnectorId,
        #[command(flatten)]
        base: BaseUrl,
    },
}

#[derive(Debug, Args)]
pub(crate) struct BaseUrl {
    /// Where clients reach the server
    #[arg(long, value_name = "URL", env = "AUTRI_PUBLIC_URL", default_value = "http://127.0.0.1:8000")]
    public_url: Url,
}

impl BaseUrl {
    fn of(&self, connector: ConnectorId) -> String {
        connector_url(&self.public_url, connector)
    }
}

/// A connector's URL below the server's.
pub(crate) fn connector_url(public_url: &Url, connector: ConnectorId) -> String {
    format!("{}/c/{connector}/mcp", public_url.as_str().trim_end_matches('/'))
}

pub(crate) async fn run(args: ConnectorArgs, context: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Create(args) => create::run(args, context).await?,
        Command::List { library, base } => list(library, &base, context).await?,
        #[cfg(feature = "aws")]
        Command::RotateSecret(args) => rotate_secret::run(args, context).await?,
        Command::Revoke(args) => revoke::run(args, context).await?,
        Command::Url { connector, base } => url(connector, &base, context).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(library: Option<LibraryId>, base: &BaseUrl, context: &Context) -> anyhow::Result<()> {
    let connectors = connectors::list(&context.database()?, library).await?;
    if context.json {
        let connectors: Vec<_> = connectors.iter().map(|connector| as_json(connector, base)).collect();
        return output::json(&connectors);
    }
    let rows: Vec<_> = connectors.into_iter().map(row).collect();
    output::table(["ID", "NAME", "KIND", "CLIENT", "LIBRARY", "STATE"], &rows);
    Ok(())
}

async fn url(id: ConnectorId, base: &BaseUrl, context: &Context) -> anyhow::Result<()> {
    let connector = get(&context.database()?, id).await?;
    if connector.revoked_at.is_some() {
        bail!("the connector {id} was revoked; `autri connector create` makes another");
    }
    if context.json {
        return output::json(&json!({ "url": base.of(id) }));
    }
    output::line(base.of(id));
    Ok(())
}

/// The connector, or an error that says where to look.
pub(crate) async fn get(database: &Database, id: ConnectorId) -> anyhow::Result<Connector> {
    connectors::find(database, id).await?.with_context(|| unknown(id))
}

fn unknown(id: ConnectorId) -> String {
    format!("there is no connector {id}; see `autri connector list`")
}

fn row(connector: Connector) -> [String; 6] {
    let state = if connector.revoked_at.is_some() { "revoked" } else { "live" };
    [
        connector.id.to_string(),
        connector.name,
        connector.kind,
        connector.oauth_client_id,
        connector.library_name,
        state.to_owned(),
    ]
}

fn as_json(connector: &Connector, base: &BaseUrl) -> Value {
    json!({
        "id": connector.id,
        "org_id": connector.org_id,
        "library_id": connector.library_id,
        "library_name": connector.library_name,
        "kind": connector.kind,
        "client_id": connector.oauth_client_id,
        "name": connector.name,
        "url": base.of(connector.id),
        "created_at": connector.created_at,
        "revoked_at": connector.revoked_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connector_has_its_own_url_below_the_servers() {
        let id = ConnectorId::new();
        for base in ["https://mcp.example.com", "https://mcp.example.com/"] {
            let url = connector_url(&base.parse().expect("a URL"), id);
            assert_eq!(url, format!("https://mcp.example.com/c/{id}/mcp"));
        }
    }
}
