//! `autri token`: a bearer token for a server in development.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use autri_db::connectors::{Connector, ConnectorKind};
use autri_domain::ConnectorId;
use chrono::SecondsFormat;
use clap::Args;
use secrecy::SecretString;
use serde_json::json;

use super::connector;
use super::dev::data_dir::{DataDir, Secret};
use super::dev::tokens::{Bearer, TTL_SECS, Tokens};
use crate::context::Context;
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri token --connector-id 0197f6a2-8c1e-7000-8000-000000000003
  autri token --connector-id 0197f6a2-8c1e-7000-8000-000000000004 --subject 9a1c… --ttl 1h
Such tokens are good for servers with AGENTCORE_AUTH=hs256-dev, that is for `cargo dev`, and for no other.")]
pub(crate) struct TokenArgs {
    /// The connector that it is for
    #[arg(long, value_name = "UUID")]
    connector_id: ConnectorId,
    /// The person who signed in; for an interactive connector
    #[arg(long, value_name = "SUB")]
    subject: Option<String>,
    /// How long it lasts, such as 15m, 1h or 30days [default: 30days]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    ttl: Option<Duration>,
    /// The server's secret, in place of the data folder's
    #[arg(long, value_name = "SECRET", env = "AUTRI_DEV_JWT_SECRET", hide = true, hide_env_values = true)]
    secret: Option<SecretString>,
}

pub(crate) async fn run(args: TokenArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let ttl_secs = ttl_secs(args.ttl)?;
    let connector = connector::get(&context.database_beside_data_dir()?, args.connector_id).await?;
    let bearer = bearer(connector, args.subject)?;
    let secret = match args.secret {
        Some(secret) => secret,
        None => secret_of(&context.data_dir())?,
    };
    let token = Tokens::new(secret, context.clock.clone())?.mint(&bearer, ttl_secs);
    if context.json {
        let expires_at = context.clock.now() + Duration::from_secs(ttl_secs.into());
        let expires_at = expires_at.to_rfc3339_opts(SecondsFormat::Secs, true);
        output::json(
            &json!({ "token": token, "connector_id": bearer.connector_id, "expires_at": expires_at }),
        )?;
    } else {
        output::line(token);
    }
    Ok(ExitCode::SUCCESS)
}

fn secret_of(data_dir: &std::path::Path) -> anyhow::Result<SecretString> {
    let secret = DataDir::find(data_dir).map(|dir| dir.find_secret(Secret::Jwt)).transpose()?.flatten();
    secret.with_context(|| {
        format!(
            "{} has no secret to sign with: start `cargo dev` first, or name its folder with --data-dir",
            data_dir.display()
        )
    })
}

fn ttl_secs(ttl: Option<Duration>) -> anyhow::Result<u32> {
    let Some(ttl) = ttl else { return Ok(TTL_SECS) };
    match u32::try_from(ttl.as_secs()) {
        Ok(secs) if secs > 0 => Ok(secs),
        _ => bail!("--ttl must be a second at least and 136 years at most"),
    }
}

fn bearer(connector: Connector, subject: Option<String>) -> anyhow::Result<Bearer> {
    let id = connector.id;
    if connector.revoked_at.is_some() {
        bail!("the connector {id} was revoked: no token for it is let in");
    }
    let is_machine = connector.kind == ConnectorKind::Machine.as_str();
    match (&subject, is_machine) {
        (None, false) => bail!("the connector {id} is for people: say who signed in with --subject"),
        (Some(_), true) => bail!("the connector {id} is for programs: leave --subject away"),
        _ => Ok(Bearer { connector_id: id, client_id: connector.oauth_client_id, subject }),
    }
}

#[cfg(test)]
mod tests {
    use autri_domain::{LibraryId, OrgId};
    use chrono::DateTime;

    use super::*;

    fn connector(kind: ConnectorKind, is_revoked: bool) -> Connector {
        let at = DateTime::from_timestamp(1_790_000_000, 0).expect("a time");
        Connector {
            id: ConnectorId::new(),
            org_id: OrgId::new(),
            library_id: LibraryId::new(),
            library_name: "Library".to_owned(),
            kind: kind.as_str().to_owned(),
            oauth_client_id: "client".to_owned(),
            name: "Connector".to_owned(),
            created_at: at,
            revoked_at: is_revoked.then_some(at),
        }
    }

    #[test]
    fn a_token_is_of_its_connectors_kind() {
        let person = || Some("person".to_owned());
        assert!(bearer(connector(ConnectorKind::Machine, false), None).is_ok());
        assert!(bearer(connector(ConnectorKind::Interactive, false), person()).is_ok());
        bearer(connector(ConnectorKind::Machine, false), person()).expect_err("a person at a machine's");
        bearer(connector(ConnectorKind::Interactive, false), None).expect_err("nobody at a person's");
        bearer(connector(ConnectorKind::Machine, true), None).expect_err("revoked");
    }

    #[test]
    fn a_token_lasts_a_while() {
        assert_eq!(ttl_secs(None).expect("a default"), TTL_SECS);
        assert_eq!(ttl_secs(Some(Duration::from_mins(15))).expect("fits"), 900);
        ttl_secs(Some(Duration::ZERO)).expect_err("none at all");
        ttl_secs(Some(Duration::MAX)).expect_err("for ever");
    }
}
