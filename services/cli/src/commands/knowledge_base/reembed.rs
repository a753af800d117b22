//! `autri knowledge-base reembed`: another embedding model, while everything is searched.

use std::process::ExitCode;

use anyhow::Context as _;
use autri_db::Database;
use autri_db::reembedding::{BaseVectors, Missing, ModelGroup};
use autri_domain::KnowledgeBaseId;
use autri_retrieval::embed::Embedder;
use autri_retrieval::reembed::{ReembedError, ReembedObserver, ReembedReport, reembed, target};
use clap::Args;
use serde_json::{Value, json};

use crate::context::Context;
use crate::embedder::{self, EmbedderArgs, EmbedderKind, EmbeddingArgs};
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri knowledge-base reembed 0197f6a2-8c1e-7000-8000-000000000004 --embedder static
  autri knowledge-base reembed 0197f6a2-8c1e-7000-8000-000000000004 --embedder none --yes
A library has one model, and all of its knowledge bases have the same: what shares a library is switched together.
It takes --yes when there are others, when a service asks money for it, and when no vectors replace those that there are.
Searches go on with the old model until all is switched at once. If it stops in the middle, run it again: what is made stays made.
With the model that is there already, it makes the vectors that are missing.")]
pub(super) struct ReembedArgs {
    /// The knowledge base
    #[arg(value_name = "KB")]
    knowledge_base: KnowledgeBaseId,
    /// How texts become vectors from now on
    #[arg(long, value_enum)]
    embedder: EmbedderKind,
    #[command(flatten)]
    embedding: EmbeddingArgs,
    /// Do it, even if it costs money, leaves no vectors, or switches other knowledge bases with this one
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(args: ReembedArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    let id = args.knowledge_base;
    let group = ModelGroup::find(&database, id).await?;
    let group =
        group.with_context(|| format!("there is no knowledge base {id}; see `autri knowledge-base list`"))?;
    let choice =
        EmbedderArgs { embedder: args.embedder, embedding: args.embedding }.choice(&context.environment)?;
    let embedder =
        choice.open().context("install it with `autri model install`, or choose another --embedder")?;
    let missing = match embedder.as_deref() {
        Some(embedder) => count_missing(&database, &group, embedder).await?,
        None => Missing::default(),
    };
    announce(&group, embedder.as_deref(), missing);
    if needs_yes(&group, embedder.as_deref(), missing) && !args.yes {
        if context.json {
            output::json(&as_json(&group, embedder.as_deref(), missing, None))?;
        }
        output::note("nothing was changed; --yes does it");
        return Ok(ExitCode::FAILURE);
    }
    embedder::register(&database, embedder.as_deref()).await?;
    let progress = ProgressObserver(output::Progress::counting("Embedding", missing.chunks.unsigned_abs()));
    let ended = reembed(&database, &group, embedder.as_deref(), &progress).await;
    drop(progress);
    let report = ended.map_err(|error| match error {
        ReembedError::UnderWay => anyhow::Error::from(error),
        error => {
            anyhow::Error::from(error).context("not all is done; run this again, and it goes on from here")
        }
    })?;
    if context.json {
        output::json(&as_json(&group, embedder.as_deref(), missing, Some(report)))?;
    } else {
        say(&report, embedder.as_deref());
    }
    Ok(ExitCode::SUCCESS)
}

async fn count_missing(
    database: &Database,
    group: &ModelGroup,
    embedder: &dyn Embedder,
) -> anyhow::Result<Missing> {
    let target = target(Some(embedder));
    let mut all = Missing::default();
    for (base, _) in &group.knowledge_bases {
        let missing = BaseVectors::new(database, *base, &target).count_missing().await?;
        all.chunks += missing.chunks;
        all.bytes += missing.bytes;
    }
    Ok(all)
}

/// Whether more happens than the command line says: to other knowledge bases, to vectors that nothing replaces, to somebody's
/// bill. A price that nobody has said is no reason to think that there is none.
fn needs_yes(group: &ModelGroup, embedder: Option<&dyn Embedder>, missing: Missing) -> bool {
    let loses_vectors = embedder.is_none() && group.embedding_model != target(None).id;
    let price = embedder.and_then(Embedder::price).filter(|_| missing.chunks > 0);
    let costs = price.is_some_and(|price| price.usd_per_million_tokens.is_none_or(|usd| usd > 0.0));
    group.knowledge_bases.len() > 1 || loses_vectors || costs
}

/// What will happen and why, and what it costs.
fn announce(group: &ModelGroup, embedder: Option<&dyn Embedder>, missing: Missing) {
    let named = |names: Vec<&str>| names.into_iter().map(output::quoted).collect::<Vec<_>>().join(", ");
    let bases = named(group.knowledge_bases.iter().map(|(_, name)| name.as_str()).collect());
    let libraries = named(group.libraries.iter().map(|(_, name)| name.as_str()).collect());
    match group.knowledge_bases.len() {
        1 => output::note(format_args!("reembedding the knowledge base {bases}")),
        several => output::note(format_args!(
            "reembedding {several} knowledge bases, because they share libraries: {bases}"
        )),
    }
    if !group.libraries.is_empty() {
        output::note(format_args!("libraries that get the model: {libraries}"));
    }
    output::note(format_args!("from {} to {}", group.embedding_model, target(embedder).id));
    if let Some(embedder) = embedder {
        output::note(format_args!("{} to embed", output::counted(missing.chunks, "chunk")));
        if let Some(price) = embedder.price() {
            output::note(price.estimate(missing.bytes.unsigned_abs()));
        }
    }
}

fn say(report: &ReembedReport, embedder: Option<&dyn Embedder>) {
    let model = target(embedder).id;
    output::line(format_args!(
        "switched to {model}: {} chunks embedded, {} old vectors deleted",
        report.embedded, report.deleted
    ));
    if report.without_vector > 0 {
        output::note(format_args!(
            "{} chunks say nothing to the model, and are found by their words alone",
            report.without_vector
        ));
    }
    if embedder.is_some() {
        output::note("a server that has another embedder searches by words from now on: see AUTRI_EMBEDDER");
    }
}

fn as_json(
    group: &ModelGroup,
    embedder: Option<&dyn Embedder>,
    missing: Missing,
    report: Option<ReembedReport>,
) -> Value {
    let estimate =
        embedder.and_then(Embedder::price).map(|price| price.estimate(missing.bytes.unsigned_abs()));
    json!({
        "is_switched": report.is_some(),
        "embedding_model": target(embedder).id,
        "previous_embedding_model": group.embedding_model,
        "knowledge_base_ids": group.knowledge_bases.iter().map(|(id, _)| id).collect::<Vec<_>>(),
        "library_ids": group.libraries.iter().map(|(id, _)| id).collect::<Vec<_>>(),
        "missing_chunks": missing.chunks,
        "estimated_tokens": estimate.map(|estimate| estimate.tokens),
        "estimated_usd": estimate.and_then(|estimate| estimate.usd),
        "embedded_chunks": report.map(|report| report.embedded),
        "chunks_without_vector": report.map(|report| report.without_vector),
        "deleted_vectors": report.map(|report| report.deleted),
    })
}

struct ProgressObserver(output::Progress);

impl ReembedObserver for ProgressObserver {
    fn embedded(&self, chunks: u64) {
        self.0.at(chunks);
    }

    fn deleted(&self, vectors: u64) {
        self.0.set_remark(format!("{vectors} old vectors deleted"));
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use autri_domain::OrgId;
    use autri_retrieval::embed::{EmbedError, Price};

    use super::*;

    #[derive(Debug)]
    struct Priced(Option<Price>);

    #[async_trait]
    impl Embedder for Priced {
        fn model_id(&self) -> &'static str {
            "priced"
        }

        fn dimensions(&self) -> usize {
            1
        }

        fn lexical_weight(&self) -> f32 {
            0.0
        }

        fn price(&self) -> Option<Price> {
            self.0
        }

        async fn embed_documents(&self, _: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
            unreachable!("nothing is embedded here")
        }

        async fn embed_query(&self, _: &str) -> Result<Option<Vec<f32>>, EmbedError> {
            unreachable!("nothing is embedded here")
        }
    }

    #[test]
    fn what_costs_money_or_vectors_or_reaches_others_is_said_twice() {
        let group = |embedding_model: &str, bases: usize| ModelGroup {
            org_id: OrgId::new(),
            embedding_model: embedding_model.to_owned(),
            knowledge_bases: (0..bases).map(|_| (KnowledgeBaseId::new(), "name".to_owned())).collect(),
            libraries: Vec::new(),
        };
        let service = |usd_per_million_tokens| Priced(Some(Price { usd_per_million_tokens }));
        let (here, paid, free, unknown) =
            (Priced(None), service(Some(0.02)), service(Some(0.0)), service(None));
        let cases = [
            ("tiny", 1, Some(&here), 9_i64, false),
            ("tiny", 1, Some(&free), 9, false),
            ("tiny", 1, Some(&paid), 9, true),
            ("tiny", 1, Some(&unknown), 9, true),
            ("priced", 1, Some(&paid), 0, false),
            ("tiny", 1, None, 0, true),
            ("none", 1, None, 0, false),
            ("none", 2, None, 0, true),
            ("tiny", 2, Some(&here), 0, true),
        ];
        for (number, (model, bases, embedder, chunks, expected)) in cases.into_iter().enumerate() {
            let missing = Missing { chunks, ..Missing::default() };
            let embedder = embedder.map(|embedder| embedder as &dyn Embedder);
            assert_eq!(needs_yes(&group(model, bases), embedder, missing), expected, "case {number}");
        }
    }
}
