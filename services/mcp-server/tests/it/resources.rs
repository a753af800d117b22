//! Documents as MCP resources: what clients of each version get to see of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{ERAS, Era, Server, machine_token, person_token};

/// The budget of a result's text, in bytes.
const BUDGET: usize = 32_000;

/// The only content of a resource that was read.
fn content(result: &Value) -> Value {
    let [content] = &result["contents"].as_array().unwrap()[..] else { panic!("{result}") };
    content.clone()
}

/// 2026-07-28 has each of these results say how long it holds, and for whom; the versions before know of no such thing.
fn assert_private_caching(era: Era, result: &Value) {
    let modern = era == Era::Modern;
    let scope = if modern { json!("private") } else { Value::Null };
    let result_type = if modern { json!("complete") } else { Value::Null };
    assert_eq!((&result["cacheScope"], &result["resultType"]), (&scope, &result_type), "{era:?}: {result}");
    assert_eq!(result["ttlMs"].as_u64().is_some_and(|ttl| ttl > 0), modern, "{era:?}: {result}");
}

/// Pages through the list to its end. Returns each page's resources.
async fn pages(server: &Server, era: Era, token: &str) -> Vec<Vec<Value>> {
    let (mut params, mut pages) = (json!({}), Vec::new());
    loop {
        let answer = server.send(era.request("resources/list", params.clone()).token(token)).await;
        assert!(answer.body.len() <= BUDGET + 500, "{} bytes", answer.body.len());
        let mut result = answer.result();
        let resources = result["resources"].as_array().unwrap().clone();
        assert!(!resources.is_empty(), "an empty page never ends");
        pages.push(resources);
        match result["nextCursor"].take() {
            Value::Null => return pages,
            cursor => params["cursor"] = cursor,
        }
        assert!(pages.len() < 100, "the list does not end");
    }
}

#[tokio::test]
async fn documents_are_listed_and_read_by_clients_of_every_version() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let texts = ["Granite is a *hard* rock.\n", "Basält is another."];
    let document = acme.add_document(&server.database, "a", "Stones", &texts).await;
    let uri = format!("autri://document/doc_{document}");
    for token in [machine_token(&acme), person_token(&acme)] {
        for era in ERAS {
            let listed = server.send(era.request("resources/list", json!({})).token(&token)).await.result();
            assert_private_caching(era, &listed);
            let resource = json!({
                "uri": uri, "name": "Stones", "title": "Stones", "description": "a", "mimeType": "text/plain",
                "size": texts.concat().len(), "annotations": { "lastModified": "2025-06-15T15:06:40Z" },
            });
            assert_eq!(listed["resources"], json!([resource]), "{era:?}");
            assert_eq!(listed["nextCursor"], Value::Null);

            let read = server.send(era.read(&uri).token(&token)).await.result();
            assert_private_caching(era, &read);
            let expected = json!({ "uri": uri, "mimeType": "text/plain", "text": texts.concat() });
            assert_eq!(content(&read), expected, "{era:?}");
        }
    }
}

#[tokio::test]
async fn a_passage_that_was_found_is_a_resource_too() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    acme.add_document(&server.database, "a", "Stones", &["Granite is a hard rock.", "Basalt is another."])
        .await;
    let found = server.call(&token, "search", &json!({ "query": "basalt" })).await.content();
    let (id, url) =
        (found["results"][0]["id"].as_str().unwrap(), found["results"][0]["url"].as_str().unwrap());
    for era in ERAS {
        let uri = format!("autri://document/{id}");
        let passage = server.send(era.read(&uri).token(&token)).await.result();
        let expected = json!({ "uri": uri, "mimeType": "text/plain", "text": "Basalt is another." });
        assert_eq!(content(&passage), expected, "{era:?}");
        // What a result is cited by when its source has no address.
        let document = server.send(era.read(url).token(&token)).await.result();
        assert_eq!(content(&document)["text"], "Granite is a hard rock.Basalt is another.", "{era:?}");
    }
}

#[tokio::test]
async fn the_templates_make_uris_that_can_be_read() {
    let server = Server::start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let document = acme.add_document(&server.database, "a", "Stones", &["Granite.", "Basalt."]).await;
    let mut seen = Vec::new();
    for token in [machine_token(&acme), person_token(&other)] {
        for era in ERAS {
            let ask = era.request("resources/templates/list", json!({}));
            let result = server.send(ask.token(&token)).await.result();
            assert_private_caching(era, &result);
            seen.push(result["resourceTemplates"].clone());
        }
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "the templates depend on who asks");
    let texts: Vec<_> = ["Granite.Basalt.", "Basalt."].map(|text| json!(text)).into();
    let mut read = Vec::new();
    for template in seen[0].as_array().unwrap() {
        assert!(template["description"].as_str().is_some_and(|text| text.contains("doc_")), "{template}");
        let filled = template["uriTemplate"].as_str().unwrap().replace("{id}", &format!("doc_{document}"));
        let uri = filled.replace("{passage}", "1");
        assert!(!uri.contains('{'), "{uri}");
        let result = server.send(Era::Modern.read(&uri).token(&machine_token(&acme))).await.result();
        assert_eq!(content(&result)["mimeType"], template["mimeType"]);
        read.push(content(&result)["text"].clone());
    }
    assert_eq!(read, texts);
}

#[tokio::test]
async fn the_list_comes_in_pages_that_hold_each_document_once() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let mut admin = server.database.admin_session().await;
    // More than a page under one title, so that the title alone does not say where a page ends, and some with long ones.
    let insert = format!(
        "INSERT INTO documents (id, knowledge_base_id, source_key, title, content_hash, chunk_count, byte_count, updated_at)
         SELECT gen_random_uuid(), '{}', 'd' || n, CASE WHEN n > 150 THEN repeat('long ', 190) || n ELSE 'Same' END,
                sha256(n::text::bytea), 0, 0, now()
         FROM generate_series(1, 180) n",
        acme.knowledge_base_id
    );
    admin.run(&insert).await;
    for era in ERAS {
        let pages = pages(&server, era, &machine_token(&acme)).await;
        assert!(pages.len() > 3, "{} pages: the budget rules before the page", pages.len());
        let uris: Vec<_> = pages.iter().flatten().map(|resource| resource["uri"].as_str().unwrap()).collect();
        assert_eq!((uris.len(), uris.iter().collect::<BTreeSet<_>>().len()), (180, 180), "{era:?}");
        let names: Vec<_> =
            pages.iter().flatten().map(|resource| resource["name"].as_str().unwrap()).collect();
        assert!(names.is_sorted(), "{era:?}");
    }
}

#[tokio::test]
async fn a_long_document_comes_in_parts_that_hold_its_exact_text() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let texts: Vec<_> = (0..700)
        .map(|number| format!("{number}. Gräñit 石 \"is\" {}\n", "hard, \\".repeat(number * 7 % 400)))
        .collect();
    let whole = texts.concat();
    assert!(whole.len() > 900_000, "{} bytes", whole.len());
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let document = acme.add_document(&server.database, "a", "Stones", &texts).await;
    let first = format!("autri://document/doc_{document}");
    let listed = server.send(Era::Modern.request("resources/list", json!({})).token(&token)).await.result();
    assert_eq!(listed["resources"][0]["size"], whole.len());
    for era in ERAS {
        let (mut uri, mut text, mut parts) = (first.clone(), String::new(), 0);
        loop {
            let mut part = content(&server.send(era.read(&uri).token(&token)).await.result());
            assert_eq!(part["uri"], uri);
            let shown = part["text"].as_str().unwrap().to_owned();
            assert!(!shown.is_empty() && shown.len() <= BUDGET, "{} bytes", shown.len());
            parts += 1;
            let Value::String(next) = part["_meta"]["ai.autri/next"].take() else {
                text += &shown;
                break;
            };
            // The last line is ours, and says for all to see what `_meta` says.
            let (of_document, notice) = shown.rsplit_once("\n\n[").unwrap();
            assert!(notice.contains(&format!("{next}. ")) && notice.contains("fetch"), "{notice}");
            text += of_document;
            assert!(next.starts_with(&format!("{first}?from=")) && next != uri, "{next}");
            uri = next;
            assert!(parts < 200, "the parts do not end");
        }
        assert!(parts > 30, "{parts} parts");
        assert!(text == whole, "{era:?}: the text is not the document's");
    }
}

#[tokio::test]
async fn where_nothing_is_nothing_is_listed() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let list = async || {
        let mut lists = Vec::new();
        for era in ERAS {
            let result = server.send(era.request("resources/list", json!({})).token(&token)).await.result();
            assert_eq!(result["nextCursor"], Value::Null);
            lists.push(result["resources"].as_array().unwrap().len());
        }
        lists
    };
    assert_eq!(list().await, [0; 3]);
    let document = acme.add_document(&server.database, "a", "Stones", &["Granite."]).await;
    let ask = || Era::Modern.read(&format!("autri://document/doc_{document}")).token(&token);
    assert_eq!(list().await, [1; 3]);
    assert_eq!(content(&server.send(ask()).await.result())["text"], "Granite.");

    // Its knowledge base is taken out of the library, and is still there.
    let mut admin = server.database.admin_session().await;
    admin.run("DELETE FROM library_kbs").await;
    assert_eq!(admin.number("SELECT count(*) FROM documents").await, 1);
    assert_eq!(list().await, [0; 3]);
    assert_eq!(server.send(ask()).await.rpc_code(), -32602);
}

/// Ingest cleans titles; a client that prints names into a terminal shall not depend on it.
#[tokio::test]
async fn a_name_is_a_printable_line_whatever_the_title() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    acme.add_document(&server.database, "a", "Stones", &["Granite."]).await;
    let mut admin = server.database.admin_session().await;
    for (title, name) in [
        (r"Leave\u001B]0;evil\u0007 \u202Eycilop", "Leave]0;evil ycilop"),
        (r"a\r\nb\u2028c\u0085d", "a b c d"),
        (r"\u200B\uFEFF", "Untitled"),
    ] {
        admin.run(&format!("UPDATE documents SET title = E'{title}'")).await;
        for era in ERAS {
            let ask = era.request("resources/list", json!({})).token(&machine_token(&acme));
            let listed = server.send(ask).await.result();
            let resource = &listed["resources"][0];
            assert_eq!((&resource["name"], &resource["title"]), (&json!(name), &json!(name)), "{era:?}");
        }
    }
}
