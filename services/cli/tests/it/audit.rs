//! `autri audit list`.

use autri_db::audit::{NewAuditRow, append_alone};
use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_domain::DocumentId;

use crate::program::{autri, autri_json, text};

async fn record(database: &TestDatabase, tenant: &Tenant, tool: &str) {
    let row = NewAuditRow {
        id: DocumentId::new().as_uuid(),
        connector_id: tenant.machine,
        client_id: tenant.machine_client(),
        sub: tenant.machine_client(),
        tool: tool.to_owned(),
        arguments_digest: [0xab; 32],
        digest_key_id: "k1".to_owned(),
        arguments: None,
        result_count: 3,
        status: "ok",
        latency_ms: 1.5,
        request_id: "r".to_owned(),
    };
    append_alone(&database.connect(roles::MCP), &row).await.expect("a row");
}

#[tokio::test]
async fn calls_are_listed_newest_first_and_by_tenant() {
    let database = TestDatabase::create().await;
    let (acme, other) = (Tenant::create(&database, "acme").await, Tenant::create(&database, "other").await);
    record(&database, &acme, "search").await;
    record(&database, &other, "fetch").await;
    record(&database, &acme, "fetch").await;
    let list = |arguments: &[&str]| {
        let all = ["audit", "list"].into_iter().chain(arguments.iter().copied());
        autri_json(&database, all).json().as_array().expect("a list").clone()
    };

    let rows = list(&["--org", &acme.org_id.to_string()]);
    assert_eq!(rows.iter().map(|row| text(row, "tool")).collect::<Vec<_>>(), ["fetch", "search"]);
    assert_eq!(text(&rows[0], "arguments_digest"), "ab".repeat(32));
    assert_eq!(list(&["--connector", &other.machine.to_string()]).len(), 1);
    assert_eq!(list(&["--since", "1h"]).len(), 3);
    assert_eq!(list(&["--since", "2100-01-01T00:00:00Z"]).len(), 0);
    assert_eq!(list(&["--limit", "1"]).len(), 1);

    let table = autri(["audit", "list"]).logged_in_as(&database, roles::ADMIN).answer();
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.starts_with("TIME ") && table.contains(" acme-machine "), "{table}");
}
