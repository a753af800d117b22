//! One tenant sees nothing of another, by any way that the server's role has.

use std::time::Duration;

use autri_db::search::{SearchRequest, search};
use autri_db::test_support::{Tenant, TestDatabase, principal};
use autri_db::{Database, DatabaseOptions, DbError, ScopedTx, TenantScope, Tls, connectors, content, roles};
use autri_domain::{ChunkRef, DocumentId, KnowledgeBaseId, Principal};
use secrecy::ExposeSecret;
use sqlx::PgConnection;
use url::Url;

use crate::raw_sql::{number, run, sqlstate, texts};
use crate::search::words;

/// The tables that the server's role may read at all.
const READABLE: [&str; 5] = ["knowledge_bases", "documents", "chunks", "postings", "chunk_embeddings"];

/// Two tenants with one document each, of the same key, title and words.
struct Pair {
    database: TestDatabase,
    acme: Tenant,
    acme_document: DocumentId,
    other: Tenant,
    other_document: DocumentId,
}

impl Pair {
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
        let other = Tenant::create_with_model(&database, "other", "tiny", 2).await;
        let texts = [("shared words of everyone", Some(vec![1.0, 0.0]))];
        let acme_document = acme.add_embedded_document(&database, "a.md", "A title", &texts).await;
        let other_document = other.add_embedded_document(&database, "a.md", "A title", &texts).await;
        Self { database, acme, acme_document, other, other_document }
    }

    /// With policies that let the server's role see everything: what the statements do by themselves.
    async fn create_without_policies() -> Self {
        let pair = Self::create().await;
        let mut admin = pair.database.admin_connection().await;
        for table in READABLE {
            let sql = format!("ALTER POLICY {table}_mcp ON {table} USING (true)");
            run(&mut admin, &sql).await.unwrap();
        }
        assert!(
            visible(&mut pair.database.connection(roles::MCP).await).await.iter().all(|count| *count >= 2)
        );
        pair
    }
}

async fn enter(database: &Database, principal: &Principal) -> ScopedTx {
    ScopedTx::enter(database, principal).await.expect("an answer").expect("a scope")
}

/// The first chunk of a document, as a client would name it.
async fn first_chunk(database: &Database, owner: &Tenant, document: DocumentId) -> ChunkRef {
    let mut tx = enter(database, &owner.machine_principal()).await;
    let chunk = content::list_chunks(&mut tx, document, 0, 1).await.unwrap().remove(0);
    let hash_prefix = chunk.content_hash.first_chunk().copied().expect("a hash");
    ChunkRef { document, ordinal: 0, hash_prefix }
}

/// Tenancy is enforced twice, by the policies and by what each statement asks for. This is both, and the second alone.
#[tokio::test]
async fn every_read_shows_the_own_tenants_rows_alone() {
    for pair in [Pair::create().await, Pair::create_without_policies().await] {
        reads_show_the_own_rows_alone(&pair).await;
    }
}

async fn reads_show_the_own_rows_alone(pair: &Pair) {
    let mcp = pair.database.connect(roles::MCP);
    let own_chunk = first_chunk(&mcp, &pair.acme, pair.acme_document).await;
    let foreign_chunk = first_chunk(&mcp, &pair.other, pair.other_document).await;
    let foreign_base = Some(pair.other.knowledge_base_id);

    for principal in [pair.acme.machine_principal(), pair.acme.person_principal()] {
        let mut tx = enter(&mcp, &principal).await;
        let bases = content::list_knowledge_bases(&mut tx).await.unwrap();
        assert_eq!(bases.iter().map(|base| base.id).collect::<Vec<_>>(), [pair.acme.knowledge_base_id]);
        assert_eq!(bases[0].document_count, 1);

        let documents = content::list_documents(&mut tx, None, 0, 100).await.unwrap();
        assert_eq!(documents.iter().map(|document| document.id).collect::<Vec<_>>(), [pair.acme_document]);
        assert_eq!(content::list_documents(&mut tx, foreign_base, 0, 100).await.unwrap(), []);
        assert!(content::find_document(&mut tx, pair.acme_document).await.unwrap().is_some());
        assert_eq!(content::find_document(&mut tx, pair.other_document).await.unwrap(), None);

        assert_eq!(content::list_chunks(&mut tx, pair.acme_document, 0, 100).await.unwrap().len(), 1);
        assert_eq!(content::list_chunks(&mut tx, pair.other_document, 0, 100).await.unwrap(), []);
        assert!(content::find_chunk(&mut tx, own_chunk).await.unwrap().is_some());
        assert_eq!(content::find_chunk(&mut tx, foreign_chunk).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_search_finds_the_own_tenants_chunks_alone() {
    for pair in [Pair::create().await, Pair::create_without_policies().await] {
        searches_find_the_own_chunks_alone(&pair).await;
    }
}

async fn searches_find_the_own_chunks_alone(pair: &Pair) {
    let mcp = pair.database.connect(roles::MCP);
    let plain = words("shared words of everyone");
    let semantic =
        SearchRequest { words: "nothing alike".to_owned(), ..crate::search::near(&[1.0, 0.0], 0.5) };
    let demanding = SearchRequest { phrases: vec!["shared words".to_owned()], ..plain.clone() };
    let refusing = SearchRequest { negated: vec!["absent".to_owned()], ..plain.clone() };
    let either = SearchRequest { any_of: vec![vec!["shared".to_owned(), "x".to_owned()]], ..plain.clone() };
    for request in [plain, semantic, demanding, refusing, either] {
        let of_base = |id: KnowledgeBaseId| SearchRequest { knowledge_base_id: Some(id), ..request.clone() };
        let of_document = |id: DocumentId| SearchRequest { document_id: Some(id), ..request.clone() };
        let foreign_in_own = SearchRequest {
            knowledge_base_id: Some(pair.acme.knowledge_base_id),
            ..of_document(pair.other_document)
        };
        let cases = [
            (request.clone(), 1),
            (of_base(pair.acme.knowledge_base_id), 1),
            (of_document(pair.acme_document), 1),
            (of_base(pair.other.knowledge_base_id), 0),
            (of_document(pair.other_document), 0),
            (foreign_in_own, 0),
        ];
        for (request, expected) in cases {
            let mut tx = enter(&mcp, &pair.acme.machine_principal()).await;
            let hits = search(&mut tx, &request).await.unwrap();
            assert_eq!(hits.len(), expected, "{request:?}");
            assert!(hits.iter().all(|hit| hit.document_id == pair.acme_document), "{request:?}");
        }
    }
}

/// How many rows of each readable table the connection sees now.
async fn visible(connection: &mut PgConnection) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in READABLE {
        counts.push(number(connection, &format!("SELECT count(*) FROM {table}")).await.unwrap());
    }
    counts
}

async fn enter_by_hand(connection: &mut PgConnection, tenant: &Tenant) {
    let client = tenant.machine_client();
    let sql = format!("BEGIN; SELECT enter_scope('{}', '{client}', '{client}')", tenant.machine);
    run(connection, &sql).await.unwrap();
}

#[tokio::test]
async fn the_readable_tables_are_the_ones_that_are_tested_here() {
    let database = TestDatabase::create().await;
    let sql = "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
               AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege('autri_mcp', c.oid, 'SELECT')
               AND c.relname <> '_sqlx_migrations' ORDER BY c.relname";
    let mut expected = READABLE;
    expected.sort_unstable();
    assert_eq!(texts(&mut database.admin_connection().await, sql).await, expected);
}

#[tokio::test]
async fn without_a_scope_no_row_is_visible() {
    let pair = Pair::create().await;
    for role in [roles::MCP, roles::INGEST] {
        let mut connection = pair.database.connection(role).await;
        for table in ["knowledge_bases", "documents", "chunks", "chunk_embeddings"] {
            let sql = format!("SELECT count(*) FROM {table}");
            assert_eq!(number(&mut connection, &sql).await.unwrap(), 0, "{role}: {table}");
        }
    }
    assert_eq!(visible(&mut pair.database.connection(roles::MCP).await).await, [0; 5]);
    assert!(visible(&mut pair.database.connection(roles::ADMIN).await).await.iter().all(|count| *count >= 2));
}

#[tokio::test]
async fn raw_statements_in_a_scope_see_its_rows_alone() {
    let pair = Pair::create().await;
    let mut connection = pair.database.connection(roles::MCP).await;
    enter_by_hand(&mut connection, &pair.acme).await;
    assert!(visible(&mut connection).await.iter().all(|count| *count >= 1));
    for table in READABLE {
        let column = if table == "knowledge_bases" { "id" } else { "knowledge_base_id" };
        let sql = format!("SELECT DISTINCT {column}::text FROM {table}");
        assert_eq!(texts(&mut connection, &sql).await, [pair.acme.knowledge_base_id.to_string()], "{table}");
    }
}

#[tokio::test]
async fn a_scope_ends_with_its_transaction() {
    let pair = Pair::create().await;
    let mut connection = pair.database.connection(roles::MCP).await;
    for end in ["COMMIT", "ROLLBACK"] {
        enter_by_hand(&mut connection, &pair.acme).await;
        assert_ne!(visible(&mut connection).await, [0; 5]);
        run(&mut connection, end).await.unwrap();
        assert_eq!(visible(&mut connection).await, [0; 5], "after {end}");
    }
}

#[tokio::test]
async fn a_pooled_connection_carries_nothing_over() {
    let pair = Pair::create().await;
    let single = Database::new(&DatabaseOptions {
        login: pair.database.url(roles::MCP).into(),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_secs(20),
        application_name: "autri-test",
        tls: Tls::AsUrlSays,
        max_idle: None,
    })
    .unwrap();
    for round in 0..3 {
        for (tenant, document) in [(&pair.acme, pair.acme_document), (&pair.other, pair.other_document)] {
            let mut tx = enter(&single, &tenant.machine_principal()).await;
            let seen = content::list_documents(&mut tx, None, 0, 100).await.unwrap();
            assert_eq!(seen.iter().map(|document| document.id).collect::<Vec<_>>(), [document]);
            if round % 2 == 0 {
                tx.commit().await.unwrap();
            }
        }
    }
}

/// The settings are the role's to set; they open nothing that the token's values would not.
#[tokio::test]
async fn settings_made_by_hand_open_nothing() {
    let pair = Pair::create().await;
    let own_client = pair.acme.machine_client();
    let people = pair.other.interactive_client();
    let foreign_machine = pair.other.machine.to_string();
    let foreign_people = pair.other.interactive.to_string();
    let cases = [
        ("another tenant's connector", &foreign_machine, &own_client, &own_client),
        ("its people's, as our machine", &foreign_people, &own_client, &own_client),
        ("its people's, as our person", &foreign_people, &people, &pair.acme.person),
        ("its people's, as a machine", &foreign_people, &people, &people),
        ("nobody's subject", &foreign_people, &people, &String::new()),
        ("no connector", &String::new(), &own_client, &own_client),
    ];
    let mut connection = pair.database.connection(roles::MCP).await;
    for (case, connector, client, subject) in cases {
        // Once for the transaction, once for the whole session.
        for local in [true, false] {
            let sql = format!(
                "SELECT set_config('autri.connector_id', '{connector}', {local}),
                        set_config('autri.client_id', '{client}', {local}), set_config('autri.subject', '{subject}', {local})"
            );
            run(&mut connection, "BEGIN").await.unwrap();
            run(&mut connection, &sql).await.unwrap();
            assert_eq!(visible(&mut connection).await, [0; 5], "{case}");
            run(&mut connection, "COMMIT").await.unwrap();
        }
        assert_eq!(visible(&mut connection).await, [0; 5], "{case}");
    }
    // The knowledge base of an ingest is nothing to the server's role.
    let sql = format!("SET autri.ingest_knowledge_base_id = '{}'", pair.other.knowledge_base_id);
    run(&mut connection, &sql).await.unwrap();
    assert_eq!(visible(&mut connection).await, [0; 5]);
    run(&mut connection, "SET autri.connector_id = 'no uuid'").await.unwrap();
    let error = number(&mut connection, "SELECT count(*) FROM chunks").await.unwrap_err();
    assert_eq!(sqlstate(&error), "22P02", "nonsense is an error, not an open door");
}

/// A failed `enter_scope` must not leave the scope that was entered before.
#[tokio::test]
async fn a_refused_scope_replaces_the_one_before() {
    let pair = Pair::create().await;
    let mut connection = pair.database.connection(roles::MCP).await;
    enter_by_hand(&mut connection, &pair.acme).await;
    let client = pair.acme.machine_client();
    let sql = format!("SELECT count(*) FROM enter_scope('{}', '{client}', '{client}')", pair.other.machine);
    assert_eq!(number(&mut connection, &sql).await.unwrap(), 0);
    assert_eq!(visible(&mut connection).await, [0; 5]);
}

#[tokio::test]
async fn revoking_closes_a_scope_that_was_entered_before() {
    let pair = Pair::create().await;
    let (mcp, admin) = (pair.database.connect(roles::MCP), pair.database.connect(roles::ADMIN));
    let mut tx = enter(&mcp, &pair.acme.machine_principal()).await;
    assert_eq!(content::list_documents(&mut tx, None, 0, 100).await.unwrap().len(), 1);
    connectors::revoke(&admin, pair.acme.machine).await.unwrap().unwrap();
    assert_eq!(content::list_knowledge_bases(&mut tx).await.unwrap(), []);
    assert_eq!(content::list_documents(&mut tx, None, 0, 100).await.unwrap(), []);
    assert_eq!(content::find_document(&mut tx, pair.acme_document).await.unwrap(), None);
    assert_eq!(search(&mut tx, &words("shared")).await.unwrap(), []);
}

#[tokio::test]
async fn taking_a_persons_access_closes_their_scope() {
    let pair = Pair::create().await;
    let mcp = pair.database.connect(roles::MCP);
    let mut tx = enter(&mcp, &pair.acme.person_principal()).await;
    assert_eq!(content::list_documents(&mut tx, None, 0, 100).await.unwrap().len(), 1);
    run(&mut pair.database.connection(roles::ADMIN).await, "DELETE FROM library_access").await.unwrap();
    assert_eq!(content::list_documents(&mut tx, None, 0, 100).await.unwrap(), []);
    assert_eq!(TenantScope::find(&mcp, &pair.acme.person_principal()).await.unwrap(), None);
}

#[tokio::test]
async fn detaching_a_knowledge_base_hides_it_at_once() {
    let pair = Pair::create().await;
    let mcp = pair.database.connect(roles::MCP);
    let mut tx = enter(&mcp, &pair.acme.machine_principal()).await;
    assert_eq!(content::list_knowledge_bases(&mut tx).await.unwrap().len(), 1);
    run(&mut pair.database.connection(roles::ADMIN).await, "DELETE FROM library_kbs").await.unwrap();
    assert_eq!(content::list_knowledge_bases(&mut tx).await.unwrap(), []);
    assert_eq!(search(&mut tx, &words("shared")).await.unwrap(), []);
}

/// A superuser is bound by no policy: a server that was given such a login must not answer.
#[tokio::test]
async fn a_login_that_row_security_does_not_bind_is_refused() {
    let pair = Pair::create().await;
    let admin_url = Url::parse(pair.database.admin_url().expose_secret()).unwrap();
    let superuser = pair.database.connect(admin_url.username());
    let machine = pair.acme.machine_principal();
    assert!(matches!(TenantScope::find(&superuser, &machine).await, Err(DbError::RowSecurityOff)));
    assert!(matches!(ScopedTx::enter(&superuser, &machine).await, Err(DbError::RowSecurityOff)));
}

#[tokio::test]
async fn a_name_cannot_escape_into_sql() {
    let pair = Pair::create().await;
    let mcp = pair.database.connect(roles::MCP);
    let hostile = "'; SET ROLE autri_migrate; --";
    assert_eq!(TenantScope::find(&mcp, &principal(pair.acme.machine, hostile, hostile)).await.unwrap(), None);
    let with_nul = principal(pair.acme.machine, "acme\0-machine", "acme\0-machine");
    assert!(TenantScope::find(&mcp, &with_nul).await.is_err(), "Postgres has no text with NUL");
}
