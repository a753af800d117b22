//! `autri ingest`: files and objects into a knowledge base.

mod interruption;
#[cfg(feature = "aws")]
mod objects;
mod place;
mod progress;
pub(crate) mod summary;

use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use autri_db::ingest::KnowledgeBaseContent;
use autri_db::{Database, tenancy};
use autri_domain::KnowledgeBaseId;
use autri_retrieval::embed::Embedder;
use autri_retrieval::ingest::{IngestError, IngestOptions, IngestReport, Prune, Source, ingest};
use autri_retrieval::parsers::{Parsers, WorkerCommand};
use autri_retrieval::walk::SourceBaseUrl;
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};

use crate::context::Context;
use crate::embedder::{EmbeddingArgs, open_for_model};
use crate::output;

use self::interruption::Interruption;
use self::place::Place;
use self::progress::ProgressObserver;

/// The name of the command that a parsing child runs.
const WORKER: &str = "parse-worker";

#[derive(Debug, Args)]
#[command(after_help = "\
Markdown, plain text, HTML, PDF and Word (.docx) are read. Hidden files and what .gitignore names are passed over, unless \
a file is named itself. Run it again after changes: only what changed is stored, and of S3 only what changed is read. \
Interrupted (Ctrl-C, SIGTERM, or the terminal's end unless `nohup` runs it), it finishes what is being embedded or stored \
and ends with exit code 130, 143 or 129; the next run goes on there. The exit code is 1 if anything failed.

A document is known by the name of the given folder and its path in it, an object by its URI. --prune deletes the \
documents of the given folders that are there no more, and no others; what another run stored meanwhile stays.

S3 takes region and credentials as other AWS tools do, and the permissions s3:ListBucket and s3:GetObject.

Examples:
  autri ingest docs
  autri ingest docs --source-base-url https://docs.example.com/ --prune
  autri ingest s3://team-documents/handbook --prune
  autri ingest s3://team-documents notes/vacation.md --concurrency 16
  autri ingest --knowledge-base 0197f6a2-8c1e-7000-8000-000000000001 handbook notes/vacation.md --json")]
pub(crate) struct IngestArgs {
    /// Files, folders, and those of S3: `s3://BUCKET/FOLDER`, `s3://BUCKET/OBJECT`
    #[arg(required = true, value_name = "PATH", value_parser = OsStringValueParser::new().try_map(Place::parse))]
    places: Vec<Place>,
    /// The knowledge base to ingest into [default: the only one]
    #[arg(long, value_name = "ID")]
    knowledge_base: Option<KnowledgeBaseId>,
    /// Where the given folders are published: results link to the documents below this http or https URL
    #[arg(long, value_name = "URL")]
    source_base_url: Option<SourceBaseUrl>,
    /// Delete documents that came from these folders and are there no more
    #[arg(long)]
    prune: bool,
    /// How many documents are read, parsed and stored at once, 1 to 64 [default: 8]
    #[arg(long, value_name = "NUMBER", value_parser = concurrency)]
    concurrency: Option<NonZeroUsize>,
    #[command(flatten)]
    embedding: EmbeddingArgs,
}

fn concurrency(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse::<NonZeroUsize>().ok().filter(|number| number.get() <= 64);
    number.ok_or_else(|| "it is a number from 1 to 64".to_owned())
}

pub(crate) async fn run(args: IngestArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let source = place::source(args.places, args.source_base_url.as_ref()).await?;
    let database = context.database()?;
    let target = target(&database, args.knowledge_base).await?;
    let embedder = open_for_model(target.embedding_model(), &args.embedding, &context.environment)?;
    let interruption = Interruption::listen()?;
    let defaults = IngestOptions::new(context.clock.now());
    let options = IngestOptions {
        parsers: parsers()?,
        prune: if args.prune { Prune::GivenFolders } else { Prune::Nothing },
        concurrency: args.concurrency.unwrap_or(defaults.concurrency),
        stop: interruption.token(),
        ..defaults
    };
    let ended = ingest_source(&target, embedder.as_deref(), &source, &options).await;
    let report = match &ended {
        Ok(report) => Some(report),
        Err(error) => error.downcast_ref::<IngestError>().and_then(IngestError::report),
    };
    if let Some(report) = report {
        if context.json {
            output::json(&summary::as_json(report))?;
        } else {
            summary::details(report).iter().for_each(output::line);
            output::line(format_args!("documents: {}", summary::counts(report)));
        }
    }
    let report = ended?;
    Ok(match interruption.exit_code() {
        Some(code) if report.interrupted => code,
        _ if report.failed == 0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Parsing children of this program, one a core.
///
/// # Errors
/// When the system does not say which program this is.
pub(crate) fn parsers() -> anyhow::Result<Parsers> {
    let program = std::env::current_exe().context("which program is this?")?;
    let count = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(Parsers::in_children(WorkerCommand::new(program, [WORKER]), count))
}

/// Ingests documents, and tells a person how far it is.
///
/// # Errors
/// When the run could not begin or go on ([`IngestError`]). What is wrong with single documents stands in the report.
pub(crate) async fn ingest_source(
    content: &KnowledgeBaseContent,
    embedder: Option<&dyn Embedder>,
    source: &Source,
    options: &IngestOptions,
) -> anyhow::Result<IngestReport> {
    let observer = ProgressObserver::new(embedder.and_then(Embedder::price));
    let ended = ingest(content, embedder, source, options, &observer).await.map_err(Into::into);
    #[cfg(feature = "aws")]
    let ended = ended.map_err(objects::with_permission);
    ended
}

/// The named knowledge base, or the only one.
async fn target(database: &Database, named: Option<KnowledgeBaseId>) -> anyhow::Result<KnowledgeBaseContent> {
    let id = match named {
        Some(id) => id,
        None => only_knowledge_base(database).await?,
    };
    let content = KnowledgeBaseContent::find(database, id).await?;
    content.with_context(|| format!("there is no knowledge base {id}; see `autri knowledge-base list`"))
}

async fn only_knowledge_base(database: &Database) -> anyhow::Result<KnowledgeBaseId> {
    match tenancy::list_knowledge_bases(database, None).await?.as_slice() {
        [] => bail!("there is no knowledge base; make one with `autri knowledge-base create`"),
        [only] => Ok(only.id),
        several => bail!(
            "there are {} knowledge bases; name one with --knowledge-base (see `autri knowledge-base list`)",
            several.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use autri_db::roles;
    use autri_db::test_support::{Tenant, TestDatabase};

    use super::*;

    #[tokio::test]
    async fn the_only_knowledge_base_need_not_be_named() {
        let database = TestDatabase::create().await;
        let admin = database.connect(roles::ADMIN);
        let error = target(&admin, None).await.unwrap_err();
        assert!(error.to_string().contains("knowledge-base create"), "{error}");
        let acme = Tenant::create(&database, "acme").await;
        assert_eq!(target(&admin, None).await.unwrap().id(), acme.knowledge_base_id);
        let globex = Tenant::create(&database, "globex").await;
        let error = target(&admin, None).await.unwrap_err();
        assert!(error.to_string().starts_with("there are 2 knowledge bases"), "{error}");
        let named = target(&admin, Some(globex.knowledge_base_id)).await.unwrap();
        assert_eq!(named.id(), globex.knowledge_base_id);
        target(&admin, Some(KnowledgeBaseId::new())).await.unwrap_err();
    }

    #[test]
    fn concurrency_is_bounded() {
        assert_eq!(concurrency("64").map(NonZeroUsize::get), Ok(64));
        for bad in ["0", "65", "-1", "many", ""] {
            concurrency(bad).unwrap_err();
        }
    }
}
