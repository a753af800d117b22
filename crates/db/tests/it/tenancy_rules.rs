//! Which libraries and knowledge bases belong together: rules that constraints hold.

use autri_db::connectors::{self, ConnectorKind, NewConnector};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{ScopedTx, content, roles, tenancy};
use autri_domain::{ConnectorId, KnowledgeBaseId, LibraryId, OrgId};
use sqlx::PgConnection;

use crate::raw_sql::{number, run, texts};
use crate::search::{find, words};
use crate::stored_content::assert_consistent;

/// The constraint that refuses a statement.
async fn rule(connection: &mut PgConnection, sql: &str) -> String {
    let error = run(connection, sql).await.expect_err(sql);
    error.as_database_error().and_then(|error| error.constraint()).expect("a constraint").to_owned()
}

/// A knowledge base given to a library with the org and model that the statement claims.
fn attach(library: LibraryId, base: KnowledgeBaseId, org: OrgId, model: &str) -> String {
    format!(
        "INSERT INTO library_kbs (library_id, knowledge_base_id, org_id, embedding_model)
         VALUES ('{library}', '{base}', '{org}', '{model}')"
    )
}

#[tokio::test]
async fn a_library_holds_several_knowledge_bases() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let second = acme.add_knowledge_base(&database, "acme handbook").await;
    let first_document = acme.add_document(&database, "a.md", "A", &["granite quarry"]).await;
    let handbook = acme.with_knowledge_base(second);
    let second_document = handbook.add_document(&database, "a.md", "A", &["granite kitchen"]).await;
    assert_ne!(first_document, second_document, "a source key is one knowledge base's");

    let mcp = database.connect(roles::MCP);
    let mut tx = ScopedTx::enter(&mcp, &acme.machine_principal()).await.unwrap().unwrap();
    let bases = content::list_knowledge_bases(&mut tx).await.unwrap();
    assert_eq!(bases.iter().map(|base| base.id).collect::<Vec<_>>(), [acme.knowledge_base_id, second]);
    assert_eq!(content::list_documents(&mut tx, None, 0, 10).await.unwrap().len(), 2);
    let of_second = content::list_documents(&mut tx, Some(second), 0, 10).await.unwrap();
    assert_eq!(of_second.iter().map(|document| document.id).collect::<Vec<_>>(), [second_document]);
    let both = find(&database, &acme, &words("granite")).await;
    assert_eq!(both.len(), 2);
}

#[tokio::test]
async fn a_knowledge_base_serves_two_libraries() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let shared = acme.add_knowledge_base(&database, "shared").await;
    let shared_in_acme = acme.with_knowledge_base(shared);
    let document = shared_in_acme.add_document(&database, "s.md", "S", &["basalt"]).await;
    acme.add_document(&database, "own.md", "Own", &["basalt"]).await;

    let admin = database.connect(roles::ADMIN);
    let second = tenancy::insert_library(&admin, acme.org_id, "second", "none").await.unwrap();
    let new = NewConnector {
        id: ConnectorId::new(),
        library_id: second.id,
        kind: ConnectorKind::Machine,
        oauth_client_id: "second-machine",
        name: "second",
    };
    let connector = connectors::insert(&admin, &new).await.unwrap().unwrap().id;
    let attached = attach(second.id, shared, acme.org_id, "none");
    run(&mut database.connection(roles::ADMIN).await, &attached).await.unwrap();

    let principal = autri_db::test_support::principal(connector, "second-machine", "second-machine");
    let mcp = database.connect(roles::MCP);
    let mut tx = ScopedTx::enter(&mcp, &principal).await.unwrap().unwrap();
    let seen = content::list_documents(&mut tx, None, 0, 10).await.unwrap();
    assert_eq!(seen.iter().map(|document| document.id).collect::<Vec<_>>(), [document]);
    assert_eq!(find(&database, &acme, &words("basalt")).await.len(), 2);
    let libraries = tenancy::list_libraries(&admin, Some(acme.org_id)).await.unwrap();
    assert_eq!(libraries[1].knowledge_base_ids, [shared]);
}

#[tokio::test]
async fn orgs_do_not_mix() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    let mut admin = database.connection(roles::ADMIN).await;
    let (own, foreign) = (acme.library_id, other.knowledge_base_id);
    let base_rule = "library_kbs_knowledge_base_same_org_and_model";
    assert_eq!(rule(&mut admin, &attach(own, foreign, acme.org_id, "none")).await, base_rule);
    let library_rule = "library_kbs_library_same_org_and_model";
    assert_eq!(rule(&mut admin, &attach(own, foreign, other.org_id, "none")).await, library_rule);

    let connector = format!(
        "INSERT INTO connectors (id, org_id, library_id, kind, oauth_client_id, name)
         VALUES (gen_random_uuid(), '{}', '{}', 'machine', 'mixed', 'mixed')",
        other.org_id, acme.library_id
    );
    assert_eq!(rule(&mut admin, &connector).await, "connectors_library_same_org");
    let moved = format!("UPDATE libraries SET org_id = '{}' WHERE id = '{}'", other.org_id, acme.library_id);
    assert_eq!(rule(&mut admin, &moved).await, "connectors_library_same_org");
}

#[tokio::test]
async fn embedding_models_do_not_mix() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", "tiny", 2).await;
    let admin = database.connect(roles::ADMIN);
    tenancy::upsert_embedding_model(&admin, "large", 4).await.unwrap();
    let large = tenancy::insert_library(&admin, acme.org_id, "large", "large").await.unwrap();
    let mut connection = database.connection(roles::ADMIN).await;
    let (base_rule, library_rule) =
        ("library_kbs_knowledge_base_same_org_and_model", "library_kbs_library_same_org_and_model");
    let base = acme.knowledge_base_id;
    assert_eq!(rule(&mut connection, &attach(large.id, base, acme.org_id, "large")).await, base_rule);
    assert_eq!(rule(&mut connection, &attach(large.id, base, acme.org_id, "tiny")).await, library_rule);
    let changed = format!("UPDATE knowledge_bases SET embedding_model = 'large' WHERE id = '{base}'");
    assert_eq!(rule(&mut connection, &changed).await, library_rule);
    let changed = format!("UPDATE libraries SET embedding_model = 'large' WHERE id = '{}'", acme.library_id);
    assert_eq!(rule(&mut connection, &changed).await, base_rule);
}

#[tokio::test]
async fn a_model_keeps_its_dimensions() {
    let database = TestDatabase::create().await;
    let admin = database.connect(roles::ADMIN);
    tenancy::upsert_embedding_model(&admin, "tiny", 2).await.unwrap();
    tenancy::upsert_embedding_model(&admin, "tiny", 2).await.unwrap();
    let other = tenancy::upsert_embedding_model(&admin, "tiny", 3).await;
    assert_eq!(other.unwrap_err().constraint(), Some("embedding_models_pkey"));
    let empty = tenancy::upsert_embedding_model(&admin, "hollow", 0).await;
    assert_eq!(empty.unwrap_err().constraint(), Some("embedding_models_none_has_no_dimensions"));
    let huge = tenancy::upsert_embedding_model(&admin, "huge", 4001).await;
    assert_eq!(huge.unwrap_err().constraint(), Some("embedding_models_dimensions_range"));
}

#[tokio::test]
async fn names_are_taken_once_and_orphans_refused() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let admin = database.connect(roles::ADMIN);
    let twice = tenancy::insert_library(&admin, acme.org_id, "acme library", "none").await;
    assert_eq!(twice.unwrap_err().constraint(), Some("libraries_org_name_key"));
    let nobodys = tenancy::insert_library(&admin, OrgId::new(), "x", "none").await;
    assert_eq!(nobodys.unwrap_err().constraint(), Some("libraries_org_fkey"));
    let unknown = tenancy::insert_library(&admin, acme.org_id, "x", "unheard of").await;
    assert_eq!(unknown.unwrap_err().constraint(), Some("libraries_embedding_model_fkey"));
    let twice = tenancy::insert_knowledge_base(&admin, acme.library_id, "acme documents").await;
    assert_eq!(twice.unwrap_err().constraint(), Some("knowledge_bases_org_name_key"));
    assert_eq!(tenancy::insert_knowledge_base(&admin, LibraryId::new(), "x").await.unwrap(), None);
}

#[tokio::test]
async fn a_person_has_one_personal_org_and_one_welcome() {
    let database = TestDatabase::create().await;
    Tenant::create(&database, "acme").await;
    let mut admin = database.connection(roles::ADMIN).await;
    let org = "INSERT INTO orgs (id, name, personal_user) SELECT gen_random_uuid(), 'mine', id FROM users";
    run(&mut admin, org).await.unwrap();
    assert_eq!(rule(&mut admin, org).await, "orgs_one_personal_per_user");
    let welcome = |kind: &str| {
        format!(
            "INSERT INTO notifications (id, user_id, type, title, body)
             SELECT gen_random_uuid(), id, '{kind}', 'Hello', 'text' FROM users"
        )
    };
    run(&mut admin, &welcome("welcome")).await.unwrap();
    assert_eq!(rule(&mut admin, &welcome("welcome")).await, "notifications_one_welcome_per_user");
    run(&mut admin, &welcome("news")).await.unwrap();
    run(&mut admin, &welcome("news")).await.unwrap();
}

/// The operator may not write content, yet what it deletes takes its content along: rows, postings and counts.
#[tokio::test]
async fn what_the_operator_deletes_takes_its_content_along() {
    let database = TestDatabase::create().await;
    let mut tenants = Vec::new();
    for name in ["kept", "without its base", "gone"] {
        let tenant = Tenant::create_with_model(&database, name, "tiny", 2).await;
        tenant.add_embedded_document(&database, "a.md", "A", &[("slate", Some(vec![1.0, 0.0]))]).await;
        tenants.push(tenant);
    }
    let [kept, baseless, gone] = tenants.try_into().unwrap();
    let mut admin = database.connection(roles::ADMIN).await;
    let base = format!("DELETE FROM knowledge_bases WHERE id = '{}'", baseless.knowledge_base_id);
    run(&mut admin, &base).await.unwrap();
    let login = database.connect(roles::ADMIN);
    assert!(tenancy::delete_org(&login, gone.org_id).await.unwrap());
    assert!(!tenancy::delete_org(&login, gone.org_id).await.unwrap(), "there is none any more");

    for table in ["documents", "chunks", "postings", "chunk_embeddings"] {
        let of = format!("SELECT DISTINCT knowledge_base_id::text FROM {table}");
        assert_eq!(texts(&mut admin, &of).await, [kept.knowledge_base_id.to_string()], "{table}");
    }
    for table in ["libraries", "connectors", "library_access"] {
        assert!(number(&mut admin, &format!("SELECT count(*) FROM {table}")).await.unwrap() > 0, "{table}");
    }
    let orgs = tenancy::list_orgs(&login).await.unwrap();
    assert_eq!(orgs.iter().map(|org| org.id).collect::<Vec<_>>(), [kept.org_id, baseless.org_id]);
    assert_consistent(&database).await;
}
