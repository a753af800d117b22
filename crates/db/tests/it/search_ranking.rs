//! What ranks higher: where a word stands, and what stands beside it. How good the ranking is, `autri eval` measures.

use std::collections::BTreeMap;
use std::path::Path;

use autri_db::bootstrap::Bootstrap;
use autri_db::ingest::{KnowledgeBaseContent, NewDocument};
use autri_db::search::{Hit, SearchRequest};
use autri_db::test_support::{Tenant, TestDatabase, new_document};
use autri_db::{migrations, roles};
use sqlx::migrate::Migrator;

use crate::raw_sql::{number, texts};
use crate::search::{find, near, words};
use crate::stored_content::assert_consistent;

/// The share of a score that the question's words in their order have.
const NEIGHBOURS: f64 = 0.05;

/// A document of one chunk, stored under its title.
fn document(title: &str, headings: &[&str], body: &str) -> NewDocument {
    let mut document = new_document(title, title, &[(body, None)]);
    document.chunks[0].heading_path = headings.iter().map(|heading| (*heading).to_owned()).collect();
    document
}

async fn library(documents: &[NewDocument]) -> (TestDatabase, Tenant) {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    store(&database, &acme, documents).await;
    (database, acme)
}

async fn store(database: &TestDatabase, tenant: &Tenant, documents: &[NewDocument]) {
    let ingest = database.connect(roles::INGEST);
    let content = KnowledgeBaseContent::find(&ingest, tenant.knowledge_base_id).await.unwrap().unwrap();
    for document in documents {
        content.replace_document(document).await.unwrap();
    }
}

fn titles(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.title.as_str()).collect()
}

fn assert_near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
}

/// Equally long, each with the word once. What is stored first would win a tie.
#[tokio::test]
async fn a_word_counts_for_more_in_the_title_or_a_heading_than_in_the_text() {
    let in_text = document("first guide", &["slate"], "granite marble");
    let in_heading = document("second guide", &["granite"], "slate marble");
    let in_title = document("granite guide", &["slate"], "second marble");
    let (database, acme) = library(&[in_text, in_heading, in_title]).await;
    let hits = find(&database, &acme, &words("granite")).await;
    assert_eq!(titles(&hits), ["second guide", "granite guide", "first guide"]);
    assert_near(hits[0].score, hits[1].score);
    // BM25 at average length: f / (f + k1) of what is possible, with f = 3 and f = 1.
    assert_near(hits[0].score, 3.0 / 4.2);
    assert_near(hits[2].score, 1.0 / 2.2);
}

#[tokio::test]
async fn a_title_that_is_the_outermost_heading_counts_once() {
    let (database, _) = library(&[
        document("granite", &["granite", "slate"], "marble"),
        document("basalt", &["slate", "basalt"], "marble"),
    ])
    .await;
    let mut admin = database.admin_connection().await;
    let postings = "SELECT lexeme || ' ' || frequency || ' of ' || lexeme_count FROM postings ORDER BY 1";
    let expected =
        ["basalt 6 of 10", "granit 3 of 7", "marbl 1 of 10", "marbl 1 of 7", "slate 3 of 10", "slate 3 of 7"];
    assert_eq!(texts(&mut admin, postings).await, expected);
    assert_eq!(number(&mut admin, "SELECT lexeme_count FROM knowledge_bases").await.unwrap(), 17);
}

/// The same words, so the same BM25: what is left is their order.
#[tokio::test]
async fn words_that_stand_together_in_the_question_count_for_more_together() {
    let (database, acme) = library(&[
        document("apart", &[], "basalt slab slab granite marble"),
        document("single", &[], "granite basalt slab slab marble"),
        document("double", &[], "slab slab granite basalt of marble"),
    ])
    .await;
    let hits = find(&database, &acme, &words("granite basalt of marble")).await;
    assert_eq!(titles(&hits), ["double", "single", "apart"]);
    assert_near(hits[0].score - hits[1].score, NEIGHBOURS / 2.0);
    assert_near(hits[1].score - hits[2].score, NEIGHBOURS / 2.0);
    let reversed = find(&database, &acme, &words("marble basalt granite")).await;
    assert!(reversed.iter().all(|hit| hit.score.total_cmp(&reversed[0].score).is_eq()), "{reversed:?}");
}

/// A search by the vector alone is by the vector alone.
#[tokio::test]
async fn without_a_share_for_words_their_order_is_nothing() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let chunks = [("basalt granite", Some(vec![0.6, 0.8])), ("granite basalt", Some(vec![0.6, 0.8]))];
    acme.add_embedded_document(&database, "a.md", "A", &chunks).await;
    let by_vector = SearchRequest { words: "granite basalt".to_owned(), ..near(&[1.0, 0.0], 0.0) };
    let hits = find(&database, &acme, &by_vector).await;
    assert_eq!(hits.iter().map(|hit| hit.ordinal).collect::<Vec<_>>(), [0, 1]);
    for hit in hits {
        assert!((hit.score - 0.6).abs() < 1e-3, "half precision: {hit:?}");
    }
}

/// Equal chunks, more than are looked at for neighbours: the order is that of storing all the same, page by page.
#[tokio::test]
async fn equal_chunks_keep_their_order_beyond_the_best() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    acme.add_embedded_document(&database, "a.md", "A", &vec![("granite basalt", Some(vec![1.0, 0.0])); 50])
        .await;
    let hybrid = SearchRequest { words: "granite basalt".to_owned(), ..near(&[1.0, 0.0], 0.5) };
    for request in [words("granite basalt"), hybrid] {
        let mut ordinals = Vec::new();
        for offset in (0..50).step_by(7) {
            let page = SearchRequest { offset, limit: 7, ..request.clone() };
            ordinals.extend(find(&database, &acme, &page).await.into_iter().map(|hit| hit.ordinal));
        }
        assert_eq!(ordinals, (0..50).collect::<Vec<_>>());
    }
}

/// Nothing scores above 1, however often a chunk says it all, and whatever the words weigh.
#[tokio::test]
async fn a_score_is_at_most_one() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let repeated = "granite basalt ".repeat(300);
    let texts = [(repeated.as_str(), Some(vec![1.0, 0.0])), ("slate", Some(vec![-1.0, 0.0]))];
    acme.add_embedded_document(&database, "a.md", "granite basalt", &texts).await;
    for weight in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let request = SearchRequest { words: "granite basalt".to_owned(), ..near(&[1.0, 0.0], weight) };
        let hits = find(&database, &acme, &request).await;
        assert!(hits[0].score > 0.9, "{weight}: {hits:?}");
        assert!(hits.iter().all(|hit| (0.0..=1.0).contains(&hit.score)), "{weight}: {hits:?}");
    }
}

/// Of more words than are looked up those count that few chunks have, and not those that none has.
#[tokio::test]
async fn a_very_long_question_goes_by_its_rarest_words() {
    let text = |words: std::ops::Range<usize>| {
        let words: Vec<String> = words.map(|number| format!("stone{number}")).collect();
        words.join(" ")
    };
    let (common, absent) = (text(0..80), text(100..300));
    let (database, acme) = library(&[
        document("first", &[], &common),
        document("second", &[], &common),
        document("rare", &[], "zircon"),
        document("other", &[], "basalt"),
    ])
    .await;
    let hits = find(&database, &acme, &words(&format!("{absent} {common} zircon"))).await;
    assert_eq!(titles(&hits), ["first", "second", "rare"]);
    let without_absent = find(&database, &acme, &words(&format!("{common} zircon"))).await;
    assert_eq!(titles(&without_absent), titles(&hits));
    assert_near(without_absent[2].score, hits[2].score);
    // With zircon it is 63 of the 80 that count.
    let counted = find(&database, &acme, &words(&format!("{} zircon", text(0..63)))).await;
    assert_near(counted[2].score, hits[2].score);
}

/// What is near in meaning alone is told from what has the words.
#[tokio::test]
async fn a_hit_says_whether_it_has_a_word_of_the_question() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let texts = [("granite", Some(vec![0.6, 0.8])), ("basalt", Some(vec![1.0, 0.0]))];
    acme.add_embedded_document(&database, "a.md", "A", &texts).await;
    for (question, expected) in [("granite", [(0, true), (1, false)]), ("slate", [(0, false), (1, false)])] {
        let request = SearchRequest { words: question.to_owned(), ..near(&[1.0, 0.0], 0.5) };
        let mut hits: Vec<_> =
            find(&database, &acme, &request).await.iter().map(|hit| (hit.ordinal, hit.has_words)).collect();
        hits.sort_unstable();
        assert_eq!(hits, expected, "{question}");
    }
}

/// A question's lexemes become a tsquery each; whatever is in them must not be read as its syntax.
#[tokio::test]
async fn pairs_are_of_lexemes_and_never_of_syntax() {
    let database = TestDatabase::create().await;
    let mut mcp = database.connection(roles::MCP).await;
    for (question, expected) in [
        ("share data between threads", "'share' <-> 'data', 'data' <2> 'thread'"),
        ("one", ""),
        ("", ""),
        ("the of and", ""),
        ("granite granite", ""),
        ("granite basalt granite basalt", "'granit' <-> 'basalt', 'basalt' <-> 'granit'"),
        ("granite' & !'basalt", "'granit' <-> 'basalt'"),
        (r"granite\' <-> \\'basalt | (slate:*)", "'granit' <-> 'basalt', 'basalt' <-> 'slate'"),
    ] {
        let sql = format!("SELECT array_to_string(search_pairs($q${question}$q$)::text[], ', ')");
        assert_eq!(texts(&mut mcp, &sql).await, [expected], "{question}");
    }
    let many: Vec<String> = (0..500).map(|number| format!("word{number}")).collect();
    let sql = format!("SELECT cardinality(search_pairs('{}'))::bigint", many.join(" "));
    assert_eq!(number(&mut mcp, &sql).await.unwrap(), 16);
}

/// A library that was filled before this ranking came ranks by it afterwards, without being ingested again.
#[tokio::test]
async fn stored_content_is_weighted_by_the_migration() {
    let database = TestDatabase::reserve().await;
    let bootstrap = Bootstrap {
        admin_url: database.admin_url().clone(),
        database: database.name().to_owned(),
        passwords: BTreeMap::new(),
    };
    bootstrap.run().await.unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let before = Migrator::new(folder).await.unwrap();
    before.run_to(8, &mut database.connection(roles::MIGRATE).await).await.unwrap();

    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let documents = [
        document("first guide", &["slate"], "granite marble"),
        document("granite guide", &["granite guide", "slate"], "second marble"),
        document("no words", &[], "the of and"),
    ];
    store(&database, &acme, &documents).await;
    let mut admin = database.admin_connection().await;
    let frequencies = "SELECT DISTINCT frequency::text FROM postings";
    assert_eq!(texts(&mut admin, frequencies).await, ["1"], "each word alike");

    let owner = database.connect(roles::MIGRATE);
    migrations::apply(&owner).await.unwrap();
    owner.close().await;
    assert_consistent(&database).await;
    let hits = find(&database, &acme, &words("granite")).await;
    assert_eq!(titles(&hits), ["granite guide", "first guide"]);
    let rights =
        "SELECT proowner::regrole::text || ' ' || prosecdef FROM pg_proc WHERE proname = 'post_chunks'";
    assert_eq!(texts(&mut admin, rights).await, ["autri_definer true"]);
}
