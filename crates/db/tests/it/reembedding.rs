//! Another embedding model, while people search and others ingest.

use autri_db::ingest::{KnowledgeBaseContent, MODEL_IS_HELD};
use autri_db::reembedding::{BaseVectors, ModelGroup, NewVector, Switch, TargetModel};
use autri_db::search::SearchRequest;
use autri_db::test_support::{Tenant, TestDatabase, new_document};
use autri_db::{Database, TenantScope, roles, tenancy};
use autri_domain::{KnowledgeBaseId, LibraryId};

use crate::raw_sql::{number, run, sqlstate, texts};
use crate::search::{find, near, near_in};
use crate::stored_content::assert_consistent;

/// What Postgres says of a lock that is not to be had in time.
const LOCKED: &str = "55P03";

/// One tenant with vectors of two dimensions, to get some of three, and another that keeps its own.
struct Pair {
    database: TestDatabase,
    admin: Database,
    acme: Tenant,
    other: Tenant,
    target: TargetModel,
}

impl Pair {
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
        let other = Tenant::create_with_model(&database, "other", "tiny", 2).await;
        for tenant in [&acme, &other] {
            let texts = [("granite", Some(vec![1.0, 0.0])), ("basalt", Some(vec![0.0, 1.0]))];
            tenant.add_embedded_document(&database, "a.md", "Stones", &texts).await;
        }
        let admin = database.connect(roles::ADMIN);
        tenancy::upsert_embedding_model(&admin, "large", 3).await.unwrap();
        let target = TargetModel { id: "large".to_owned(), dimensions: 3 };
        Self { database, admin, acme, other, target }
    }

    async fn group(&self) -> ModelGroup {
        ModelGroup::find(&self.admin, self.acme.knowledge_base_id).await.unwrap().unwrap()
    }

    fn vectors(&self, base: KnowledgeBaseId) -> BaseVectors<'_> {
        BaseVectors::new(&self.admin, base, &self.target)
    }

    /// Gives every chunk that lacks one a vector of the new model, as an embedder would.
    async fn embed(&self, base: KnowledgeBaseId) -> usize {
        let vectors = self.vectors(base);
        let missing = vectors.list_missing().await.unwrap();
        let chunks = vectors.list_chunks(&missing).await.unwrap();
        let made: Vec<_> = chunks.iter().map(|chunk| vector(chunk.id, &chunk.body)).collect();
        vectors.insert(&made).await.unwrap();
        made.len()
    }

    async fn switch(&self) {
        let group = self.group().await;
        Switch::begin(&self.admin, &group, &self.target)
            .await
            .unwrap()
            .expect("a switch")
            .commit()
            .await
            .unwrap();
    }

    /// Vectors by base and model.
    async fn stored(&self) -> Vec<String> {
        let sql = "SELECT k.name || ': ' || e.embedding_model || ' ' || count(*)
                   FROM chunk_embeddings e JOIN knowledge_bases k ON k.id = e.knowledge_base_id
                   GROUP BY k.name, e.embedding_model ORDER BY 1";
        texts(&mut self.database.admin_connection().await, sql).await
    }

    async fn model_of(&self, tenant: &Tenant) -> String {
        let mcp = self.database.connect(roles::MCP);
        TenantScope::find(&mcp, &tenant.machine_principal()).await.unwrap().unwrap().embedding_model
    }
}

fn vector(chunk_id: i64, body: &str) -> NewVector {
    let values = if body.contains("granite") { vec![0.0, 0.0, 1.0] } else { vec![1.0, 0.0, 0.0] };
    NewVector { chunk_id, values }
}

async fn library(pair: &Pair, name: &str) -> LibraryId {
    tenancy::insert_library(&pair.admin, pair.acme.org_id, name, "tiny").await.unwrap().id
}

#[tokio::test]
async fn what_hangs_together_is_found_over_any_number_of_libraries() {
    let pair = Pair::create().await;
    let second = pair.acme.add_knowledge_base(&pair.database, "second").await;
    let (shared, apart) = (library(&pair, "shared").await, library(&pair, "apart").await);
    let third = tenancy::insert_knowledge_base(&pair.admin, shared, "third").await.unwrap().unwrap().id;
    tenancy::insert_knowledge_base(&pair.admin, apart, "fourth").await.unwrap().unwrap();
    tenancy::attach(&pair.admin, shared, second).await.unwrap();

    let group = pair.group().await;
    let bases: Vec<_> = group.knowledge_bases.iter().map(|(id, _)| *id).collect();
    assert_eq!(bases, [pair.acme.knowledge_base_id, second, third]);
    let libraries: Vec<_> = group.libraries.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(libraries, ["acme library", "shared"]);
    assert_eq!((group.org_id, group.embedding_model.as_str()), (pair.acme.org_id, "tiny"));
    assert_eq!(
        ModelGroup::find(&pair.admin, third).await.unwrap().unwrap(),
        group,
        "from wherever one begins"
    );
    assert_eq!(ModelGroup::find(&pair.admin, KnowledgeBaseId::new()).await.unwrap(), None);

    tenancy::detach(&pair.admin, shared, third).await.unwrap();
    let alone = ModelGroup::find(&pair.admin, third).await.unwrap().unwrap();
    assert_eq!((alone.knowledge_bases.len(), alone.libraries.len()), (1, 0), "a base that no library has");
}

#[tokio::test]
async fn new_vectors_stand_beside_the_old_ones_until_all_is_switched_at_once() {
    let pair = Pair::create().await;
    let (base, old, new) =
        (pair.acme.knowledge_base_id, near(&[1.0, 0.0], 0.0), near_in("large", &[0.0, 0.0, 1.0], 0.0));
    let missing = pair.vectors(base).count_missing().await.unwrap();
    assert_eq!(missing.chunks, 2);
    assert!(missing.bytes > 20, "{missing:?}");
    let before = find(&pair.database, &pair.acme, &old).await;
    assert_eq!(before[0].body, "granite");

    assert_eq!(pair.embed(base).await, 2);
    assert_eq!(pair.embed(base).await, 0, "what is made is not made again");
    assert_eq!(find(&pair.database, &pair.acme, &old).await, before, "searched as before");
    assert_eq!(pair.model_of(&pair.acme).await, "tiny");

    pair.switch().await;
    assert_eq!(pair.model_of(&pair.acme).await, "large");
    assert_eq!(find(&pair.database, &pair.acme, &new).await[0].body, "granite");
    let models = "SELECT DISTINCT m FROM (SELECT embedding_model AS m, org_id FROM libraries UNION ALL
                  SELECT embedding_model, org_id FROM knowledge_bases UNION ALL
                  SELECT embedding_model, org_id FROM library_kbs) all_of_them WHERE org_id =";
    let of_acme = format!("{models} '{}'", pair.acme.org_id);
    assert_eq!(texts(&mut pair.database.admin_connection().await, &of_acme).await, ["large"]);

    let stored = ["acme documents: large 2", "acme documents: tiny 2", "other documents: tiny 2"];
    assert_eq!(pair.stored().await, stored);
    let late = SearchRequest { words: "granite".to_owned(), ..near(&[1.0, 0.0], 0.5) };
    assert_eq!(find(&pair.database, &pair.acme, &late).await.len(), 2, "a question that was embedded before");
    assert_eq!(pair.vectors(base).delete_others().await.unwrap(), 2);
    assert_eq!(pair.vectors(base).delete_others().await.unwrap(), 0);
    assert_eq!(pair.stored().await, ["acme documents: large 2", "other documents: tiny 2"]);
    assert_eq!(find(&pair.database, &pair.acme, &late).await.len(), 1, "is asked by its words");
    assert_eq!(find(&pair.database, &pair.acme, &new).await[0].body, "granite");
    assert_eq!(pair.model_of(&pair.other).await, "tiny");
    assert_eq!(
        find(&pair.database, &pair.other, &old).await[0].body,
        "granite",
        "nobody else's were touched"
    );
    assert_consistent(&pair.database).await;
}

#[tokio::test]
async fn a_base_goes_to_no_model_and_back() {
    let pair = Pair::create().await;
    let base = pair.acme.knowledge_base_id;
    let none = TargetModel { id: "none".to_owned(), dimensions: 0 };
    let group = pair.group().await;
    Switch::begin(&pair.admin, &group, &none).await.unwrap().unwrap().commit().await.unwrap();
    assert_eq!(BaseVectors::new(&pair.admin, base, &none).delete_others().await.unwrap(), 2);
    assert_eq!(pair.model_of(&pair.acme).await, "none");
    assert_eq!(pair.embed(base).await, 2);
    pair.switch().await;
    assert_eq!(pair.model_of(&pair.acme).await, "large");
    assert_eq!(pair.stored().await, ["acme documents: large 2", "other documents: tiny 2"]);
}

/// Whatever a statement leaves out, the foreign keys hold.
#[tokio::test]
async fn models_cannot_be_mixed_by_switching_a_part() {
    let pair = Pair::create().await;
    let second = pair.acme.add_knowledge_base(&pair.database, "second").await;
    let (base, library) = (pair.acme.knowledge_base_id, pair.acme.library_id);
    let mut admin = pair.database.connection(roles::ADMIN).await;
    let parts = [
        format!("UPDATE libraries SET embedding_model = 'large' WHERE id = '{library}'"),
        format!("UPDATE knowledge_bases SET embedding_model = 'large' WHERE id IN ('{base}', '{second}')"),
        format!(
            "WITH l AS (UPDATE libraries SET embedding_model = 'large' WHERE id = '{library}')
                 UPDATE knowledge_bases SET embedding_model = 'large' WHERE id = '{base}'"
        ),
        "UPDATE library_kbs SET embedding_model = 'large'".to_owned(),
        format!(
            "SET CONSTRAINTS ALL DEFERRED; UPDATE libraries SET embedding_model = 'large' WHERE id = '{library}'"
        ),
    ];
    for part in &parts {
        let error = run(&mut admin, part).await.expect_err(part);
        let rule =
            error.as_database_error().and_then(|error| error.constraint()).unwrap_or_default().to_owned();
        assert!(rule.starts_with("library_kbs_") && rule.ends_with("_same_org_and_model"), "{part}: {rule}");
    }
    assert_eq!(pair.model_of(&pair.acme).await, "tiny");
}

#[tokio::test]
async fn an_ingest_that_goes_by_the_old_model_is_refused_after_the_switch() {
    let pair = Pair::create().await;
    let base = pair.acme.knowledge_base_id;
    let begun = KnowledgeBaseContent::find(&pair.admin, base).await.unwrap().unwrap();
    let unaffected =
        KnowledgeBaseContent::find(&pair.admin, pair.other.knowledge_base_id).await.unwrap().unwrap();
    pair.embed(base).await;
    pair.switch().await;

    let count = "SELECT count(*) FROM chunks";
    let mut admin = pair.database.admin_connection().await;
    let before = number(&mut admin, count).await.unwrap();
    for (key, vector) in [("a.md", Some(vec![1.0, 0.0])), ("b.md", Some(vec![1.0, 0.0])), ("c.md", None)] {
        let late = new_document(key, "Late", &[("a late granite", vector)]);
        let error = begun.replace_document(&late).await.unwrap_err();
        assert_eq!(error.constraint(), Some(MODEL_IS_HELD), "{key}: {error}");
    }
    assert_eq!(number(&mut admin, count).await.unwrap(), before);
    let whole = texts(&mut admin, "SELECT title FROM documents ORDER BY 1").await;
    assert_eq!(whole, ["Stones", "Stones"], "what was stored is as it was");

    let again = KnowledgeBaseContent::find(&pair.admin, base).await.unwrap().unwrap();
    assert_eq!((again.embedding_model(), again.embedding_dimensions()), ("large", 3));
    let document = |vector| new_document("b.md", "B", &[("granite again", Some(vector))]);
    again.replace_document(&document(vec![0.0, 0.0, 1.0])).await.unwrap();
    unaffected.replace_document(&document(vec![1.0, 0.0])).await.unwrap();
    begun.delete_document("a.md").await.unwrap();
    assert_consistent(&pair.database).await;
}

/// A switch waits for whoever is storing content, keeps others out, and nobody who searches or counts waits.
#[tokio::test]
async fn the_switch_and_an_ingest_keep_each_other_out() {
    let pair = Pair::create().await;
    let base = pair.acme.knowledge_base_id;
    let held = |model: &str| {
        format!(
            "BEGIN; SET LOCAL lock_timeout = '1ms'; SET LOCAL ROLE autri_ingest;
             SET LOCAL autri.ingest_knowledge_base_id = '{base}'; SELECT hold_knowledge_base({model})"
        )
    };
    let lock = format!(
        "BEGIN; SET LOCAL lock_timeout = '1ms'; SELECT id FROM knowledge_bases WHERE id = '{base}' FOR UPDATE"
    );
    let (mut ingest, mut another) =
        (pair.database.connection(roles::ADMIN).await, pair.database.connection(roles::ADMIN).await);

    run(&mut ingest, &held("'tiny'")).await.unwrap();
    assert_eq!(
        sqlstate(&run(&mut another, &lock).await.unwrap_err()),
        LOCKED,
        "an ingest keeps a switch waiting"
    );
    run(&mut another, "ROLLBACK").await.unwrap();
    run(&mut another, &held("NULL")).await.unwrap();
    let content = KnowledgeBaseContent::find(&pair.admin, base).await.unwrap().unwrap();
    let beside = new_document("b.md", "B", &[("beside", Some(vec![1.0, 0.0]))]);
    content.replace_document(&beside).await.unwrap();
    run(&mut another, "ROLLBACK").await.unwrap();
    run(&mut ingest, "ROLLBACK").await.unwrap();

    pair.embed(base).await;
    let group = pair.group().await;
    let switch = Switch::begin(&pair.admin, &group, &pair.target).await.unwrap().unwrap();
    for hold in [held("'tiny'"), held("NULL")] {
        assert_eq!(
            sqlstate(&run(&mut ingest, &hold).await.unwrap_err()),
            LOCKED,
            "a switch keeps an ingest waiting"
        );
        run(&mut ingest, "ROLLBACK").await.unwrap();
    }
    let seen = find(&pair.database, &pair.acme, &near(&[1.0, 0.0], 0.0)).await;
    assert_eq!(seen.len(), 3, "who searches does not wait");
    drop(switch);
    // The transaction ends a moment later: this waits for it.
    run(&mut ingest, &held("'tiny'").replace("lock_timeout = '1ms'", "lock_timeout = 0")).await.unwrap();
}

/// What was stored after the last look for missing vectors is seen in the transaction that switches.
#[tokio::test]
async fn the_switch_sees_what_was_stored_until_it_began() {
    let pair = Pair::create().await;
    let base = pair.acme.knowledge_base_id;
    pair.embed(base).await;
    let texts = [("late granite", Some(vec![1.0, 0.0]))];
    pair.acme.add_embedded_document(&pair.database, "b.md", "B", &texts).await;
    let group = pair.group().await;
    let mut switch = Switch::begin(&pair.admin, &group, &pair.target).await.unwrap().unwrap();
    let missing = switch.list_missing(base).await.unwrap();
    let chunks = switch.list_chunks(base, &missing).await.unwrap();
    assert_eq!(chunks.iter().map(|chunk| chunk.body.as_str()).collect::<Vec<_>>(), ["late granite"]);
    assert_eq!((chunks[0].title.as_str(), chunks[0].heading_path.join("/").as_str()), ("B", "Section 0"));
    switch.insert(base, &[vector(chunks[0].id, "late granite")]).await.unwrap();
    switch.commit().await.unwrap();
    assert_eq!(find(&pair.database, &pair.acme, &near_in("large", &[0.0, 0.0, 1.0], 0.0)).await.len(), 3);
    assert_eq!(pair.vectors(base).list_missing().await.unwrap(), []);
}

#[tokio::test]
async fn a_group_that_changed_meanwhile_is_not_switched() {
    let pair = Pair::create().await;
    let group = pair.group().await;
    let shared = library(&pair, "shared").await;
    tenancy::attach(&pair.admin, shared, pair.acme.knowledge_base_id).await.unwrap();
    assert!(Switch::begin(&pair.admin, &group, &pair.target).await.unwrap().is_none());
    let group = pair.group().await;
    tenancy::detach(&pair.admin, shared, pair.acme.knowledge_base_id).await.unwrap();
    assert!(Switch::begin(&pair.admin, &group, &pair.target).await.unwrap().is_none());
    pair.switch().await;
    let tiny = ModelGroup { embedding_model: "tiny".to_owned(), ..pair.group().await };
    assert!(Switch::begin(&pair.admin, &tiny, &pair.target).await.unwrap().is_none(), "switched meanwhile");
}

#[tokio::test]
async fn vectors_of_chunks_that_are_gone_or_anothers_are_passed_over() {
    let pair = Pair::create().await;
    let (base, foreign) =
        (pair.vectors(pair.acme.knowledge_base_id), pair.vectors(pair.other.knowledge_base_id));
    let mut chunks = base.list_chunks(&base.list_missing().await.unwrap()).await.unwrap();
    let theirs = foreign.list_missing().await.unwrap();
    assert_eq!(base.list_chunks(&theirs).await.unwrap(), [], "another's texts are not read either");
    chunks.extend(foreign.list_chunks(&theirs).await.unwrap());
    assert_eq!(chunks.len(), 4);
    pair.acme.add_embedded_document(&pair.database, "a.md", "Stones", &[("slate", None)]).await;
    let vectors: Vec<_> = chunks.iter().map(|chunk| vector(chunk.id, &chunk.body)).collect();
    base.insert(&vectors).await.unwrap();
    assert_eq!(pair.stored().await, ["other documents: tiny 2"]);
    assert_consistent(&pair.database).await;
}

#[tokio::test]
async fn one_change_of_model_an_org_at_a_time() {
    let pair = Pair::create().await;
    let group = pair.group().await;
    let other = ModelGroup::find(&pair.admin, pair.other.knowledge_base_id).await.unwrap().unwrap();
    let lock = group.lock(&pair.admin).await.unwrap().expect("the lock");
    assert!(group.lock(&pair.admin).await.unwrap().is_none());
    assert!(other.lock(&pair.admin).await.unwrap().is_some());
    lock.release().await;
    assert!(group.lock(&pair.admin).await.unwrap().is_some());
}
