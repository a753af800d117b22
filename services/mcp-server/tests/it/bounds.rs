//! Results have a size that clients can take, and a cursor for what is left.

use std::collections::BTreeSet;

use autri_db::test_support::Tenant;
use serde_json::{Value, json};

use crate::support::{Server, machine_token};

/// The budget of a result's text, in bytes.
const BUDGET: usize = 32_000;

/// Pages through a tool's list to its end. Returns each page's items.
async fn pages(server: &Server, token: &str, tool: &str, arguments: &Value, list: &str) -> Vec<Vec<Value>> {
    let mut arguments = arguments.clone();
    let mut pages = Vec::new();
    loop {
        let mut content = server.call(token, tool, &arguments).await.content();
        let text = content.to_string();
        assert!(text.len() <= BUDGET, "{tool}: {} bytes", text.len());
        let items = content[list].as_array().unwrap().clone();
        assert!(!items.is_empty(), "{tool}: an empty page never ends");
        pages.push(items);
        match content["next_cursor"].take() {
            Value::Null => return pages,
            cursor => arguments["cursor"] = cursor,
        }
        assert!(pages.len() < 100, "{tool} does not end");
    }
}

/// The ids of all items, and of what a passage was joined of; none may come twice.
fn distinct_ids(pages: &[Vec<Value>]) -> BTreeSet<String> {
    let of = |item: &Value| {
        let neighbours = item["neighbours"].as_array().cloned().unwrap_or_default();
        std::iter::once(item["id"].clone()).chain(neighbours).collect::<Vec<_>>()
    };
    let ids: Vec<_> = pages.iter().flatten().flat_map(of).map(|id| id.as_str().unwrap().to_owned()).collect();
    let distinct: BTreeSet<_> = ids.iter().cloned().collect();
    assert_eq!(distinct.len(), ids.len(), "something came twice");
    distinct
}

async fn add_documents(server: &Server, tenant: &Tenant, count: usize, title: &str, text: &str) {
    for number in 0..count {
        let title = format!("{title}{number:03}");
        let text = text.replace("NUMBER", &number.to_string());
        tenant.add_document(&server.database, &title, &title, &[&text]).await;
    }
}

#[tokio::test]
async fn long_results_come_in_pages_that_hold_everything_once() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let text = format!("Granite NUMBER {}", "is a very hard rock of the deep earth ".repeat(60));
    add_documents(&server, &acme, 60, &"A long title ".repeat(35), &text).await;

    let query = json!({ "query": "granite", "limit": 50 });
    let found = pages(&server, &token, "search", &query, "results").await;
    assert!(found[0].len() < 50, "the budget rules before the limit");
    assert_eq!(distinct_ids(&found).len(), 60);
    let scores: Vec<_> = found.iter().flatten().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");

    let listed = pages(&server, &token, "list_documents", &json!({}), "documents").await;
    assert!(listed[0].len() < 50, "the budget rules before the page");
    assert_eq!(distinct_ids(&listed).len(), 60);
    assert!(listed.iter().flatten().map(|document| document["title"].as_str().unwrap()).is_sorted());
}

#[tokio::test]
async fn every_knowledge_base_is_listed_however_many_there_are() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    for number in 0..50 {
        acme.add_knowledge_base(&server.database, &format!("{}{number:03}", "石".repeat(190))).await;
    }
    let listed = pages(&server, &token, "list_knowledge_bases", &json!({}), "knowledge_bases").await;
    assert!(listed.len() > 1, "they fit into one page");
    assert_eq!(distinct_ids(&listed).len(), 51);
}

#[tokio::test]
async fn a_search_ends_after_its_candidates() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let texts: Vec<_> = (0..210).map(|number| format!("Granite number {number}.")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    acme.add_document(&server.database, "a", "Stones", &texts).await;
    for limit in [50, 7] {
        let query = json!({ "query": "granite", "limit": limit });
        let found = pages(&server, &token, "search", &query, "results").await;
        assert_eq!(distinct_ids(&found).len(), 200, "{limit}");
        assert!(found[..found.len() - 1].iter().all(|page| page.len() == limit), "{limit}");
    }
    let few = pages(&server, &token, "search", &json!({ "query": "\"number 42\"" }), "results").await;
    assert_eq!(few.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_long_document_is_read_page_by_page_to_its_exact_text() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    // Of different lengths, with line ends, without them, and with letters of several bytes.
    let texts: Vec<_> = (0..150)
        .map(|number| format!("{number}. Gräñit 石 \"is\" {}\n", "hard, \\".repeat(number * 7 % 400)))
        .collect();
    let whole = texts.concat();
    assert!(whole.len() > 4 * BUDGET);
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let id = acme.add_document(&server.database, "a", "Stones", &texts).await;
    let mut arguments = json!({ "id": format!("doc_{id}") });
    let mut read = String::new();
    loop {
        let mut content = server.call(&token, "fetch", &arguments).await.content();
        let text = content["text"].as_str().unwrap();
        assert!(!text.is_empty() && text.len() <= BUDGET, "{} bytes", text.len());
        read += text;
        assert_eq!(content["metadata"]["passages"], 150);
        match content["next_cursor"].take() {
            Value::Null => break,
            cursor => arguments["cursor"] = cursor,
        }
    }
    assert!(read == whole, "the text is not the document's");
    let counts: Vec<_> = server.audit_rows().await.iter().map(|row| row.result_count).collect();
    assert!(counts.len() > 4 && counts.iter().all(|count| *count == 1));
}
