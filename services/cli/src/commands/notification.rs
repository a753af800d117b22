//! `autri notification`: what the web app shows people.

use std::process::ExitCode;

use autri_db::notifications::{self, Notification};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::context::Context;
use crate::{output, person};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri notification list
  autri notification list ada@example.com --json")]
pub(crate) struct NotificationArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List notifications, oldest first
    List {
        /// Only this person's
        #[arg(value_name = "EMAIL")]
        email: Option<String>,
    },
}

pub(crate) async fn run(args: NotificationArgs, context: &Context) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::List { email } => list(email.as_deref(), context).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(email: Option<&str>, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let of = match email {
        Some(email) => Some(person::get(&database, email).await?.id),
        None => None,
    };
    let notifications = notifications::list(&database, of).await?;
    if context.json {
        return output::json(&notifications.iter().map(as_json).collect::<Vec<_>>());
    }
    let rows: Vec<_> = notifications.iter().map(row).collect();
    output::table(["PERSON", "TYPE", "TITLE", "LINK", "STATE"], &rows);
    Ok(())
}

fn row(notification: &Notification) -> [String; 5] {
    let state = if notification.read_at.is_some() { "read" } else { "unread" };
    [
        notification.email.clone(),
        notification.kind.clone(),
        notification.title.clone(),
        notification.link.clone().unwrap_or_default(),
        state.to_owned(),
    ]
}

fn as_json(notification: &Notification) -> Value {
    json!({
        "id": notification.id,
        "user_id": notification.user_id,
        "email": notification.email,
        "type": notification.kind,
        "title": notification.title,
        "body": notification.body,
        "link": notification.link,
        "read_at": notification.read_at,
        "created_at": notification.created_at,
    })
}
