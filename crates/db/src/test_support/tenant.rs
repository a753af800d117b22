//! A tenant to test with.

use autri_domain::{
    Caller, ConnectorId, DocumentId, KnowledgeBaseId, LibraryId, OrgId, Principal, ScopeSet, UserId,
};
use chrono::{DateTime, Utc};

use super::TestDatabase;
use crate::connectors::{self, ConnectorKind, NewConnector};
use crate::ingest::{KnowledgeBaseContent, NewChunk, NewDocument};
use crate::{roles, tenancy};

/// An org with a library, a knowledge base, a machine connector, and a person with access through an interactive one.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// The org.
    pub org_id: OrgId,
    /// Its library, named `{name} library`.
    pub library_id: LibraryId,
    /// The library's knowledge base, named `{name} documents`.
    pub knowledge_base_id: KnowledgeBaseId,
    /// For programs; its OAuth client is `{name}-machine`.
    pub machine: ConnectorId,
    /// For people; its OAuth client is `{name}-people`.
    pub interactive: ConnectorId,
    /// The subject of the person who has access: `{name}-person`.
    pub person: String,
    name: String,
}

impl Tenant {
    /// Makes a tenant whose library has no embedding model.
    pub async fn create(database: &TestDatabase, name: &str) -> Self {
        Self::create_with_model(database, name, "none", 0).await
    }

    /// Makes a tenant whose library has this embedding model.
    pub async fn create_with_model(
        database: &TestDatabase,
        name: &str,
        model: &str,
        dimensions: u32,
    ) -> Self {
        let admin = database.connect(roles::ADMIN);
        let org = tenancy::insert_org(&admin, name).await.expect("an org");
        if model != "none" {
            tenancy::upsert_embedding_model(&admin, model, dimensions).await.expect("a model");
        }
        let library = tenancy::insert_library(&admin, org.id, &format!("{name} library"), model)
            .await
            .expect("a library");
        let base = tenancy::insert_knowledge_base(&admin, library.id, &format!("{name} documents")).await;
        let base = base.expect("a knowledge base").expect("a library to attach it to");
        let connector = async |kind, suffix: &str| {
            let client = format!("{name}-{suffix}");
            let new = NewConnector {
                id: ConnectorId::new(),
                library_id: library.id,
                kind,
                oauth_client_id: &client,
                name: &client,
            };
            let made = connectors::insert(&admin, &new).await;
            made.expect("a connector").expect("a library for it").id
        };
        let tenant = Self {
            org_id: org.id,
            library_id: library.id,
            knowledge_base_id: base.id,
            machine: connector(ConnectorKind::Machine, "machine").await,
            interactive: connector(ConnectorKind::Interactive, "people").await,
            person: format!("{name}-person"),
            name: name.to_owned(),
        };
        tenant.grant(database, &tenant.person).await;
        admin.close().await;
        tenant
    }

    /// The OAuth client of the machine connector.
    #[must_use]
    pub fn machine_client(&self) -> String {
        format!("{}-machine", self.name)
    }

    /// The OAuth client of the interactive connector.
    #[must_use]
    pub fn interactive_client(&self) -> String {
        format!("{}-people", self.name)
    }

    /// A program that calls through the machine connector.
    #[must_use]
    pub fn machine_principal(&self) -> Principal {
        principal(self.machine, &self.machine_client(), &self.machine_client())
    }

    /// The person with access, calling through the interactive connector.
    #[must_use]
    pub fn person_principal(&self) -> Principal {
        principal(self.interactive, &self.interactive_client(), &self.person)
    }

    /// Makes another knowledge base in the library.
    pub async fn add_knowledge_base(&self, database: &TestDatabase, name: &str) -> KnowledgeBaseId {
        let admin = database.connect(roles::ADMIN);
        let made = tenancy::insert_knowledge_base(&admin, self.library_id, name).await;
        admin.close().await;
        made.expect("a knowledge base").expect("a library to attach it to").id
    }

    /// The same tenant, with another of its knowledge bases to store documents in.
    #[must_use]
    pub fn with_knowledge_base(&self, knowledge_base_id: KnowledgeBaseId) -> Self {
        Self { knowledge_base_id, ..self.clone() }
    }

    /// Makes a person and gives them access to the library.
    pub async fn grant(&self, database: &TestDatabase, subject: &str) {
        let mut admin = database.connection(roles::ADMIN).await;
        let user = UserId::new().as_uuid();
        sqlx::query("INSERT INTO users (id, cognito_sub, email) VALUES ($1, $2, $2 || '@example.com')")
            .bind(user)
            .bind(subject)
            .execute(&mut admin)
            .await
            .expect("a user");
        sqlx::query("INSERT INTO library_access (library_id, user_id) VALUES ($1, $2)")
            .bind(self.library_id.as_uuid())
            .bind(user)
            .execute(&mut admin)
            .await
            .expect("access");
    }

    /// Stores a document, one chunk a text, each under a heading `Section n`.
    pub async fn add_document(
        &self,
        database: &TestDatabase,
        key: &str,
        title: &str,
        texts: &[&str],
    ) -> DocumentId {
        let chunks: Vec<_> = texts.iter().map(|text| (*text, None)).collect();
        self.add_embedded_document(database, key, title, &chunks).await
    }

    /// Stores a document, one chunk a text with its vector.
    pub async fn add_embedded_document(
        &self,
        database: &TestDatabase,
        key: &str,
        title: &str,
        texts: &[(&str, Option<Vec<f32>>)],
    ) -> DocumentId {
        let admin = database.connect(roles::ADMIN);
        let content = KnowledgeBaseContent::find(&admin, self.knowledge_base_id).await;
        let content = content.expect("an answer").expect("the tenant's knowledge base");
        let stored =
            content.replace_document(&new_document(key, title, texts)).await.expect("a stored document");
        admin.close().await;
        stored
    }
}

/// What a verified token would say: a machine's when the subject is the client, otherwise a person's.
#[expect(clippy::disallowed_methods, reason = "tests stand in for the verifier")]
#[must_use]
pub fn principal(connector_id: ConnectorId, client: &str, subject: &str) -> Principal {
    let caller = if client == subject { Caller::Machine } else { Caller::Person };
    Principal::assert_verified(
        connector_id,
        client.to_owned(),
        subject.to_owned(),
        caller,
        ScopeSet::default(),
    )
}

/// A document to store, one chunk a text with its vector, each under a heading `Section n`; last changed at
/// 1,750,000,000 seconds of Unix time.
#[must_use]
pub fn new_document(key: &str, title: &str, texts: &[(&str, Option<Vec<f32>>)]) -> NewDocument {
    let mut chunks = Vec::new();
    let mut byte_end = 0;
    for (number, (text, embedding)) in texts.iter().enumerate() {
        let byte_start = byte_end;
        byte_end += text.len();
        chunks.push(NewChunk {
            heading_path: vec![format!("Section {number}")],
            page: None,
            byte_start,
            byte_end,
            body: (*text).to_owned(),
            content_hash: digest(text),
            embedding: embedding.clone(),
        });
    }
    let bodies: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
    NewDocument {
        source_key: key.to_owned(),
        title: title.to_owned(),
        source_url: None,
        content_hash: digest(&format!("{title}\n{}", bodies.join("\n"))),
        change_mark: None,
        updated_at: DateTime::<Utc>::from_timestamp(1_750_000_000, 0).expect("a time"),
        chunks,
    }
}

fn digest(text: &str) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(text).into()
}
