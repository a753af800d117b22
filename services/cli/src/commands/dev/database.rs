//! The database of the demo: its library, with the embedding model that it was made with, and its documents.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use autri_db::tenancy::Library;
use autri_db::{Database, roles};
use autri_retrieval::embed::EmbedderChoice;

use super::data_dir::DataDir;
use super::demo::{self, Demo};
use super::documents;
use super::postgres::Postgres;
use crate::context::{Context, connect};
use crate::embedder::{self, EmbedderKind};
use crate::{model, output};

const BEGIN_ANEW: &str = "`cargo dev --reset` makes it anew";

/// A database with the demo and its documents in it.
#[derive(Debug)]
pub(super) struct DemoDatabase {
    pub(super) postgres: Postgres,
    pub(super) demo: Demo,
    pub(super) embedder: EmbedderChoice,
}

impl DemoDatabase {
    /// Starts Postgres and makes what is missing in it.
    pub(super) async fn prepare(
        context: &Context,
        data_dir: &DataDir,
        docs: Vec<PathBuf>,
        wanted: Option<EmbedderKind>,
    ) -> anyhow::Result<Self> {
        let postgres = Postgres::start(context, data_dir).await?;
        postgres.prepare().await?;
        let database = connect(postgres.url(roles::ADMIN))?;
        let (library, embedder) = provide_library(&database, wanted, context).await?;
        let demo = Demo::complete(&database, library).await?;
        documents::ingest(&database, demo.knowledge_base.id, docs, &embedder, context).await?;
        database.close().await;
        Ok(Self { postgres, demo, embedder })
    }
}

/// The library of an earlier run with the model that it was made with, else a new one with the model that is wanted.
async fn provide_library(
    database: &Database,
    wanted: Option<EmbedderKind>,
    context: &Context,
) -> anyhow::Result<(Library, EmbedderChoice)> {
    let model_dir = model::default_dir(&context.environment);
    if let Some(library) = demo::find_library(database).await? {
        let choice = model_of(&library, wanted, model_dir).await?;
        return Ok((library, choice));
    }
    let choice = match wanted {
        Some(EmbedderKind::None) => EmbedderChoice::None,
        _ => model_or_none(model_dir).await,
    };
    let model_id = embedder::register_model(database, &choice).await?;
    Ok((demo::make_library(database, &model_id).await?, choice))
}

/// The static model, fetched if need be; none, having said so, if it can't be had.
async fn model_or_none(dir: PathBuf) -> EmbedderChoice {
    match model::provide(&dir).await {
        Ok(_) => EmbedderChoice::Static { folder: dir },
        Err(error) => {
            output::field("", format_args!("it can't be had: {error:#}"));
            output::field(
                "",
                format_args!(
                    "going on without it: the demo library is searched by words alone; {BEGIN_ANEW}"
                ),
            );
            EmbedderChoice::None
        }
    }
}

/// The model that the library was made with. It can't have another: vectors of two models cannot be compared.
async fn model_of(
    library: &Library,
    wanted: Option<EmbedderKind>,
    dir: PathBuf,
) -> anyhow::Result<EmbedderChoice> {
    let model_id = &library.embedding_model;
    let has_none = model_id == EmbedderKind::None.as_str();
    if wanted.is_some_and(|wanted| (wanted == EmbedderKind::None) != has_none) {
        output::field("Model", format_args!("still {model_id}, as the demo library was made; {BEGIN_ANEW}"));
    }
    if has_none {
        return Ok(EmbedderChoice::None);
    }
    let installed = model::provide(&dir).await;
    let installed =
        installed.with_context(|| format!("the demo library needs its model {model_id}; {BEGIN_ANEW}"))?;
    if installed.model_id != *model_id {
        bail!(
            "the demo library was made with the model {model_id}, and this is {}; {BEGIN_ANEW}",
            installed.model_id
        );
    }
    Ok(EmbedderChoice::Static { folder: dir })
}
