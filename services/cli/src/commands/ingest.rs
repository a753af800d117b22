//! `autri ingest`: files into a knowledge base.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, bail};
use autri_db::ingest::KnowledgeBaseContent;
use autri_db::{Database, tenancy};
use autri_domain::KnowledgeBaseId;
use autri_retrieval::embed::{Embedder, EmbedderChoice};
use autri_retrieval::ingest::{
    IngestError, IngestObserver, IngestOptions, IngestReport, NotPruned, Outcome, Source, SourceDocument,
    ingest,
};
use autri_retrieval::walk::SourceBaseUrl;
use autri_retrieval::{Limits, RemovedCounts};
use clap::Args;
use serde_json::{Value, json};

use crate::context::Context;
use crate::{model, output};

/// The id that stands for "no model".
const NO_MODEL: &str = "none";

#[derive(Debug, Args)]
#[command(after_help = "\
Markdown, plain text and HTML are read. Hidden files and what .gitignore names are passed over, unless a file is \
named itself. Run it again after changes: only what changed is stored. The exit code is 1 if anything failed.

A document is known by the name of the given folder and its path in it. --prune deletes the documents of folders \
of these names that are there no more, and no others.

Examples:
  autri ingest docs
  autri ingest docs --source-base-url https://docs.example.com/ --prune
  autri ingest --knowledge-base 0197f6a2-8c1e-7000-8000-000000000001 handbook notes/vacation.md --json")]
pub(crate) struct IngestArgs {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The knowledge base to ingest into [default: the only one]
    #[arg(long, value_name = "ID")]
    knowledge_base: Option<KnowledgeBaseId>,
    /// Where the given folders are published: results link to the documents below this http or https URL
    #[arg(long, value_name = "URL")]
    source_base_url: Option<SourceBaseUrl>,
    /// Delete documents that came from these folders and are there no more
    #[arg(long)]
    prune: bool,
    /// The static model's folder, if the knowledge base has one [default: where `autri model install` puts it]
    #[arg(long, value_name = "DIR", env = "AUTRI_MODEL_DIR")]
    model_dir: Option<PathBuf>,
}

pub(crate) async fn run(args: IngestArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    let target = target(&database, args.knowledge_base).await?;
    let embedder = embedder(target.embedding_model(), args.model_dir, context)?;
    let places = Places { paths: args.paths, base_url: args.source_base_url };
    let options = IngestOptions { limits: Limits::default(), prune: args.prune, now: context.clock.now() };
    let ended = ingest_paths(&target, embedder.as_deref(), places, &options).await;
    let report = match &ended {
        Ok(report) => Some(report),
        Err(error) => error.downcast_ref::<IngestError>().and_then(IngestError::report),
    };
    if let Some(report) = report {
        if context.json {
            output::json(&as_json(report))?;
        } else {
            summary(report).iter().for_each(output::line);
        }
    }
    let report = ended?;
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What to ingest.
#[derive(Debug)]
pub(crate) struct Places {
    /// Files and folders.
    pub(crate) paths: Vec<PathBuf>,
    /// Where they are published.
    pub(crate) base_url: Option<SourceBaseUrl>,
}

/// Ingests files and folders, with a progress bar on a terminal.
///
/// # Errors
/// When a path does not exist, or the run could not begin or go on ([`IngestError`]). What is wrong with single files
/// stands in the report.
pub(crate) async fn ingest_paths(
    content: &KnowledgeBaseContent,
    embedder: Option<&dyn Embedder>,
    places: Places,
    options: &IngestOptions,
) -> anyhow::Result<IngestReport> {
    let source =
        tokio::task::spawn_blocking(move || Source::find(&places.paths, places.base_url.as_ref())).await??;
    ingest_source(content, embedder, &source, options).await
}

/// Ingests documents, with a progress bar on a terminal.
///
/// # Errors
/// As for [`ingest_paths`].
pub(crate) async fn ingest_source(
    content: &KnowledgeBaseContent,
    embedder: Option<&dyn Embedder>,
    source: &Source,
    options: &IngestOptions,
) -> anyhow::Result<IngestReport> {
    Ok(ingest(content, embedder, source, options, &ProgressObserver::default()).await?)
}

/// Counts documents as they are done.
#[derive(Debug, Default)]
struct ProgressObserver {
    progress: OnceLock<output::Progress>,
    done: AtomicU64,
}

impl IngestObserver for ProgressObserver {
    fn begins(&self, documents: usize) {
        self.progress.get_or_init(|| output::Progress::counting("Ingesting", documents as u64));
    }

    fn document(&self, _: &SourceDocument, _: &Outcome) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(progress) = self.progress.get() {
            progress.at(done);
        }
    }
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

/// What makes the vectors that the knowledge base has: its model is given with its library and not chosen here.
fn embedder(
    model: &str,
    model_dir: Option<PathBuf>,
    context: &Context,
) -> anyhow::Result<Option<Arc<dyn Embedder>>> {
    let choice = if model == NO_MODEL {
        EmbedderChoice::None
    } else {
        let folder = model_dir.unwrap_or_else(|| model::default_dir(&context.environment));
        EmbedderChoice::Static { folder }
    };
    choice.open().with_context(|| {
        format!("the knowledge base has the model {model}; install it with `autri model install`")
    })
}

/// What a person wants to know of a run, line by line.
pub(crate) fn summary(report: &IngestReport) -> Vec<String> {
    let mut lines = vec![counts(report)];
    let removed = removed(&report.removed);
    if !removed.is_empty() {
        lines.push(format!("removed, because people would not see it: {}", removed.join(", ")));
    }
    let passed_over = passed_over(report);
    if !passed_over.is_empty() {
        lines.push(format!("passed over: {}", passed_over.join(", ")));
    }
    for not_pruned in &report.not_pruned {
        let (folder, reason) = not_pruned_reason(not_pruned);
        lines.push(format!("nothing pruned of {folder}: {reason}"));
    }
    for failure in &report.failures {
        lines.push(format!("failed: {}: {}", failure.name, failure.reason));
    }
    lines
}

fn counts(report: &IngestReport) -> String {
    let counts = [
        (report.new, "new"),
        (report.updated, "updated"),
        (report.unchanged, "unchanged"),
        (report.pruned, "pruned"),
        (report.failures.len() as u64, "failed"),
    ];
    let counts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    let counts = if counts.is_empty() { "none".to_owned() } else { counts.join(", ") };
    let chunks = match (report.chunks, report.embedded_chunks) {
        (0, _) => String::new(),
        (chunks, 0) => format!(" ({})", counted(chunks, "chunk")),
        (chunks, embedded) => format!(" ({}, {embedded} embedded)", counted(chunks, "chunk")),
    };
    format!("documents: {counts}{chunks} in {:.1} s", report.elapsed.as_secs_f64())
}

fn removed(removed: &RemovedCounts) -> Vec<String> {
    let kinds = [
        (removed.hidden_elements, "hidden element"),
        (removed.bidi, "bidirectional control"),
        (removed.zero_width, "zero-width character"),
        (removed.tag, "tag character"),
        (removed.variation, "variation selector"),
        (removed.control, "control character"),
        (removed.comments, "comment"),
    ];
    kinds.iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted((*count).into(), what)).collect()
}

fn passed_over(report: &IngestReport) -> Vec<String> {
    let files = report.not_documents.iter().map(|(extension, count)| match extension.as_str() {
        "" => format!("{count} without extension"),
        extension => format!("{count} .{}", extension.escape_debug()),
    });
    let symlinks = (report.symlinks > 0).then(|| counted(report.symlinks, "symbolic link"));
    files.chain(symlinks).collect()
}

/// `1 chunk`, `2 chunks`.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn not_pruned_reason(not_pruned: &NotPruned) -> (&str, &'static str) {
    match not_pruned {
        NotPruned::NotListed { folder } => (folder, "not all of it could be listed"),
        NotPruned::NothingFound { folder } => (folder, "no document was found in it"),
    }
}

fn as_json(report: &IngestReport) -> Value {
    let removed = &report.removed;
    let failures: Vec<Value> = report
        .failures
        .iter()
        .map(|failure| json!({ "name": failure.name, "reason": failure.reason }))
        .collect();
    let not_pruned: Vec<Value> = report
        .not_pruned
        .iter()
        .map(not_pruned_reason)
        .map(|(folder, reason)| json!({ "folder": folder, "reason": reason }))
        .collect();
    json!({
        "new": report.new,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "pruned": report.pruned,
        "failed": report.failures.len(),
        "chunks": report.chunks,
        "embedded_chunks": report.embedded_chunks,
        "removed": {
            "hidden_elements": removed.hidden_elements,
            "bidi": removed.bidi,
            "zero_width": removed.zero_width,
            "tag": removed.tag,
            "variation": removed.variation,
            "control": removed.control,
            "comment": removed.comments,
            "undecodable": removed.undecodable,
        },
        "failures": failures,
        "not_pruned": not_pruned,
        "not_documents": report.not_documents,
        "symlinks": report.symlinks,
        "elapsed_ms": u64::try_from(report.elapsed.as_millis()).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use autri_db::roles;
    use autri_db::test_support::{Tenant, TestDatabase};
    use autri_retrieval::ingest::Failure;

    use super::*;

    #[test]
    fn the_summary_says_what_matters() {
        let report = IngestReport {
            new: 2,
            unchanged: 3,
            chunks: 9,
            embedded_chunks: 7,
            removed: RemovedCounts { bidi: 4, ..RemovedCounts::default() },
            failures: vec![Failure {
                name: "a.pdf".to_owned(),
                reason: "PDF is not supported yet".to_owned(),
            }],
            not_pruned: vec![NotPruned::NothingFound { folder: "docs".to_owned() }],
            not_documents: BTreeMap::from([("png".to_owned(), 5), (String::new(), 1)]),
            symlinks: 1,
            elapsed: Duration::from_millis(1_250),
            ..IngestReport::default()
        };
        assert_eq!(
            summary(&report),
            [
                "documents: 2 new, 3 unchanged, 1 failed (9 chunks, 7 embedded) in 1.2 s",
                "removed, because people would not see it: 4 bidirectional controls",
                "passed over: 1 without extension, 5 .png, 1 symbolic link",
                "nothing pruned of docs: no document was found in it",
                "failed: a.pdf: PDF is not supported yet",
            ]
        );
    }

    #[test]
    fn nothing_to_do_is_said() {
        assert_eq!(summary(&IngestReport::default()), ["documents: none in 0.0 s"]);
    }

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
}
