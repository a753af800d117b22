//! The demo's documents: which, and bringing them into its knowledge base.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use autri_db::Database;
use autri_db::ingest::KnowledgeBaseContent;
use autri_domain::KnowledgeBaseId;
use autri_retrieval::embed::EmbedderChoice;
use autri_retrieval::ingest::{IngestOptions, Prune, Source};

use crate::commands::ingest::{ingest_source, parsers, summary};
use crate::context::Context;
use crate::environment::Environment;
use crate::{output, workspace};

/// The paths that were asked for, else this project's own documentation.
///
/// # Errors
/// When one does not exist, or there is no checkout.
pub(super) fn paths(asked_for: &[PathBuf], environment: &Environment) -> anyhow::Result<Vec<PathBuf>> {
    if let Some(missing) = asked_for.iter().find(|path| !path.exists()) {
        bail!("there is no {}: --docs takes a file or a folder", missing.display());
    }
    if !asked_for.is_empty() {
        return Ok(asked_for.to_vec());
    }
    let root = workspace::root(environment).unwrap_or_default();
    let own = ["README.md", "docs"].map(|name| root.join(name));
    let own: Vec<_> = own.into_iter().filter(|path| path.exists()).collect();
    if own.is_empty() {
        bail!("no documents to search: name a file or a folder with --docs");
    }
    Ok(own)
}

/// Makes the knowledge base hold the documents of `paths` and no others. A file that can't be read is reported, and no
/// error.
pub(super) async fn ingest(
    database: &Database,
    knowledge_base: KnowledgeBaseId,
    paths: Vec<PathBuf>,
    embedder: &EmbedderChoice,
    context: &Context,
) -> anyhow::Result<()> {
    let base = KnowledgeBaseContent::find(database, knowledge_base).await?;
    let base = base.context("the demo knowledge base is gone; start again")?;
    let source = Source::find(&paths, None)?;
    let defaults = IngestOptions::new(context.clock.now());
    // What earlier runs with other paths have left goes, too.
    let options = IngestOptions { parsers: parsers()?, prune: Prune::Everything, ..defaults };
    let report = ingest_source(&base, embedder.open()?.as_deref(), &source, &options).await?;
    output::field("Documents", summary::counts(&report));
    for line in summary::details(&report) {
        output::field("", line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkouts_own_documentation_is_the_default() {
        let manifest_dir = Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        let environment = Environment { manifest_dir, ..Environment::default() };
        let paths = paths(&[], &environment).expect("the checkout has documentation");
        assert!(!paths.is_empty() && paths.iter().all(|path| path.exists()));
    }

    #[test]
    fn what_is_asked_for_must_exist() {
        let environment = Environment::default();
        let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(
            paths(std::slice::from_ref(&here), &environment).expect("exists"),
            std::slice::from_ref(&here)
        );
        paths(&[here.join("no-such-folder")], &environment).expect_err("does not exist");
    }
}
