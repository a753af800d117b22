//! One invocation: an event in, the same event out, or an error that ends the sign-up.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use autri_admission::{Eligibility, EmailAddress, Newcomer, Provisioned, TrustedIdps, assess, provision};
use autri_audit_log::AuditKey;
use autri_aws::TriggerDatabase;
use autri_domain::Clock;
use autri_telemetry::{InvocationLine, InvocationLog, JsonLines, Metrics, shortened};
use lambda_runtime::Diagnostic;
use serde_json::Value;

use crate::amazon::Amazon;
use crate::event::{Applicant, Confirmed, Source};
use crate::failure::Failure;

/// The function, as it calls itself in logs, in metrics and in `pg_stat_activity`.
pub const FUNCTION: &str = "post-confirmation";

/// What an invocation needs.
#[derive(Debug)]
pub struct Trigger {
    /// What the operator decided.
    pub rules: Rules,
    /// The allowlist and the user pool.
    pub amazon: Amazon,
    /// As `autri_post_confirmation`.
    pub database: TriggerDatabase,
    /// The longest that an invocation may take; [`TRIGGER_PATIENCE`](autri_aws::TRIGGER_PATIENCE).
    pub patience: Duration,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Where the invocation log and the metrics go.
    pub lines: JsonLines,
}

/// What the operator decided.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The only pool whose events are acted on, if there is but one.
    pub user_pool_id: Option<String>,
    /// The identity providers whose word for an address is taken.
    pub trusted_idps: TrustedIdps,
    /// Where people can ask, such as `beta@example.com`.
    pub invite_contact: Option<String>,
    /// Of the Personal libraries.
    pub embedding_model: String,
    /// Of the digests of addresses in the log; without one, the log has none.
    pub audit_key: Option<AuditKey>,
}

/// What became of an event that goes on.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// The account is new.
    Provisioned,
    /// The account was there: Cognito asked again.
    Present,
    /// Is listed, and may go on to sign up.
    Listed,
    /// Nothing was to be done.
    Passed,
}

impl Answer {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Provisioned => "provisioned",
            Self::Present => "present",
            Self::Listed => "listed",
            Self::Passed => "passed",
        }
    }
}

/// Answers `event`: with itself, if the sign-up may go on.
///
/// Cognito asks up to three times, so everything may be done again. It does not ask again later, though: when the database
/// is away, the confirmed user stays without records until `autri user reconcile --apply` makes them. The error is counted as a
/// metric of the stage `database`.
///
/// Writes one line to the invocation log, and one metric on whatever is no plain refusal. `request_id` is Lambda's.
///
/// # Errors
/// What the person is told. Causes stay in the diagnostics.
pub async fn handle(trigger: &Trigger, event: Value, request_id: &str) -> Result<Value, Diagnostic> {
    let (arrived_at, started) = (trigger.clock.now(), Instant::now());
    let email_digest = email_digest(&trigger.rules, &event);
    let answering = answer(trigger, &event, email_digest.as_deref(), request_id);
    let result = tokio::time::timeout(trigger.patience, answering).await.unwrap_or(Err(Failure::TooLate));
    let (outcome, reason) = match &result {
        Ok(answer) => (answer.as_str(), None),
        Err(failure) if failure.is_refusal() => ("refused", Some(failure.reason())),
        Err(failure) => ("failed", Some(failure.reason())),
    };
    let text = |pointer| event.pointer(pointer).and_then(Value::as_str).map(shortened);
    InvocationLog::new(trigger.lines.clone()).write(&InvocationLine {
        time: arrived_at,
        function: FUNCTION,
        trigger: text("/triggerSource"),
        user_pool_id: text("/userPoolId"),
        client_id: text("/callerContext/clientId"),
        connector_id: None,
        outcome,
        reason,
        email_digest,
        latency: started.elapsed(),
        request_id: request_id.to_owned(),
    });
    match result {
        Ok(_) => Ok(event),
        Err(failure) => {
            report(trigger, &failure, request_id);
            Err(Diagnostic {
                error_type: failure.error_type().to_owned(),
                error_message: failure.told(trigger.rules.invite_contact.as_deref()),
            })
        }
    }
}

async fn answer(
    trigger: &Trigger,
    event: &Value,
    email_digest: Option<&str>,
    request_id: &str,
) -> Result<Answer, Failure> {
    match Source::of(event)? {
        Source::ConfirmSignUp => confirm(trigger, event, email_digest, request_id).await,
        Source::SignUp => admit(trigger, event).await,
        Source::Other => Ok(Answer::Passed),
    }
}

/// Before there is a user: only whether they are listed. A native user's address is never verified yet.
async fn admit(trigger: &Trigger, event: &Value) -> Result<Answer, Failure> {
    let applicant = Applicant::read(event)?;
    require_pool(&trigger.rules, applicant.user_pool_id)?;
    let list = trigger.amazon.allowlist().await.map_err(Failure::ListUnreadable)?;
    match assess(&list, &applicant.sign_up(), &trigger.rules.trusted_idps) {
        Eligibility::Eligible(_) | Eligibility::Unverified(_) => Ok(Answer::Listed),
        Eligibility::NotListed { .. } => Err(Failure::NotInvited),
        Eligibility::NoAddress => Err(Failure::NoAddress),
    }
}

/// There is a user, and an error does not undo that.
async fn confirm(
    trigger: &Trigger,
    event: &Value,
    email_digest: Option<&str>,
    request_id: &str,
) -> Result<Answer, Failure> {
    let confirmed = Confirmed::read(event)?;
    require_pool(&trigger.rules, confirmed.user_pool_id)?;
    let list = trigger.amazon.allowlist().await.map_err(Failure::ListUnreadable)?;
    match assess(&list, &confirmed.sign_up(), &trigger.rules.trusted_idps) {
        Eligibility::Eligible(email) => make_account(trigger, &confirmed, &email).await,
        Eligibility::NotListed { verified: true, email } if list.may_mean(&email) => {
            Err(Failure::ListDoubtful)
        }
        Eligibility::NotListed { verified: true, .. } => {
            // Said first, so that it is known even if we do not get to the end.
            tracing::info!(email_digest, request_id, "a user who is not invited will be deleted");
            Err(turn_away(trigger, &confirmed).await)
        }
        Eligibility::NotListed { verified: false, .. } => Err(Failure::NotInvitedUnverified),
        Eligibility::Unverified(_) => Err(Failure::Unverified),
        Eligibility::NoAddress => Err(Failure::NoAddress),
    }
}

/// Deletes the user; one who is gone already counts as deleted.
async fn turn_away(trigger: &Trigger, confirmed: &Confirmed<'_>) -> Failure {
    match trigger.amazon.delete_user(confirmed.user_pool_id, confirmed.user_name).await {
        Ok(_deletion) => Failure::NotInvited,
        Err(error) => Failure::NotDeleted(error),
    }
}

async fn make_account(
    trigger: &Trigger,
    confirmed: &Confirmed<'_>,
    email: &EmailAddress,
) -> Result<Answer, Failure> {
    let newcomer = Newcomer {
        cognito_sub: &confirmed.sub,
        user_pool_id: confirmed.user_pool_id,
        user_name: confirmed.user_name,
        email,
        given_name: confirmed.attribute("given_name"),
        family_name: confirmed.attribute("family_name"),
        picture: confirmed.attribute("picture"),
        embedding_model: &trigger.rules.embedding_model,
    };
    let provisioning = trigger.database.run(async |database| provision(database, &newcomer).await);
    match provisioning.await.map_err(Failure::Database)? {
        Provisioned::Account(account) if account.is_new => Ok(Answer::Provisioned),
        Provisioned::Account(_) => Ok(Answer::Present),
        Provisioned::AddressTaken => Err(Failure::AddressTaken),
        Provisioned::UserNameTaken => Err(Failure::UserNameTaken),
    }
}

fn require_pool(rules: &Rules, user_pool_id: &str) -> Result<(), Failure> {
    match &rules.user_pool_id {
        Some(ours) if ours != user_pool_id => Err(Failure::ForeignPool),
        Some(_) | None => Ok(()),
    }
}

/// The metric, and for whoever has to mend it, the error behind it.
fn report(trigger: &Trigger, failure: &Failure, request_id: &str) {
    if failure.is_refusal() {
        return;
    }
    let metrics = Metrics::new(trigger.lines.clone(), "Autri", FUNCTION);
    metrics.failure(trigger.clock.now(), failure.stage(), failure.reason());
    let (stage, reason) = (failure.stage(), failure.reason());
    let message = "a sign-up could not be completed";
    if let Failure::NotDeleted(error) = failure {
        // What AWS says of a user may repeat their name, which may be their address: its own words stay out.
        tracing::error!(%error, stage, reason, request_id, "{message}");
    } else {
        tracing::error!(error = failure as &dyn Error, stage, reason, request_id, "{message}");
    }
}

/// The keyed digest by which an address can be found in the log by whoever has the key. Folded first: equal addresses have
/// equal digests.
fn email_digest(rules: &Rules, event: &Value) -> Option<String> {
    let email = event.pointer("/request/userAttributes/email")?.as_str()?.parse::<EmailAddress>().ok()?;
    Some(rules.audit_key.as_ref()?.digest_hex("email", &Value::String(email.folded())))
}
