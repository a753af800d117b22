//! What each role may do, and above all what it may not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

use autri_db::bootstrap::Bootstrap;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{migrations, roles};
use secrecy::ExposeSecret;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use crate::raw_sql::{NOT_ALLOWED, number, refusal, run, sqlstate, texts};

/// Every right on a table that a login other than the owner has. A role that is not named has none.
const TABLE_RIGHTS: &str = "\
autri_admin _sqlx_migrations: select
autri_admin chat_queries: select
autri_admin chunk_embeddings: select
autri_admin chunks: select
autri_admin connectors: select, insert, delete, update
autri_admin documents: select
autri_admin embedding_models: select, insert
autri_admin knowledge_bases: select, insert, delete, update (name, embedding_model)
autri_admin libraries: select, insert, delete, update
autri_admin library_access: select, insert, delete, update
autri_admin library_kbs: select, insert, delete, update
autri_admin mcp_audit_log: select
autri_admin notifications: select, insert, delete, update
autri_admin org_members: select, insert, delete, update
autri_admin orgs: select, insert, delete, update
autri_admin postings: select
autri_admin users: select, insert, delete, update
autri_mcp _sqlx_migrations: select
autri_mcp chunk_embeddings: select
autri_mcp chunks: select
autri_mcp documents: select
autri_mcp knowledge_bases: select
autri_mcp postings: select
autri_ingest _sqlx_migrations: select
autri_ingest chunk_embeddings: select, insert, delete
autri_ingest chunks: select, insert, delete
autri_ingest documents: select, insert, delete, update
autri_ingest embedding_models: select
autri_ingest knowledge_bases: select
";

/// Every right of the functions' owner.
const DEFINER_RIGHTS: &str = "\
connectors: select, update (created_at)
embedding_models: select
knowledge_bases: select, insert, update (chunk_count, lexeme_count)
libraries: select, insert
library_access: select, insert
library_kbs: select, insert
mcp_audit_log: select (id, org_id, arguments), insert, update (arguments)
notifications: select (user_id, type), insert
org_members: select (org_id, user_id), insert
orgs: select (id, personal_user), insert
postings: select, insert, delete
users: select, insert, update (user_pool_id, user_name)
";

/// Who else than its owner may call a function.
const FUNCTION_RIGHTS: &str = "\
append_mcp_audit: autri_mcp
chunk_lexemes: autri_ingest
connector_for_token: autri_pre_token
enter_scope: autri_mcp
erase_audit_arguments: autri_admin
hold_knowledge_base: autri_ingest
ingest_knowledge_base_id: autri_ingest
post_chunks: nobody
provision_person: autri_admin, autri_post_confirmation
resolve_connector: autri_mcp
scope_knowledge_base_ids: autri_mcp
scope_library_id: autri_mcp
search_filter: autri_mcp
search_lexemes: autri_mcp
search_pairs: autri_mcp
search_text: autri_ingest, autri_mcp
unpost_chunks: nobody
vector_code: autri_ingest, autri_mcp
weighted_frequency: autri_ingest
word_count: autri_ingest
";

const TABLES: &str = "SELECT c.relname::text FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f', 'm', 'v') ORDER BY 1";

const OUR_FUNCTIONS: &str = "FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
     AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')";

/// Everyone that logs in and is not the owner.
fn users() -> impl Iterator<Item = &'static str> {
    roles::LOGINS.into_iter().filter(|role| *role != roles::MIGRATE)
}

#[tokio::test]
async fn a_role_has_the_table_rights_it_needs_and_no_more() {
    let database = TestDatabase::create().await;
    let tables = texts(&mut database.admin_connection().await, TABLES).await;
    let mut found = String::new();
    for role in users() {
        let mut connection = database.connection(role).await;
        for table in &tables {
            let rights = table_rights(&mut connection, table).await;
            if !rights.is_empty() {
                writeln!(found, "{role} {table}: {}", rights.join(", ")).unwrap();
            }
        }
    }
    assert_eq!(found, TABLE_RIGHTS);
}

#[tokio::test]
async fn the_definer_has_the_rights_its_functions_need_and_no_more() {
    let database = TestDatabase::create().await;
    let tables = texts(&mut database.admin_connection().await, TABLES).await;
    let mut connection = database.connection(roles::MIGRATE).await;
    run(&mut connection, "SET ROLE autri_definer").await.unwrap();
    let mut found = String::new();
    for table in &tables {
        let rights = table_rights(&mut connection, table).await;
        if !rights.is_empty() {
            writeln!(found, "{table}: {}", rights.join(", ")).unwrap();
        }
    }
    assert_eq!(found, DEFINER_RIGHTS);
}

/// What the connection's role may do with a table, by trying.
async fn table_rights(connection: &mut PgConnection, table: &str) -> Vec<String> {
    let columns = format!(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
    );
    let columns = texts(connection, &columns).await;
    let mut rights = Vec::new();
    // EXPLAIN checks the rights and runs nothing.
    rights.extend(
        column_right(connection, "select", &columns, |column| {
            format!("EXPLAIN SELECT {column} FROM {table}")
        })
        .await,
    );
    for (right, sql) in [
        ("insert", format!("EXPLAIN INSERT INTO {table} DEFAULT VALUES")),
        ("delete", format!("EXPLAIN DELETE FROM {table}")),
        ("truncate", format!("SELECT 1 / has_table_privilege('{table}', 'TRUNCATE')::int")),
        ("trigger", format!("SELECT 1 / has_table_privilege('{table}', 'TRIGGER, REFERENCES')::int")),
    ] {
        if is_allowed(connection, &sql).await {
            rights.push(right.to_owned());
        }
    }
    let update = |column: &str| format!("EXPLAIN UPDATE {table} SET {column} = DEFAULT");
    rights.extend(column_right(connection, "update", &columns, update).await);
    rights
}

/// A right on all columns, on those that are named, or none.
async fn column_right(
    connection: &mut PgConnection,
    right: &str,
    columns: &[String],
    sql: impl Fn(&str) -> String,
) -> Option<String> {
    let mut allowed = Vec::new();
    for column in columns {
        if is_allowed(connection, &sql(column)).await {
            allowed.push(column.as_str());
        }
    }
    match allowed.len() {
        0 => None,
        all if all == columns.len() => Some(right.to_owned()),
        _ => Some(format!("{right} ({})", allowed.join(", "))),
    }
}

async fn is_allowed(connection: &mut PgConnection, sql: &str) -> bool {
    match run(connection, sql).await {
        Ok(_) => true,
        Err(error) => match sqlstate(&error).as_str() {
            // 22012 is the division by zero of a right that is not there.
            NOT_ALLOWED | "22012" => false,
            other => panic!("{sql}: {other} {error}"),
        },
    }
}

#[tokio::test]
async fn a_function_is_called_by_who_needs_it_and_nobody_else() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin_connection().await;
    let names = users().map(|role| format!("('{role}')")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT p.proname || ': ' || (
             SELECT coalesce(string_agg(r.name, ', ' ORDER BY r.name), 'nobody') FROM (VALUES {names}) AS r (name)
             WHERE has_function_privilege(r.name, p.oid, 'EXECUTE'))
         {OUR_FUNCTIONS} ORDER BY 1"
    );
    assert_eq!(texts(&mut admin, &sql).await.join("\n") + "\n", FUNCTION_RIGHTS);
}

#[tokio::test]
async fn nothing_in_the_schema_is_left_open() {
    let database = TestDatabase::create().await;
    assert_eq!(left_open(&mut database.admin_connection().await).await, Vec::<String>::new());
}

/// The check above sees what a later migration forgets.
#[tokio::test]
async fn what_a_migration_forgets_is_seen() {
    let database = TestDatabase::create().await;
    let mut owner = database.connection(roles::MIGRATE).await;
    let cases = [
        ("CREATE TABLE forgotten (id int)", "table forgotten"),
        ("CREATE MATERIALIZED VIEW forgotten AS SELECT * FROM chunks", "table forgotten"),
        ("CREATE VIEW forgotten AS SELECT * FROM chunks", "view forgotten"),
        ("ALTER TABLE chunks DISABLE ROW LEVEL SECURITY", "table chunks"),
        ("ALTER TABLE chunks NO FORCE ROW LEVEL SECURITY", "table chunks"),
        ("DROP POLICY chunks_owner ON chunks", "table chunks"),
        ("GRANT SELECT ON chunks TO PUBLIC", "everyone on chunks"),
        ("GRANT USAGE ON SEQUENCE chunks_id_seq TO PUBLIC", "everyone on chunks_id_seq"),
        ("CREATE FUNCTION forgotten() RETURNS int LANGUAGE sql RETURN 1", "everyone calls forgotten"),
        (
            "CREATE FUNCTION forgotten() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog RETURN 1;
             REVOKE EXECUTE ON FUNCTION forgotten FROM PUBLIC",
            "definer forgotten",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO autri_definer; SET ROLE autri_definer;
             CREATE FUNCTION forgotten() RETURNS int LANGUAGE sql SECURITY DEFINER RETURN 1;
             REVOKE EXECUTE ON FUNCTION forgotten FROM PUBLIC;
             RESET ROLE; REVOKE CREATE ON SCHEMA public FROM autri_definer",
            "definer forgotten",
        ),
        ("SET ROLE autri_definer; ALTER FUNCTION enter_scope RESET search_path; RESET ROLE", "definer enter_scope"),
        ("GRANT CREATE ON SCHEMA public TO autri_mcp", "autri_mcp creates"),
    ];
    for (mistake, seen) in cases {
        run(&mut owner, "BEGIN").await.unwrap();
        run(&mut owner, mistake).await.unwrap_or_else(|error| panic!("{mistake}: {error}"));
        assert_eq!(left_open(&mut owner).await, [seen], "{mistake}");
        run(&mut owner, "ROLLBACK").await.unwrap();
    }
}

/// Tables that row level security does not close, and rights that everyone has.
async fn left_open(connection: &mut PgConnection) -> Vec<String> {
    let sql = format!(
        "SELECT 'table ' || c.relname FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'f', 'm')
           AND c.relname <> '_sqlx_migrations'
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                    AND EXISTS (SELECT FROM pg_policy o WHERE o.polrelid = c.oid AND o.polcmd = '*'
                                AND o.polroles = ARRAY['autri_migrate'::regrole::oid]))
         UNION ALL
         SELECT 'view ' || c.relname FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
           AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false)
         UNION ALL
         SELECT DISTINCT 'everyone on ' || c.relname FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
         WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = 0
         UNION ALL
         SELECT 'everyone calls ' || p.proname {OUR_FUNCTIONS}
           AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
         UNION ALL
         SELECT 'definer ' || p.proname {OUR_FUNCTIONS} AND p.prosecdef
           AND NOT (p.proowner = 'autri_definer'::regrole
                    AND coalesce('search_path=pg_catalog, public, pg_temp' = ANY (p.proconfig), false))
         UNION ALL
         SELECT r.rolname || ' creates' FROM pg_roles r
         WHERE r.rolname LIKE 'autri\\_%' AND r.rolname <> 'autri_migrate' AND r.rolname NOT LIKE 'autri\\_test%'
           AND has_schema_privilege(r.oid, 'public', 'CREATE')"
    );
    texts(connection, &sql).await
}

#[tokio::test]
async fn no_role_is_above_the_rules() {
    let database = TestDatabase::create().await;
    let mut admin = database.admin_connection().await;
    let names = roles::LOGINS.map(|role| format!("'{role}'")).join(", ");
    let above = format!(
        "SELECT rolname::text FROM pg_roles WHERE rolname IN ({names}, 'autri_definer')
         AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"
    );
    assert_eq!(texts(&mut admin, &above).await, Vec::<String>::new());
    let known = format!("SELECT count(*) FROM pg_roles WHERE rolcanlogin AND rolname IN ({names})");
    assert_eq!(number(&mut admin, &known).await.unwrap(), 7);
    let definers = "SELECT relname::text FROM pg_class WHERE relowner = 'autri_definer'::regrole";
    assert_eq!(texts(&mut admin, definers).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_definer_cannot_log_in() {
    let database = TestDatabase::create().await;
    let options = PgConnectOptions::from_str(database.url("autri_definer").expose_secret()).unwrap();
    let error = options.connect().await.unwrap_err();
    // 28000: may not log in; 28P01: has no password, where passwords are asked for.
    assert!(matches!(sqlstate(&error).as_str(), "28000" | "28P01"), "{error}");
}

#[tokio::test]
async fn a_role_becomes_another_only_where_it_must() {
    let database = TestDatabase::create().await;
    let all =
        texts(&mut database.admin_connection().await, "SELECT rolname::text FROM pg_roles ORDER BY 1").await;
    let mut changes = Vec::new();
    for role in roles::LOGINS {
        let mut connection = database.connection(role).await;
        for other in all.iter().filter(|other| *other != role) {
            for sql in [format!("SET ROLE \"{other}\""), format!("SET SESSION AUTHORIZATION \"{other}\"")] {
                if run(&mut connection, &sql).await.is_ok() {
                    changes.push(format!("{role}: {sql}"));
                    run(&mut connection, "RESET ROLE").await.unwrap();
                }
            }
        }
    }
    let expected = [
        "autri_migrate: SET ROLE \"autri_definer\"",
        // What every owner of a database is.
        "autri_migrate: SET ROLE \"pg_database_owner\"",
        "autri_admin: SET ROLE \"autri_ingest\"",
    ];
    assert_eq!(changes, expected);
}

/// Taking the role of ingest takes the operator's own rights away, so that its policies alone count.
#[tokio::test]
async fn the_operator_gives_up_its_rights_while_it_ingests() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    acme.add_document(&database, "a.md", "A", &["words"]).await;
    let mut admin = database.connection(roles::ADMIN).await;
    assert_eq!(number(&mut admin, "SELECT count(*) FROM documents").await.unwrap(), 1);
    run(&mut admin, "SET ROLE autri_ingest").await.unwrap();
    assert_eq!(number(&mut admin, "SELECT count(*) FROM documents").await.unwrap(), 0);
    assert_eq!(refusal(&mut admin, "SELECT 1 FROM connectors").await, NOT_ALLOWED);
}

/// In a database that was made by `autri db bootstrap`: rights on the database are no part of a template.
#[tokio::test]
async fn no_login_reaches_beyond_its_tables() {
    let database = TestDatabase::reserve().await;
    let bootstrap = Bootstrap {
        admin_url: database.admin_url().clone(),
        database: database.name().to_owned(),
        passwords: BTreeMap::new(),
    };
    bootstrap.run().await.unwrap();
    let owner = database.connect(roles::MIGRATE);
    migrations::apply(&owner).await.unwrap();
    owner.close().await;

    let denied_to_all = [
        "SELECT rolpassword FROM pg_authid",
        "SELECT * FROM pg_shadow",
        "SELECT * FROM pg_statistic",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT pg_ls_dir('.')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "COPY (SELECT 1) TO '/tmp/autri-test'",
        "ALTER EXTENSION vector SET SCHEMA pg_catalog",
        "CREATE ROLE autri_test_intruder",
        "CREATE DATABASE autri_test_intruder",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "ALTER ROLE autri_definer LOGIN",
        "GRANT autri_migrate TO autri_mcp",
        "SET session_replication_role = replica",
        "SET row_security = off; SELECT count(*) FROM chunks, connectors",
    ];
    let denied_to_users = [
        "CREATE TABLE public.intruder (id int)",
        "CREATE TEMP TABLE intruder (id int)",
        "CREATE SCHEMA intruder",
        "CREATE FUNCTION public.intruder() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE POLICY intruder ON chunks USING (true)",
        "ALTER TABLE chunks DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE chunks DISABLE TRIGGER ALL",
        "DROP POLICY chunks_mcp ON chunks",
        "DROP TABLE chunks",
        "ALTER FUNCTION enter_scope SECURITY INVOKER",
    ];
    for role in roles::LOGINS {
        let mut connection = database.connection(role).await;
        let for_users: &[&str] = if role == roles::MIGRATE { &[] } else { &denied_to_users };
        for sql in denied_to_all.iter().chain(for_users) {
            if role == roles::MIGRATE && sql.contains("row_security") {
                continue;
            }
            let code = refusal(&mut connection, sql).await;
            assert_eq!(code, NOT_ALLOWED, "{role}: {sql}");
            run(&mut connection, "RESET ALL").await.unwrap();
        }
    }
}

/// The planner's statistics hold values from all tenants' rows.
#[tokio::test]
async fn statistics_show_no_tenants_values() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    for number in 0..20 {
        acme.add_document(&database, &format!("{number}.md"), "A title", &["confidential words"]).await;
    }
    database.vacuum().await;
    let statistics =
        "SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND tablename <> '_sqlx_migrations'";
    assert!(number(&mut database.admin_connection().await, statistics).await.unwrap() > 0);
    for role in users() {
        let mut connection = database.connection(role).await;
        assert_eq!(number(&mut connection, statistics).await.unwrap(), 0, "{role}");
    }
}
