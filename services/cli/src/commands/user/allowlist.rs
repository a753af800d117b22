//! `autri user invite` and `uninvite`: the allowlist in Parameter Store.

use std::process::ExitCode;

use anyhow::Context as _;
use autri_admission::{Allowlist, EditedList, Entry, IfMissing, add_entry, edit_allowlist, remove_entry};
use clap::Args;
use serde_json::json;

use crate::aws_step::AwsStep;
use crate::cognito::AllowlistArgs;
use crate::context::Context;
use crate::output;

/// What editing takes; versions from before somebody else wrote are read like the current one.
const EDIT: &str = "ssm:GetParameter and ssm:PutParameter";

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri user invite ada@example.com
  autri user invite '*@example.com' --parameter /autri/beta/ALLOWED_EMAILS
A new entry counts within a minute. `*@example.com` invites everyone at that domain, but not at its
sub-domains.")]
pub(super) struct InviteArgs {
    /// An address, or `*@domain`
    #[arg(value_name = "ENTRY")]
    entry: Entry,
    /// Make the parameter if there is none
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    list: AllowlistArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri user uninvite ada@example.com
Who has an account keeps it: `autri user delete` takes it away.")]
pub(super) struct UninviteArgs {
    /// An address, or `*@domain`
    #[arg(value_name = "ENTRY")]
    entry: Entry,
    #[command(flatten)]
    list: AllowlistArgs,
}

pub(super) async fn invite(args: &InviteArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let store = args.list.store().await;
    let parameter = args.list.parameter();
    let if_missing = if args.create { IfMissing::Create } else { IfMissing::Fail };
    let edited =
        edit_allowlist(&store, parameter, if_missing, |text, kind| add_entry(text, kind, &args.entry))
            .await
            .with_context(|| AwsStep::new(format!("edit the parameter {parameter}"), EDIT))?;
    if context.json {
        output::json(&json!({
            "entry": args.entry.to_string(),
            "parameter": parameter,
            "changed": edited.is_changed,
        }))?;
    } else if edited.is_changed {
        output::line(format_args!("{} is invited", args.entry));
    } else {
        output::line(format_args!("{} was invited already", args.entry));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn uninvite(args: &UninviteArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let store = args.list.store().await;
    let parameter = args.list.parameter();
    let edited =
        edit_allowlist(&store, parameter, IfMissing::Fail, |text, _| Ok(remove_entry(text, &args.entry)))
            .await
            .with_context(|| AwsStep::new(format!("edit the parameter {parameter}"), EDIT))?;
    let is_still_invited = is_covered(&args.entry, &edited);
    if context.json {
        output::json(&json!({
            "entry": args.entry.to_string(),
            "parameter": parameter,
            "changed": edited.is_changed,
            "is_still_invited": is_still_invited,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    if edited.is_changed {
        output::line(format_args!("{} is taken from the list; accounts that exist stay", args.entry));
    } else {
        output::line(format_args!("{} was not on the list", args.entry));
    }
    if is_still_invited {
        output::note("the address still gets in: everyone at its domain is invited");
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether an address gets in by its domain's entry.
fn is_covered(entry: &Entry, edited: &EditedList) -> bool {
    match entry {
        Entry::Address(address) => edited.list.contains(address),
        Entry::Domain(_) => false,
    }
}

/// The list as it stands.
///
/// # Errors
/// When it cannot be read, which is not the same as a list on which nobody is.
pub(super) async fn read(args: &AllowlistArgs) -> anyhow::Result<Allowlist> {
    let parameter = args.parameter();
    let list = args.store().await.get(parameter).await.with_context(|| {
        AwsStep::new(format!("read the allowlist in the parameter {parameter}"), "ssm:GetParameter")
    })?;
    Ok(Allowlist::parse(&list.value))
}
