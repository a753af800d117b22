//! An org of its own for one evaluation.

use anyhow::Context as _;
use autri_db::connectors::{self, ConnectorKind, NewConnector};
use autri_db::ingest::KnowledgeBaseContent;
use autri_db::tenancy::{self, Org};
use autri_db::{Database, documents};
use autri_domain::{Caller, ConnectorId, KnowledgeBaseId, Principal, ScopeSet};
use autri_retrieval::embed::Embedder;

use crate::commands::document::erase_documents;
use crate::output;

/// The org with its library, knowledge base and machine connector.
#[derive(Debug)]
pub(super) struct EvalTenant {
    database: Database,
    org: Org,
    content: KnowledgeBaseContent,
    principal: Principal,
}

impl EvalTenant {
    /// Makes it; if that fails halfway, removes it again.
    pub(super) async fn create(database: &Database, embedder: Option<&dyn Embedder>) -> anyhow::Result<Self> {
        // An id in its name, because two evaluations may run at once.
        let client = format!("autri-eval-{}", ConnectorId::new());
        let org = tenancy::insert_org(database, &client).await?;
        match fill(database, &org, &client, embedder).await {
            Ok((content, principal)) => Ok(Self { database: database.clone(), org, content, principal }),
            Err(error) => {
                if let Err(also) = tenancy::delete_org(database, org.id).await {
                    let org = org.id;
                    output::note(format_args!(
                        "the org {client} could not be removed: {also}; `autri org delete {org} --yes` does it"
                    ));
                }
                Err(error)
            }
        }
    }

    pub(super) const fn content(&self) -> &KnowledgeBaseContent {
        &self.content
    }

    /// Whoever holds the connector's token.
    pub(super) const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Removes it with all that was ingested.
    pub(super) async fn remove(&self) -> anyhow::Result<()> {
        let base = self.content.id();
        let stored = documents::count(&self.database, base, "").await?.documents;
        erase_documents(&self.database, &[base], "", stored).await?;
        tenancy::delete_org(&self.database, self.org.id).await?;
        Ok(())
    }

    /// What to do where that did not come to its end.
    pub(super) fn remains(&self) -> String {
        let Org { id, name, .. } = &self.org;
        format!("the org {name} of this evaluation is still there; `autri org delete {id} --yes` removes it")
    }
}

async fn fill(
    database: &Database,
    org: &Org,
    client: &str,
    embedder: Option<&dyn Embedder>,
) -> anyhow::Result<(KnowledgeBaseContent, Principal)> {
    let model = match embedder {
        Some(embedder) => {
            let dimensions = u32::try_from(embedder.dimensions())?;
            tenancy::upsert_embedding_model(database, embedder.model_id(), dimensions).await?;
            embedder.model_id()
        }
        None => "none",
    };
    let library = tenancy::insert_library(database, org.id, "eval", model).await?;
    let base =
        tenancy::insert_knowledge_base(database, library.id, "eval").await?.context("the library is gone")?;
    let new = NewConnector {
        id: ConnectorId::new(),
        library_id: library.id,
        kind: ConnectorKind::Machine,
        oauth_client_id: client,
        name: "eval",
    };
    let connector = connectors::insert(database, &new).await?.context("the library is gone")?;
    Ok((open(database, base.id).await?, principal(connector.id, client)))
}

async fn open(database: &Database, id: KnowledgeBaseId) -> anyhow::Result<KnowledgeBaseContent> {
    KnowledgeBaseContent::find(database, id).await?.context("the knowledge base is gone")
}

#[expect(
    clippy::disallowed_methods,
    reason = "there is no token: whoever may make and remove an org on the database may search what is in it"
)]
fn principal(connector: ConnectorId, client: &str) -> Principal {
    Principal::assert_verified(
        connector,
        client.to_owned(),
        client.to_owned(),
        Caller::Machine,
        ScopeSet::default(),
    )
}
