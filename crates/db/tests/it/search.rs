//! What a search finds. Which of two chunks scores higher is measured elsewhere (bench/); here only what must be in an
//! answer, and what must not.

use autri_db::ingest::KnowledgeBaseContent;
use autri_db::search::{Hit, MAX_CANDIDATES, QueryVector, SearchRequest, search};
use autri_db::test_support::{Tenant, TestDatabase, new_document};
use autri_db::{ScopedTx, roles};
use chrono::TimeDelta;

/// A search for words alone.
pub(crate) fn words(words: &str) -> SearchRequest {
    SearchRequest { words: words.to_owned(), limit: 50, ..SearchRequest::default() }
}

/// A search for what is near a vector, with no words.
pub(crate) fn near(values: &[f32], lexical_weight: f64) -> SearchRequest {
    near_in("tiny", values, lexical_weight)
}

/// A search for what is near a vector of this model.
pub(crate) fn near_in(model: &str, values: &[f32], lexical_weight: f64) -> SearchRequest {
    let vector = QueryVector { model: model.to_owned(), values: values.to_vec(), lexical_weight };
    SearchRequest { vector: Some(vector), ..words("") }
}

/// What a program of the tenant finds.
pub(crate) async fn find(database: &TestDatabase, tenant: &Tenant, request: &SearchRequest) -> Vec<Hit> {
    let mcp = database.connect(roles::MCP);
    let mut tx = ScopedTx::enter(&mcp, &tenant.machine_principal()).await.unwrap().unwrap();
    search(&mut tx, request).await.unwrap_or_else(|error| panic!("{request:?}: {error:?}"))
}

/// The bodies found, in the order of storing.
async fn found(database: &TestDatabase, tenant: &Tenant, request: &SearchRequest) -> Vec<String> {
    let mut hits = find(database, tenant, request).await;
    assert!(hits.is_sorted_by(|a, b| a.score >= b.score), "best first: {hits:?}");
    assert!(hits.iter().all(|hit| (0.0..=1.0 + 1e-9).contains(&hit.score)), "{hits:?}");
    hits.sort_by_key(|hit| (hit.title.clone(), hit.ordinal));
    hits.into_iter().map(|hit| hit.body).collect()
}

fn owned(pieces: &[&str]) -> Vec<String> {
    pieces.iter().map(|piece| (*piece).to_owned()).collect()
}

const FOX: &str = "The quick brown fox jumps over the lazy dog.";
const BROWN: &str = "A brown bear is quick to anger, said the fox.";
const DOG: &str = "Dogs sleep in the afternoon.";
const HOST: &str = "Set server.max.connections in /etc/postgres/main.conf";

async fn library() -> (TestDatabase, Tenant) {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    acme.add_document(&database, "animals.md", "Animals", &[FOX, BROWN, DOG, HOST]).await;
    (database, acme)
}

#[tokio::test]
async fn operators_decide_what_may_be_found() {
    let (database, acme) = library().await;
    let base = words("quick brown fox dog");
    let phrases = |pieces: &[&str]| SearchRequest { phrases: owned(pieces), ..base.clone() };
    let without = |pieces: &[&str]| SearchRequest { negated: owned(pieces), ..base.clone() };
    let any = |groups: &[&[&str]]| SearchRequest {
        any_of: groups.iter().map(|group| owned(group)).collect(),
        ..base.clone()
    };
    let cases = [
        ("all words, any of which finds", base.clone(), vec![FOX, BROWN, DOG]),
        ("one word", words("brown"), vec![FOX, BROWN]),
        ("another form of the word", words("sleeping"), vec![DOG]),
        ("other letters", words("BROWN"), vec![FOX, BROWN]),
        ("no such word", words("zebra"), vec![]),
        ("a word inside a host name", words("connections"), vec![HOST]),
        ("a word inside a path", words("postgres"), vec![HOST]),
        ("a phrase", phrases(&["quick brown"]), vec![FOX]),
        ("a phrase across a stop word", phrases(&["jumps over the lazy"]), vec![FOX]),
        ("two phrases", phrases(&["quick brown", "lazy dog"]), vec![FOX]),
        ("phrases in two chunks", phrases(&["quick brown", "brown bear"]), vec![]),
        ("the words of a phrase, apart", phrases(&["brown quick"]), vec![]),
        ("without a word", without(&["lazy"]), vec![BROWN, DOG]),
        ("without a phrase", without(&["quick brown"]), vec![BROWN, DOG]),
        ("without either of two", without(&["lazy", "bear"]), vec![DOG]),
        ("without a word that is nowhere", without(&["zebra"]), vec![FOX, BROWN, DOG]),
        ("one of two", any(&[&["lazy", "sleep"]]), vec![FOX, DOG]),
        ("one of two, one of them nowhere", any(&[&["zebra", "sleep"]]), vec![DOG]),
        ("one of each group", any(&[&["lazy", "bear"], &["jumps", "sleep"]]), vec![FOX]),
        ("none of the group", any(&[&["zebra", "gnu"]]), vec![]),
        ("one of two phrases", any(&[&["brown bear", "lazy dog"]]), vec![FOX, BROWN]),
        (
            "a phrase, a group and a negation",
            SearchRequest {
                phrases: owned(&["brown"]),
                any_of: vec![owned(&["lazy", "bear"])],
                negated: owned(&["anger"]),
                ..base.clone()
            },
            vec![FOX],
        ),
        (
            "a phrase and its own negation",
            SearchRequest { negated: owned(&["fox"]), ..phrases(&["fox"]) },
            vec![],
        ),
    ];
    for (case, request, expected) in cases {
        assert_eq!(found(&database, &acme, &request).await, expected, "{case}");
    }
}

/// "The", "of" and the like stand in no index: they find nothing, and as operators demand nothing.
#[tokio::test]
async fn stop_words_neither_find_nor_demand() {
    let (database, acme) = library().await;
    let base = words("lazy dog");
    let cases = [
        ("as words", words("the of and"), vec![]),
        ("nothing at all", words(""), vec![]),
        ("spaces", words(" \t\n "), vec![]),
        ("signs", words("?!… — ()"), vec![]),
        ("beside a word", words("the lazy"), vec![FOX]),
        ("as a phrase", SearchRequest { phrases: owned(&["of the"]), ..base.clone() }, vec![FOX, DOG]),
        ("as a negation", SearchRequest { negated: owned(&["the"]), ..base.clone() }, vec![FOX, DOG]),
        ("alone in a group", SearchRequest { any_of: vec![owned(&["the"])], ..base.clone() }, vec![FOX, DOG]),
        (
            "in a group, which is always satisfied then",
            SearchRequest { any_of: vec![owned(&["the", "zebra"])], ..base.clone() },
            vec![FOX, DOG],
        ),
        ("an empty group", SearchRequest { any_of: vec![Vec::new()], ..base.clone() }, vec![FOX, DOG]),
        (
            "empty pieces",
            SearchRequest { phrases: owned(&[""]), negated: owned(&[""]), ..base },
            vec![FOX, DOG],
        ),
    ];
    for (case, request, expected) in cases {
        assert_eq!(found(&database, &acme, &request).await, expected, "{case}");
    }
}

#[tokio::test]
async fn headings_find_their_chunk() {
    let (database, acme) = library().await;
    assert_eq!(found(&database, &acme, &words("section 2")).await.len(), 4);
    let heading = SearchRequest { phrases: owned(&["Section 2"]), ..words("section 2") };
    assert_eq!(found(&database, &acme, &heading).await, [DOG]);
}

#[tokio::test]
async fn filters_narrow_by_base_document_and_time() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let handbook = acme.add_knowledge_base(&database, "handbook").await;
    let in_handbook = acme.with_knowledge_base(handbook);
    let old = acme.add_document(&database, "old.md", "1 old", &["granite old"]).await;
    let book =
        in_handbook.add_document(&database, "book.md", "3 book", &["granite book", "basalt book"]).await;
    // A day later than the others.
    let ingest = database.connect(roles::INGEST);
    let content = KnowledgeBaseContent::find(&ingest, acme.knowledge_base_id).await.unwrap().unwrap();
    let mut newer = new_document("new.md", "2 new", &[("granite new", None)]);
    let before = newer.updated_at;
    newer.updated_at += TimeDelta::days(1);
    content.replace_document(&newer).await.unwrap();

    let all = words("granite");
    let of_base = |id| SearchRequest { knowledge_base_id: Some(id), ..all.clone() };
    let of_document = |id| SearchRequest { document_id: Some(id), ..all.clone() };
    let after = |time| SearchRequest { updated_after: Some(time), ..all.clone() };
    let cases = [
        ("none", all.clone(), vec!["granite old", "granite new", "granite book"]),
        ("a base", of_base(acme.knowledge_base_id), vec!["granite old", "granite new"]),
        ("the other base", of_base(handbook), vec!["granite book"]),
        ("no such base", of_base(autri_domain::KnowledgeBaseId::new()), vec![]),
        ("a document", of_document(old), vec!["granite old"]),
        ("a document, a word of another chunk", of_document(book), vec!["granite book"]),
        ("no such document", of_document(autri_domain::DocumentId::new()), vec![]),
        (
            "a document and another base",
            SearchRequest { knowledge_base_id: Some(handbook), ..of_document(old) },
            vec![],
        ),
        ("after the old ones' very time", after(before), vec!["granite new"]),
        (
            "just before it",
            after(before - TimeDelta::seconds(1)),
            vec!["granite old", "granite new", "granite book"],
        ),
        ("after all", after(newer.updated_at), vec![]),
        (
            "time and base",
            SearchRequest { knowledge_base_id: Some(handbook), ..after(before - TimeDelta::days(1)) },
            vec!["granite book"],
        ),
        (
            "time and phrase",
            SearchRequest { phrases: owned(&["granite new"]), ..after(before) },
            vec!["granite new"],
        ),
        (
            "document and a phrase it lacks",
            SearchRequest { phrases: owned(&["granite new"]), ..of_document(old) },
            vec![],
        ),
        ("document and negation", SearchRequest { negated: owned(&["old"]), ..of_document(old) }, vec![]),
    ];
    for (case, request, expected) in cases {
        assert_eq!(found(&database, &acme, &request).await, expected, "{case}");
    }
}

/// Equal chunks, so that only the tie-break orders them.
#[tokio::test]
async fn pages_follow_each_other_without_gap_or_overlap() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let same = ("granite and basalt", Some(vec![1.0, 0.0]));
    for number in 0..5 {
        acme.add_embedded_document(&database, &format!("{number}.md"), "T", &vec![same.clone(); 5]).await;
    }
    let hybrid = SearchRequest { words: "granite".to_owned(), ..near(&[1.0, 0.0], 0.5) };
    for request in [words("granite"), hybrid] {
        let place = |hit: &Hit| (hit.document_id, hit.ordinal);
        let all: Vec<_> = find(&database, &acme, &request).await.iter().map(place).collect();
        assert_eq!(all.len(), 25);
        for limit in [1, 4, 7, 25] {
            let mut paged = Vec::new();
            for offset in (0..25).step_by(usize::try_from(limit).unwrap()) {
                let page = SearchRequest { offset, limit, ..request.clone() };
                let page = find(&database, &acme, &page).await;
                assert!(page.len() <= usize::try_from(limit).unwrap());
                paged.extend(page.iter().map(place));
            }
            assert_eq!(paged, all, "pages of {limit}");
        }
        for (offset, limit) in [(25, 10), (0, 0), (MAX_CANDIDATES, 10), (u32::MAX, u32::MAX)] {
            let beyond = SearchRequest { offset, limit, ..request.clone() };
            assert_eq!(find(&database, &acme, &beyond).await, [], "{offset}, {limit}");
        }
    }
}

#[tokio::test]
async fn no_more_than_the_bound_is_had() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    acme.add_document(&database, "a.md", "A", &vec!["granite"; 250]).await;
    let hits = find(&database, &acme, &SearchRequest { limit: u32::MAX, ..words("granite") }).await;
    assert_eq!(hits.len(), usize::try_from(MAX_CANDIDATES).unwrap());
    let last = SearchRequest { offset: MAX_CANDIDATES - 1, limit: 50, ..words("granite") };
    assert_eq!(find(&database, &acme, &last).await.len(), 1);
}

#[tokio::test]
async fn a_vector_finds_what_shares_no_word() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let texts = [
        ("felines purr", Some(vec![1.0, 0.0])),
        ("stocks fell", Some(vec![0.0, 1.0])),
        ("cat without a vector", None),
    ];
    acme.add_embedded_document(&database, "a.md", "A", &texts).await;
    let cat = SearchRequest { words: "cat".to_owned(), ..near(&[1.0, 0.0], 0.5) };
    assert_eq!(found(&database, &acme, &words("cat")).await, ["cat without a vector"]);
    let hybrid = found(&database, &acme, &cat).await;
    assert!(hybrid.contains(&"felines purr".to_owned()), "near: {hybrid:?}");
    assert!(hybrid.contains(&"cat without a vector".to_owned()), "by its word: {hybrid:?}");
    let by_vector = find(&database, &acme, &near(&[1.0, 0.0], 0.5)).await;
    assert_eq!(by_vector[0].body, "felines purr");
    assert!(by_vector.iter().all(|hit| hit.body != "cat without a vector"));
    // Operators and filters hold for what is near, too.
    let narrowed = [
        SearchRequest { negated: owned(&["purr"]), ..cat.clone() },
        SearchRequest { phrases: owned(&["vector"]), ..cat.clone() },
        SearchRequest { any_of: vec![owned(&["stocks", "vector"])], ..cat.clone() },
        SearchRequest { document_id: Some(autri_domain::DocumentId::new()), ..cat },
    ];
    for request in narrowed {
        let bodies = found(&database, &acme, &request).await;
        assert!(!bodies.contains(&"felines purr".to_owned()), "{request:?}: {bodies:?}");
    }
}

/// Vectors of an earlier model must not be compared with the library's.
#[tokio::test]
async fn only_vectors_of_the_librarys_model_count() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    acme.add_embedded_document(&database, "a.md", "A", &[("felines purr", Some(vec![1.0, 0.0]))]).await;
    let mut admin = database.admin_connection().await;
    let other_model = "INSERT INTO embedding_models VALUES ('earlier', 2);
                       UPDATE chunk_embeddings SET embedding_model = 'earlier'";
    crate::raw_sql::run(&mut admin, other_model).await.unwrap();
    assert_eq!(find(&database, &acme, &near(&[1.0, 0.0], 0.5)).await, []);
}

#[tokio::test]
async fn an_empty_library_answers_with_nothing() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let detached = Tenant::create(&database, "detached").await;
    let detach = format!("DELETE FROM library_kbs WHERE library_id = '{}'", detached.library_id);
    crate::raw_sql::run(&mut database.admin_connection().await, &detach).await.unwrap();
    let requests = [
        words("granite"),
        words(""),
        near(&[1.0, 0.0], 0.5),
        SearchRequest { phrases: owned(&["a phrase"]), negated: owned(&["word"]), ..words("granite") },
    ];
    for request in requests {
        assert_eq!(find(&database, &acme, &request).await, [], "{request:?}");
        assert_eq!(find(&database, &detached, &request).await, [], "{request:?}");
    }
}

#[tokio::test]
async fn a_hit_carries_its_chunk_and_document() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let ingest = database.connect(roles::INGEST);
    let content = KnowledgeBaseContent::find(&ingest, acme.knowledge_base_id).await.unwrap().unwrap();
    let mut document = new_document("a.md", "A title", &[("other", None), ("granite", None)]);
    document.source_url = Some("https://example.com/a".to_owned());
    document.chunks[1].page = Some(4);
    let id = content.replace_document(&document).await.unwrap();
    let [hit] = find(&database, &acme, &words("granite")).await.try_into().unwrap();
    let expected = Hit {
        document_id: id,
        ordinal: 1,
        content_hash: document.chunks[1].content_hash.to_vec(),
        source_key: "a.md".to_owned(),
        title: "A title".to_owned(),
        source_url: Some("https://example.com/a".to_owned()),
        heading_path: vec!["Section 1".to_owned()],
        page: Some(4),
        body: "granite".to_owned(),
        updated_at: document.updated_at,
        score: hit.score,
        has_words: true,
    };
    assert_eq!(hit, expected);
}
