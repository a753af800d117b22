//! Results are passages: neighbours as one, what is said twice once, the sentences that answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Server, machine_token};

const RULES: &str = "Keep every receipt, and hand them in by the tenth of the next month. Meals are reimbursed up to 40 \
euros a day. Alcohol is not. The office pays within two weeks, by bank transfer.";

fn results(content: &Value) -> &Vec<Value> {
    content["results"].as_array().unwrap()
}

async fn search(server: &Server, token: &str, arguments: &Value) -> Value {
    server.call(token, "search", arguments).await.content()
}

#[tokio::test]
async fn neighbours_that_match_are_one_result_and_each_can_be_fetched() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    let texts = [
        "Nothing of it. ",
        "Granite is quarried in spring. ",
        "Granite granite: polished with felt. ",
        "The end.",
    ];
    acme.add_document(&server.database, "a", "Stones", &texts).await;
    server.database.admin_session().await.run("UPDATE chunks SET page = ordinal + 1").await;
    let content = search(&server, &token, &json!({ "query": "polished granite" })).await;
    assert_eq!(results(&content).len(), 1, "{content}");
    let result = &content["results"][0];
    assert_eq!(result["snippet"], "Granite is quarried in spring. Granite granite: polished with felt.");
    assert_eq!(result["page"], 3, "the best chunk's, which the id names");
    let neighbours = result["neighbours"].as_array().unwrap();
    assert_eq!(neighbours.len(), 1);
    for (id, text) in [(&result["id"], texts[2]), (&neighbours[0], texts[1])] {
        let fetched = server.call(&token, "fetch", &json!({ "id": id })).await.content();
        assert_eq!(fetched["text"], text);
    }
    assert!(result.get("also_in").is_none() && result.get("more_places").is_none(), "{result}");
}

#[tokio::test]
async fn what_several_documents_say_is_one_result_that_names_the_others() {
    let server = Server::start().await;
    let (acme, other) = (server.tenant("acme").await, server.tenant("other").await);
    let token = machine_token(&acme);
    for number in 0..6 {
        let title = format!("Handbook {number}");
        acme.add_document(&server.database, &title, &title, &[RULES]).await;
    }
    let newer = RULES.replace("40", "50");
    acme.add_document(&server.database, "newer", "Handbook, newer", &[&newer]).await;
    other.add_document(&server.database, "theirs", "Theirs", &[RULES]).await;
    let content = search(&server, &token, &json!({ "query": "What is reimbursed for meals?" })).await;
    let found = results(&content);
    assert_eq!(found.len(), 2, "a page with another answer is another result: {content}");
    let copied =
        found.iter().find(|result| result["snippet"].as_str().unwrap().contains("40 euros")).unwrap();
    let places = copied["also_in"].as_array().unwrap();
    assert_eq!((places.len(), &copied["more_places"]), (3, &json!(2)), "{content}");
    for place in places {
        let fetched = server.call(&token, "fetch", &json!({ "id": place["id"] })).await.content();
        assert_eq!((&fetched["title"], &fetched["url"]), (&place["title"], &place["url"]));
        assert_eq!(fetched["text"], RULES);
    }
    assert!(!content.to_string().contains("Theirs"), "{content}");
}

#[tokio::test]
async fn pages_of_any_size_are_the_same_list() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let token = machine_token(&acme);
    // Several windows of hits, with neighbours in each and a copy of each document.
    for number in 0..130 {
        let title = format!("Stones {number}");
        let text = |part| {
            format!("Granite of field {}, part {part}, is stone {}. ", number % 65, number % 65 * 3 + part)
        };
        acme.add_document(&server.database, &title, &title, &[&text(0), &text(1), "Moss.", &text(3)]).await;
    }
    let mut lists = Vec::new();
    for limit in [50, 7, 1] {
        let mut arguments = json!({ "query": "granite", "limit": limit });
        let mut ids = Vec::new();
        loop {
            let mut content = search(&server, &token, &arguments).await;
            assert!(results(&content).len() <= limit);
            ids.extend(results(&content).iter().map(|result| result["id"].as_str().unwrap().to_owned()));
            match content["next_cursor"].take() {
                Value::Null => break,
                cursor => arguments["cursor"] = cursor,
            }
        }
        lists.push(ids);
    }
    assert_eq!(lists[0], lists[1]);
    assert_eq!(lists[0], lists[2]);
    assert_eq!(lists[0].iter().collect::<BTreeSet<_>>().len(), lists[0].len(), "nothing comes twice");
    assert!(lists[0].len() > 50, "more than a window's worth: {}", lists[0].len());
}

#[tokio::test]
async fn what_a_question_excludes_is_not_looked_for_in_a_passage() {
    let server = Server::start().await;
    let acme = server.tenant("acme").await;
    let filler = "It is a stone like others and lies where it lies. ".repeat(12);
    let text = format!("Granite is hard. {filler}Granite is found in the north.");
    acme.add_document(&server.database, "a", "Stones", &[&text]).await;
    let query = json!({ "query": "granite -\"found elsewhere\"" });
    let content = search(&server, &machine_token(&acme), &query).await;
    let snippet = content["results"][0]["snippet"].as_str().unwrap();
    assert!(snippet.starts_with("Granite is hard."), "{snippet}");
}
