//! A knowledge base and a folder to fill it from, an embedder and an observer that remember.

use std::fmt::Debug;
use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use autri_db::content::{self, DocumentSummary};
use autri_db::ingest::KnowledgeBaseContent;
use autri_db::search::{SearchRequest, search};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{Database, ScopedTx, roles};
use autri_domain::{Caller, Principal, ScopeSet};
use autri_retrieval::ingest::{
    IngestObserver, IngestOptions, IngestReport, Outcome, Prune, Source, SourceDocument, SourceSize, ingest,
};
use autri_retrieval::search::{Leg, Retriever};
use autri_retrieval::{EmbedError, Embedder};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;

pub(crate) const MODEL: &str = "test:model";

/// One test's knowledge base and folder.
pub(crate) struct Bench {
    pub(crate) database: TestDatabase,
    pub(crate) admin: Database,
    pub(crate) tenant: Tenant,
    pub(crate) content: KnowledgeBaseContent,
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) async fn new(model: &str, dimensions: u32) -> Self {
        let database = TestDatabase::create().await;
        let tenant = Tenant::create_with_model(&database, "acme", model, dimensions).await;
        let admin = database.connect(roles::ADMIN);
        let content = KnowledgeBaseContent::find(&admin, tenant.knowledge_base_id).await.unwrap().unwrap();
        Self { database, admin, tenant, content, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn find(&self, roots: &[&str]) -> Source {
        let roots: Vec<_> = roots.iter().map(|root| self.folder.path().join(root)).collect();
        Source::find(&roots, None).unwrap()
    }

    /// Ingests without vectors.
    pub(crate) async fn ingest(&self, roots: &[&str]) -> IngestReport {
        ingest(&self.content, None, &self.find(roots), &options(false), &()).await.unwrap()
    }

    pub(crate) async fn prune(&self, roots: &[&str]) -> IngestReport {
        ingest(&self.content, None, &self.find(roots), &options(true), &()).await.unwrap()
    }

    pub(crate) async fn ingest_embedded(&self, roots: &[&str], embedder: &CountingEmbedder) -> IngestReport {
        ingest(&self.content, Some(embedder), &self.find(roots), &options(false), &()).await.unwrap()
    }

    pub(crate) async fn keys(&self) -> Vec<String> {
        self.content.list_source_keys("", 100).await.unwrap()
    }

    async fn enter(&self) -> ScopedTx {
        let mcp = self.database.connect(roles::MCP);
        let client = self.tenant.machine_client();
        #[expect(clippy::disallowed_methods, reason = "no token is at stake")]
        let principal = Principal::assert_verified(
            self.tenant.machine,
            client.clone(),
            client,
            Caller::Machine,
            ScopeSet::default(),
        );
        ScopedTx::enter(&mcp, &principal).await.unwrap().unwrap()
    }

    /// As a client sees them, by title.
    pub(crate) async fn documents(&self) -> Vec<DocumentSummary> {
        content::list_documents(&mut self.enter().await, None, 0, 100).await.unwrap()
    }

    /// The texts that a question finds.
    pub(crate) async fn search(&self, question: &str) -> Vec<String> {
        let mut tx = self.enter().await;
        let question = Retriever::new(None).question(tx.scope(), question, Leg::Lexical).await.unwrap();
        let request = SearchRequest { limit: 10, ..question.request };
        search(&mut tx, &request).await.unwrap().into_iter().map(|hit| hit.body).collect()
    }
}

pub(crate) fn options(prune: bool) -> IngestOptions {
    let prune = if prune { Prune::GivenFolders } else { Prune::Nothing };
    // One after the other, so that what happens has an order.
    IngestOptions { prune, concurrency: NonZeroUsize::MIN, ..IngestOptions::new(now()) }
}

pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(4_000_000_000, 0).unwrap()
}

pub(crate) fn failed(report: &IngestReport) -> Vec<(&str, &str)> {
    let file_name = |name| std::path::Path::new(name).file_name().unwrap().to_str().unwrap();
    report.failures.iter().map(|failure| (file_name(&failure.name), failure.reason.as_str())).collect()
}

/// Three sections, too large to stand in one chunk.
pub(crate) fn sections(second: &str) -> String {
    let filler = "Some more words to make it large. ".repeat(25);
    format!(
        "# Guide\n\n## One\n\nalpha {filler}\n\n## Two\n\n{second} {filler}\n\n## Three\n\ngamma {filler}\n"
    )
}

/// Remembers what it was asked to embed.
#[derive(Debug, Default)]
pub(crate) struct CountingEmbedder {
    texts: Mutex<Vec<String>>,
}

impl CountingEmbedder {
    pub(crate) fn take_texts(&self) -> Vec<String> {
        std::mem::take(&mut self.texts.lock().unwrap())
    }
}

#[async_trait]
impl Embedder for CountingEmbedder {
    fn model_id(&self) -> &str {
        MODEL
    }

    fn dimensions(&self) -> usize {
        3
    }

    fn lexical_weight(&self) -> f32 {
        0.5
    }

    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        self.texts.lock().unwrap().extend_from_slice(texts);
        Ok(texts.iter().map(|text| (!text.contains("meaningless")).then(|| vec![1.0, 0.0, 0.0])).collect())
    }

    async fn embed_query(&self, _: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        Ok(Some(vec![1.0, 0.0, 0.0]))
    }
}

/// What a test's own embedder does with texts.
#[async_trait]
pub(crate) trait Answering: Debug + Send + Sync {
    async fn answer(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError>;
}

/// Answers so when documents are embedded.
#[derive(Debug)]
pub(crate) struct StandIn<T>(pub(crate) T);

#[async_trait]
impl<T: Answering> Embedder for StandIn<T> {
    fn model_id(&self) -> &str {
        MODEL
    }

    fn dimensions(&self) -> usize {
        3
    }

    fn lexical_weight(&self) -> f32 {
        0.5
    }

    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        self.0.answer(texts).await
    }

    async fn embed_query(&self, _: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        Ok(None)
    }
}

/// Notes what it is told, and after each document closes the database's connections and does the rest, if it has these.
#[derive(Default)]
pub(crate) struct Witness {
    pub(crate) told: Mutex<Vec<String>>,
    pub(crate) to_close: Option<Database>,
    pub(crate) then: Option<Box<dyn Fn() + Send + Sync>>,
}

impl IngestObserver for Witness {
    fn begins(&self, size: SourceSize) {
        self.told.lock().unwrap().push(format!("begins with {}, {} bytes", size.documents, size.text_bytes));
    }

    fn document(&self, document: &SourceDocument, outcome: &Outcome) {
        self.told.lock().unwrap().push(format!("{}: {outcome:?}", document.key));
        if let Some(database) = &self.to_close {
            // One poll is enough for it to give out no more connections.
            let _ = database.close().now_or_never();
        }
        if let Some(then) = &self.then {
            then();
        }
    }

    fn pruned(&self, key: &str) {
        self.told.lock().unwrap().push(format!("{key}: pruned"));
    }
}
