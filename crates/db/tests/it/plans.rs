//! The plans of the hot statements, as the server's role: a tenant's call must not cost what the others stored.

use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::raw_sql::{number as raw_number, run, texts};

/// The very statement that `search` runs.
const SEARCH: &str = include_str!("../../src/search.sql");

/// The tables that grow with every tenant's documents.
const CONTENT: [&str; 3] = ["postings", "chunks", "chunk_embeddings"];

const LARGE_TENANTS: usize = 10;

/// How many chunks the other tenants have, all with the words that are asked for.
const FOREIGN_CHUNKS: usize = 3000;

/// A search's parameters as literals, and what it stands for.
const SEARCHES: [(&str, &str); 6] = [
    ("words", "'granite basalt', NULL, '{}', '{}', '[]', NULL, NULL, NULL, 1, 0, 10, 'tiny'"),
    ("words and a vector", "'granite', '[1,0]', '{}', '{}', '[]', NULL, NULL, NULL, 0.5, 0, 10, 'tiny'"),
    ("a phrase", "'granite', '[1,0]', '{granite basalt}', '{}', '[]', NULL, NULL, NULL, 0.5, 0, 10, 'tiny'"),
    ("a negation", "'granite', '[1,0]', '{}', '{slate}', '[]', NULL, NULL, NULL, 0.5, 0, 10, 'tiny'"),
    (
        "a group",
        "'granite', '[1,0]', '{}', '{}', '[[\"granite\", \"slate\"]]', NULL, NULL, NULL, 0.5, 0, 10, 'tiny'",
    ),
    (
        "a time",
        "'granite', '[1,0]', '{}', '{}', '[]', NULL, NULL, '2020-01-01T00:00:00Z', 0.5, 0, 10, 'tiny'",
    ),
];

/// A small tenant beside many large ones.
async fn tenants() -> (TestDatabase, Tenant) {
    let database = TestDatabase::create().await;
    let small = Tenant::create_with_model(&database, "small", "tiny", 2).await;
    let chunk = ("granite basalt slate and other stones", Some(vec![1.0, 0.0]));
    small.add_embedded_document(&database, "a.md", "A", &vec![chunk.clone(); 20]).await;
    for number in 0..LARGE_TENANTS {
        let large = Tenant::create_with_model(&database, &format!("large{number}"), "tiny", 2).await;
        let chunks = vec![chunk.clone(); FOREIGN_CHUNKS / LARGE_TENANTS];
        large.add_embedded_document(&database, "a.md", "A", &chunks).await;
    }
    (database, small)
}

/// The nodes of the plan that `EXPLAIN` answers with, children after their parents.
async fn explain(connection: &mut PgConnection, options: &str, statement: &str) -> Vec<Value> {
    let sql = format!("EXPLAIN (FORMAT JSON{options}) {statement}");
    let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await.expect("a plan");
    let mut answer: Value = row.get(0);
    let mut open = vec![answer[0]["Plan"].take()];
    let mut nodes = Vec::new();
    while let Some(mut node) = open.pop() {
        // What stands below a condition that is false for these parameters never runs.
        let children = node["Plans"].take();
        if let (Value::Array(children), false) = (children, text(&node, "One-Time Filter") == "false") {
            open.extend(children);
        }
        nodes.push(node);
    }
    nodes
}

fn text<'a>(node: &'a Value, key: &str) -> &'a str {
    node[key].as_str().unwrap_or_default()
}

/// The nodes that read a content table other than by its index, or postings by less than the knowledge base and lexeme.
fn detours(nodes: &[Value]) -> Vec<String> {
    let mut detours = Vec::new();
    for node in nodes {
        let (kind, condition) = (text(node, "Node Type"), text(node, "Index Cond"));
        let (table, index) = (text(node, "Relation Name"), text(node, "Index Name"));
        let is_sequential = kind.ends_with("Seq Scan") && CONTENT.contains(&table);
        let is_of_postings =
            index.starts_with("postings") || (table == "postings" && kind != "Bitmap Heap Scan");
        let is_by_key = index == "postings_pkey"
            && condition.contains("(knowledge_base_id = ")
            && condition.contains("(lexeme = ");
        if is_sequential || (is_of_postings && !is_by_key) {
            detours.push(format!("{kind} {table}{index} {condition} {}", text(node, "Filter")));
        }
    }
    detours
}

async fn in_scope(database: &TestDatabase, tenant: &Tenant) -> PgConnection {
    let mut connection = database.connection(roles::MCP).await;
    run(&mut connection, "SET jit = off").await.unwrap();
    run(&mut connection, &format!("PREPARE search AS {SEARCH}")).await.unwrap();
    let client = tenant.machine_client();
    let enter = format!("BEGIN; SELECT * FROM enter_scope('{}', '{client}', '{client}')", tenant.machine);
    run(&mut connection, &enter).await.unwrap();
    connection
}

/// Both conditions reach the index, row level security or not; nothing reads a content table from end to end.
#[tokio::test]
async fn a_search_reads_the_tenants_postings_by_their_key() {
    let (database, small) = tenants().await;
    let mut found = Vec::new();
    for has_statistics in [false, true] {
        if has_statistics {
            database.vacuum().await;
        }
        let mut connection = in_scope(&database, &small).await;
        for mode in ["force_generic_plan", "force_custom_plan"] {
            run(&mut connection, &format!("SET LOCAL plan_cache_mode = {mode}")).await.unwrap();
            for (case, parameters) in SEARCHES {
                let nodes = explain(&mut connection, "", &format!("EXECUTE search({parameters})")).await;
                assert!(nodes.iter().any(|node| text(node, "Index Name") == "postings_pkey"), "{case}");
                for detour in detours(&nodes) {
                    found.push(format!("{case}, {mode}, statistics: {has_statistics}: {detour}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Not only planned so: what is read in fact is the tenant's, however many rows the others have.
#[tokio::test]
async fn a_search_touches_no_row_of_another_tenant() {
    let (database, small) = tenants().await;
    database.vacuum().await;
    let mut connection = in_scope(&database, &small).await;
    for (case, parameters) in SEARCHES {
        let nodes = explain(&mut connection, ", ANALYZE", &format!("EXECUTE search({parameters})")).await;
        for node in nodes.iter().filter(|node| CONTENT.contains(&text(node, "Relation Name"))) {
            let number = |key: &str| node[key].as_f64().unwrap_or_default();
            let refused = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
            let read = number("Actual Loops") * (number("Actual Rows") + refused);
            assert!(read <= 100.0, "{case}: {read} rows: {node:#}");
        }
    }
}

/// A question of hundreds of words, in a library that has each in every chunk, must not keep a connection busy for seconds.
#[tokio::test]
async fn a_very_long_question_reads_the_postings_of_64_words() {
    const CHUNKS: u32 = 1_100;
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let question: Vec<String> = (0..70).map(|number| format!("stone{number}")).collect();
    let question = question.join(" ");
    acme.add_document(&database, "a.md", "A", &vec![question.as_str(); CHUNKS as usize]).await;
    database.vacuum().await;
    let mut connection = in_scope(&database, &acme).await;
    for mode in ["force_generic_plan", "force_custom_plan"] {
        run(&mut connection, &format!("SET LOCAL plan_cache_mode = {mode}")).await.unwrap();
        let call = format!(
            "EXECUTE search('{question}', NULL, '{{}}', '{{}}', '[]', NULL, NULL, NULL, 1, 0, 10, 'tiny')"
        );
        let nodes = explain(&mut connection, ", ANALYZE", &call).await;
        let of_postings = nodes.iter().filter(|node| text(node, "Relation Name") == "postings");
        let number = |node: &Value, key: &str| node[key].as_f64().unwrap_or_default();
        let read: Vec<f64> =
            of_postings.map(|node| number(node, "Actual Loops") * number(node, "Actual Rows")).collect();
        assert!(read.iter().any(|rows| *rows > 0.0), "{mode}: {read:?}");
        assert!(read.iter().all(|rows| *rows <= f64::from(64 * CHUNKS)), "{mode}: {read:?}");
    }
}

/// Of many chunks the codes are read, from their index alone; of the vectors, those of the likely ones, by their key.
#[tokio::test]
async fn a_search_of_many_chunks_reads_codes_in_place_of_vectors() {
    let (database, small) = tenants().await;
    let many =
        format!("UPDATE knowledge_bases SET chunk_count = 50001 WHERE id = '{}'", small.knowledge_base_id);
    let mut superuser = database.admin_connection().await;
    run(&mut superuser, &many).await.unwrap();
    // Whoever looks at the table meanwhile (autovacuum does) keeps its pages from being marked as visible to all.
    let unmarked =
        "SELECT (relpages - relallvisible)::bigint FROM pg_class WHERE relname = 'chunk_embeddings'";
    for _ in 0..20 {
        database.vacuum().await;
        if raw_number(&mut superuser, unmarked).await.unwrap() == 0 {
            break;
        }
    }
    let mut connection = in_scope(&database, &small).await;
    let (_, parameters) = SEARCHES[1];
    for mode in ["force_generic_plan", "force_custom_plan"] {
        run(&mut connection, &format!("SET LOCAL plan_cache_mode = {mode}")).await.unwrap();
        let nodes = explain(&mut connection, ", ANALYZE", &format!("EXECUTE search({parameters})")).await;
        let number = |node: &Value, key: &str| node[key].as_f64().unwrap_or_default();
        let mut ways: Vec<String> = nodes
            .iter()
            .filter(|node| {
                text(node, "Relation Name") == "chunk_embeddings" && number(node, "Actual Loops") > 0.0
            })
            .map(|node| format!("{} {}", text(node, "Node Type"), text(node, "Index Name")))
            .collect();
        ways.sort();
        let codes = "Index Only Scan chunk_embeddings_code_idx";
        assert_eq!(ways, [codes, codes, "Index Scan chunk_embeddings_pkey"], "{mode}");
        let fetched = nodes.iter().map(|node| number(node, "Heap Fetches")).sum::<f64>();
        assert!(detours(&nodes).is_empty() && fetched < 1.0, "{mode}: {fetched} {:?}", detours(&nodes));
    }
}

/// The look-up of every call, from the function that makes it.
#[tokio::test]
async fn resolving_a_connector_is_by_keys() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let mut admin = database.admin_connection().await;
    let many = format!(
        "INSERT INTO libraries (id, org_id, name, embedding_model)
         SELECT gen_random_uuid(), '{org}', 'library ' || n, 'none' FROM generate_series(1, 3000) n;
         INSERT INTO connectors (id, org_id, library_id, kind, oauth_client_id, name)
         SELECT gen_random_uuid(), org_id, id, 'interactive', name, name FROM libraries;
         INSERT INTO users (id, cognito_sub, email)
         SELECT gen_random_uuid(), 'person ' || n, n || '@example.com' FROM generate_series(1, 3000) n;
         INSERT INTO library_access (library_id, user_id) SELECT '{library}', id FROM users ON CONFLICT DO NOTHING;
         INSERT INTO library_access (library_id, user_id)
         SELECT l.id, u.id FROM libraries l JOIN users u ON l.name = 'library ' || split_part(u.cognito_sub, ' ', 2)",
        org = acme.org_id,
        library = acme.library_id
    );
    run(&mut admin, &many).await.unwrap();
    database.vacuum().await;
    let source = texts(&mut admin, "SELECT prosrc::text FROM pg_proc WHERE proname = 'resolve_connector'")
        .await
        .remove(0);
    let (_, query) = source.split_once("RETURN QUERY").expect("the function returns a query");
    let (query, _) = query.split_once(';').expect("the query ends");
    let query = ["wanted_connector", "token_client", "token_subject"]
        .iter()
        .zip(1..)
        .fold(query.to_owned(), |query, (name, number)| query.replace(name, &format!("${number}")));
    run(&mut admin, "SET ROLE autri_definer").await.unwrap();
    run(&mut admin, &format!("PREPARE resolve(uuid, text, text) AS {query}")).await.unwrap();
    for mode in ["force_generic_plan", "force_custom_plan"] {
        run(&mut admin, &format!("SET plan_cache_mode = {mode}")).await.unwrap();
        let call = format!(
            "EXECUTE resolve('{}', '{}', '{}')",
            acme.interactive,
            acme.interactive_client(),
            acme.person
        );
        let nodes = explain(&mut admin, ", ANALYZE", &call).await;
        for table in ["connectors", "libraries", "users", "library_access"] {
            let node = nodes.iter().find(|node| text(node, "Relation Name") == table);
            let node = node.unwrap_or_else(|| panic!("{mode}: {table} is not read: {nodes:#?}"));
            assert!(!text(node, "Node Type").ends_with("Seq Scan"), "{mode}: {node:#}");
            let condition = [text(node, "Index Cond"), text(node, "Recheck Cond")].concat();
            assert!(!condition.is_empty(), "{mode}: {node:#}");
            assert!(node["Actual Rows"].as_f64() <= Some(1.0), "{mode}: {node:#}");
        }
    }
}

/// The statement of a function of this crate, from its source.
fn statement_of<'a>(function: &str, source: &'a str) -> &'a str {
    let (_, body) = source.split_once(&format!("fn {function}(")).expect("the function");
    let (_, statement) = body.split_once("r#\"").expect("its statement");
    statement.split_once("\"#").expect("the statement's end").0
}

#[tokio::test]
async fn a_page_of_keys_is_read_in_order_from_an_index() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let base = acme.knowledge_base_id;
    let mut superuser = database.admin_connection().await;
    let many = format!(
        "INSERT INTO documents (id, knowledge_base_id, source_key, title, content_hash, chunk_count, byte_count, updated_at)
         SELECT gen_random_uuid(), '{base}', 'key' || n, 'T', decode(repeat('07', 32), 'hex'), 0, 0, now()
         FROM generate_series(1, 3000) n"
    );
    run(&mut superuser, &many).await.unwrap();
    database.vacuum().await;
    let pages = [
        (roles::ADMIN, "list", include_str!("../../src/documents.rs"), "'key', 'key15', 100"),
        (roles::ADMIN, "delete_some", include_str!("../../src/documents.rs"), "'key', 100, 1000000"),
        (roles::ADMIN, "documents", include_str!("../../src/export.rs"), "'key15', 100, 1000000"),
        (roles::INGEST, "list_source_keys", include_str!("../../src/ingest.rs"), "'key15', 100"),
    ];
    for (role, function, source, arguments) in pages {
        let mut connection = database.connection(role).await;
        let prepare = format!(
            "SET autri.ingest_knowledge_base_id = '{base}'; PREPARE page AS {}",
            statement_of(function, source)
        );
        run(&mut connection, &prepare).await.unwrap();
        for mode in ["force_generic_plan", "force_custom_plan"] {
            run(&mut connection, &format!("SET plan_cache_mode = {mode}")).await.unwrap();
            let call = format!("EXECUTE page('{base}', {arguments})");
            let nodes = explain(&mut connection, ", ANALYZE", &call).await;
            let case = format!("{function}, {mode}: {nodes:#?}");
            let scan = nodes.iter().find(|node| text(node, "Relation Name") == "documents").expect("a scan");
            assert_eq!(text(scan, "Index Name"), "documents_knowledge_base_key_order_idx", "{case}");
            assert!(text(scan, "Index Cond").contains("source_key"), "{case}");
            assert_eq!(scan["Actual Rows"].as_f64(), Some(100.0), "{case}");
        }
    }
}

/// The plan of the trigger is made in a first ingest, when there are no postings and no statistics, and kept.
#[tokio::test]
async fn replacing_a_document_never_reads_all_postings() {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "first").await;
    let mut session = database.admin_session().await;
    session.run("DELETE FROM chunks WHERE false").await;
    for key in ["a", "b", "c"] {
        tenant.add_document(&database, key, "Title", &["Granite is a hard rock."]).await;
    }
    session.run("BEGIN").await;
    session.run("DELETE FROM chunks WHERE false").await;
    let scans =
        "SELECT coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_xact_user_tables WHERE relname = 'postings'";
    assert_eq!(session.number(scans).await, 0);
}
