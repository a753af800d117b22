//! `autri document`, `library attach` and `detach`, `knowledge-base reembed`, `org export` and `delete`.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use autri_db::people::{self, NewPerson, Welcome};
use autri_db::roles;
use autri_db::search::{Hit, SearchRequest, search};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{ScopedTx, tenancy};
use serde_json::{Value, json};

#[cfg(feature = "aws")]
use crate::aws::Aws;
use crate::program::{Ended, Program, autri, autri_json, text};

const UNKNOWN: &str = "0197f6a2-8c1e-7000-8000-000000000001";

pub(crate) const WAITING_FOR_A_LOCK: &str = "SELECT count(*) FROM pg_locks
    WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const END_WAITING: &str = "SELECT pg_terminate_backend(pid, 20000) FROM pg_locks
    WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/// Two tenants with the same documents.
async fn tenants() -> (TestDatabase, Tenant, Tenant) {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let other = Tenant::create_with_model(&database, "other", "tiny", 2).await;
    for tenant in [&acme, &other] {
        for key in ["docs/a.md", "docs/b.md", "notes/c.md"] {
            let texts = [("granite. ", Some(vec![1.0, 0.0])), ("basalt.", None)];
            tenant.add_embedded_document(&database, key, &format!("Title of {key}"), &texts).await;
        }
    }
    (database, acme, other)
}

fn operator(database: &TestDatabase, arguments: &[&str]) -> Program {
    autri(arguments.iter().copied()).logged_in_as(database, roles::ADMIN)
}

fn json_of(database: &TestDatabase, arguments: &[&str]) -> Value {
    autri_json(database, arguments.iter().copied()).json()
}

/// What a program of the tenant finds.
async fn found(database: &TestDatabase, tenant: &Tenant) -> Vec<Hit> {
    let request = SearchRequest { words: "granite".to_owned(), limit: 50, ..SearchRequest::default() };
    let mcp = database.connect(roles::MCP);
    let mut tx =
        ScopedTx::enter(&mcp, &tenant.machine_principal()).await.expect("an answer").expect("a scope");
    search(&mut tx, &request).await.expect("hits")
}

#[tokio::test]
async fn documents_are_listed_page_by_page() {
    let (database, acme, _) = tenants().await;
    let base = acme.knowledge_base_id.to_string();
    let list = |more: &[&str]| {
        let own = ["document", "list", "--knowledge-base", &base];
        json_of(&database, &own.iter().chain(more).copied().collect::<Vec<_>>())
    };
    let first = list(&["--limit", "2"]);
    let documents = first["documents"].as_array().expect("a list");
    assert_eq!((documents.len(), text(&first, "next_after")), (2, "docs/b.md"));
    assert_eq!(
        (text(&documents[0], "key"), text(&documents[0], "title")),
        ("docs/a.md", "Title of docs/a.md")
    );
    assert_eq!((&documents[0]["chunk_count"], &documents[0]["byte_count"]), (&json!(2), &json!(16)));
    let id = text(&documents[0], "id");
    assert!(id.starts_with("doc_"), "{id}");
    assert_eq!(text(&documents[0], "url"), format!("autri://document/{id}"), "as the server has it");
    let rest = list(&["--limit", "2", "--after", text(&first, "next_after")]);
    assert_eq!((rest["documents"].as_array().expect("a list").len(), &rest["next_after"]), (1, &Value::Null));
    assert_eq!(list(&["--prefix", "notes/"])["documents"][0]["key"], "notes/c.md");

    let table = operator(&database, &["document", "list", "--knowledge-base", &base, "--limit", "1"]).run();
    assert!(table.stdout.contains("docs/a.md") && table.stdout.contains("UPDATED"), "{table:?}");
    assert!(table.stderr.contains("--after=docs/a.md\n"), "{table:?}");
}

/// Whoever ingests chooses the keys, and whoever lists pastes the hint.
#[tokio::test]
async fn the_hint_on_more_documents_runs_nothing() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let (hostile, unseen) = ("-a $(echo b)`echo c`;'\".md", "c\u{202e}.md");
    for key in [hostile, unseen, "d.md"] {
        acme.add_document(&database, key, "Title", &["words"]).await;
    }
    let base = acme.knowledge_base_id.to_string();
    let hint = |more: &[&str]| {
        let own = ["document", "list", "--knowledge-base", &base, "--limit", "1"];
        let listed = operator(&database, &[&own[..], more].concat()).run();
        listed.stderr.trim_end().strip_prefix("there are more: ").expect("a hint").to_owned()
    };
    let pasted = hint(&[]);
    let echo = Command::new("sh").args(["-c", &format!("printf %s {pasted}")]).output().expect("a shell");
    let word = String::from_utf8(echo.stdout).expect("UTF-8");
    assert_eq!(word, format!("--after={hostile}"), "{pasted}");
    // The option as the shell has read it goes on after that key.
    let next = hint(&[&word]);
    assert!(next.contains("next_after") && !next.contains("--after"), "{next}");
}

#[tokio::test]
async fn names_of_documents_cannot_steer_the_terminal() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let (key, title) = ("a\u{1b}[2J\u{202e}.md", "\u{1b}]0;title\u{7}\u{200b}");
    acme.add_document(&database, key, title, &["words"]).await;
    let base = acme.knowledge_base_id.to_string();
    let listed = operator(&database, &["document", "list", "--knowledge-base", &base]).answer();
    let delete = ["document", "delete", "--knowledge-base", &base, "--key"];
    let unknown = "b\u{1b}[2J";
    let said = operator(&database, &[&delete[..], &[unknown]].concat()).failure();
    let deleted = operator(&database, &[&delete[..], &[key]].concat()).answer();
    for said in [listed, said, deleted] {
        assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}', '\u{200b}']), "{said:?}");
    }
}

#[tokio::test]
async fn a_deleted_document_is_gone_from_the_next_search() {
    let (database, acme, other) = tenants().await;
    let base = acme.knowledge_base_id.to_string();
    let ids = found(&database, &acme).await;
    let (first, second) = (ids[0].document_id, ids[1].document_id);
    let delete = |what: &[&str]| {
        let own = ["document", "delete", "--knowledge-base", &base];
        operator(&database, &own.iter().chain(what).copied().collect::<Vec<_>>())
    };
    let said = delete(&[&format!("doc_{first}")]).answer();
    assert!(said.contains(&format!("deleted doc_{first}")) && said.contains("2 chunks"), "{said}");
    assert_eq!(found(&database, &acme).await.len(), 2);
    let said = delete(&[&second.to_string()]).answer();
    assert!(said.contains(&second.to_string()), "{said}");
    assert_eq!(found(&database, &acme).await.len(), 1);
    for gone in [&[&*format!("doc_{first}")][..], &["--key", "docs"], &["--prefix", "nowhere/", "--yes"]] {
        let said = delete(gone).failure();
        assert!(said.contains("has no document") && said.contains("autri document list"), "{gone:?}: {said}");
    }
    let theirs = found(&database, &other).await[0].document_id.to_string();
    delete(&[&theirs]).failure();
    assert_eq!(found(&database, &other).await.len(), 3, "another tenant's stay");
}

#[tokio::test]
async fn many_are_deleted_only_when_it_is_said_twice() {
    let (database, acme, other) = tenants().await;
    let base = acme.knowledge_base_id.to_string();
    let delete = ["document", "delete", "--knowledge-base", &base, "--prefix", "docs/"];
    let asked = operator(&database, &delete).run();
    assert_eq!(asked.code, Some(1), "{asked:?}");
    assert!(asked.stdout.contains("would delete 2 documents (4 chunks) whose key begins"), "{asked:?}");
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    assert_eq!(found(&database, &acme).await.len(), 3);
    let deleted = json_of(&database, &[&delete[..], &["--yes"]].concat());
    assert_eq!(deleted, json!({ "prefix": "docs/", "documents": 2, "chunks": 4, "is_deleted": true }));
    assert_eq!(found(&database, &acme).await.len(), 1);
    assert_eq!(found(&database, &other).await.len(), 3);
    // An empty variable in a script is not "all".
    let own = ["document", "delete", "--knowledge-base", &base];
    for wrong in [&["--prefix", "", "--yes"][..], &[], &["--yes"], &["all"], &["--key", "a", "--prefix", "b"]]
    {
        let ended = operator(&database, &[&own[..], wrong].concat()).run();
        assert_eq!(ended.code, Some(2), "{wrong:?}: {ended:?}");
    }
    assert_eq!(found(&database, &acme).await.len(), 1);
}

#[tokio::test]
async fn a_knowledge_base_leaves_a_library_and_comes_back() {
    let (database, acme, other) = tenants().await;
    let (base, library) = (acme.knowledge_base_id.to_string(), acme.library_id.to_string());
    let run = |command: &str| operator(&database, &["library", command, &base, "--library", &library]).run();
    let said = |ended: Ended| format!("{}{}", ended.stdout, ended.stderr);
    assert!(said(run("attach")).contains("already"));
    let detached = run("detach");
    assert_eq!(detached.code, Some(0));
    assert!(detached.stderr.contains("nobody can search it now"), "{detached:?}");
    assert_eq!(found(&database, &acme).await, []);
    assert!(said(run("detach")).contains("did not have"));
    let attached = run("attach");
    assert!(!said(attached).contains("already"));
    assert_eq!(found(&database, &acme).await.len(), 3);
    assert_eq!(found(&database, &other).await.len(), 3);
    let json = json_of(&database, &["library", "attach", &base, "--library", &library]);
    assert_eq!(json, json!({ "library_id": library, "knowledge_base_id": base, "is_new": false }));
}

#[tokio::test]
async fn what_does_not_go_together_says_what_is_different_and_what_to_do() {
    let (database, acme, other) = tenants().await;
    let plain = Tenant::create(&database, "plain").await;
    let admin = database.connect(roles::ADMIN);
    let lexical =
        tenancy::insert_library(&admin, acme.org_id, "lexical", "none").await.expect("a library").id;
    let (base, lexical) = (acme.knowledge_base_id.to_string(), lexical.to_string());
    let attach =
        |library: &str| operator(&database, &["library", "attach", &base, "--library", library]).failure();
    let said = attach(&lexical);
    assert!(
        said.contains("tiny") && said.contains("none") && said.contains("knowledge-base reembed"),
        "{said}"
    );
    assert_eq!(said.matches("violates foreign key constraint").count(), 1, "{said}");
    assert!(!said.contains(" at line "), "{said}");
    for library in [other.library_id, plain.library_id] {
        let said = attach(&library.to_string());
        assert!(said.contains(&acme.org_id.to_string()) && said.contains("hint: "), "{said}");
    }
    let library = acme.library_id.to_string();
    let cases: &[(&[&str], &str)] = &[
        (&["library", "attach", UNKNOWN, "--library", &library], "knowledge-base list"),
        (&["library", "detach", UNKNOWN, "--library", &library], "knowledge-base list"),
        (&["library", "attach", &base, "--library", UNKNOWN], "library list"),
        (&["library", "detach", &base, "--library", UNKNOWN], "library list"),
        (&["document", "list", "--knowledge-base", UNKNOWN], "knowledge-base list"),
        (&["document", "delete", UNKNOWN, "--knowledge-base", UNKNOWN], "knowledge-base list"),
        (&["knowledge-base", "reembed", UNKNOWN, "--embedder", "none"], "knowledge-base list"),
        (&["org", "export", UNKNOWN], "org list"),
        (&["org", "delete", UNKNOWN, "--yes"], "org list"),
    ];
    for (arguments, next_step) in cases {
        let said = operator(&database, arguments).failure();
        assert!(said.starts_with("error: ") && said.contains(next_step), "{arguments:?}: {said}");
    }
}

#[tokio::test]
async fn what_shares_a_library_is_reembedded_together_and_said_so_first() {
    let (database, acme, other) = tenants().await;
    let second = acme.add_knowledge_base(&database, "acme \u{1b}handbook").await;
    let base = acme.knowledge_base_id.to_string();
    let reembed = ["knowledge-base", "reembed", &base, "--embedder", "none"];
    let asked = operator(&database, &reembed).run();
    assert_eq!((asked.code, asked.stdout.as_str()), (Some(1), ""), "{asked:?}");
    for part in
        ["2 knowledge bases", "acme documents", "handbook", "acme library", "from tiny to none", "--yes"]
    {
        assert!(asked.stderr.contains(part), "{part}: {asked:?}");
    }
    assert!(!asked.stderr.contains('\u{1b}'), "{asked:?}");
    let models = |tenant: &Tenant| {
        let org = tenant.org_id.to_string();
        text(&json_of(&database, &["library", "list", "--org", &org])[0], "embedding_model").to_owned()
    };
    assert_eq!(models(&acme), "tiny");
    let done = json_of(&database, &[&reembed[..], &["--yes"]].concat());
    assert_eq!((&done["is_switched"], &done["deleted_vectors"]), (&json!(true), &json!(3)));
    assert_eq!(done["knowledge_base_ids"], json!([acme.knowledge_base_id, second]));
    assert_eq!((models(&acme).as_str(), models(&other).as_str()), ("none", "tiny"));
    assert_eq!(found(&database, &acme).await.len(), 3);
    let without = operator(&database, &["knowledge-base", "reembed", &base]).run();
    assert_eq!(without.code, Some(2), "no model is chosen by leaving it out: {without:?}");
}

#[tokio::test]
async fn vectors_that_nothing_replaces_go_only_when_it_is_said_twice() {
    let (database, acme, _) = tenants().await;
    let base = acme.knowledge_base_id.to_string();
    let reembed = ["knowledge-base", "reembed", &base, "--embedder", "none"];
    let asked = operator(&database, &reembed).failure();
    assert!(asked.contains("from tiny to none") && asked.contains("--yes"), "{asked}");
    let count = format!(
        "SELECT count(*) FROM chunk_embeddings WHERE knowledge_base_id = '{base}' AND embedding_model = 'tiny'"
    );
    assert_eq!(database.admin_session().await.number(&count).await, 3);
    operator(&database, &[&reembed[..], &["--yes"]].concat()).answer();
    assert_eq!(database.admin_session().await.number(&count).await, 0);
    operator(&database, &reembed).answer();
}

#[tokio::test]
async fn an_org_is_exported_whole_to_stdout_or_a_file_of_ones_own() {
    let (database, acme, other) = tenants().await;
    let org = acme.org_id.to_string();
    let lines = operator(&database, &["org", "export", &org]).answer();
    let records: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(text(&records[0], "type"), "export");
    assert_eq!(records.last().expect("a line")["record_count"], records.len());
    let texts: Vec<_> = records.iter().filter(|record| record["type"] == "document").collect();
    assert_eq!((texts.len(), text(texts[0], "text")), (3, "granite. basalt."));
    assert!(!lines.contains("other") && !lines.contains(&other.org_id.to_string()), "{lines}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("acme.jsonl");
    let path = file.to_str().expect("UTF-8");
    let export = ["org", "export", &org, "--output", path];
    let said = operator(&database, &export).answer();
    assert!(said.contains(&format!("{} records", records.len())), "{said}");
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&file).expect("a file").lines().count(), records.len());
    fs::write(&file, "precious").expect("a file");
    let said = operator(&database, &export).failure();
    assert!(said.contains("--force"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("a file"), "precious");
    operator(&database, &[&export[..], &["--force"]].concat()).answer();
    assert_eq!(fs::read_to_string(&file).expect("a file").lines().count(), records.len());
    let missing = folder.path().join("no/such/folder");
    operator(&database, &["org", "export", &org, "--output", missing.to_str().expect("UTF-8")]).failure();
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "nothing half done is left");
}

/// What would be replaced, not written to.
#[tokio::test]
async fn an_export_takes_the_place_of_nothing_but_a_file() {
    let (database, acme, _) = tenants().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("file"), "precious").expect("a file");
    symlink(path("file"), path("link")).expect("a link");
    let _socket = UnixListener::bind(path("socket")).expect("a socket");
    fs::create_dir(path("folder")).expect("a folder");
    let org = acme.org_id.to_string();
    for name in ["link", "socket", "folder"] {
        let before = fs::symlink_metadata(path(name)).expect("it").file_type();
        let output = path(name);
        let output = output.to_str().expect("UTF-8");
        let said = operator(&database, &["org", "export", &org, "--output", output, "--force"]).failure();
        assert!(said.contains("no regular file"), "{name}: {said}");
        assert_eq!(fs::symlink_metadata(path(name)).expect("it").file_type(), before, "{name}");
    }
    assert_eq!(fs::read_to_string(path("file")).expect("a file"), "precious");
}

#[tokio::test]
async fn an_export_that_is_told_to_end_leaves_nothing() {
    let (database, acme, _) = tenants().await;
    let mut holder = database.admin_session().await;
    holder.run("BEGIN; LOCK TABLE chat_queries").await;
    let mut observer = database.admin_session().await;
    let org = acme.org_id.to_string();
    for (signal, code, outlives_its_terminal) in
        [("HUP", 129, false), ("INT", 130, false), ("TERM", 143, false), ("INT", 130, true)]
    {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("acme.jsonl");
        let output = output.to_str().expect("UTF-8");
        let program = operator(&database, &["org", "export", &org, "--output", output]);
        let running =
            if outlives_its_terminal { program.ignoring_hang_up() } else { program.hearing_hang_up() }
                .start();
        // Looks again and again; each look is a round trip of its own.
        while observer.number(WAITING_FOR_A_LOCK).await == 0 {}
        let parts: Vec<_> = fs::read_dir(folder.path()).expect("a folder").collect();
        let part = parts[0].as_ref().expect("a file").file_name();
        assert!(parts.len() == 1 && part.to_string_lossy().starts_with("acme.jsonl.part-"), "{parts:?}");
        if outlives_its_terminal {
            running.tell("HUP");
        }
        running.tell(signal);
        let ended = running.end();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{ended:?}");
        assert!(ended.stderr.contains("nothing was exported"), "{ended:?}");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0, "{signal}");
        // What it asked for is not asked for any more before the next begins.
        while observer.number(WAITING_FOR_A_LOCK).await > 0 {
            observer.run(END_WAITING).await;
        }
    }
}

#[tokio::test]
async fn an_org_is_deleted_when_it_is_said_twice() {
    let (database, acme, other) = tenants().await;
    let org = acme.org_id.to_string();
    let asked = operator(&database, &["org", "delete", &org]).run();
    assert_eq!(asked.code, Some(1), "{asked:?}");
    for part in ["documents", "3", "acme-machine", "acme-people", "audit log"] {
        assert!(asked.stdout.contains(part), "{part}: {asked:?}");
    }
    assert!(asked.stderr.contains("--yes"), "{asked:?}");
    assert_eq!(found(&database, &acme).await.len(), 3);

    let done = operator(&database, &["org", "delete", &org, "--yes"]).run();
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains(&format!("deleted the org {org}")), "{done:?}");
    assert!(done.stderr.contains("acme-machine") && done.stderr.contains("acme-people"), "{done:?}");
    let mcp = database.connect(roles::MCP);
    assert!(ScopedTx::enter(&mcp, &acme.machine_principal()).await.expect("an answer").is_none());
    let orgs = json_of(&database, &["org", "list"]);
    assert_eq!(orgs.as_array().expect("a list").len(), 1, "{orgs}");
    assert_eq!(found(&database, &other).await.len(), 3);
    let again = operator(&database, &["org", "delete", &org, "--yes"]).failure();
    assert!(again.contains("there is no org"), "{again}");
}

#[tokio::test]
async fn what_an_interrupted_deletion_left_in_clear_is_erased_by_the_next() {
    let (database, acme, _) = tenants().await;
    let mut admin = database.admin_session().await;
    admin
        .run(&format!(
            "INSERT INTO mcp_audit_log (id, org_id, connector_id, client_id, sub, tool, arguments_digest, digest_key_id,
                                        arguments, result_count, status, latency_ms, request_id)
             SELECT gen_random_uuid(), '{org}', '{org}', 'c', 's', 'search', decode(repeat('07', 32), 'hex'), 'k',
                    '{{\"query\": \"a secret question\"}}', 0, 'ok', 1, 'r' FROM generate_series(1, 3)",
            org = acme.org_id
        ))
        .await;
    let admin_login = database.connect(roles::ADMIN);
    // As far as an earlier run came.
    assert!(tenancy::delete_org(&admin_login, acme.org_id).await.expect("an answer"));
    let org = acme.org_id.to_string();
    let asked = operator(&database, &["org", "delete", &org]).run();
    assert!(asked.stdout.contains("gone already") && asked.stdout.contains("3 of them"), "{asked:?}");
    operator(&database, &["org", "delete", &org, "--yes"]).answer();
    let rows = json_of(&database, &["audit", "list", "--org", &org])["calls"].take();
    assert_eq!(rows.as_array().expect("rows").len(), 3);
    assert!(rows.as_array().expect("rows").iter().all(|row| row["arguments"].is_null()), "{rows}");
}

#[tokio::test]
async fn a_persons_own_org_goes_with_the_person_alone() {
    let database = TestDatabase::create().await;
    let person = NewPerson {
        cognito_sub: "ada",
        user_pool_id: "eu-central-1_EXAMPLE",
        user_name: "ada",
        email: "ada@example.com",
        given_name: None,
        family_name: None,
        picture: None,
        embedding_model: "none",
        welcome: Welcome { title: "Welcome", body: "Hello.", link: "/help" },
    };
    let account = people::provision(&database.connect(roles::ADMIN), &person).await.expect("an account");
    let org = account.org_id.to_string();
    let said = operator(&database, &["org", "delete", &org, "--yes"]).failure();
    assert!(said.contains("autri user delete ada@example.com"), "{said}");
    assert_eq!(json_of(&database, &["org", "list"]).as_array().expect("a list").len(), 1);
}

#[cfg(feature = "aws")]
#[tokio::test]
async fn the_app_clients_of_a_deleted_org_go_too() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let (acme, other) = (Tenant::create(&database, "acme").await, Tenant::create(&database, "other").await);
    let org = acme.org_id.to_string();
    for tenant in [&acme, &acme, &other] {
        let library = tenant.library_id.to_string();
        let create = ["connector", "create", "--library", &library, "--machine", "--name", "N"];
        operator(&database, &create).with_aws(&aws).answer();
    }
    assert_eq!(aws.client_ids().len(), 3);
    let asked = operator(&database, &["org", "delete", &org, "--json"]).with_aws(&aws).run();
    let plan: Value = serde_json::from_str(&asked.stdout).expect("JSON");
    let going: Vec<_> = plan["client_ids"].as_array().expect("a list").iter().collect();
    assert_eq!((asked.code, going.len(), aws.client_ids().len()), (Some(1), 4, 3), "{plan}");
    let done = operator(&database, &["org", "delete", &org, "--yes", "--json"]).with_aws(&aws).json();
    assert_eq!((&done["is_deleted"], &done["kept_client_ids"]), (&json!(true), &json!([])));
    let left = aws.client_ids();
    let theirs = json_of(&database, &["connector", "list"]);
    assert_eq!(left.len(), 1);
    assert!(theirs.to_string().contains(&left[0]), "the other org's stays: {theirs}");
}

/// By somebody else, between the closing and the end.
#[cfg(feature = "aws")]
#[tokio::test]
async fn an_app_client_that_is_made_meanwhile_goes_too() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let acme = Tenant::create(&database, "acme").await;
    let (org, library) = (acme.org_id.to_string(), acme.library_id.to_string());
    let create = ["connector", "create", "--library", &library, "--machine", "--name", "Late"];
    operator(&database, &create).with_aws(&aws).answer();
    let [client] = <[String; 1]>::try_from(aws.client_ids()).expect("one client");
    let mut admin = database.admin_session().await;
    admin
        .run(&format!(
            "CREATE TABLE late AS SELECT * FROM connectors WHERE oauth_client_id = '{client}';
             DELETE FROM connectors WHERE oauth_client_id = '{client}';
             CREATE FUNCTION insert_late() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
                 'BEGIN WITH once AS (DELETE FROM late RETURNING *) INSERT INTO connectors SELECT * FROM once;
                  RETURN NULL; END';
             CREATE TRIGGER insert_late AFTER DELETE ON documents FOR EACH STATEMENT EXECUTE FUNCTION insert_late()"
        ))
        .await;
    acme.add_document(&database, "a.md", "A", &["granite"]).await;
    let done = operator(&database, &["org", "delete", &org, "--yes", "--json"]).with_aws(&aws).json();
    assert!(done["client_ids"].as_array().expect("a list").contains(&json!(client)), "{done}");
    assert_eq!(aws.client_ids(), [""; 0]);
}
