//! `autri library attach` and `detach`: which knowledge bases a library has.

use anyhow::{Context as _, bail};
use autri_db::tenancy::{self, Attachment};
use autri_db::{Database, DbError};
use autri_domain::{KnowledgeBaseId, LibraryId};
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::output;

#[derive(Debug, Args)]
pub(super) struct AttachmentArgs {
    /// The knowledge base
    #[arg(value_name = "KB")]
    knowledge_base: KnowledgeBaseId,
    /// The library
    #[arg(long, value_name = "ID")]
    library: LibraryId,
}

pub(super) async fn attach(args: &AttachmentArgs, context: &Context) -> anyhow::Result<()> {
    let AttachmentArgs { knowledge_base, library } = args;
    let database = context.database()?;
    let is_new = match tenancy::attach(&database, *library, *knowledge_base).await {
        Ok(Attachment::Attached) => true,
        Ok(Attachment::AlreadyAttached) => false,
        Ok(Attachment::NoLibrary) => bail!(no_library(*library)),
        Ok(Attachment::NoKnowledgeBase) => bail!(no_knowledge_base(*knowledge_base)),
        Err(error) => return Err(differences(args, &database, error).await),
    };
    if context.json {
        return output::json(
            &json!({ "library_id": library, "knowledge_base_id": knowledge_base, "is_new": is_new }),
        );
    }
    let already = if is_new { "" } else { " already" };
    output::line(format_args!("the library {library} has the knowledge base {knowledge_base}{already}"));
    Ok(())
}

pub(super) async fn detach(args: &AttachmentArgs, context: &Context) -> anyhow::Result<()> {
    let AttachmentArgs { knowledge_base, library } = args;
    let database = context.database()?;
    let known = tenancy::find_knowledge_base(&database, *knowledge_base).await?;
    known.with_context(|| no_knowledge_base(*knowledge_base))?;
    let libraries = tenancy::list_libraries(&database, None).await?;
    if libraries.iter().all(|one| one.id != *library) {
        bail!(no_library(*library));
    }
    let was_attached = tenancy::detach(&database, *library, *knowledge_base).await?;
    let left = tenancy::find_knowledge_base(&database, *knowledge_base).await?;
    let left = left.map(|(_, libraries)| libraries).unwrap_or_default();
    if context.json {
        return output::json(&json!({
            "library_id": library,
            "knowledge_base_id": knowledge_base,
            "was_attached": was_attached,
            "library_ids": left,
        }));
    }
    if was_attached {
        output::line(format_args!("the library {library} has the knowledge base {knowledge_base} no more"));
    } else {
        output::line(format_args!("the library {library} did not have the knowledge base {knowledge_base}"));
    }
    if left.is_empty() {
        output::note(format_args!(
            "nobody can search it now, for no library has it; its documents stay: `autri library attach {knowledge_base} --library ID`"
        ));
    }
    Ok(())
}

/// The database's refusal, with what is different.
async fn differences(args: &AttachmentArgs, database: &Database, error: DbError) -> anyhow::Error {
    let is_rule = error.constraint().is_some();
    let error = anyhow::Error::from(error);
    let (Ok(libraries), Ok(Some((base, _)))) = (
        tenancy::list_libraries(database, None).await,
        tenancy::find_knowledge_base(database, args.knowledge_base).await,
    ) else {
        return error;
    };
    match libraries.into_iter().find(|one| one.id == args.library) {
        Some(library) if is_rule && library.org_id != base.org_id => error.context(format!(
            "the knowledge base is of the org {}, the library of the org {}",
            base.org_id, library.org_id
        )),
        Some(library) if is_rule && library.embedding_model != base.embedding_model => {
            error.context(format!(
                "the knowledge base has the embedding model {}, the library {}",
                base.embedding_model, library.embedding_model
            ))
        }
        _ => error,
    }
}

fn no_library(id: LibraryId) -> String {
    format!("there is no library {id}; see `autri library list`")
}

fn no_knowledge_base(id: KnowledgeBaseId) -> String {
    format!("there is no knowledge base {id}; see `autri knowledge-base list`")
}
