//! An org is written out whole, and ends.

use std::collections::BTreeMap;

use autri_db::audit::{self, AuditFilter, NewAuditRow};
use autri_db::export::{OrgExport, Record};
use autri_db::ingest::{KnowledgeBaseContent, MODEL_IS_HELD};
use autri_db::test_support::{Tenant, TestDatabase, new_document};
use autri_db::{Database, ScopedTx, documents, memberships, org_end, people, roles, tenancy};
use autri_domain::{DocumentId, OrgId};
use serde_json::{Value, json};

use crate::raw_sql::{NOT_ALLOWED, number, refusal, run};
use crate::search::{find, words};
use crate::stored_content::assert_consistent;

/// A tenant with a bit of everything, under words of its own.
async fn full_tenant(database: &TestDatabase, name: &str) -> Tenant {
    let tenant = Tenant::create_with_model(database, name, "tiny", 2).await;
    let texts = [(format!("{name} granite. "), Some(vec![1.0, 0.0])), (format!("{name} basalt."), None)];
    let texts: Vec<_> = texts.iter().map(|(text, vector)| (text.as_str(), vector.clone())).collect();
    tenant.add_embedded_document(database, "a.md", &format!("{name} stones"), &texts).await;
    tenant.add_document(database, "empty.md", &format!("{name} nothing"), &[]).await;
    let admin = database.connect(roles::ADMIN);
    let person = people::find_by_sub(&admin, &tenant.person).await.unwrap().unwrap();
    memberships::add_member(&admin, tenant.org_id, person.id, memberships::OrgRole::Owner).await.unwrap();
    let question = format!(
        "INSERT INTO chat_queries (id, org_id, user_id, library_id, question)
         VALUES (gen_random_uuid(), '{}', '{}', '{}', '{name} asks')",
        tenant.org_id, person.id, tenant.library_id
    );
    run(&mut database.admin_connection().await, &question).await.unwrap();
    let mcp = database.connect(roles::MCP);
    for arguments in [Some(json!({ "query": format!("{name} secret question") })), None] {
        append(&mcp, &tenant, arguments).await;
    }
    tenant
}

async fn append(mcp: &Database, tenant: &Tenant, arguments: Option<Value>) {
    let mut tx = ScopedTx::enter(mcp, &tenant.machine_principal()).await.unwrap().unwrap();
    audit::append(&mut tx, &audit_row(tenant, arguments)).await.unwrap();
    tx.commit().await.unwrap();
}

fn audit_row(tenant: &Tenant, arguments: Option<Value>) -> NewAuditRow {
    NewAuditRow {
        id: DocumentId::new().as_uuid(),
        connector_id: tenant.machine,
        client_id: tenant.machine_client(),
        sub: tenant.machine_client(),
        tool: "search".to_owned(),
        arguments_digest: [7; 32],
        digest_key_id: "k1".to_owned(),
        arguments,
        result_count: 1,
        status: "ok",
        latency_ms: 1.5,
        request_id: "r".to_owned(),
    }
}

async fn export(admin: &Database, org: OrgId) -> Vec<Record> {
    let mut export = OrgExport::begin(admin, org).await.unwrap().expect("an org");
    let mut records = Vec::new();
    while let Some(page) = export.next_page().await.unwrap() {
        records.extend(page);
    }
    records
}

/// How many lines of each kind.
fn kinds(lines: &[Value]) -> BTreeMap<&str, usize> {
    let mut kinds = BTreeMap::new();
    for line in lines {
        *kinds.entry(line["type"].as_str().unwrap()).or_default() += 1;
    }
    kinds
}

#[tokio::test]
async fn an_export_is_the_org_and_nothing_of_another() {
    let database = TestDatabase::create().await;
    let acme = full_tenant(&database, "acme").await;
    let other = full_tenant(&database, "other").await;
    let admin = database.connect(roles::ADMIN);
    let records = export(&admin, acme.org_id).await;
    let lines: Vec<Value> = records.iter().map(|record| serde_json::to_value(record).unwrap()).collect();
    let expected = [
        ("audit_row", 2),
        ("chat_query", 1),
        ("connector", 2),
        ("document", 2),
        ("end", 1),
        ("export", 1),
        ("knowledge_base", 1),
        ("library", 1),
        ("library_access", 1),
        ("library_knowledge_base", 1),
        ("member", 1),
        ("org", 1),
    ];
    assert_eq!(kinds(&lines), BTreeMap::from(expected));
    assert_eq!(lines[0]["format_version"], 1);
    assert_eq!(*lines.last().unwrap(), json!({ "type": "end", "record_count": lines.len() }));
    let document = lines.iter().find(|line| line["source_key"] == "a.md").unwrap();
    assert_eq!(document["text"], "acme granite. acme basalt.");
    assert_eq!(document["content_hash"].as_str().unwrap().len(), 64);
    let empty = lines.iter().find(|line| line["source_key"] == "empty.md").unwrap();
    assert_eq!(empty["text"], "");
    let audit = lines.iter().find(|line| line["type"] == "audit_row").unwrap();
    assert_eq!(audit["arguments_digest"], "07".repeat(32));
    let member = lines.iter().find(|line| line["type"] == "member").unwrap();
    assert_eq!((&member["email"], &member["role"]), (&json!("acme-person@example.com"), &json!("owner")));

    let text = Value::from(lines).to_string();
    assert!(!text.contains("other"), "{text}");
    for id in [other.org_id.to_string(), other.library_id.to_string(), other.machine.to_string()] {
        assert!(!text.contains(&id), "{text}");
    }
    assert!(OrgExport::begin(&admin, OrgId::new()).await.unwrap().is_none());
}

/// Pages do not lose, repeat or mix, and what changes meanwhile is not seen.
#[tokio::test]
async fn an_export_of_many_pages_is_of_one_moment() {
    let database = TestDatabase::create().await;
    let acme = full_tenant(&database, "acme").await;
    let sql = format!(
        "INSERT INTO documents (id, knowledge_base_id, source_key, title, content_hash, chunk_count, byte_count, updated_at)
         SELECT gen_random_uuid(), '{base}', 'k' || n, 't', decode(repeat('ab', 32), 'hex'), 0, 100000, now()
         FROM generate_series(1, 700) n;
         INSERT INTO mcp_audit_log (id, at, org_id, connector_id, client_id, sub, tool, arguments_digest, digest_key_id,
                                    result_count, status, latency_ms, request_id)
         SELECT gen_random_uuid(), now() - n / 300 * interval '1 second', '{org}', '{org}', 'c', 's', 't',
                decode(repeat('ab', 32), 'hex'), 'k', 0, 'ok', 1, 'r' || n
         FROM generate_series(1, 1200) n",
        base = acme.knowledge_base_id,
        org = acme.org_id,
    );
    run(&mut database.admin_connection().await, &sql).await.unwrap();
    let admin = database.connect(roles::ADMIN);
    let mut export = OrgExport::begin(&admin, acme.org_id).await.unwrap().unwrap();
    let mut records = export.next_page().await.unwrap().unwrap();
    acme.add_document(&database, "late.md", "Late", &["late"]).await;
    documents::delete_some(&admin, acme.knowledge_base_id, "k7").await.unwrap();
    let mut pages = 1;
    while let Some(page) = export.next_page().await.unwrap() {
        assert!(page.len() <= 500);
        records.extend(page);
        pages += 1;
    }
    assert!(pages > 15, "{pages}: 70 MB of documents are not read at once");
    let mut ids: Vec<String> = Vec::new();
    for record in &records {
        match record {
            Record::Document { source_key, .. } => ids.push(source_key.clone()),
            Record::AuditRow { id, .. } => ids.push(id.to_string()),
            _ => {}
        }
    }
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!((all, ids.len()), (702 + 1202, 702 + 1202));
    assert!(!ids.contains(&"late.md".to_owned()));
    assert_eq!(records.last(), Some(&Record::End { record_count: records.len() as u64 }));
}

#[tokio::test]
async fn an_org_ends_in_steps_that_can_be_repeated() {
    let database = TestDatabase::create().await;
    let acme = full_tenant(&database, "acme").await;
    let other = full_tenant(&database, "other").await;
    let admin = database.connect(roles::ADMIN);
    let before = org_end::find(&admin, other.org_id).await.unwrap().unwrap();
    let found = org_end::find(&admin, acme.org_id).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), &found.personal_email), ("acme", &None));
    let counts = (found.member_count, found.library_count, found.document_count, found.chat_query_count);
    assert_eq!(counts, (1, 1, 2, 1));
    assert_eq!(found.knowledge_base_ids, [acme.knowledge_base_id]);
    assert_eq!(found.connectors.len(), 2);
    assert_eq!(org_end::count_audit_rows(&admin, acme.org_id).await.unwrap(), (2, 1));

    assert_eq!(org_end::close_connectors(&admin, acme.org_id).await.unwrap(), 2);
    assert_eq!(org_end::close_connectors(&admin, acme.org_id).await.unwrap(), 0);
    let mcp = database.connect(roles::MCP);
    for principal in [acme.machine_principal(), acme.person_principal()] {
        assert!(ScopedTx::enter(&mcp, &principal).await.unwrap().is_none(), "closed from the first step on");
    }
    let error = org_end::erase_audit_arguments(&admin, acme.org_id).await.unwrap_err();
    assert_eq!(error.constraint(), Some("mcp_audit_log_arguments_of_a_gone_org"));
    assert_eq!(org_end::count_audit_rows(&admin, acme.org_id).await.unwrap(), (2, 1), "a living org's stay");

    while documents::delete_some(&admin, acme.knowledge_base_id, "").await.unwrap().documents > 0 {}
    assert!(tenancy::delete_org(&admin, acme.org_id).await.unwrap());
    assert_eq!(org_end::erase_audit_arguments(&admin, acme.org_id).await.unwrap(), 1);
    assert_eq!(org_end::erase_audit_arguments(&admin, acme.org_id).await.unwrap(), 0);
    let filter = AuditFilter { org_id: Some(acme.org_id), limit: 10, ..AuditFilter::default() };
    let rows = audit::list(&admin, &filter).await.unwrap();
    assert_eq!(rows.len(), 2, "the rows stay");
    assert!(rows.iter().all(|row| row.arguments.is_none() && row.arguments_digest == [7; 32]));
    assert_eq!(org_end::find(&admin, acme.org_id).await.unwrap(), None);

    assert_eq!(org_end::find(&admin, other.org_id).await.unwrap().unwrap(), before, "another's is as it was");
    assert_eq!(org_end::count_audit_rows(&admin, other.org_id).await.unwrap(), (2, 1));
    assert_eq!(find(&database, &other, &words("granite")).await.len(), 1);
    let left =
        format!("SELECT count(*) FROM documents WHERE knowledge_base_id = '{}'", acme.knowledge_base_id);
    assert_eq!(number(&mut database.admin_connection().await, &left).await.unwrap(), 0);
    assert_consistent(&database).await;
}

/// Looks again and again; each look is a round trip of its own. In `pg_locks` such a wait is for a transaction, which belongs
/// to no database.
async fn until_waiting_for_a_row(database: &TestDatabase) {
    const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let mut observer = database.admin_connection().await;
    while number(&mut observer, WAITING).await.unwrap() == 0 {}
}

/// A call that wrote its row is waited for: what it kept in clear is erased with the rest.
#[tokio::test]
async fn an_org_does_not_end_before_its_calls() {
    let database = TestDatabase::create().await;
    let acme = full_tenant(&database, "acme").await;
    let (admin, mcp) = (database.connect(roles::ADMIN), database.connect(roles::MCP));
    let mut tx = ScopedTx::enter(&mcp, &acme.machine_principal()).await.unwrap().unwrap();
    audit::append(&mut tx, &audit_row(&acme, Some(json!({ "query": "a last secret" })))).await.unwrap();
    assert_eq!(org_end::close_connectors(&admin, acme.org_id).await.unwrap(), 2, "revoking does not wait");
    let mut end = Box::pin(async {
        tenancy::delete_org(&admin, acme.org_id).await.unwrap();
        org_end::erase_audit_arguments(&admin, acme.org_id).await.unwrap()
    });
    tokio::select! {
        erased = &mut end => panic!("it did not wait: {erased}"),
        () = until_waiting_for_a_row(&database) => {}
    }
    tx.commit().await.unwrap();
    assert_eq!(end.await, 2);
    assert_eq!(org_end::count_audit_rows(&admin, acme.org_id).await.unwrap(), (3, 0));
}

/// And one that comes to write its row when the org is going waits, and is refused.
#[tokio::test]
async fn a_call_leaves_no_row_of_an_org_that_ended() {
    let database = TestDatabase::create().await;
    let acme = full_tenant(&database, "acme").await;
    let mcp = database.connect(roles::MCP);
    let mut tx = ScopedTx::enter(&mcp, &acme.machine_principal()).await.unwrap().unwrap();
    let row = audit_row(&acme, Some(json!({ "query": "a last secret" })));
    let mut going = database.connection(roles::ADMIN).await;
    run(&mut going, &format!("BEGIN; DELETE FROM orgs WHERE id = '{}'", acme.org_id)).await.unwrap();
    let mut append = Box::pin(audit::append(&mut tx, &row));
    tokio::select! {
        done = &mut append => panic!("it did not wait: {done:?}"),
        () = until_waiting_for_a_row(&database) => {}
    }
    run(&mut going, "COMMIT").await.unwrap();
    append.await.unwrap_err();
    drop(tx);
    let admin = database.connect(roles::ADMIN);
    assert_eq!(org_end::count_audit_rows(&admin, acme.org_id).await.unwrap(), (2, 1));
}

/// Both take the base before its documents, so that neither waits for the other in a circle.
#[tokio::test]
async fn an_org_that_ends_and_an_ingest_do_not_wait_for_each_other_in_a_circle() {
    let database = TestDatabase::create().await;
    let acme = full_tenant(&database, "acme").await;
    let base = acme.knowledge_base_id;
    let admin = database.connect(roles::ADMIN);
    let content = KnowledgeBaseContent::find(&admin, base).await.unwrap().unwrap();
    // As the deletion of the org does it: the base, and then its documents.
    let mut going = database.connection(roles::ADMIN).await;
    let base_first = format!("BEGIN; SELECT FROM knowledge_bases WHERE id = '{base}' FOR UPDATE");
    run(&mut going, &base_first).await.unwrap();
    let document = new_document("a.md", "A", &[("granite again", Some(vec![1.0, 0.0]))]);
    let mut ingest = Box::pin(content.replace_document(&document));
    tokio::select! {
        done = &mut ingest => panic!("it did not wait: {done:?}"),
        () = until_waiting_for_a_row(&database) => {}
    }
    let end = format!("DELETE FROM orgs WHERE id = '{}'; COMMIT", acme.org_id);
    run(&mut going, &end).await.unwrap();
    let error = ingest.await.unwrap_err();
    assert_eq!(error.constraint(), Some(MODEL_IS_HELD), "{error}");
}

/// The functions' owner cannot be led to a living org's arguments, nor to write any.
#[tokio::test]
async fn arguments_can_only_be_erased_and_only_of_gone_orgs() {
    let database = TestDatabase::create().await;
    let acme = full_tenant(&database, "acme").await;
    let mut owner = database.connection(roles::MIGRATE).await;
    run(&mut owner, "SET ROLE autri_definer").await.unwrap();
    assert_eq!(number(&mut owner, "SELECT count(arguments) FROM mcp_audit_log").await.unwrap(), 0);
    assert_eq!(run(&mut owner, "UPDATE mcp_audit_log SET arguments = NULL").await.unwrap(), 0);
    tenancy::delete_org(&database.connect(roles::ADMIN), acme.org_id).await.unwrap();
    assert_eq!(number(&mut owner, "SELECT count(arguments) FROM mcp_audit_log").await.unwrap(), 1);
    for sql in [
        "UPDATE mcp_audit_log SET arguments = '{}'",
        "UPDATE mcp_audit_log SET tool = 'x'",
        "DELETE FROM mcp_audit_log",
    ] {
        assert_eq!(refusal(&mut owner, sql).await, NOT_ALLOWED, "{sql}");
    }
    assert_eq!(run(&mut owner, "UPDATE mcp_audit_log SET arguments = NULL").await.unwrap(), 2);
    for role in roles::LOGINS.into_iter().filter(|role| *role != roles::ADMIN && *role != roles::MIGRATE) {
        let sql = format!("SELECT erase_audit_arguments('{}', 1)", acme.org_id);
        assert_eq!(refusal(&mut database.connection(role).await, &sql).await, NOT_ALLOWED, "{role}");
    }
}

#[tokio::test]
async fn a_personal_org_says_whose_it_is() {
    let database = TestDatabase::create().await;
    let person = people::NewPerson {
        cognito_sub: "ada",
        user_pool_id: "eu-central-1_EXAMPLE",
        user_name: "ada",
        email: "ada@example.com",
        given_name: None,
        family_name: None,
        picture: None,
        embedding_model: "none",
        welcome: people::Welcome { title: "Welcome", body: "Hello.", link: "/help" },
    };
    let admin = database.connect(roles::ADMIN);
    let account = people::provision(&admin, &person).await.unwrap();
    let found = org_end::find(&admin, account.org_id).await.unwrap().unwrap();
    assert_eq!(found.personal_email.as_deref(), Some("ada@example.com"));
}
