//! `autri eval`, told to stop.

use std::fs;
use std::path::Path;

use autri_db::roles;
use autri_db::test_support::{AdminSession, TestDatabase};
use secrecy::ExposeSecret as _;

use crate::life::WAITING_FOR_A_LOCK;
use crate::program::{Running, autri, autri_json};

fn write_collection(folder: &Path) {
    fs::create_dir(folder.join("qrels")).expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).expect("a file");
    write("corpus.jsonl", "{\"_id\": \"d1\", \"title\": \"Parking\", \"text\": \"The garage is below.\"}\n");
    write("queries.jsonl", "{\"_id\": \"q1\", \"text\": \"where is the garage\"}\n");
    write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\td1\t1\n");
}

/// An evaluation that waits to store its documents for as long as the session holds their table.
async fn begin(database: &TestDatabase, collection: &Path) -> (Running, AdminSession) {
    let mut holder = database.admin_session().await;
    // Whoever counts may go on; whoever inserts or deletes waits.
    holder.run("BEGIN; LOCK TABLE documents IN SHARE ROW EXCLUSIVE MODE").await;
    let mut observer = database.admin_session().await;
    let collection = collection.to_str().expect("UTF-8");
    let running = autri(["eval", "--beir", collection, "--embedder", "none"])
        .logged_in_as(database, roles::ADMIN)
        .env("AUTRI_MCP_DATABASE_URL", database.url(roles::MCP).expose_secret())
        .hearing_hang_up()
        .start();
    // Looks again and again; each look is a round trip of its own.
    while observer.number(WAITING_FOR_A_LOCK).await == 0 {}
    (running, holder)
}

#[tokio::test]
async fn an_evaluation_that_is_told_to_end_leaves_no_org() {
    let database = TestDatabase::create().await;
    let collection = tempfile::tempdir().expect("a folder");
    write_collection(collection.path());
    for (signal, code) in [("HUP", 129), ("INT", 130), ("TERM", 143)] {
        let (mut running, mut holder) = begin(&database, collection.path()).await;
        running.tell(signal);
        running.wait_until_it_says("once more stops at once");
        holder.run("COMMIT").await;
        let ended = running.end();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{ended:?}");
        assert_eq!(autri_json(&database, ["org", "list"]).json(), serde_json::json!([]), "{signal}");
    }
}

#[tokio::test]
async fn an_evaluation_that_is_told_twice_says_what_it_leaves() {
    let database = TestDatabase::create().await;
    let collection = tempfile::tempdir().expect("a folder");
    write_collection(collection.path());
    let (mut running, _holder) = begin(&database, collection.path()).await;
    running.tell("INT");
    running.wait_until_it_says("once more stops at once");
    running.tell("TERM");
    let ended = running.end();
    assert_eq!(ended.code, Some(143), "{ended:?}");
    let orgs = autri_json(&database, ["org", "list"]).json();
    let id = orgs[0]["id"].as_str().expect("the org that is left");
    assert!(ended.stderr.contains(&format!("`autri org delete {id} --yes`")), "{ended:?}");
}
