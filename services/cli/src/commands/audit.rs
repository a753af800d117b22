//! `autri audit`: who called which tool.

use std::process::ExitCode;
use std::time::Duration;

use autri_db::audit::{self, AuditFilter, AuditRow};
use autri_domain::{Clock, ConnectorId, OrgId};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::context::Context;
use crate::{hex, output};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri audit list --since 1h
  autri audit list --connector 0197f6a2-8c1e-7000-8000-000000000003 --limit 1000 --json")]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List tool calls, newest first
    List(ListArgs),
}

#[derive(Debug, Args)]
struct ListArgs {
    /// Only this org's
    #[arg(long, value_name = "ID")]
    org: Option<OrgId>,
    /// Only this connector's
    #[arg(long, value_name = "ID")]
    connector: Option<ConnectorId>,
    /// Only from this time on: `2026-11-21T08:00:00Z`, or `90m`, `1day` for that long ago
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// A moment, or how long ago it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    At(DateTime<Utc>),
    Ago(Duration),
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        let ago = humantime::parse_duration(text);
        ago.map(Self::Ago).map_err(|_| "neither an RFC 3339 time nor a duration such as 90m".to_owned())
    }
}

impl Since {
    /// The moment; 1970 for what is too long ago to tell.
    fn moment(self, clock: &dyn Clock) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => {
                let begin = TimeDelta::from_std(ago).ok().and_then(|ago| clock.now().checked_sub_signed(ago));
                begin.unwrap_or(DateTime::UNIX_EPOCH)
            }
        }
    }
}

pub(crate) async fn run(args: AuditArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let Command::List(args) = args.command;
    let filter = AuditFilter {
        org_id: args.org,
        connector_id: args.connector,
        since: args.since.map(|since| since.moment(&*context.clock)),
        limit: args.limit,
    };
    let rows = audit::list(&context.database()?, &filter).await?;
    if context.json {
        output::json(&rows.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        let rows: Vec<_> = rows.iter().map(row).collect();
        output::table(["TIME", "TOOL", "STATUS", "RESULTS", "MS", "CLIENT", "SUBJECT", "CONNECTOR"], &rows);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(row: &AuditRow) -> [String; 8] {
    [
        row.at.to_rfc3339_opts(SecondsFormat::Millis, true),
        row.tool.clone(),
        row.status.clone(),
        row.result_count.to_string(),
        format!("{:.1}", row.latency_ms),
        row.client_id.clone(),
        row.sub.clone(),
        row.connector_id.to_string(),
    ]
}

fn as_json(row: &AuditRow) -> Value {
    json!({
        "at": row.at,
        "org_id": row.org_id,
        "connector_id": row.connector_id,
        "client_id": row.client_id,
        "sub": row.sub,
        "tool": row.tool,
        "arguments_digest": hex::encode(&row.arguments_digest),
        "digest_key_id": row.digest_key_id,
        "arguments": row.arguments,
        "result_count": row.result_count,
        "status": row.status,
        "latency_ms": row.latency_ms,
        "request_id": row.request_id,
    })
}

#[cfg(test)]
mod tests {
    use autri_domain::ManualClock;

    use super::*;

    #[test]
    fn since_is_a_moment_or_how_long_ago() {
        let clock = ManualClock::at(1_000_000);
        let moment = |text: &str| text.parse::<Since>().map(|since| since.moment(&clock).timestamp());
        assert_eq!(moment("1970-01-02T00:00:00+01:00"), Ok(82_800));
        assert_eq!(moment("90m"), Ok(1_000_000 - 5_400));
        assert_eq!(moment("1000000years"), Ok(0));
        assert!(moment("yesterday").is_err());
    }
}
