//! Another tenant's ids and names are worth as much as invented ones, byte for byte.

use autri_db::test_support::Tenant;
use autri_domain::{ChunkRef, DocumentId, KnowledgeBaseId, PublicId};
use serde_json::{Value, json};

use crate::support::{ERAS, Server, machine_token, person_token};

const SECRET: &str = "quartzite";

/// Two documents under the word "granite", of which one holds the secret.
async fn fill(server: &Server, tenant: &Tenant, secret: &str) -> DocumentId {
    let database = &server.database;
    tenant.add_document(database, "a", "First", &["Granite is a hard rock."]).await;
    let text = format!("Granite is harder than {secret}.");
    tenant.add_document(database, "b", &format!("Second {secret}"), &[&text, "The end."]).await
}

#[tokio::test]
async fn a_foreign_id_gets_the_answer_of_an_invented_one() {
    let server = Server::start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let document = fill(&server, &acme, SECRET).await;
    fill(&server, &other, "basalt").await;
    let acme_token = machine_token(&acme);
    let found = server.call(&acme_token, "search", &json!({ "query": SECRET })).await.content();
    let chunk = found["results"][0]["id"].as_str().unwrap().to_owned();
    assert!(chunk.starts_with(&format!("doc_{document}.")), "{chunk}");

    let invented = DocumentId::new();
    let invented_chunk = PublicId::Chunk(ChunkRef { document: invented, ordinal: 0, hash_prefix: [1; 4] });
    let (real_doc, no_doc) = (format!("doc_{document}"), format!("doc_{invented}"));
    let (real_base, no_base) = (acme.knowledge_base_id.to_string(), KnowledgeBaseId::new().to_string());
    let pairs = [
        ("fetch", json!({ "id": real_doc }), json!({ "id": no_doc })),
        ("fetch", json!({ "id": chunk }), json!({ "id": invented_chunk.to_string() })),
        (
            "search",
            json!({ "query": "granite", "document": real_doc }),
            json!({ "query": "granite", "document": no_doc }),
        ),
        (
            "search",
            json!({ "query": "granite", "document": chunk }),
            json!({ "query": "granite", "document": no_doc }),
        ),
        (
            "search",
            json!({ "query": "granite", "knowledge_base": real_base }),
            json!({ "query": "granite", "knowledge_base": no_base }),
        ),
        (
            "search",
            json!({ "query": "granite", "knowledge_base": "acme documents" }),
            json!({ "query": "granite", "knowledge_base": "no documents" }),
        ),
        ("list_documents", json!({ "knowledge_base": real_base }), json!({ "knowledge_base": no_base })),
        (
            "list_documents",
            json!({ "knowledge_base": "ACME documents" }),
            json!({ "knowledge_base": "no documents" }),
        ),
    ];
    for (tool, real, fake) in &pairs {
        // The owner gets something else, so that the comparison below says something.
        let own = server.call(&acme_token, tool, real).await;
        for token in [machine_token(&other), person_token(&other)] {
            for era in ERAS {
                let stolen = server.send(era.call(tool, real).token(&token)).await;
                let nothing = server.send(era.call(tool, fake).token(&token)).await;
                assert_eq!(stolen.status, nothing.status, "{tool} {real}");
                assert_eq!(stolen.text(), nothing.text(), "{tool} {real}");
                assert_ne!(stolen.text(), own.text(), "{tool} {real}");
            }
        }
    }
    let rows = server.audit_rows().await;
    assert!(rows.iter().all(|row| [acme.org_id, other.org_id].contains(&row.org_id)));
}

#[tokio::test]
async fn a_foreign_cursor_is_worth_no_more_than_ones_own() {
    let server = Server::start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let document = fill(&server, &acme, SECRET).await;
    fill(&server, &other, "basalt").await;
    let (acme_token, token) = (machine_token(&acme), machine_token(&other));
    let first = json!({ "query": "granite", "limit": 1 });
    let mut theirs = first.clone();
    theirs["cursor"] = server.call(&acme_token, "search", &first).await.content()["next_cursor"].take();
    assert!(theirs["cursor"].is_string(), "{theirs}");
    let mut own = first.clone();
    own["cursor"] = server.call(&token, "search", &first).await.content()["next_cursor"].take();
    let with_theirs = server.call(&token, "search", &theirs).await;
    assert_eq!(with_theirs.text(), server.call(&token, "search", &own).await.text());
    assert_eq!(with_theirs.content()["results"].as_array().unwrap().len(), 1);
    assert!(!with_theirs.text().contains(SECRET));
    // A cursor of a document goes with its id, which opens nothing.
    let of_document = json!({ "id": format!("doc_{document}"), "cursor": theirs["cursor"] });
    server.call(&token, "fetch", &of_document).await.tool_error();
}

#[tokio::test]
async fn nothing_that_a_tool_gives_is_another_tenants() {
    let server = Server::start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    fill(&server, &acme, SECRET).await;
    fill(&server, &other, "basalt").await;
    let calls = [
        ("search", json!({ "query": SECRET })),
        ("search", json!({ "query": "granite", "limit": 50 })),
        ("search", json!({ "query": format!("\"harder than {SECRET}\"") })),
        ("list_documents", json!({})),
        ("list_knowledge_bases", json!({})),
    ];
    let all = async |token: &str| {
        let mut seen = Vec::new();
        for (tool, arguments) in &calls {
            seen.push(server.call(token, tool, arguments).await.content());
        }
        Value::from(seen).to_string()
    };
    let own = all(&machine_token(&acme)).await;
    assert!(own.contains(SECRET) && own.contains("acme"), "{own}");
    for token in [machine_token(&other), person_token(&other)] {
        let seen = all(&token).await;
        assert!(seen.contains("basalt"), "{seen}");
        assert!(!seen.contains(SECRET) && !seen.contains("acme"), "{seen}");
    }
}
