//! What the operator takes away or changes holds from the next call on.

use autri_db::documents::{self, DocumentName};
use autri_db::reembedding::{ModelGroup, Switch, TargetModel};
use autri_db::test_support::Tenant;
use autri_db::{roles, tenancy};
use serde_json::{Value, json};

use crate::support::{Era, Server, Setup, StoppedEmbedder, machine_token};

fn titles(content: &Value) -> Vec<&str> {
    let results = content["results"].as_array().unwrap();
    results.iter().map(|result| result["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_deleted_document_is_gone_from_the_next_search() {
    let server = Server::start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let mut ids = Vec::new();
    for tenant in [&acme, &other] {
        ids.push(tenant.add_document(&server.database, "a", "First", &["Granite is a hard rock."]).await);
        tenant.add_document(&server.database, "b", "Second", &["Granite is an igneous rock."]).await;
    }
    let (token, query) = (machine_token(&acme), json!({ "query": "granite" }));
    let mut found = server.call(&token, "search", &query).await.content();
    assert_eq!(found["results"].as_array().unwrap().len(), 2);

    let admin = server.database.connect(roles::ADMIN);
    documents::delete(&admin, acme.knowledge_base_id, DocumentName::Id(ids[0])).await.unwrap().unwrap();
    found = server.call(&token, "search", &query).await.content();
    assert_eq!(titles(&found), ["Second"]);
    let fetched = server.call(&token, "fetch", &json!({ "id": format!("doc_{}", ids[0]) })).await;
    fetched.tool_error();
    let listed = server.call(&token, "list_documents", &json!({})).await;
    assert!(!listed.text().contains("First"), "{}", listed.text());
    found = server.call(&machine_token(&other), "search", &query).await.content();
    assert_eq!(found["results"].as_array().unwrap().len(), 2, "another tenant's stay");
}

#[tokio::test]
async fn a_detached_knowledge_base_is_gone_from_the_next_search() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    acme.add_document(&server.database, "a", "First", &["Granite is a hard rock."]).await;
    let (token, query) = (machine_token(&acme), json!({ "query": "granite" }));
    assert_eq!(titles(&server.call(&token, "search", &query).await.content()), ["First"]);
    let admin = server.database.connect(roles::ADMIN);
    assert!(tenancy::detach(&admin, acme.library_id, acme.knowledge_base_id).await.unwrap());
    assert_eq!(titles(&server.call(&token, "search", &query).await.content()), [""; 0]);
}

/// Switches the tenant to a model of other dimensions, and deletes the old vectors.
async fn switch(server: &Server, tenant: &Tenant) {
    let admin = server.database.connect(roles::ADMIN);
    tenancy::upsert_embedding_model(&admin, "another", 2).await.unwrap();
    let group = ModelGroup::find(&admin, tenant.knowledge_base_id).await.unwrap().unwrap();
    let target = TargetModel { id: "another".to_owned(), dimensions: 2 };
    Switch::begin(&admin, &group, &target).await.unwrap().unwrap().commit().await.unwrap();
    let texts = [("Granite is an igneous rock.", Some(vec![1.0, 0.0]))];
    tenant.add_embedded_document(&server.database, "b", "Second", &texts).await;
}

/// The question is being embedded by the old model when the library gets another: its vector is compared with no other's.
#[tokio::test]
async fn a_question_that_is_being_embedded_outlives_a_change_of_model() {
    let embedder = StoppedEmbedder::new();
    let server = Setup::with_embedder(embedder.clone()).start().await;
    let acme = server.tenant_with_model("acme").await;
    let texts = [("Granite is a hard rock.", Some(vec![1.0, 0.0, 0.0]))];
    acme.add_embedded_document(&server.database, "a", "First", &texts).await;
    let ask = Era::Modern.call("search", &json!({ "query": "granite" })).token(&machine_token(&acme));
    let switching = async {
        embedder.has_begun().await;
        switch(&server, &acme).await;
        embedder.let_one_end();
    };
    let (answer, ()) = tokio::join!(server.send(ask.clone()), switching);
    let found = answer.content();
    assert_eq!(found["results"].as_array().unwrap().len(), 2, "{found}");

    // This server has the old model alone, and says so from the next call on.
    let found = server.send(ask).await.content();
    assert_eq!(found["results"].as_array().unwrap().len(), 2, "{found}");
    assert!(
        found["note"].as_str().unwrap().contains("does not have the library's embedding model"),
        "{found}"
    );
}
