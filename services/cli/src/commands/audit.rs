//! `autri audit`: who called which tool.

use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use autri_db::audit::{self, AuditFilter, AuditRow};
use autri_domain::{Clock, ConnectorId, OrgId};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::context::Context;
use crate::output;

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
    /// List tool calls and what was read of documents, newest first
    List(ListArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri audit list --since 2days --before 1day --limit 1000
  autri audit list --before 2026-11-21T08:00:00.123456Z/0197f6a2-8c1e-7000-8000-000000000006 --json
If there are more, the last line says how to list them; with --json, `next_before` is the place to go on from.")]
struct ListArgs {
    /// Only this org's
    #[arg(long, value_name = "ID")]
    org: Option<OrgId>,
    /// Only this connector's
    #[arg(long, value_name = "ID")]
    connector: Option<ConnectorId>,
    /// Only from this time on: `2026-11-21T08:00:00Z`, or `90m`, `1day` for that long ago
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only calls before this time; with an ID, only those further down the list than that call
    #[arg(long, value_name = "TIME[/ID]")]
    before: Option<Place>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

/// A moment, or how long ago it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    At(DateTime<Utc>),
    Ago(Duration),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        let ago = humantime::parse_duration(text);
        ago.map(Self::Ago).map_err(|_| "neither an RFC 3339 time nor a duration such as 90m".to_owned())
    }
}

impl Moment {
    /// Which it is; 1970 for what is too long ago to tell.
    fn resolve(self, clock: &dyn Clock) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => {
                let begin = TimeDelta::from_std(ago).ok().and_then(|ago| clock.now().checked_sub_signed(ago));
                begin.unwrap_or(DateTime::UNIX_EPOCH)
            }
        }
    }
}

/// A place in the list. Several calls may have one time, so that a time alone would lose some of them at the end of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    moment: Moment,
    /// Nil for the place above all calls of that time.
    id: Uuid,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (moment, id) = match text.split_once('/') {
            Some((moment, id)) => (moment, id.parse().map_err(|_| "what follows the slash is no UUID")?),
            None => (text, Uuid::nil()),
        };
        Ok(Self { moment: moment.parse()?, id })
    }
}

/// Where a row stands, as `--before` takes it. In full: the database knows microseconds.
fn place_of(row: &AuditRow) -> String {
    format!("{}/{}", row.at.to_rfc3339_opts(SecondsFormat::Micros, true), row.id)
}

pub(crate) async fn run(args: AuditArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let Command::List(args) = args.command;
    let resolve = |moment: Moment| moment.resolve(&*context.clock);
    let filter = AuditFilter {
        org_id: args.org,
        connector_id: args.connector,
        since: args.since.map(resolve),
        before: args.before.map(|place| (resolve(place.moment), place.id)),
        // One more tells whether there are more.
        limit: args.limit + 1,
    };
    let mut rows = audit::list(&context.database()?, &filter).await?;
    let has_more = rows.len() > args.limit as usize;
    rows.truncate(args.limit as usize);
    let next_before = rows.last().filter(|_| has_more).map(place_of);
    if context.json {
        let calls: Vec<_> = rows.iter().map(as_json).collect();
        output::json(&json!({ "calls": calls, "next_before": next_before }))?;
    } else {
        let rows: Vec<_> = rows.iter().map(row).collect();
        output::table(["TIME", "TOOL", "STATUS", "RESULTS", "MS", "CLIENT", "SUBJECT", "CONNECTOR"], &rows);
        if let Some(before) = next_before {
            output::note(format_args!("there are more: --before {before}"));
        }
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
        "id": row.id,
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
    fn a_moment_is_a_time_or_how_long_ago() {
        let clock = ManualClock::at(1_000_000);
        let moment = |text: &str| text.parse::<Moment>().map(|moment| moment.resolve(&clock).timestamp());
        assert_eq!(moment("1970-01-02T00:00:00+01:00"), Ok(82_800));
        assert_eq!(moment("90m"), Ok(1_000_000 - 5_400));
        assert_eq!(moment("1000000years"), Ok(0));
        assert!(moment("yesterday").is_err());
    }

    #[test]
    fn a_place_is_a_moment_with_or_without_a_call() {
        let id = Uuid::from_u128(7);
        let place = |text: &str| text.parse::<Place>();
        assert_eq!(place("90m"), Ok(Place { moment: Moment::Ago(Duration::from_mins(90)), id: Uuid::nil() }));
        let at = Moment::At(DateTime::from_timestamp_micros(1_000_001).unwrap());
        assert_eq!(place(&format!("1970-01-01T00:00:01.000001Z/{id}")), Ok(Place { moment: at, id }));
        for wrong in
            ["", "yesterday", "90m/", "/", &format!("/{id}"), &format!("{id}"), &format!("90m/{id}/{id}")]
        {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
