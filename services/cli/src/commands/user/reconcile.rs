//! `autri user reconcile`: the user pool and the records, side by side.
//!
//! A user without records is what a failed post-confirmation trigger leaves behind, and AWS does not send it again for a
//! federated user. Dry unless told otherwise, and it deletes nobody.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use autri_admission::{Eligibility, EmailAddress, assess};
use autri_aws::PoolUser;
use autri_db::Database;
use autri_db::people::{self, Person};
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use super::account::{self, ConnectorArgs, PersonalConnectors};
use super::{allowlist, pool_user};
use crate::cognito::{AllowlistArgs, PoolArgs, TrustArgs};
use crate::context::Context;
use crate::embedder::{self, EmbedderArgs};
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri user reconcile --user-pool eu-central-1_EXAMPLE
  autri user reconcile --apply
  autri user reconcile --apply --with-connector --older-than 1h --json
It lists
  missing       may have an account and has no records; --apply makes them (then: provisioned)
  not_eligible  finished signing up, but may not have an account: invite or delete them
  gone          has records, and no user in the pool: delete them
  failed        could not be provisioned, and why; the others were
Exit code 0: nothing is left to do. 1: something is, or it could not be found out.")]
pub(super) struct ReconcileArgs {
    /// Make the records that are missing
    #[arg(long)]
    apply: bool,
    /// Leave users alone that are younger, such as 5m or 1h: their sign-up may be under way
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "5m")]
    older_than: Duration,
    #[command(flatten)]
    pool: PoolArgs,
    #[command(flatten)]
    list: AllowlistArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    connector: ConnectorArgs,
    #[command(flatten)]
    embedder: EmbedderArgs,
}

/// Somebody for whom pool and records do not fit.
struct Finding {
    state: State,
    email: String,
    user_name: String,
    /// Why, where the state does not say it.
    why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Provisioned,
    Missing,
    NotEligible,
    Gone,
    Failed,
}

pub(super) async fn run(args: &ReconcileArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    let pool_id = args.pool.get_id()?;
    let allowlist = allowlist::read(&args.list).await?;
    // In this order, nobody who is provisioned meanwhile looks as if their user were gone.
    let people = people::list(&database).await?;
    let users = pool_user::list(&args.pool.get().await?).await?;

    let trusted_idps = args.trust.providers();
    let mut findings = Vec::new();
    let repair = if args.apply { Some(Repair::prepare(args, &database, context).await?) } else { None };
    for user in without_records(&users, &people, args.older_than, context) {
        findings.push(match assess(&allowlist, &pool_user::sign_up(user), &trusted_idps) {
            Eligibility::Eligible(email) => match &repair {
                Some(repair) => repair.provision(user, &email).await,
                None => Finding::of(user, State::Missing, ""),
            },
            Eligibility::NotListed { .. } => Finding::of(user, State::NotEligible, "not on the allowlist"),
            Eligibility::Unverified(_) => {
                Finding::of(user, State::NotEligible, "the address is not verified")
            }
            Eligibility::NoAddress => Finding::of(user, State::NotEligible, "no usable address"),
        });
    }
    findings.extend(without_user(&people, &users, pool_id).map(Finding::gone));
    print(&findings, args.apply, context)?;
    let is_done = findings.iter().all(|finding| finding.state == State::Provisioned);
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Users who could have an account, and whose sign-up is long enough ago.
fn without_records<'a>(
    users: &'a [PoolUser],
    people: &[Person],
    older_than: Duration,
    context: &Context,
) -> impl Iterator<Item = &'a PoolUser> {
    let known: BTreeSet<String> = people.iter().map(|person| person.cognito_sub.clone()).collect();
    let now = context.clock.now();
    users.iter().filter(move |user| {
        pool_user::can_have_account(user)
            && is_old_enough(user.created_at, now, older_than)
            && user.sub.as_ref().is_none_or(|sub| !known.contains(sub))
    })
}

/// Whether a user's sign-up can no longer be under way. A user who was made in the future is as good as one who was made just
/// now.
fn is_old_enough(created_at: DateTime<Utc>, now: DateTime<Utc>, older_than: Duration) -> bool {
    (now - created_at).to_std().unwrap_or_default() >= older_than
}

/// Records of this pool (or of before pools were recorded) whose user is not in it, enabled or not.
fn without_user<'a>(
    people: &'a [Person],
    users: &[PoolUser],
    pool_id: &str,
) -> impl Iterator<Item = &'a Person> {
    let subs: BTreeSet<&str> = users.iter().filter_map(|user| user.sub.as_deref()).collect();
    people.iter().filter(move |person| {
        person.user_pool_id.as_deref().is_none_or(|id| id == pool_id) && !subs.contains(&*person.cognito_sub)
    })
}

/// What --apply needs.
struct Repair<'a> {
    database: &'a Database,
    pool_id: &'a str,
    embedding_model: String,
    connectors: Option<PersonalConnectors<'a>>,
}

impl<'a> Repair<'a> {
    async fn prepare(
        args: &'a ReconcileArgs,
        database: &'a Database,
        context: &Context,
    ) -> anyhow::Result<Self> {
        let choice = args.embedder.choice(&context.environment)?;
        Ok(Self {
            database,
            pool_id: args.pool.get_id()?,
            embedding_model: embedder::register_model(database, &choice).await?,
            connectors: args.connector.connectors(&args.pool).await?,
        })
    }

    /// One person's failure is theirs alone.
    async fn provision(&self, user: &PoolUser, email: &EmailAddress) -> Finding {
        match self.try_provision(user, email).await {
            Ok(()) => Finding::of(user, State::Provisioned, ""),
            Err(error) => Finding::of(user, State::Failed, format!("{error:#}")),
        }
    }

    async fn try_provision(&self, user: &PoolUser, email: &EmailAddress) -> anyhow::Result<()> {
        let account =
            account::provision(self.database, self.pool_id, user, email, &self.embedding_model).await?;
        if let Some(connectors) = &self.connectors {
            let made = connectors.complete(self.database, &account).await;
            made.context(
                "the records are there, but not the connector: `autri user provision --with-connector`",
            )?;
        }
        Ok(())
    }
}

impl Finding {
    fn of(user: &PoolUser, state: State, why: impl Into<String>) -> Self {
        let email = pool_user::attribute(user, "email").unwrap_or_default();
        Self { state, email: email.to_owned(), user_name: user.user_name.clone(), why: why.into() }
    }

    fn gone(person: &Person) -> Self {
        Self {
            state: State::Gone,
            email: person.email.clone(),
            user_name: person.user_name.clone().unwrap_or_default(),
            why: "no such user in the pool".to_owned(),
        }
    }

    fn as_json(&self) -> Value {
        json!({
            "state": self.state.as_str(),
            "email": self.email,
            "user_name": self.user_name,
            "why": (!self.why.is_empty()).then_some(&self.why),
        })
    }

    fn row(&self) -> [String; 4] {
        [self.state.as_str().to_owned(), self.email.clone(), self.user_name.clone(), self.why.clone()]
    }
}

impl State {
    const ALL: [Self; 5] = [Self::Provisioned, Self::Missing, Self::NotEligible, Self::Gone, Self::Failed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioned => "provisioned",
            Self::Missing => "missing",
            Self::NotEligible => "not_eligible",
            Self::Gone => "gone",
            Self::Failed => "failed",
        }
    }

    fn count(self, findings: &[Finding]) -> usize {
        findings.iter().filter(|finding| finding.state == self).count()
    }
}

fn print(findings: &[Finding], is_applied: bool, context: &Context) -> anyhow::Result<()> {
    if context.json {
        let counts = State::ALL.map(|state| (state.as_str().to_owned(), state.count(findings).into()));
        return output::json(&json!({
            "applied": is_applied,
            "summary": serde_json::Map::from_iter(counts),
            "people": findings.iter().map(Finding::as_json).collect::<Vec<_>>(),
        }));
    }
    if findings.is_empty() {
        output::line("nothing to do: the user pool and the records agree");
        return Ok(());
    }
    let rows: Vec<_> = findings.iter().map(Finding::row).collect();
    output::table(["STATE", "EMAIL", "USER", "WHY"], &rows);
    let counts = State::ALL.map(|state| format!("{} {}", state.count(findings), state.as_str()));
    output::line(counts.join(", "));
    if !is_applied && State::Missing.count(findings) > 0 {
        output::note("nothing was changed; --apply makes the records that are missing");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ReconcileArgs,
    }

    fn older_than(arguments: &[&str]) -> Duration {
        let words = ["reconcile"].iter().chain(arguments);
        Line::try_parse_from(words).map(|line| line.args.older_than).expect("parsed")
    }

    #[test]
    fn a_sign_up_has_five_minutes_unless_told_otherwise() {
        assert_eq!(older_than(&[]), Duration::from_mins(5));
        assert_eq!(older_than(&["--older-than", "1h"]), Duration::from_hours(1));
    }

    #[test]
    fn a_user_of_just_that_age_is_old_enough() {
        let now = DateTime::UNIX_EPOCH;
        let is_old_enough = |age: TimeDelta| is_old_enough(now - age, now, Duration::from_mins(5));
        assert!(!is_old_enough(TimeDelta::seconds(4 * 60 + 59)));
        assert!(is_old_enough(TimeDelta::minutes(5)));
        assert!(!is_old_enough(TimeDelta::minutes(-10)), "in the future");
    }
}
