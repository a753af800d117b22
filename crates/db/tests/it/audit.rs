//! The audit log: written through one function, read by the operator, changed by nobody.

use autri_db::audit::{self, AuditFilter, AuditRow, NewAuditRow};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{Database, ScopedTx, connectors, roles};
use autri_domain::{ConnectorId, DocumentId, OrgId};
use serde_json::json;
use uuid::Uuid;

use crate::raw_sql::{NOT_ALLOWED, number, refusal, run};

fn row(connector_id: ConnectorId, client: &str) -> NewAuditRow {
    NewAuditRow {
        id: DocumentId::new().as_uuid(),
        connector_id,
        client_id: client.to_owned(),
        sub: "somebody".to_owned(),
        tool: "search".to_owned(),
        arguments_digest: [7; 32],
        digest_key_id: "k1".to_owned(),
        arguments: Some(json!({"query": "granite", "limit": 3})),
        result_count: 3,
        status: "ok",
        latency_ms: 1.5,
        request_id: "r-1".to_owned(),
    }
}

async fn rows(database: &TestDatabase) -> Vec<AuditRow> {
    let admin = database.connect(roles::ADMIN);
    audit::list(&admin, &AuditFilter { limit: 1000, ..AuditFilter::default() }).await.unwrap()
}

async fn enter(mcp: &Database, tenant: &Tenant) -> ScopedTx {
    ScopedTx::enter(mcp, &tenant.machine_principal()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_row_says_what_was_given_and_whose_connector_it_was() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let mcp = database.connect(roles::MCP);
    let mut tx = enter(&mcp, &acme).await;
    let given = row(acme.machine, &acme.machine_client());
    audit::append(&mut tx, &given).await.unwrap();
    tx.commit().await.unwrap();
    let [written] = rows(&database).await.try_into().unwrap();
    assert_eq!(
        written,
        AuditRow {
            id: given.id,
            at: written.at,
            org_id: acme.org_id,
            connector_id: given.connector_id,
            client_id: given.client_id,
            sub: given.sub,
            tool: given.tool,
            arguments_digest: given.arguments_digest.to_vec(),
            digest_key_id: given.digest_key_id,
            arguments: given.arguments,
            result_count: 3,
            status: "ok".to_owned(),
            latency_ms: 1.5,
            request_id: given.request_id,
        }
    );
}

#[tokio::test]
async fn a_row_shares_the_fate_of_its_transaction() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let mcp = database.connect(roles::MCP);
    let mut tx = enter(&mcp, &acme).await;
    audit::append(&mut tx, &row(acme.machine, &acme.machine_client())).await.unwrap();
    drop(tx);
    assert_eq!(rows(&database).await, []);

    let failed =
        NewAuditRow { status: "failed", arguments: None, ..row(acme.machine, &acme.machine_client()) };
    audit::append_alone(&mcp, &failed).await.unwrap();
    let [written] = rows(&database).await.try_into().unwrap();
    assert_eq!((written.status.as_str(), written.arguments), ("failed", None));
}

/// A connection that is lost during the commit leaves the writer in doubt: the row may be there, may be rolled back, or
/// may be on its way.
#[tokio::test]
async fn a_row_that_may_be_there_is_written_once() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let mcp = database.connect(roles::MCP);
    let new = || {
        let done = row(acme.machine, &acme.machine_client());
        let failed = NewAuditRow { status: "failed", result_count: 0, ..done.clone() };
        (done, failed)
    };
    let statuses = async || {
        let rows = rows(&database).await;
        rows.into_iter().rev().map(|row| row.status).collect::<Vec<_>>()
    };

    let (committed, failed) = new();
    let mut tx = enter(&mcp, &acme).await;
    audit::append(&mut tx, &committed).await.unwrap();
    tx.commit().await.unwrap();
    audit::append_alone(&mcp, &failed).await.unwrap();
    assert_eq!(statuses().await, ["ok"]);

    let (rolled_back, failed) = new();
    let mut tx = enter(&mcp, &acme).await;
    audit::append(&mut tx, &rolled_back).await.unwrap();
    drop(tx);
    audit::append_alone(&mcp, &failed).await.unwrap();
    assert_eq!(statuses().await, ["ok", "failed"]);

    let (on_its_way, failed) = new();
    let mut tx = enter(&mcp, &acme).await;
    audit::append(&mut tx, &on_its_way).await.unwrap();
    let appended = tokio::spawn({
        let mcp = mcp.clone();
        async move { audit::append_alone(&mcp, &failed).await }
    });
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'
        AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    let mut admin = database.admin_connection().await;
    while number(&mut admin, waiting).await.unwrap() == 0 {
        assert!(!appended.is_finished(), "written beside a row that may still be committed");
    }
    tx.commit().await.unwrap();
    appended.await.unwrap().unwrap();
    assert_eq!(statuses().await, ["ok", "failed", "ok"]);
}

#[tokio::test]
async fn a_row_needs_a_connector_and_its_client() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    let mcp = database.connect(roles::MCP);
    let client = acme.machine_client();
    for (case, connector) in [("unknown", ConnectorId::new()), ("another client's", other.machine)] {
        let error = audit::append_alone(&mcp, &row(connector, &client)).await.unwrap_err();
        assert_eq!(error.constraint(), None, "{case}");
    }
    // Inside a scope too: the row's own connector counts.
    let mut tx = enter(&mcp, &acme).await;
    audit::append(&mut tx, &row(other.machine, &client)).await.unwrap_err();
    drop(tx);
    assert_eq!(rows(&database).await, []);
}

#[tokio::test]
async fn a_revoked_connectors_last_call_is_recorded() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    connectors::revoke(&database.connect(roles::ADMIN), acme.machine).await.unwrap().unwrap();
    let mcp = database.connect(roles::MCP);
    audit::append_alone(&mcp, &row(acme.machine, &acme.machine_client())).await.unwrap();
    assert_eq!(rows(&database).await.len(), 1);
}

#[tokio::test]
async fn a_row_keeps_to_the_schemas_rules() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let mcp = database.connect(roles::MCP);
    let good = row(acme.machine, &acme.machine_client());
    audit::append_alone(&mcp, &good).await.unwrap();
    let odd_status = NewAuditRow { status: "fine", id: DocumentId::new().as_uuid(), ..good.clone() };
    let error = audit::append_alone(&mcp, &odd_status).await.unwrap_err();
    assert_eq!(error.constraint(), Some("mcp_audit_log_status_known"));
    // Beside a call's work, a row that has another's id must not pass for written.
    let mut tx = enter(&mcp, &acme).await;
    let error = audit::append(&mut tx, &good).await.unwrap_err();
    assert_eq!(error.constraint(), Some("mcp_audit_log_pkey"));
    drop(tx);
    assert_eq!(rows(&database).await.len(), 1);
}

/// Not the server, not the operator: rows come through the function and stay.
#[tokio::test]
async fn nobody_reads_or_changes_the_log_by_hand() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let mcp = database.connect(roles::MCP);
    audit::append_alone(&mcp, &row(acme.machine, &acme.machine_client())).await.unwrap();
    let change = [
        "INSERT INTO mcp_audit_log DEFAULT VALUES",
        "UPDATE mcp_audit_log SET sub = 'nobody'",
        "DELETE FROM mcp_audit_log",
        "TRUNCATE mcp_audit_log",
    ];
    for role in roles::LOGINS.into_iter().filter(|role| *role != roles::MIGRATE) {
        let mut connection = database.connection(role).await;
        for sql in change {
            assert_eq!(refusal(&mut connection, sql).await, NOT_ALLOWED, "{role}: {sql}");
        }
        if role != roles::ADMIN {
            assert_eq!(refusal(&mut connection, "SELECT 1 FROM mcp_audit_log").await, NOT_ALLOWED, "{role}");
        }
        if role != roles::MCP {
            let call = "SELECT append_mcp_audit(gen_random_uuid(), gen_random_uuid(), '', '', '', '', '', NULL, 0, '', 0, '')";
            assert_eq!(refusal(&mut connection, call).await, NOT_ALLOWED, "{role}");
        }
    }
    assert_eq!(rows(&database).await.len(), 1);
}

#[tokio::test]
async fn the_log_is_listed_by_org_connector_and_time_newest_first() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let other = Tenant::create(&database, "other").await;
    let mcp = database.connect(roles::MCP);
    let calls = [
        (acme.machine, acme.machine_client()),
        (acme.interactive, acme.interactive_client()),
        (other.machine, other.machine_client()),
        (acme.machine, acme.machine_client()),
    ];
    for (number, (connector, client)) in calls.into_iter().enumerate() {
        let request_id = format!("r-{number}");
        audit::append_alone(&mcp, &NewAuditRow { request_id, ..row(connector, &client) }).await.unwrap();
    }
    // The third as the oldest of all: time orders the list, not the order of writing.
    let backdate = "UPDATE mcp_audit_log SET at = at - interval '1 hour' WHERE request_id = 'r-2'";
    run(&mut database.admin_connection().await, backdate).await.unwrap();
    let newest = rows(&database).await;
    let since = newest[1].at;
    let place = |row: &AuditRow| Some((row.at, row.id));
    let all = AuditFilter { limit: 100, ..AuditFilter::default() };
    let cases = [
        (all.clone(), vec!["r-3", "r-1", "r-0", "r-2"]),
        (AuditFilter { limit: 2, ..all.clone() }, vec!["r-3", "r-1"]),
        (AuditFilter { org_id: Some(acme.org_id), ..all.clone() }, vec!["r-3", "r-1", "r-0"]),
        (AuditFilter { org_id: Some(OrgId::new()), ..all.clone() }, vec![]),
        (AuditFilter { connector_id: Some(acme.machine), ..all.clone() }, vec!["r-3", "r-0"]),
        (AuditFilter { since: Some(since), ..all.clone() }, vec!["r-3", "r-1"]),
        (AuditFilter { before: place(&newest[1]), ..all.clone() }, vec!["r-0", "r-2"]),
        (AuditFilter { before: Some((since, Uuid::nil())), ..all.clone() }, vec!["r-0", "r-2"]),
        (AuditFilter { before: place(&newest[3]), ..all.clone() }, vec![]),
        (AuditFilter { org_id: Some(acme.org_id), connector_id: Some(other.machine), ..all.clone() }, vec![]),
        (AuditFilter { limit: 0, ..all }, vec![]),
    ];
    let admin = database.connect(roles::ADMIN);
    for (filter, expected) in cases {
        let listed = audit::list(&admin, &filter).await.unwrap();
        let requests: Vec<_> = listed.iter().map(|row| row.request_id.as_str()).collect();
        assert_eq!(requests, expected, "{filter:?}");
    }
}
