//! Searches of so many chunks that the codes of their vectors are compared first: what they find is what comparing all
//! vectors finds, and the rules of tenancy are the same.

use autri_db::search::{Hit, SearchRequest};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_domain::DocumentId;

use crate::raw_sql::{number, run, texts};
use crate::search::{find, near_in};

/// Up to so many chunks, by the knowledge base's count, all vectors are compared.
const EXACT_UP_TO: i64 = 50_000;

/// More than the search takes for likely, so that the codes decide.
const STORED: i64 = 4000;

const DIMENSIONS: usize = 24;

/// A vector of length 1 that only its number determines.
fn vector(number: i64) -> Vec<f32> {
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let values =
        (1..=DIMENSIONS).map(|place| ((number + 1) as f64 * place as f64 * 0.7).sin()).collect::<Vec<_>>();
    let length = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "the database keeps 16 bits")]
    let shortened = values.iter().map(|value| (value / length) as f32).collect();
    shortened
}

/// Stores chunks without words, with the vectors of their numbers.
async fn store(database: &TestDatabase, tenant: &Tenant, numbers: std::ops::Range<i64>) -> DocumentId {
    let chunks: Vec<_> = numbers.map(|number| (number.to_string(), Some(vector(number)))).collect();
    let chunks: Vec<_> = chunks.iter().map(|(text, vector)| (text.as_str(), vector.clone())).collect();
    let name = format!("from {}", chunks[0].0);
    tenant.add_embedded_document(database, &name, &name, &chunks).await
}

/// Lets the tenant's knowledge base count as many chunks as it takes, or one less.
async fn let_be_large(database: &TestDatabase, tenant: &Tenant, is_large: bool) {
    let chunks = EXACT_UP_TO + i64::from(is_large);
    let base = tenant.knowledge_base_id;
    let count = format!("UPDATE knowledge_bases SET chunk_count = {chunks} WHERE id = '{base}'");
    run(&mut database.admin_connection().await, &count).await.unwrap();
}

async fn tenant(database: &TestDatabase, name: &str) -> Tenant {
    Tenant::create_with_model(database, name, "wavy", u32::try_from(DIMENSIONS).unwrap()).await
}

fn near(number: i64) -> SearchRequest {
    // Its neighbour's direction as well, so that no stored vector is met exactly.
    let middle: Vec<f32> = vector(number).iter().zip(vector(number + 1)).map(|(a, b)| a + 0.3 * b).collect();
    let length = middle.iter().map(|value| value * value).sum::<f32>().sqrt();
    near_in("wavy", &middle.iter().map(|value| value / length).collect::<Vec<_>>(), 0.0)
}

fn bodies(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.body.as_str()).collect()
}

#[tokio::test]
async fn codes_find_what_all_vectors_find_and_nothing_of_another_tenant() {
    let database = TestDatabase::create().await;
    let (large, other) = (tenant(&database, "large").await, tenant(&database, "other").await);
    store(&database, &large, 0..STORED).await;
    // As near as can be, and stored in a base that counts as large, too.
    store(&database, &other, 0..200).await;
    let_be_large(&database, &other, true).await;
    // While a knowledge base gets another model, a chunk has vectors of two.
    let another_model = "INSERT INTO embedding_models VALUES ('next', 3);
        INSERT INTO chunk_embeddings (chunk_id, knowledge_base_id, embedding_model, dimensions, embedding)
        SELECT chunk_id, knowledge_base_id, 'next', 3, '[1,0,0]' FROM chunk_embeddings";
    run(&mut database.admin_connection().await, another_model).await.unwrap();
    for question in [3, 77, 150, 1234, 3333] {
        let_be_large(&database, &large, false).await;
        let by_vectors = find(&database, &large, &near(question)).await;
        assert_eq!(by_vectors.len(), 50);
        let_be_large(&database, &large, true).await;
        let by_codes = find(&database, &large, &near(question)).await;
        assert_eq!(by_codes, by_vectors, "{question}");
        assert_eq!(by_codes, find(&database, &large, &near(question)).await, "{question}, again");
    }
    let hits = find(&database, &other, &near(STORED - 1)).await;
    assert!(bodies(&hits).iter().all(|body| body.parse::<i64>().unwrap() < 200), "{:?}", bodies(&hits));
}

/// What is demanded may lie farther than all the likely ones.
#[tokio::test]
async fn what_narrows_a_search_does_so_before_the_nearest_are_taken() {
    let database = TestDatabase::create().await;
    let large = tenant(&database, "large").await;
    let far = large
        .add_embedded_document(
            &database,
            "far",
            "far",
            &[("far away", Some(vector(5).iter().map(|value| -value).collect()))],
        )
        .await;
    store(&database, &large, 0..2000).await;
    let_be_large(&database, &large, true).await;
    let of_the_document = SearchRequest { document_id: Some(far), ..near(5) };
    assert_eq!(bodies(&find(&database, &large, &of_the_document).await), ["far away"]);
    let with_the_phrase = SearchRequest { phrases: vec!["far away".to_owned()], ..near(5) };
    assert_eq!(bodies(&find(&database, &large, &with_the_phrase).await), ["far away"]);
    let nearest = bodies(&find(&database, &large, &near(5)).await)[0].to_owned();
    let without = SearchRequest { negated: vec![nearest.clone()], ..near(5) };
    let rest = find(&database, &large, &without).await;
    assert!(!bodies(&rest).contains(&nearest.as_str()));
    assert_eq!(rest.len(), 50);
}

#[tokio::test]
async fn what_is_deleted_or_replaced_is_not_found_by_its_code() {
    let database = TestDatabase::create().await;
    let large = tenant(&database, "large").await;
    store(&database, &large, 0..10).await;
    let_be_large(&database, &large, true).await;
    let nearest = async || find(&database, &large, &near(5)).await.first().map(|hit| hit.body.clone());
    assert_eq!(nearest().await.as_deref(), Some("5"));
    large.add_embedded_document(&database, "from 0", "from 0", &[("new", Some(vector(700)))]).await;
    let_be_large(&database, &large, true).await;
    assert_eq!(nearest().await.as_deref(), Some("new"));
}

#[tokio::test]
async fn a_code_has_five_bits_a_dimension_and_is_left_out_beyond_512() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin_connection().await;
    let code = "SELECT vector_code('[0.9, -0.3, 0.1, -0.9]')::text";
    // Level by level, from the lowest; the root mean square is a half.
    assert_eq!(texts(&mut admin, code).await, ["1110".to_owned() + "1010" + "1010" + "1000" + "1000"]);
    let bits = "SELECT length(vector_code(array_fill(0.04, ARRAY[512])::halfvec))::bigint";
    assert_eq!(number(&mut admin, bits).await.unwrap(), 2560);
    let none = "SELECT count(*) WHERE vector_code(array_fill(0.04, ARRAY[513])::halfvec) IS NULL";
    assert_eq!(number(&mut admin, none).await.unwrap(), 1);
}

/// Without codes, all vectors are compared, however many.
#[tokio::test]
async fn a_model_of_many_dimensions_is_searched_without_codes() {
    let database = TestDatabase::create().await;
    let large = Tenant::create_with_model(&database, "large", "wide", 600).await;
    let axis = |place: usize| (0..600).map(|at| if at == place { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
    let chunks = [("first", Some(axis(0))), ("second", Some(axis(1)))];
    large.add_embedded_document(&database, "wide", "wide", &chunks).await;
    let_be_large(&database, &large, true).await;
    let hits = find(&database, &large, &near_in("wide", &axis(1), 0.0)).await;
    assert_eq!(bodies(&hits)[0], "second");
}
