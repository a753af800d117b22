//! URIs that open nothing: malformed, foreign, invented and outdated ones get one and the same error.

use autri_domain::{ChunkRef, DocumentId, PublicId};
use serde_json::{Value, json};

use crate::support::{Answer, ERAS, Era, Server, machine_token, person_token};

/// The error, without the URI that it repeats. 2026-07-28 has it as invalid parameters; the versions before it as a code of
/// its own: <https://modelcontextprotocol.io/seps/2164-resource-not-found-error>.
#[track_caller]
fn not_found(era: Era, answer: &Answer, uri: &str) -> Value {
    let mut error = answer.json()["error"].take();
    let code = if era == Era::Modern { -32602 } else { -32002 };
    assert_eq!(error["code"], code, "{era:?} {uri:?}: {}", answer.text());
    assert_eq!(error["data"].take(), json!({ "uri": uri }), "{era:?}");
    json!([answer.status, error])
}

#[tokio::test]
async fn every_uri_that_opens_nothing_gets_one_answer() {
    let server = Server::start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let token = machine_token(&acme);
    let document = acme.add_document(&server.database, "a", "Stones", &["Granite.", "Basalt."]).await;
    let foreign = other.add_document(&server.database, "a", "Secret", &["Quartzite.", "Opal."]).await;
    let search = json!({ "query": "quartzite" });
    let found = server.call(&machine_token(&other), "search", &search).await.content();
    let foreign_passage = found["results"][0]["id"].as_str().unwrap();
    assert!(foreign_passage.starts_with(&format!("doc_{foreign}.0.")), "{foreign_passage}");
    let invented = DocumentId::new();
    let invented_passage = PublicId::Chunk(ChunkRef { document: invented, ordinal: 0, hash_prefix: [1; 4] });
    let (own, base) = (format!("autri://document/doc_{document}"), "autri://document/");
    let uris = [
        format!("{base}doc_{invented}"),
        format!("{base}doc_{invented}?from=1"),
        format!("{base}{invented_passage}"),
        format!("{base}doc_{foreign}"),
        format!("{base}doc_{foreign}?from=1"),
        format!("{base}{foreign_passage}"),
        format!("{own}.0.00000000"),
        format!("{own}.9.00000000"),
        format!("{own}?from=2"),
        format!("{own}?from=4294967295"),
        format!("{own}?from=0"),
        format!("{own}?from=01"),
        format!("{own}?from=1&x=y"),
        format!("{own}?x=y"),
        format!("{own}/"),
        format!("{own}#top"),
        format!("{own}\0"),
        format!(" {own}"),
        own.to_uppercase(),
        own.replace("autri", "AUTRI"),
        own.replace("doc_", "%64oc_"),
        own.replace("//", "//user:password@"),
        own.replace("//document", "//document:1"),
        own.replace("//document", "//documents"),
        own.replace("//document/", "//document/../document/"),
        own.replace('-', "\u{2010}"),
        document.to_string(),
        "file:///etc/passwd".to_owned(),
        "https://example.com/".to_owned(),
        "x".to_owned(),
        String::new(),
    ];
    let before = server.audit_statuses().await.len();
    let mut statuses = 0;
    for era in ERAS {
        let mut errors = Vec::new();
        for uri in &uris {
            let answer = server.send(era.read(uri).token(&token)).await;
            errors.push(not_found(era, &answer, uri));
            assert!(
                !answer.text().contains("Secret") && !answer.text().contains("Opal"),
                "{}",
                answer.text()
            );
            statuses += 1;
        }
        assert!(errors.windows(2).all(|pair| pair[0] == pair[1]), "{era:?}: {errors:#?}");
    }
    let rows = server.audit_rows().await.split_off(before);
    assert_eq!(rows.len(), statuses);
    for row in rows {
        assert_eq!((row.tool.as_str(), row.status.as_str()), ("resources/read", "caller_error"));
        assert_eq!((row.org_id, row.result_count), (acme.org_id, 0));
    }
    // Its owner reads what was foreign, so that all this says something.
    for token in [machine_token(&other), person_token(&other)] {
        let answer = server.send(Era::Modern.read(&format!("{base}doc_{foreign}")).token(&token)).await;
        assert_eq!(answer.result()["contents"][0]["text"], "Quartzite.Opal.");
    }
}

#[tokio::test]
async fn a_passage_that_changed_is_not_found_under_its_old_uri() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    acme.add_document(&server.database, "a", "Stones", &["Granite is a hard rock."]).await;
    let found = server.call(&token, "search", &json!({ "query": "granite" })).await.content();
    let uri = format!("autri://document/{}", found["results"][0]["id"].as_str().unwrap());
    let read = || Era::Modern.read(&uri).token(&token);
    assert_eq!(server.send(read()).await.result()["contents"][0]["text"], "Granite is a hard rock.");
    acme.add_document(&server.database, "a", "Stones", &["Granite is soft."]).await;
    not_found(Era::Modern, &server.send(read()).await, &uri);
}

#[tokio::test]
async fn what_is_long_is_not_repeated() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let long = format!("autri://document/{}", "x".repeat(60_000));
    let answer = server.send(Era::Legacy("2025-11-25").read(&long).token(&token)).await;
    assert_eq!(answer.rpc_code(), -32002);
    assert!(answer.body.len() < 500, "{} bytes", answer.body.len());
}

#[tokio::test]
async fn a_cursor_of_something_else_is_the_callers_mistake() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    acme.add_document(&server.database, "a", "Stones", &["Granite.", "Basalt.", "More granite."]).await;
    let search = json!({ "query": "granite", "limit": 1 });
    let of_search = server.call(&token, "search", &search).await.content()["next_cursor"].take();
    let cursors = [of_search, json!("nonsense"), json!(""), json!("\0"), json!("x".repeat(60_000))];
    for era in ERAS {
        for cursor in &cursors {
            let ask = era.request("resources/list", json!({ "cursor": cursor })).token(&token);
            let answer = server.send(ask).await;
            assert_eq!(answer.rpc_code(), -32602, "{era:?}");
            let message = answer.json()["error"]["message"].take();
            assert!(message.as_str().unwrap().contains("nextCursor unchanged"), "{message}");
        }
    }
    let statuses = server.audit_statuses().await.split_off(1);
    assert_eq!(statuses, vec!["caller_error"; ERAS.len() * cursors.len()]);
}

#[tokio::test]
async fn what_names_no_resource_at_all_is_a_protocol_error() {
    let server = Server::start().await;
    let token = machine_token(&server.tenant("acme").await);
    let cases =
        [json!({}), json!({ "uri": 5 }), json!({ "uri": null }), json!({ "uri": ["autri://document/x"] })];
    for era in ERAS {
        for params in &cases {
            let answer = server.send(era.request("resources/read", params.clone()).token(&token)).await;
            assert_eq!(answer.rpc_code(), -32602, "{era:?} {params}: {}", answer.text());
        }
    }
    assert_eq!(server.audit_statuses().await, Vec::<String>::new(), "nothing was asked of a library");
}

/// 2026-07-28 wants a resource's URI in a header as well, for what stands between client and server.
#[tokio::test]
async fn the_header_must_name_what_the_body_reads() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let document = acme.add_document(&server.database, "a", "Stones", &["Granite."]).await;
    let uri = format!("autri://document/doc_{document}");
    let read = || Era::Modern.read(&uri).token(&token);
    let refused = [
        read().without("mcp-name"),
        read().header("mcp-name", &format!("{uri}?from=1")),
        read().header("mcp-name", "autri://document/"),
        read().another_header("mcp-name", &uri),
        read().header("mcp-method", "resources/list"),
    ];
    for ask in refused {
        let answer = server.send(ask).await;
        assert_eq!((answer.status, answer.rpc_code()), (400, -32020), "{}", answer.text());
    }
    assert_eq!(server.audit_statuses().await, Vec::<String>::new());
    // A client that mixes the two eras sends an older version, and none of the new headers.
    let mixed = read().header("mcp-protocol-version", "2025-11-25").without("mcp-method").without("mcp-name");
    for ask in [read(), mixed] {
        assert_eq!(server.send(ask).await.result()["contents"][0]["text"], "Granite.");
    }
    let versions = ["2024-11-05", "2025-03-26", "2025-06-18"];
    for version in versions {
        let answer = server.send(Era::Legacy(version).read(&uri).token(&token)).await;
        assert_eq!(answer.result()["contents"][0]["text"], "Granite.", "{version}");
    }
}
