//! The database of the demo: its library, with the embedding model that it was made with, and its documents.

use std::path::PathBuf;

use anyhow::Context as _;
use autri_db::tenancy::Library;
use autri_db::{Database, roles};
use autri_retrieval::embed::EmbedderChoice;

use super::data_dir::DataDir;
use super::demo::{self, Demo};
use super::documents;
use super::postgres::Postgres;
use crate::context::{Context, connect};
use crate::embedder::{self, EmbedderKind};
use crate::environment::Environment;
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
        let (library, embedder) = provide_library(&database, wanted, &context.environment).await?;
        let demo = Demo::complete(&database, library).await?;
        let base = demo.knowledge_base.id;
        let embedder = if let Some(embedder) = embedder {
            documents::ingest(&database, base, docs, &embedder, context).await?;
            embedder
        } else {
            announce_another_model(&demo);
            EmbedderChoice::None
        };
        database.close().await;
        Ok(Self { postgres, demo, embedder })
    }
}

/// Says what is not done for a library whose vectors this program cannot make. They were paid for with time or money, so that
/// nothing is changed of one's own accord.
fn announce_another_model(demo: &Demo) {
    output::field(
        "Model",
        format_args!(
            "the demo library has {}, which `cargo dev` does not run: it is searched by words alone, and no document is ingested",
            demo.library.embedding_model.escape_debug()
        ),
    );
    output::field(
        "",
        format_args!(
            "to go back: `autri knowledge-base reembed {} --embedder static` while this runs, then start again",
            demo.knowledge_base.id
        ),
    );
}

/// The library of an earlier run with its model, else a new one with the model that is wanted.
async fn provide_library(
    database: &Database,
    wanted: Option<EmbedderKind>,
    environment: &Environment,
) -> anyhow::Result<(Library, Option<EmbedderChoice>)> {
    let model_dir = model::default_dir(environment);
    if let Some(library) = demo::find_library(database).await? {
        let choice = model_of(&library, wanted, model_dir).await?;
        return Ok((library, choice));
    }
    let choice = match wanted {
        Some(EmbedderKind::None) => EmbedderChoice::None,
        _ => model_or_none(model_dir).await,
    };
    let model_id = embedder::register_model(database, &choice).await?;
    Ok((demo::make_library(database, &model_id).await?, Some(choice)))
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

/// The model that the library has, and keeps: another takes other vectors of all documents. `None` if it was given one by
/// `autri knowledge-base reembed` that is not to be had here, or the static one of another version.
async fn model_of(
    library: &Library,
    wanted: Option<EmbedderKind>,
    dir: PathBuf,
) -> anyhow::Result<Option<EmbedderChoice>> {
    let model_id = &library.embedding_model;
    let has_none = model_id == EmbedderKind::None.as_str();
    if wanted.is_some_and(|wanted| (wanted == EmbedderKind::None) != has_none) {
        output::field(
            "Model",
            format_args!(
                "still {}; `autri knowledge-base reembed` gives it another",
                model_id.escape_debug()
            ),
        );
    }
    if has_none {
        return Ok(Some(EmbedderChoice::None));
    }
    if !matches!(embedder::kind_of(model_id), Ok(EmbedderKind::Static)) {
        return Ok(None);
    }
    let installed = model::provide(&dir).await;
    let installed =
        installed.with_context(|| format!("the demo library needs its model {model_id}; {BEGIN_ANEW}"))?;
    Ok((installed.model_id == *model_id).then_some(EmbedderChoice::Static { folder: dir }))
}

#[cfg(test)]
mod tests {
    use autri_db::tenancy;
    use autri_db::test_support::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn a_library_that_was_given_another_model_is_served_without_it() {
        let database = TestDatabase::create().await;
        let admin = database.connect(roles::ADMIN);
        let other = "transformer:all-MiniLM-L6-v2:0a1b2c3d";
        tenancy::upsert_embedding_model(&admin, other, 384).await.expect("a model");
        demo::make_library(&admin, other).await.expect("a library");
        let provided = provide_library(&admin, None, &Environment::default()).await;
        let (library, embedder) = provided.expect("the library");
        assert_eq!(library.embedding_model, other);
        assert!(embedder.is_none(), "{embedder:?}");
    }
}
