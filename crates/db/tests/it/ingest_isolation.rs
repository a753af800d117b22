//! A transaction that ingests reaches the one knowledge base that it named.

use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use sqlx::PgConnection;

use crate::raw_sql::{NOT_ALLOWED, number, refusal, run, sqlstate};
use crate::stored_content::assert_consistent;

/// As both logins do it: the operator's takes the role first.
async fn begin(connection: &mut PgConnection, tenant: &Tenant) {
    let base = tenant.knowledge_base_id;
    let sql =
        format!("BEGIN; SET LOCAL ROLE autri_ingest; SET LOCAL autri.ingest_knowledge_base_id = '{base}'");
    run(connection, &sql).await.unwrap();
}

/// Runs a statement and takes it back.
async fn attempt(connection: &mut PgConnection, tenant: &Tenant, sql: &str) -> Result<u64, String> {
    begin(connection, tenant).await;
    let outcome = run(connection, sql).await.map_err(|error| sqlstate(&error));
    run(connection, "ROLLBACK").await.unwrap();
    outcome
}

struct Pair {
    database: TestDatabase,
    acme: Tenant,
    other: Tenant,
}

impl Pair {
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
        let other = Tenant::create_with_model(&database, "other", "tiny", 2).await;
        for tenant in [&acme, &other] {
            tenant
                .add_embedded_document(
                    &database,
                    "a.md",
                    "A",
                    &[("words", Some(vec![1.0, 0.0])), ("other", None)],
                )
                .await;
        }
        Self { database, acme, other }
    }

    /// The last id of a table's rows of the other tenant.
    async fn foreign(&self, column: &str, table: &str) -> String {
        let base = self.other.knowledge_base_id;
        let sql =
            format!("SELECT {column}::text FROM {table} WHERE knowledge_base_id = '{base}' ORDER BY 1 DESC");
        crate::raw_sql::texts(&mut self.database.admin_connection().await, &sql).await.remove(0)
    }
}

#[tokio::test]
async fn another_base_can_neither_be_read_nor_written() {
    let pair = Pair::create().await;
    let (own, foreign) = (pair.acme.knowledge_base_id, pair.other.knowledge_base_id);
    let document = pair.foreign("id", "documents").await;
    let chunk = pair.foreign("id", "chunks").await;
    let hash = "decode(repeat('ab', 32), 'hex')";
    let new_document = |base| {
        format!(
            "INSERT INTO documents VALUES (gen_random_uuid(), '{base}', 'x', 'x', NULL, {hash}, 0, 0, now())"
        )
    };
    let new_chunk = |base, document: &str| {
        format!(
            "INSERT INTO chunks (knowledge_base_id, document_id, ordinal, heading_path, byte_start, byte_end, body,
                                 content_hash, lexemes, lexeme_count)
             VALUES ('{base}', '{document}', 9, '{{}}', 0, 1, 'x', {hash}, 'x:1', 1)"
        )
    };
    let new_vector = |base, chunk: &str| {
        format!("INSERT INTO chunk_embeddings VALUES ({chunk}, '{base}', 'tiny', 2, '[1,0]')")
    };
    // A row of the own base that hangs on another's document or chunk breaks the foreign key, which holds both columns.
    let broken_key = || Err("23503".to_owned());
    let not_allowed = || Err(NOT_ALLOWED.to_owned());
    let cases = [
        (new_document(own), Ok(1)),
        (new_document(foreign), not_allowed()),
        (new_chunk(foreign, &document), not_allowed()),
        (new_chunk(own, &document), broken_key()),
        (new_vector(foreign, &chunk), not_allowed()),
        (new_vector(own, &chunk), broken_key()),
        (format!("UPDATE documents SET knowledge_base_id = '{foreign}'"), not_allowed()),
        (format!("UPDATE documents SET title = 'x' WHERE knowledge_base_id = '{foreign}'"), Ok(0)),
        ("UPDATE documents SET title = 'x'".to_owned(), Ok(1)),
        (format!("DELETE FROM documents WHERE id = '{document}'"), Ok(0)),
        ("DELETE FROM documents".to_owned(), Ok(1)),
        ("DELETE FROM chunks".to_owned(), Ok(2)),
        ("DELETE FROM chunk_embeddings".to_owned(), Ok(1)),
        ("DELETE FROM postings".to_owned(), not_allowed()),
        ("UPDATE knowledge_bases SET chunk_count = 0".to_owned(), not_allowed()),
        ("UPDATE knowledge_bases SET org_id = gen_random_uuid()".to_owned(), not_allowed()),
        ("INSERT INTO library_kbs SELECT FROM knowledge_bases".to_owned(), not_allowed()),
    ];
    for role in [roles::INGEST, roles::ADMIN] {
        let mut connection = pair.database.connection(role).await;
        for (sql, expected) in &cases {
            assert_eq!(attempt(&mut connection, &pair.acme, sql).await, *expected, "{role}: {sql}");
        }
        for (table, own) in [("knowledge_bases", 1), ("documents", 1), ("chunks", 2), ("chunk_embeddings", 1)]
        {
            begin(&mut connection, &pair.acme).await;
            let sql = format!("SELECT count(*) FROM {table}");
            assert_eq!(number(&mut connection, &sql).await.unwrap(), own, "{role}: {table}");
            run(&mut connection, "ROLLBACK").await.unwrap();
        }
    }
    assert_consistent(&pair.database).await;
}

/// An upsert on another base's row must not reveal or change it.
#[tokio::test]
async fn a_conflict_with_another_bases_row_is_refused() {
    let pair = Pair::create().await;
    let document = pair.foreign("id", "documents").await;
    let sql = format!(
        "INSERT INTO documents
         VALUES ('{document}', '{}', 'new', 'x', NULL, decode(repeat('ab', 32), 'hex'), 0, 0, now())
         ON CONFLICT (id) DO UPDATE SET title = 'taken'",
        pair.acme.knowledge_base_id
    );
    let mut connection = pair.database.connection(roles::INGEST).await;
    assert_eq!(attempt(&mut connection, &pair.acme, &sql).await, Err(NOT_ALLOWED.to_owned()));
}

#[tokio::test]
async fn without_a_named_base_nothing_is_reached() {
    let pair = Pair::create().await;
    let mut connection = pair.database.connection(roles::INGEST).await;
    for sql in ["UPDATE documents SET title = 'x'", "DELETE FROM documents", "DELETE FROM chunks"] {
        assert_eq!(run(&mut connection, sql).await.unwrap(), 0, "{sql}");
    }
    let sql = "INSERT INTO documents SELECT gen_random_uuid(), gen_random_uuid(), 'x', 'x', NULL,
               decode(repeat('ab', 32), 'hex'), 0, 0, now()";
    assert_eq!(refusal(&mut connection, sql).await, NOT_ALLOWED);
    run(&mut connection, "SET autri.ingest_knowledge_base_id = 'no uuid'").await.unwrap();
    assert_eq!(refusal(&mut connection, "DELETE FROM documents").await, "22P02");
}
