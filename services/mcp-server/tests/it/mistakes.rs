//! A caller's mistakes: tool errors that a model can read and act on.

use autri_audit_log::ArgumentRetention;
use autri_domain::DocumentId;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{ERAS, Era, Server, Setup, machine_token};

/// A cursor with another offset: there is no secret in it.
fn reaching(offset: u32, cursor: &str) -> String {
    let mut bookmark: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).unwrap()).unwrap();
    assert_eq!(bookmark["o"].take(), 1);
    bookmark["o"] = json!(offset);
    URL_SAFE_NO_PAD.encode(bookmark.to_string())
}

#[tokio::test]
async fn each_mistake_is_an_error_that_says_what_to_do() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let document = acme
        .add_document(
            &server.database,
            "a",
            "Stones",
            &["Granite is a hard rock.", "Moss.", "Granite again."],
        )
        .await;
    let token = machine_token(&acme);
    let search = |arguments: Value| ("search", arguments);
    let other_search = json!({ "query": "granite", "limit": 1 });
    let cursor = server.call(&token, "search", &other_search).await.content()["next_cursor"].take();
    assert!(cursor.is_string());
    let too_deep = reaching(4_000_000_000, cursor.as_str().unwrap());
    let long = "x".repeat(60_000);
    let start_again = "next_cursor unchanged";
    let (schema, limit, date) = ("input schema", "from 1 to 50", "2026-01-31");
    let id = format!("doc_{document}");
    let changed = format!("{id}.0.00000000");
    let cases = [
        (search(json!({ "query": "" })), "pass a question"),
        (search(json!({ "query": " \n " })), "pass a question"),
        (search(json!({ "query": "-granite" })), "add a word"),
        (search(json!({ "query": long })), "at most 2000 characters"),
        (search(json!({ "query": 5 })), schema),
        (search(json!({ "query": null })), schema),
        (search(json!({})), "`query`"),
        (search(json!({ "query": "granite", "limit": 0 })), limit),
        (search(json!({ "query": "granite", "limit": 51 })), limit),
        (search(json!({ "query": "granite", "limit": -1 })), limit),
        (search(json!({ "query": "granite", "limit": i64::MAX })), limit),
        (search(json!({ "query": "granite", "limit": u64::MAX })), schema),
        (search(json!({ "query": "granite", "limit": "5" })), schema),
        (search(json!({ "query": "granite", "limit": 1.5 })), schema),
        (search(json!({ "query": "granite", "cursor": "nonsense" })), start_again),
        (search(json!({ "query": "granite", "cursor": "" })), start_again),
        (search(json!({ "query": "granite", "limit": 1, "cursor": too_deep })), start_again),
        (search(json!({ "query": "granite", "cursor": long })), start_again),
        (search(json!({ "query": "granite", "limit": 2, "cursor": cursor })), start_again),
        (search(json!({ "query": "basalt", "limit": 1, "cursor": cursor })), start_again),
        (("list_documents", json!({ "cursor": cursor })), start_again),
        (("list_knowledge_bases", json!({ "cursor": cursor })), start_again),
        (("fetch", json!({ "id": id, "cursor": cursor })), start_again),
        (search(json!({ "query": "granite", "knowledge_base": "no such" })), "list_knowledge_bases"),
        (search(json!({ "query": "granite", "knowledge_base": "" })), "1 to 1000 characters"),
        (search(json!({ "query": "granite", "knowledge_base": long })), "1 to 1000 characters"),
        (("list_documents", json!({ "knowledge_base": "no such" })), "list_knowledge_bases"),
        (search(json!({ "query": "granite", "updated_after": "yesterday" })), date),
        (search(json!({ "query": "granite", "updated_after": "2026-13-01" })), date),
        (search(json!({ "query": "granite", "document": "Stones" })), "list_documents or search"),
        (search(json!({ "query": "granite", "offset": 5 })), "`offset`"),
        (("list_knowledge_bases", json!({ "query": "granite" })), "`query`"),
        (("fetch", json!({ "id": "" })), "1 to 1000 characters"),
        (("fetch", json!({ "id": document.to_string() })), "doc_<uuid>"),
        (("fetch", json!({ "id": id.to_uppercase() })), "doc_<uuid>"),
        (("fetch", json!({ "id": long })), "1 to 1000 characters"),
        (("fetch", json!({ "id": format!("doc_{}", DocumentId::new()) })), "search again"),
        (("fetch", json!({ "id": changed })), "search again"),
        (("fetch", json!({ "id": format!("{id}.9.00000000") })), "search again"),
        (("fetch", json!({})), "`id`"),
    ];
    let before = server.audit_statuses().await.len();
    for ((tool, arguments), expected) in &cases {
        let error = server.call(&token, tool, arguments).await.tool_error();
        assert!(error.contains(expected), "{tool}: {error:?} lacks {expected:?}");
        assert!(error.len() < 500, "{tool}: {} bytes", error.len());
    }
    let statuses = server.audit_statuses().await.split_off(before);
    assert_eq!(statuses, vec!["caller_error"; cases.len()]);
}

#[tokio::test]
async fn a_chunk_that_changed_is_not_found_under_its_old_id() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    acme.add_document(&server.database, "a", "Stones", &["Granite is a hard rock."]).await;
    let id =
        server.call(&token, "search", &json!({ "query": "granite" })).await.content()["results"][0]["id"]
            .take();
    assert_eq!(server.call(&token, "fetch", &json!({ "id": id })).await.content()["id"], id);
    acme.add_document(&server.database, "a", "Stones", &["Granite is soft."]).await;
    let error = server.call(&token, "fetch", &json!({ "id": id })).await.tool_error();
    assert!(error.contains("search again"), "{error}");
}

#[tokio::test]
async fn what_is_no_call_of_a_tool_is_a_protocol_error() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let cases = [
        json!({ "name": "no_such_tool", "arguments": {} }),
        json!({ "name": "", "arguments": {} }),
        json!({ "name": "search\u{0}", "arguments": { "query": "x" } }),
        json!({ "name": "search", "arguments": "granite" }),
        json!({ "name": "search", "arguments": ["granite"] }),
        json!({ "arguments": {} }),
    ];
    for params in cases {
        let answer =
            server.send(Era::Legacy("2025-11-25").request("tools/call", params.clone()).token(&token)).await;
        assert_eq!((answer.status, answer.rpc_code()), (200, -32602), "{params}");
    }
    let answer = server.send(Era::Modern.call("no_such_tool", &json!({})).token(&token)).await;
    assert_eq!(answer.rpc_code(), -32602);
    assert_eq!(server.audit_statuses().await, Vec::<String>::new(), "no tool was called");
}

/// Hosts that leave `arguments` out, and models that fill optional ones with null.
#[tokio::test]
async fn absent_arguments_are_no_mistake() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    for era in ERAS {
        let answer =
            server.send(era.request("tools/call", json!({ "name": "list_documents" })).token(&token)).await;
        assert_eq!(answer.content(), json!({ "documents": [] }), "{era:?}");
    }
    let nulls = json!({ "query": "granite", "limit": null, "cursor": null, "knowledge_base": null, "document": null, "updated_after": null });
    assert_eq!(server.call(&token, "search", &nulls).await.content(), json!({ "results": [] }));
}

#[tokio::test]
async fn filters_narrow_a_search() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let first = acme.add_document(&server.database, "a", "First", &["Granite is a hard rock."]).await;
    acme.add_document(&server.database, "b", "Second", &["Granite is grey."]).await;
    let titles = async |arguments: Value| -> Vec<String> {
        let found = server.call(&token, "search", &arguments).await.content();
        let results = found["results"].as_array().unwrap();
        results.iter().map(|hit| hit["title"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(titles(json!({ "query": "granite" })).await.len(), 2);
    assert_eq!(titles(json!({ "query": "granite", "document": format!("doc_{first}") })).await, ["First"]);
    assert_eq!(titles(json!({ "query": "granite -grey" })).await, ["First"]);
    let base = acme.knowledge_base_id;
    assert_eq!(titles(json!({ "query": "granite", "knowledge_base": base })).await.len(), 2);
    acme.add_knowledge_base(&server.database, "Empty").await;
    assert_eq!(titles(json!({ "query": "granite", "knowledge_base": "eMPTY" })).await, Vec::<String>::new());
    // The documents of the tests changed on 2025-06-15.
    assert_eq!(titles(json!({ "query": "granite", "updated_after": "2025-06-15" })).await.len(), 2);
    assert_eq!(
        titles(json!({ "query": "granite", "updated_after": "2025-06-16T00:00:00+02:00" })).await.len(),
        0
    );
    // Two names that differ in case alone.
    let other = acme.add_knowledge_base(&server.database, "EMPTY").await;
    acme.with_knowledge_base(other).add_document(&server.database, "c", "Third", &["Granite, too."]).await;
    assert_eq!(titles(json!({ "query": "granite", "knowledge_base": "EMPTY" })).await, ["Third"]);
    assert_eq!(titles(json!({ "query": "granite", "knowledge_base": "Empty" })).await, Vec::<String>::new());
    let unclear = json!({ "query": "granite", "knowledge_base": "empty" });
    let error = server.call(&token, "search", &unclear).await.tool_error();
    assert!(error.contains("several knowledge bases"), "{error}");
}

/// JSON has it, and neither text nor jsonb in Postgres does.
#[tokio::test]
async fn a_nul_character_is_no_failure_of_ours() {
    for retention in [ArgumentRetention::DigestOnly, ArgumentRetention::Clear] {
        let server = Setup { retention, ..Setup::default() }.start().await;
        let acme = server.tenant("acme").await;
        acme.add_document(&server.database, "a", "Stones", &["Granite is a hard rock."]).await;
        let token = machine_token(&acme);
        for query in ["granite\0", "\"hard\0rock\"", "hard OR \0x", "granite -\"soft\0rock\""] {
            let found = server.call(&token, "search", &json!({ "query": query })).await.content();
            assert_eq!(found["results"][0]["title"], "Stones", "{query:?}");
        }
        let mistakes = [
            ("search", json!({ "query": "\0" })),
            ("search", json!({ "query": "granite", "knowledge_base": "a\0" })),
            ("search", json!({ "query": "granite", "a\0": ["\0"] })),
            ("list_documents", json!({ "cursor": "\0" })),
            ("fetch", json!({ "id": "\0" })),
        ];
        for (tool, arguments) in mistakes {
            server.call(&token, tool, &arguments).await.tool_error();
        }
        let statuses = server.audit_statuses().await;
        assert_eq!(statuses, [["ok"; 4].as_slice(), ["caller_error"; 5].as_slice()].concat());
    }
}
