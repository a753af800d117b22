//! The command line: global options and the commands.

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

#[cfg(feature = "aws")]
use crate::commands::user;
use crate::commands::{
    audit, connector, db, document, eval, ingest, knowledge_base, library, model, notification, org,
    parse_worker,
};
#[cfg(feature = "dev-auth")]
use crate::commands::{dev, token};
use crate::context::Context;
use crate::database_args::DatabaseArgs;
use crate::environment::without_empty_variables;
use crate::output;

/// Runs and operates Autri: documents, searchable by MCP clients
#[derive(Debug, Parser)]
#[command(
    name = "autri",
    version,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "\
Begin with `cargo dev` in a checkout: it starts a database and the server, with documents to search.
Everything else works on the database that DATABASE_URL (or DATABASE_SECRET_ARN) names, or on that of the running `cargo dev`
(of the one with another data folder: --data-dir).")]
pub(crate) struct Cli {
    /// Answer with JSON on stdout
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start everything on this machine: Postgres, demo documents, a token, the server
    #[cfg(feature = "dev-auth")]
    Dev(dev::DevArgs),
    /// Make the database, bring its schema up to date, or look at it
    Db(db::DbArgs),
    /// Keep orgs, the tenants
    Org(org::OrgArgs),
    /// Keep libraries: what a connector opens
    Library(library::LibraryArgs),
    /// Keep knowledge bases: sets of documents
    KnowledgeBase(knowledge_base::KnowledgeBaseArgs),
    /// Bring files and folders, of this machine or of S3, into a knowledge base
    Ingest(ingest::IngestArgs),
    /// List and delete documents
    Document(document::DocumentArgs),
    /// Keep connectors: OAuth clients, each bound to one library
    Connector(connector::ConnectorArgs),
    /// Keep people: who is invited, who has an account
    #[cfg(feature = "aws")]
    User(user::UserArgs),
    /// Look at what the web app tells people
    Notification(notification::NotificationArgs),
    /// Make a bearer token for a server in development
    #[cfg(feature = "dev-auth")]
    Token(token::TokenArgs),
    /// Look at the audit log
    Audit(audit::AuditArgs),
    /// Measure search on a collection with known answers
    Eval(eval::EvalArgs),
    /// Parse documents, for `ingest`, which starts this and speaks to it
    #[command(hide = true)]
    ParseWorker,
    /// Fetch an embedding model
    Model(model::ModelArgs),
}

impl Cli {
    /// Reads the process's arguments and environment. Where they are not usable, or ask for help, that ends the process.
    pub(crate) fn of_process() -> Self {
        let matches = without_empty_variables(Self::command()).try_get_matches();
        let cli = matches.and_then(|matches| {
            Self::from_arg_matches(&matches).map_err(|error| error.format(&mut Self::command()))
        });
        cli.unwrap_or_else(|error| output::usage(&error))
    }

    /// Whether this is the child that parses: it runs with nothing around it.
    pub(crate) const fn is_parse_worker(&self) -> bool {
        matches!(self.command, Command::ParseWorker)
    }

    /// Runs the command.
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        let context = Context::new(self.json, self.database)?;
        match self.command {
            #[cfg(feature = "dev-auth")]
            Command::Dev(args) => dev::run(args, &context).await,
            Command::Db(args) => db::run(args, &context).await,
            Command::Org(args) => org::run(args, &context).await,
            Command::Library(args) => library::run(args, &context).await,
            Command::KnowledgeBase(args) => knowledge_base::run(args, &context).await,
            Command::Ingest(args) => ingest::run(args, &context).await,
            Command::Document(args) => document::run(args, &context).await,
            Command::Connector(args) => connector::run(args, &context).await,
            #[cfg(feature = "aws")]
            Command::User(args) => user::run(args, &context).await,
            Command::Notification(args) => notification::run(args, &context).await,
            #[cfg(feature = "dev-auth")]
            Command::Token(args) => token::run(args, &context).await,
            Command::Audit(args) => audit::run(args, &context).await,
            Command::Eval(args) => eval::run(args, &context).await,
            // Never here: `main` has seen to it.
            Command::ParseWorker => Ok(parse_worker::run()),
            Command::Model(args) => model::run(args, &context).await,
        }
    }
}

#[cfg(test)]
mod tests;
