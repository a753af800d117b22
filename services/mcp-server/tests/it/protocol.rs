//! What MCP clients of each version get to see.

use autri_audit_log::AuditedTool;
use serde_json::{Value, json};

use crate::support::{ERAS, Era, Server, machine_token, person_token};

#[tokio::test]
async fn every_tool_answers_clients_of_every_version() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let document = acme.add_document(&server.database, "a", "Stones", &["Granite is a hard rock."]).await;
    let calls = [
        ("search", json!({ "query": "granite" }), "/results/0/snippet", json!("Granite is a hard rock.")),
        ("fetch", json!({ "id": format!("doc_{document}") }), "/text", json!("Granite is a hard rock.")),
        ("list_knowledge_bases", json!({}), "/knowledge_bases/0/name", json!("acme documents")),
        ("list_documents", json!({}), "/documents/0/title", json!("Stones")),
    ];
    assert_eq!(calls.len(), AuditedTool::ALL.len());
    for token in [machine_token(&acme), person_token(&acme)] {
        for era in ERAS {
            for (tool, arguments, pointer, expected) in &calls {
                let answer = server.send(era.call(tool, arguments).token(&token)).await;
                assert_eq!(answer.json()["id"], 7, "{era:?} {tool}");
                let result = answer.result();
                let structured = &result["structuredContent"];
                assert_eq!(structured.pointer(pointer), Some(expected), "{era:?} {tool}: {result}");
                let [block] = &result["content"].as_array().unwrap()[..] else { panic!("{result}") };
                assert_eq!(block["type"], "text");
                let text: Value = serde_json::from_str(block["text"].as_str().unwrap()).unwrap();
                assert_eq!(text, *structured, "{era:?} {tool}");
                let result_type = if era == Era::Modern { json!("complete") } else { Value::Null };
                assert_eq!(result["resultType"], result_type, "{era:?} {tool}");
            }
        }
    }
}

/// The contract that ChatGPT's connectors hold a server to: `search` and `fetch` with these fields.
#[tokio::test]
async fn search_and_fetch_have_the_fields_that_clients_ask_for() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    acme.add_document(&server.database, "a", "Stones", &["Granite is a hard rock.", "Basalt is another."])
        .await;
    let token = machine_token(&acme);
    let found = server.call(&token, "search", &json!({ "query": "basalt" })).await.content();
    let hit = &found["results"][0];
    for field in ["id", "title", "url", "snippet", "updated_at"] {
        assert!(hit[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {hit}");
    }
    assert_eq!(hit["heading_path"], json!(["Section 1"]));
    assert!(hit["score"].as_f64().is_some_and(|score| (0.0..=1.0).contains(&score)), "{hit}");
    let fetched = server.call(&token, "fetch", &json!({ "id": hit["id"] })).await.content();
    assert_eq!(fetched["id"], hit["id"]);
    assert_eq!(fetched["title"], "Stones");
    assert_eq!(fetched["text"], "Basalt is another.");
    assert_eq!(fetched["url"], hit["url"]);
    assert_eq!(fetched["metadata"]["passage"], 1);
    assert_eq!(fetched["metadata"]["passages"], 2);
}

#[tokio::test]
async fn a_handshake_agrees_on_a_version() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let agreed = [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        // Has no handshake: the newest version that has one.
        ("2026-07-28", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
    ];
    for (asked, expected) in agreed {
        let ask = Era::Legacy("2025-11-25").handshake(asked);
        let result = server.send(ask.token(&token)).await.result();
        assert_eq!(result["protocolVersion"], expected, "{asked}");
        assert_eq!(result["capabilities"], json!({ "resources": {}, "tools": {} }));
        assert_eq!(result["serverInfo"]["name"], "acme library");
        assert_eq!(result["serverInfo"]["title"], "acme library");
        assert!(result["instructions"].as_str().unwrap().contains("untrusted"), "{result}");
    }
}

#[tokio::test]
async fn discovery_takes_the_place_of_the_handshake() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let ask = Era::Modern.request("server/discover", json!({}));
    let result = server.send(ask.token(&machine_token(&acme))).await.result();
    let versions = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"];
    assert_eq!(result["supportedVersions"], json!(versions));
    assert_eq!(result["capabilities"], json!({ "resources": {}, "tools": {} }));
    assert_eq!(result["cacheScope"], "private");
    assert!(result["ttlMs"].as_u64().is_some_and(|ttl| ttl > 0), "{result}");
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "acme library");
    assert!(result["instructions"].as_str().unwrap().contains("untrusted"), "{result}");
}

#[tokio::test]
async fn the_tools_are_listed_the_same_way_each_time() {
    let server = Server::start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let mut seen = Vec::new();
    for token in [machine_token(&acme), machine_token(&acme), person_token(&other)] {
        for era in ERAS {
            let result = server.send(era.request("tools/list", json!({})).token(&token)).await.result();
            let modern = era == Era::Modern;
            assert_eq!(result["cacheScope"], if modern { json!("private") } else { Value::Null }, "{era:?}");
            assert_eq!(result["ttlMs"].is_u64(), modern, "{era:?}");
            assert_eq!(result["nextCursor"], Value::Null);
            seen.push(result["tools"].clone());
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "the list differs from call to call");
    let tools = seen[0].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["search", "fetch", "list_knowledge_bases", "list_documents"]);
    for tool in tools {
        let annotations = &tool["annotations"];
        assert_eq!(annotations["readOnlyHint"], true, "{tool}");
        assert_eq!(annotations["destructiveHint"], false, "{tool}");
        assert_eq!(annotations["openWorldHint"], false, "{tool}");
        assert_eq!(tool["inputSchema"]["type"], "object");
        assert_eq!(tool["outputSchema"]["type"], "object");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false);
    }
    for keyword in ["$ref", "$defs", "$anchor"] {
        assert!(!seen[0].to_string().contains(keyword), "{keyword}");
    }
}

#[tokio::test]
async fn what_is_not_declared_is_not_there() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let argument = json!({
        "ref": { "type": "ref/prompt", "name": "x" }, "argument": { "name": "x", "value": "x" },
    });
    let uri = json!({ "uri": "autri://document/x" });
    let methods = [
        ("prompts/list", json!({})),
        ("completion/complete", argument),
        ("resources/subscribe", uri.clone()),
        ("resources/unsubscribe", uri),
        ("no/such", json!({})),
    ];
    for era in ERAS {
        for (method, params) in &methods {
            let ask = era.request(method, params.clone());
            let answer = server.send(ask.token(&token)).await;
            assert_eq!(answer.rpc_code(), -32601, "{era:?} {method}");
            assert_eq!(answer.status, if era == Era::Modern { 404 } else { 200 }, "{era:?} {method}");
        }
    }
}

#[tokio::test]
async fn a_notification_gets_no_answer() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let message = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let answer = server.send(crate::support::Ask::rpc(&message).token(&token)).await;
    assert_eq!((answer.status, answer.text()), (202, ""));
}

#[tokio::test]
async fn a_server_is_named_after_its_library_whatever_that_is_called() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let mut admin = server.database.admin_session().await;
    let long = "ä".repeat(200);
    let names = [
        (r"Hand\nbook\u0007\u202E of \u200Bus", "Handbook of us"),
        (r"\t\u0001 ", "Autri"),
        (long.as_str(), &"ä".repeat(80)),
    ];
    for (stored, expected) in names {
        admin.run(&format!("UPDATE libraries SET name = E'{stored}' WHERE id = '{}'", acme.library_id)).await;
        let ask = Era::Legacy("2025-11-25").handshake("2025-11-25");
        let result = server.send(ask.token(&token)).await.result();
        assert_eq!(result["serverInfo"]["name"], *expected, "{stored}");
        assert_eq!(result["serverInfo"]["title"], *expected, "{stored}");
    }
}
