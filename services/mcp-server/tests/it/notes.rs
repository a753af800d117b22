//! What an answer says of itself: what it left out, what it is without, and which document of several it means.

use autri_db::test_support::Tenant;
use serde_json::{Value, json};

use crate::support::{Era, Server, Setup, StoppedEmbedder, machine_token};

fn titles(content: &Value) -> Vec<&str> {
    content["results"].as_array().unwrap().iter().map(|result| result["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_was_left_out_is_said_and_an_option_leaves_nothing_out() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    acme.add_document(&server.database, "a", "Options", &["The command `zork -n` shows what it would do."])
        .await;
    acme.add_document(&server.database, "b", "Zork", &["The command zork needs a dry sand."]).await;
    for question in ["What does zork -n do?", "What does zork -shows do?", "zork --dry-run"] {
        let content = server.call(&token, "search", &json!({ "query": question })).await.content();
        assert_eq!((titles(&content).len(), &content["note"]), (2, &Value::Null), "{question}");
    }
    let content =
        server.call(&token, "search", &json!({ "query": "zork -shows -\"no such\"" })).await.content();
    assert_eq!(titles(&content), ["Zork"]);
    let note = content["note"].as_str().unwrap();
    assert!(note.starts_with(r#"passages with "shows", "no such" were left out"#), "{note}");
}

/// Documents that are like, unlike and opposite to what every question is to the tests' embedder.
async fn library_with_vectors(server: &Server) -> Tenant {
    let acme = server.tenant_with_model("acme").await;
    for (title, vector) in
        [("Near", [0.6, 0.8, 0.0]), ("Unlike", [0.0, 1.0, 0.0]), ("Opposite", [-1.0, 0.0, 0.0])]
    {
        let texts = [(title, Some(vector.to_vec()))];
        acme.add_embedded_document(&server.database, title, title, &texts).await;
    }
    acme
}

#[tokio::test]
async fn what_has_nothing_to_do_with_a_question_is_no_result() {
    let embedder = StoppedEmbedder::new();
    let server = Setup::with_embedder(embedder.clone()).start().await;
    let acme = library_with_vectors(&server).await;
    let token = machine_token(&acme);
    let none_has_a_word = "none of the best passages has a word of the question";
    let nothing = "no passage that was searched has a word of the question or is near it";
    for (query, expected, note) in [
        (json!({ "query": "qwertzuiop" }), &["Near"][..], Some(none_has_a_word)),
        (json!({ "query": "qwertzuiop -near" }), &[], Some(nothing)),
        (json!({ "query": "opposite qwertzuiop" }), &["Near", "Opposite"], None),
        (json!({ "query": "\"qwertzuiop\"" }), &[], None),
    ] {
        embedder.let_one_end();
        let content = server.call(&token, "search", &query).await.content();
        assert_eq!(titles(&content), expected, "{content}");
        let scores =
            content["results"].as_array().unwrap().iter().map(|result| result["score"].as_f64().unwrap());
        assert!(scores.into_iter().all(|score| score > 0.0), "{content}");
        match note {
            Some(note) => assert!(content["note"].as_str().unwrap().contains(note), "{content}"),
            None => assert_eq!(content["note"], Value::Null, "{query}"),
        }
    }
}

#[tokio::test]
async fn documents_of_one_title_are_told_apart_by_their_paths() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    for (key, text) in [
        ("docs/Guides/Routes.md", "Granite is hard."),
        ("docs/Reference/Routes.md", "Granite is grey."),
        ("/home/operator/Routes.md", "Granite is old."),
    ] {
        acme.add_document(&server.database, key, "Routes", &[text]).await;
    }
    let resources =
        server.send(Era::Modern.request("resources/list", json!({})).token(&token)).await.result();
    let searched = server.call(&token, "search", &json!({ "query": "granite" })).await.content();
    let listed = server.call(&token, "list_documents", &json!({})).await.content();
    // Ingest makes no key that begins at the machine's root.
    let expected = [Value::Null, json!("docs/Guides/Routes.md"), json!("docs/Reference/Routes.md")];
    for (items, field) in [
        (&resources["resources"], "description"),
        (&searched["results"], "path"),
        (&listed["documents"], "path"),
    ] {
        let mut paths: Vec<Value> =
            items.as_array().unwrap().iter().map(|item| item[field].clone()).collect();
        paths.sort_by_key(|path| path.as_str().map(str::to_owned));
        assert_eq!(paths, expected, "{items}");
    }
    for result in searched["results"].as_array().unwrap() {
        let fetched = server.call(&token, "fetch", &json!({ "id": result["id"] })).await.content();
        assert_eq!(fetched["metadata"]["path"], result["path"]);
    }
    assert!(!searched.to_string().contains("operator") && !resources.to_string().contains("operator"));
}

/// Paths of the longest count towards the size of an answer.
#[tokio::test]
async fn long_paths_do_not_make_long_answers() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    for number in 0..40 {
        let key = format!("{}{number}", "p".repeat(1_990));
        acme.add_document(&server.database, &key, "Stones", &[&format!("Granite of field {number}.")]).await;
    }
    let resources =
        server.send(Era::Modern.request("resources/list", json!({})).token(&token)).await.result();
    let searched = server.call(&token, "search", &json!({ "query": "granite", "limit": 50 })).await.content();
    let listed = server.call(&token, "list_documents", &json!({})).await.content();
    for (answer, cursor) in [(resources, "nextCursor"), (searched, "next_cursor"), (listed, "next_cursor")] {
        let bytes = answer.to_string().len();
        assert!((16_000..33_000).contains(&bytes) && answer[cursor].is_string(), "{cursor}: {bytes} bytes");
    }
}
