//! Storing, replacing and deleting documents: whole or not at all, and everything derived stays true.

use std::collections::BTreeMap;

use autri_db::ingest::{KnowledgeBaseContent, NewDocument};
use autri_db::test_support::{Tenant, TestDatabase, new_document};
use autri_db::{Database, DbError, ScopedTx, content, roles};
use autri_domain::{DocumentId, KnowledgeBaseId};
use futures_util::future::join_all;
use proptest::collection::vec;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::raw_sql::{number, run, texts};
use crate::stored_content::assert_consistent;

async fn content_of(database: &Database, id: KnowledgeBaseId) -> KnowledgeBaseContent {
    KnowledgeBaseContent::find(database, id).await.expect("an answer").expect("a knowledge base")
}

/// The bodies that a reader of the tenant sees, in order.
async fn bodies(database: &TestDatabase, tenant: &Tenant, document: DocumentId) -> Vec<String> {
    let mcp = database.connect(roles::MCP);
    let mut tx = ScopedTx::enter(&mcp, &tenant.machine_principal()).await.unwrap().unwrap();
    let chunks = content::list_chunks(&mut tx, document, 0, 1000).await.unwrap();
    chunks.into_iter().map(|chunk| chunk.body).collect()
}

fn plain(key: &str, title: &str, bodies: &[&str]) -> NewDocument {
    new_document(key, title, &bodies.iter().map(|body| (*body, None)).collect::<Vec<_>>())
}

#[tokio::test]
async fn both_logins_that_may_ingest_can() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    for role in [roles::INGEST, roles::ADMIN] {
        let login = database.connect(role);
        let content = content_of(&login, acme.knowledge_base_id).await;
        assert_eq!(content.id(), acme.knowledge_base_id);
        let id = content.replace_document(&plain(role, "Title", &["one body"])).await.unwrap();
        assert_eq!(bodies(&database, &acme, id).await, ["one body"]);
    }
    assert_consistent(&database).await;
    let nobodys = KnowledgeBaseContent::find(&database.connect(roles::INGEST), KnowledgeBaseId::new()).await;
    assert!(nobodys.unwrap().is_none());
    for role in [roles::MCP, roles::PRE_TOKEN, roles::POST_CONFIRMATION, roles::FRONT_DOOR] {
        let denied = KnowledgeBaseContent::find(&database.connect(role), acme.knowledge_base_id).await;
        assert!(matches!(denied, Err(DbError::Unexpected(_))), "{role}");
    }
}

#[tokio::test]
async fn what_was_stored_is_what_is_read() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    let mut given =
        plain("guide/start.md", "A guide — 入門", &["First.\n", "Ünïcode \"quoted\" 'text' \\ {a,b}", ""]);
    given.source_url = Some("https://example.com/start".to_owned());
    given.chunks[1].heading_path =
        vec!["Part, one".to_owned(), "\"Quoted\" {braces}".to_owned(), String::new()];
    given.chunks[1].page = Some(7);
    given.chunks[2].heading_path = Vec::new();
    let id = content.replace_document(&given).await.unwrap();

    let mcp = database.connect(roles::MCP);
    let mut tx = ScopedTx::enter(&mcp, &acme.machine_principal()).await.unwrap().unwrap();
    let found = content::find_document(&mut tx, id).await.unwrap().unwrap();
    assert_eq!((found.title.as_str(), found.chunk_count), ("A guide — 入門", 3));
    assert_eq!(found.source_url.as_deref(), Some("https://example.com/start"));
    assert_eq!((found.updated_at, found.knowledge_base_id), (given.updated_at, acme.knowledge_base_id));
    assert_eq!(found.byte_count, i64::try_from(given.chunks[2].byte_end).unwrap());
    let chunks = content::list_chunks(&mut tx, id, 0, 10).await.unwrap();
    for (place, (stored, new)) in chunks.iter().zip(&given.chunks).enumerate() {
        assert_eq!(usize::try_from(stored.ordinal).unwrap(), place);
        assert_eq!((&stored.heading_path, &stored.body), (&new.heading_path, &new.body));
        assert_eq!(stored.page, new.page.map(u32::cast_signed));
        assert_eq!(stored.content_hash, new.content_hash);
    }
    assert_eq!(chunks.len(), 3);
    let from_second = content::list_chunks(&mut tx, id, 1, 1).await.unwrap();
    assert_eq!(from_second, chunks[1..2]);
    let stored = content.find_document("guide/start.md").await.unwrap().unwrap();
    assert_eq!((stored.id, stored.content_hash), (id, given.content_hash.to_vec()));
    assert_eq!(content.find_document("guide").await.unwrap(), None);
    assert_consistent(&database).await;
}

#[tokio::test]
async fn a_source_key_keeps_its_id() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let first =
        acme.add_embedded_document(&database, "a.md", "One", &[("old words", Some(vec![1.0, 0.0]))]).await;
    let again = acme.add_document(&database, "a.md", "Two", &["new", "words"]).await;
    assert_eq!(first, again);
    assert_eq!(bodies(&database, &acme, first).await, ["new", "words"]);
    let mut admin = database.admin_connection().await;
    let old = "SELECT lexeme FROM postings WHERE lexeme IN ('old', 'one')";
    assert_eq!(texts(&mut admin, old).await, Vec::<String>::new(), "nothing of the old version is found");
    assert_eq!(number(&mut admin, "SELECT count(*) FROM chunk_embeddings").await.unwrap(), 0);
    assert_consistent(&database).await;
}

#[tokio::test]
async fn a_failed_replacement_leaves_the_old_version_whole() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let kept = [("old words", Some(vec![1.0, 0.0])), ("more old words", Some(vec![0.0, 1.0]))];
    let id = acme.add_embedded_document(&database, "a.md", "Old", &kept).await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    let before = content.find_document("a.md").await.unwrap().unwrap();

    let with = |change: fn(&mut NewDocument)| {
        let mut document = new_document("a.md", "New", &[("new words", Some(vec![1.0, 0.0])), ("new", None)]);
        change(&mut document);
        document
    };
    let broken = [
        (
            with(|new| new.chunks[0].embedding = Some(vec![1.0, 0.0, 0.0])),
            Some("chunk_embeddings_of_the_models_dimensions"),
        ),
        (with(|new| new.chunks[1].embedding = Some(vec![f32::NAN, 0.0])), None),
        (with(|new| new.chunks[1].embedding = Some(Vec::new())), None),
        (with(|new| new.chunks[1].byte_end = 0), Some("chunks_byte_range")),
        (with(|new| new.chunks[1].page = Some(0)), Some("chunks_page_range")),
        (with(|new| new.chunks[1].body = "a\0b".to_owned()), None),
        (with(|new| new.title = String::new()), Some("documents_title_length")),
        (with(|new| new.title = "x".repeat(1001)), Some("documents_title_length")),
        (
            with(|new| new.source_url = Some("javascript:alert(1)".to_owned())),
            Some("documents_source_url_is_http"),
        ),
        (
            with(|new| new.source_url = Some(format!("https://{}", "x".repeat(4000)))),
            Some("documents_source_url_is_http"),
        ),
    ];
    for (document, constraint) in broken {
        let error = content.replace_document(&document).await.expect_err(&format!("{document:?}"));
        assert_eq!(error.constraint(), constraint, "{error:?}");
        assert_eq!(content.find_document("a.md").await.unwrap().as_ref(), Some(&before));
        assert_eq!(bodies(&database, &acme, id).await, ["old words", "more old words"]);
        assert_eq!(content.list_embeddings(id).await.unwrap().len(), 2);
        assert_consistent(&database).await;
    }
    let no_key = content.replace_document(&plain("", "Title", &["x"])).await.unwrap_err();
    assert_eq!(no_key.constraint(), Some("documents_source_key_length"));
}

#[tokio::test]
async fn a_base_without_a_model_refuses_vectors() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    let document = new_document("a.md", "A", &[("words", Some(vec![1.0]))]);
    let error = content.replace_document(&document).await.unwrap_err();
    assert_eq!(error.constraint(), Some("chunk_embeddings_of_the_models_dimensions"));
    assert_eq!(content.find_document("a.md").await.unwrap(), None);
}

#[tokio::test]
async fn vectors_are_given_back_by_content_hash() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let texts = [("one", Some(vec![0.5, -0.25])), ("two", None), ("three", Some(vec![0.0, 1.0]))];
    let id = acme.add_embedded_document(&database, "a.md", "A", &texts).await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    let found: BTreeMap<_, _> = content.list_embeddings(id).await.unwrap().into_iter().collect();
    let given = new_document("a.md", "A", &texts);
    let expected: BTreeMap<_, _> = given
        .chunks
        .into_iter()
        .filter_map(|chunk| Some((chunk.content_hash.to_vec(), chunk.embedding?)))
        .collect();
    assert_eq!(found, expected);
    assert!(content.list_embeddings(DocumentId::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_change_mark_is_that_of_the_stored_version() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    let with_mark = |body, change_mark| NewDocument { change_mark, ..plain("a.md", "A", &[body]) };
    let mark = async || content.find_document("a.md").await.unwrap().unwrap().change_mark;

    content.replace_document(&with_mark("one", Some([1; 32]))).await.unwrap();
    assert_eq!(mark().await.as_deref(), Some(&[1; 32][..]));
    let first = content.find_document("a.md").await.unwrap().unwrap();
    content.set_change_mark(&first, Some([2; 32])).await.unwrap();
    assert_eq!(mark().await.as_deref(), Some(&[2; 32][..]));
    content.replace_document(&with_mark("two", None)).await.unwrap();
    assert_eq!(mark().await, None, "what replaces a version says all of itself");
    content.set_change_mark(&first, Some([3; 32])).await.unwrap();
    assert_eq!(mark().await, None, "a mark is of the version that it was made for");
}

#[tokio::test]
async fn documents_are_looked_up_together() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    let mut ids = BTreeMap::new();
    for key in ["a.md", "b,{}\"'.md", "c.md"] {
        ids.insert(key.to_owned(), acme.add_document(&database, key, "T", &["x"]).await);
    }
    other.add_document(&database, "d.md", "T", &["x"]).await;
    ids.remove("c.md");
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    let found = content.find_documents(&["a.md", "b,{}\"'.md", "d.md", "e.md"]).await.unwrap();
    let found: BTreeMap<_, _> = found.into_iter().map(|(key, document)| (key, document.id)).collect();
    assert_eq!(found, ids);
    assert!(content.find_documents(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn deleting_removes_everything_of_the_document_and_nothing_else() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    acme.add_embedded_document(&database, "gone.md", "Gone", &[("marble", Some(vec![1.0, 0.0]))]).await;
    let left =
        acme.add_embedded_document(&database, "left.md", "Left", &[("marble", Some(vec![1.0, 0.0]))]).await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    assert!(content.delete_document("gone.md").await.unwrap());
    assert!(!content.delete_document("gone.md").await.unwrap());
    let mut admin = database.admin_connection().await;
    for table in ["chunks", "chunk_embeddings", "postings WHERE lexeme = 'marbl'"] {
        assert_eq!(number(&mut admin, &format!("SELECT count(*) FROM {table}")).await.unwrap(), 1, "{table}");
    }
    assert_eq!(bodies(&database, &acme, left).await, ["marble"]);
    assert_consistent(&database).await;
}

#[tokio::test]
async fn what_was_stored_since_somebody_looked_is_not_gone() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    for key in ["gone.md", "changed.md"] {
        content.replace_document(&plain(key, "Title", &["old"])).await.unwrap();
    }
    let looked = content.now().await.unwrap();
    for key in ["new.md", "changed.md"] {
        content.replace_document(&plain(key, "Title", &["new"])).await.unwrap();
    }
    for (key, is_gone) in [("gone.md", true), ("changed.md", false), ("new.md", false), ("none.md", false)] {
        assert_eq!(content.delete_gone_document(key, looked).await.unwrap(), is_gone, "{key}");
    }
    assert_eq!(content.list_source_keys("", 10).await.unwrap(), ["changed.md", "new.md"]);
}

#[tokio::test]
async fn source_keys_are_listed_in_pages_by_their_bytes() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    other.add_document(&database, "c.md", "C", &["x"]).await;
    for key in ["b.md", "a/ä.md", "Z.md", "a.md", "ä.md"] {
        acme.add_document(&database, key, "T", &["x"]).await;
    }
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    let (mut after, mut keys) = (String::new(), Vec::new());
    loop {
        let page = content.list_source_keys(&after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        keys.extend(page);
    }
    assert_eq!(keys, ["Z.md", "a.md", "a/ä.md", "b.md", "ä.md"]);
}

/// A chunk without a lexeme is stored and read; it counts for nothing in the ranking's averages.
#[tokio::test]
async fn a_chunk_without_words_is_kept_and_not_counted() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    let mut document = plain("a.md", "A", &["the of and", "granite"]);
    document.chunks.iter_mut().for_each(|chunk| chunk.heading_path.clear());
    let id = content.replace_document(&document).await.unwrap();
    assert_eq!(bodies(&database, &acme, id).await, ["the of and", "granite"]);
    let mut admin = database.admin_connection().await;
    assert_eq!(number(&mut admin, "SELECT chunk_count FROM knowledge_bases").await.unwrap(), 1);
    assert_consistent(&database).await;
}

/// More words than a smallint counts: a data file that somebody ingested.
#[tokio::test]
async fn a_huge_chunk_is_stored() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let body = "granite basalt ".repeat(20_000);
    acme.add_document(&database, "a.md", "A", &[&body]).await;
    assert_consistent(&database).await;
}

#[derive(Debug, Clone)]
enum Step {
    Replace { key: u8, bodies: Vec<String>, embedded: bool },
    Fail { key: u8 },
    Delete { key: u8 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let body = vec(prop_oneof!["granite", "basalt", "the", "v1\\.2", "ä", "a/b", "[a-z]{1,6}"], 0..12);
    let bodies = vec(body.prop_map(|words| words.join(" ")), 0..5);
    let replace = (0..3_u8, bodies, proptest::bool::ANY).prop_map(|(key, bodies, embedded)| Step::Replace {
        key,
        bodies,
        embedded,
    });
    let fail = (0..3_u8).prop_map(|key| Step::Fail { key });
    let delete = (0..3_u8).prop_map(|key| Step::Delete { key });
    vec(prop_oneof![4 => replace, 1 => fail, 2 => delete], 1..10)
}

/// Takes the steps, and checks after each that the database holds what a map would.
async fn take_steps(database: &TestDatabase, ingest: &Database, tenant: &Tenant, steps: Vec<Step>) {
    let content = content_of(ingest, tenant.knowledge_base_id).await;
    let mut expected = BTreeMap::<String, Vec<String>>::new();
    for step in steps {
        match step {
            Step::Replace { key, bodies, embedded } => {
                let key = format!("{key}.md");
                let vector = embedded.then(|| vec![1.0, 0.0]);
                let texts: Vec<_> = bodies.iter().map(|body| (body.as_str(), vector.clone())).collect();
                content.replace_document(&new_document(&key, "T", &texts)).await.unwrap();
                expected.insert(key, bodies);
            }
            Step::Fail { key } => {
                let texts = [("words of a version that fails", Some(vec![1.0, 2.0, 3.0]))];
                content.replace_document(&new_document(&format!("{key}.md"), "T", &texts)).await.unwrap_err();
            }
            Step::Delete { key } => {
                let key = format!("{key}.md");
                let deleted = content.delete_document(&key).await.unwrap();
                assert_eq!(deleted, expected.remove(&key).is_some());
            }
        }
        assert_consistent(database).await;
    }
    let keys: Vec<_> = expected.keys().cloned().collect();
    assert_eq!(content.list_source_keys("", 100).await.unwrap(), keys);
    for (key, expected) in expected {
        let id = content.find_document(&key).await.unwrap().unwrap().id;
        assert_eq!(bodies(database, tenant, id).await, expected);
    }
    run(&mut database.admin_connection().await, "DELETE FROM documents").await.unwrap();
    assert_consistent(database).await;
}

#[test]
fn counts_and_postings_stay_true_over_any_sequence() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let database = runtime.block_on(TestDatabase::create());
    let tenant = runtime.block_on(Tenant::create_with_model(&database, "acme", "tiny", 2));
    let ingest = database.connect(roles::INGEST);
    let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&steps(), |steps| {
        runtime.block_on(take_steps(&database, &ingest, &tenant, steps));
        Ok::<(), TestCaseError>(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn concurrent_writers_of_one_document_leave_one_whole_version() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    for _ in 0..5 {
        let write = async |number: usize| {
            let body = format!("version{number} shared words");
            let texts = vec![(body.as_str(), Some(vec![1.0, 0.0])); 1 + number];
            content.replace_document(&new_document("a.md", &format!("T{number}"), &texts)).await
        };
        let ids: Vec<_> = join_all((0..4).map(write)).await.into_iter().collect::<Result<_, _>>().unwrap();
        assert!(ids.iter().all(|id| *id == ids[0]), "one document: {ids:?}");
        let stored = bodies(&database, &acme, ids[0]).await;
        let version = stored.len() - 1;
        assert_eq!(stored, vec![format!("version{version} shared words"); version + 1]);
        assert_consistent(&database).await;
    }
}

#[tokio::test]
async fn concurrent_writers_of_one_base_neither_block_for_good_nor_miscount() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let ingest = database.connect(roles::INGEST);
    let content = content_of(&ingest, acme.knowledge_base_id).await;
    // The same words in every document, so that all write the same postings' pages.
    let write = async |number: usize| -> Result<(), DbError> {
        let key = format!("{}.md", number % 6);
        if number % 5 == 4 {
            content.delete_document(&key).await?;
        } else {
            let texts = vec![("zinc yttrium xenon", Some(vec![1.0, 0.0])), ("xenon yttrium zinc", None)];
            content.replace_document(&new_document(&key, "T", &texts)).await?;
        }
        Ok(())
    };
    for outcome in join_all((0..60).map(write)).await {
        outcome.unwrap();
    }
    assert_consistent(&database).await;
}
