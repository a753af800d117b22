use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use async_trait::async_trait;
use autri_db::ingest::KnowledgeBaseContent;
use autri_db::reembedding::ModelGroup;
use autri_db::test_support::{Tenant, TestDatabase, new_document};
use autri_db::{ScopedTx, TenantScope, roles, tenancy};

use super::*;

const MODEL: &str = "large";

/// An embedder of three dimensions that remembers what it was asked, and can fail or have something happen meanwhile.
#[derive(Debug, Default)]
struct Counting {
    asked: Mutex<Vec<String>>,
    calls: AtomicUsize,
    /// The call that fails, from 1; 0 for none.
    fails_at: usize,
    /// A document that is ingested, by the model of before, while the first call is under way.
    meanwhile: Option<KnowledgeBaseContent>,
    /// How many chunks a document has that is ingested anew during every call; 0 for none.
    flood: usize,
    /// Vectors that it forgets.
    forgets: usize,
}

impl Counting {
    fn asked(&self) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort();
        asked
    }
}

#[async_trait]
impl Embedder for Counting {
    fn model_id(&self) -> &str {
        MODEL
    }

    fn dimensions(&self) -> usize {
        3
    }

    fn lexical_weight(&self) -> f32 {
        0.0
    }

    async fn embed_documents(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if call == self.fails_at {
            return Err(EmbedError::Throttled { service: "a service of the tests".to_owned() });
        }
        if let (1.., Some(content)) = (self.flood, &self.meanwhile) {
            let texts = vec![("a flood of granite", Some(vec![1.0, 0.0])); self.flood];
            content.replace_document(&new_document("flood.md", "Flood", &texts)).await.unwrap();
        } else if let (1, Some(content)) = (call, &self.meanwhile) {
            let late = new_document("late.md", "Late", &[("late granite", Some(vec![1.0, 0.0]))]);
            content.replace_document(&late).await.unwrap();
        }
        self.asked.lock().unwrap().extend(texts.iter().cloned());
        let vector = |text: &String| (!text.contains("blank")).then(|| vec![0.0, 0.0, 1.0]);
        Ok(texts.iter().skip(self.forgets).map(vector).collect())
    }

    async fn embed_query(&self, _text: &str) -> Result<Option<Vec<f32>>, EmbedError> {
        Ok(None)
    }
}

/// The last that was said.
#[derive(Debug, Default)]
struct Last(AtomicU64, AtomicU64);

impl ReembedObserver for Last {
    fn embedded(&self, chunks: u64) {
        self.0.store(chunks, Ordering::Relaxed);
    }

    fn deleted(&self, vectors: u64) {
        self.1.store(vectors, Ordering::Relaxed);
    }
}

struct World {
    database: TestDatabase,
    admin: Database,
    acme: Tenant,
    other: Tenant,
}

impl World {
    /// Two tenants with one document of three chunks each and vectors for two of them.
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
        let other = Tenant::create_with_model(&database, "other", "tiny", 2).await;
        for tenant in [&acme, &other] {
            let texts =
                [("granite", Some(vec![1.0, 0.0])), ("basalt", Some(vec![0.0, 1.0])), ("blank", None)];
            tenant.add_embedded_document(&database, "a.md", "Stones", &texts).await;
        }
        let admin = database.connect(roles::ADMIN);
        tenancy::upsert_embedding_model(&admin, MODEL, 3).await.unwrap();
        Self { database, admin, acme, other }
    }

    async fn reembed(&self, embedder: Option<&dyn Embedder>) -> Result<ReembedReport, ReembedError> {
        let group = ModelGroup::find(&self.admin, self.acme.knowledge_base_id).await.unwrap().unwrap();
        reembed(&self.admin, &group, embedder, &Last::default()).await
    }

    async fn content(&self) -> KnowledgeBaseContent {
        KnowledgeBaseContent::find(&self.admin, self.acme.knowledge_base_id).await.unwrap().unwrap()
    }

    async fn model(&self, tenant: &Tenant) -> String {
        let mcp = self.database.connect(roles::MCP);
        TenantScope::find(&mcp, &tenant.machine_principal()).await.unwrap().unwrap().embedding_model
    }

    async fn vectors(&self, tenant: &Tenant, model: &str) -> i64 {
        let sql = format!(
            "SELECT count(*) FROM chunk_embeddings WHERE knowledge_base_id = '{}' AND embedding_model = '{model}'",
            tenant.knowledge_base_id
        );
        self.database.admin_session().await.number(&sql).await
    }
}

#[tokio::test]
async fn everything_that_hangs_together_is_embedded_switched_and_cleaned() {
    let world = World::create().await;
    let second =
        world.acme.with_knowledge_base(world.acme.add_knowledge_base(&world.database, "second").await);
    second.add_embedded_document(&world.database, "b.md", "B", &[("slate", Some(vec![1.0, 0.0]))]).await;
    let (embedder, last) = (Counting::default(), Last::default());
    let group = ModelGroup::find(&world.admin, second.knowledge_base_id).await.unwrap().unwrap();
    let report = reembed(&world.admin, &group, Some(&embedder), &last).await.unwrap();
    assert_eq!(report, ReembedReport { embedded: 3, without_vector: 1, deleted: 3 });
    assert_eq!((last.0.into_inner(), last.1.into_inner()), (3, 3));
    let inputs = [
        "B > Section 0\n\nslate",
        "Stones > Section 0\n\ngranite",
        "Stones > Section 1\n\nbasalt",
        "Stones > Section 2\n\nblank",
    ];
    assert_eq!(embedder.asked(), inputs, "each once, as at ingest");
    assert_eq!(world.model(&world.acme).await, MODEL);
    assert_eq!((world.vectors(&world.acme, MODEL).await, world.vectors(&world.acme, "tiny").await), (2, 0));
    assert_eq!(world.model(&world.other).await, "tiny");
    assert_eq!((world.vectors(&world.other, MODEL).await, world.vectors(&world.other, "tiny").await), (0, 2));
    let mcp = world.database.connect(roles::MCP);
    assert!(ScopedTx::enter(&mcp, &world.acme.machine_principal()).await.unwrap().is_some());
}

#[tokio::test]
async fn to_none_and_back() {
    let world = World::create().await;
    let report = world.reembed(None).await.unwrap();
    assert_eq!(report, ReembedReport { embedded: 0, without_vector: 0, deleted: 2 });
    assert_eq!(
        (world.model(&world.acme).await.as_str(), world.vectors(&world.acme, "tiny").await),
        ("none", 0)
    );
    let report = world.reembed(Some(&Counting::default())).await.unwrap();
    assert_eq!(report, ReembedReport { embedded: 2, without_vector: 1, deleted: 0 });
    let again = world.reembed(Some(&Counting::default())).await.unwrap();
    assert_eq!(again, ReembedReport { embedded: 0, without_vector: 1, deleted: 0 }, "nothing is left to do");
}

#[tokio::test]
async fn a_run_that_stopped_goes_on_where_it_was() {
    let world = World::create().await;
    let many: Vec<_> = (0..300).map(|number| (format!("stone {number}"), Some(vec![1.0, 0.0]))).collect();
    let many: Vec<_> = many.iter().map(|(text, vector)| (text.as_str(), vector.clone())).collect();
    world.acme.add_embedded_document(&world.database, "b.md", "B", &many).await;
    let failing = Counting { fails_at: 3, ..Counting::default() };
    let error = world.reembed(Some(&failing)).await.unwrap_err();
    assert!(matches!(error, ReembedError::Embed(EmbedError::Throttled { .. })), "{error:?}");
    let made = world.vectors(&world.acme, MODEL).await;
    assert!((2..302).contains(&made), "{made}");
    assert_eq!(world.model(&world.acme).await, "tiny");
    assert_eq!(world.vectors(&world.acme, "tiny").await, 302, "searched as before");

    let report = world.reembed(Some(&Counting::default())).await.unwrap();
    assert_eq!(i64::try_from(report.embedded).unwrap(), 302 - made);
    assert_eq!((world.vectors(&world.acme, MODEL).await, world.vectors(&world.acme, "tiny").await), (302, 0));
}

/// It comes after the look for what is missing, so that the transaction that switches has to find it.
#[tokio::test]
async fn what_is_ingested_meanwhile_is_not_lost() {
    let world = World::create().await;
    let begun = world.content().await;
    let embedder = Counting { meanwhile: Some(begun.clone()), ..Counting::default() };
    let report = world.reembed(Some(&embedder)).await.unwrap();
    assert_eq!(report, ReembedReport { embedded: 3, without_vector: 1, deleted: 3 });
    assert!(embedder.asked().contains(&"Late > Section 0\n\nlate granite".to_owned()));
    assert_eq!((world.vectors(&world.acme, MODEL).await, world.vectors(&world.acme, "tiny").await), (3, 0));
    let late = new_document("later.md", "Later", &[("granite", Some(vec![1.0, 0.0]))]);
    let error = begun.replace_document(&late).await.unwrap_err();
    assert_eq!(error.constraint(), Some(autri_db::ingest::MODEL_IS_HELD));
}

/// Whoever ingests is not kept waiting for as long as it takes to embed all of it.
#[tokio::test]
async fn an_ingest_that_is_faster_than_the_model_is_not_waited_out() {
    let world = World::create().await;
    let flood = MAX_WAITED_FOR + 1;
    let embedder = Counting { meanwhile: Some(world.content().await), flood, ..Counting::default() };
    let error = world.reembed(Some(&embedder)).await.unwrap_err();
    assert!(matches!(error, ReembedError::Outrun), "{error:?}");
    assert_eq!(world.model(&world.acme).await, "tiny", "searched as before");
    assert_eq!(world.vectors(&world.acme, "tiny").await, 2 + i64::try_from(flood).unwrap());
    world.content().await.replace_document(&new_document("b.md", "B", &[])).await.unwrap();

    let report = world.reembed(Some(&Counting::default())).await.unwrap();
    assert_eq!(report.embedded, flood as u64, "what was made is kept");
    assert_eq!(world.model(&world.acme).await, MODEL);
}

#[tokio::test]
async fn wrong_vectors_switch_nothing() {
    let world = World::create().await;
    let embedder = Counting { forgets: 1, ..Counting::default() };
    let error = world.reembed(Some(&embedder)).await.unwrap_err();
    let is_told =
        matches!(error, ReembedError::Embed(EmbedError::WrongVectors { expected: 3, found: 2, .. }));
    assert!(is_told, "{error:?}");
    assert_eq!(
        (world.model(&world.acme).await.as_str(), world.vectors(&world.acme, MODEL).await),
        ("tiny", 0)
    );
}

#[tokio::test]
async fn two_at_a_time_are_refused() {
    let world = World::create().await;
    let group = ModelGroup::find(&world.admin, world.acme.knowledge_base_id).await.unwrap().unwrap();
    let lock = group.lock(&world.admin).await.unwrap().unwrap();
    assert!(matches!(world.reembed(None).await.unwrap_err(), ReembedError::UnderWay));
    lock.release().await;
    world.reembed(None).await.unwrap();
}

#[test]
fn documents_are_read_in_groups_of_bounded_size() {
    let missing = |chunks: &[i64]| -> Vec<MissingOf> {
        let document_id = autri_domain::DocumentId::new();
        chunks.iter().map(|chunks| MissingOf { document_id, chunks: *chunks }).collect()
    };
    let sizes = |chunks: &[i64]| groups(&missing(chunks)).iter().map(|group| group.len()).collect::<Vec<_>>();
    assert_eq!(sizes(&[]), [0; 0]);
    assert_eq!(sizes(&[1, 1_023, 1, 5_000, 1_024]), [2, 1, 1, 1]);
    assert_eq!(sizes(&[5_000, 5_000]), [1, 1]);
}
