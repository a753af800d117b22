//! The demo tenant: made once, found again in later runs.

use anyhow::Context as _;
use autri_db::Database;
use autri_db::connectors::{self, Connector, ConnectorKind, NewConnector};
use autri_db::tenancy::{self, KnowledgeBase, Library};
use autri_domain::ConnectorId;

const ORG: &str = "Demo";
const LIBRARY: &str = "Demo library";
const KNOWLEDGE_BASE: &str = "Demo documents";
const CONNECTOR: &str = "Demo connector";
/// The OAuth client. One that was revoked keeps its name, so later ones get a number.
const CLIENT_ID: &str = "autri-dev-machine";

/// Someone removed it meanwhile.
const GONE: &str = "the demo library is gone; start again";

/// What the demo consists of, beside the library.
#[derive(Debug)]
pub(super) struct Demo {
    pub(super) library: Library,
    pub(super) knowledge_base: KnowledgeBase,
    pub(super) connector: Connector,
}

/// The library of an earlier run.
pub(super) async fn find_library(database: &Database) -> anyhow::Result<Option<Library>> {
    let Some(org) = tenancy::list_orgs(database).await?.into_iter().find(|org| org.name == ORG) else {
        return Ok(None);
    };
    let libraries = tenancy::list_libraries(database, Some(org.id)).await?;
    Ok(libraries.into_iter().find(|library| library.name == LIBRARY))
}

/// Makes the library, whose embedding model the database must know.
pub(super) async fn make_library(database: &Database, embedding_model: &str) -> anyhow::Result<Library> {
    let found = tenancy::list_orgs(database).await?.into_iter().find(|org| org.name == ORG);
    let org = match found {
        Some(org) => org,
        None => tenancy::insert_org(database, ORG).await?,
    };
    Ok(tenancy::insert_library(database, org.id, LIBRARY, embedding_model).await?)
}

impl Demo {
    /// Makes what the library lacks: its knowledge base, and a connector that is not revoked.
    pub(super) async fn complete(database: &Database, library: Library) -> anyhow::Result<Self> {
        let bases = tenancy::list_knowledge_bases(database, Some(library.id)).await?;
        let knowledge_base = match bases.into_iter().find(|base| base.name == KNOWLEDGE_BASE) {
            Some(base) => Some(base),
            None => tenancy::insert_knowledge_base(database, library.id, KNOWLEDGE_BASE).await?,
        };
        let knowledge_base = knowledge_base.context(GONE)?;
        let connector = find_or_make_connector(database, &library).await?;
        Ok(Self { library, knowledge_base, connector })
    }
}

async fn find_or_make_connector(database: &Database, library: &Library) -> anyhow::Result<Connector> {
    let mut ours = connectors::list(database, Some(library.id)).await?;
    ours.retain(|connector| connector.oauth_client_id.starts_with(CLIENT_ID));
    let client_id = numbered(CLIENT_ID, ours.len());
    if let Some(live) = ours.into_iter().find(|connector| connector.revoked_at.is_none()) {
        return Ok(live);
    }
    let new = NewConnector {
        id: ConnectorId::new(),
        library_id: library.id,
        kind: ConnectorKind::Machine,
        oauth_client_id: &client_id,
        name: CONNECTOR,
    };
    connectors::insert(database, &new).await?.context(GONE)
}

/// The name for the next one when there are `count`.
fn numbered(name: &str, count: usize) -> String {
    if count == 0 { name.to_owned() } else { format!("{name}-{}", count + 1) }
}
