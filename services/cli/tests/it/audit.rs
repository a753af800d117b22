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
        autri_json(&database, all).json()["calls"].as_array().expect("a list").clone()
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

#[tokio::test]
async fn a_long_list_says_that_there_are_more_and_goes_on_without_a_gap() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    for number in 0..7 {
        record(&database, &acme, &format!("tool{number}")).await;
    }
    // Of two times, so that pages end among calls of one time; and not on whole milliseconds.
    let times = "UPDATE mcp_audit_log SET at = timestamptz '2026-11-21T08:00:00.000001Z'
                     + CASE WHEN tool < 'tool3' THEN interval '0' ELSE interval '1 microsecond' END";
    database.admin_session().await.run(times).await;
    let list = |more: &[&str]| {
        autri_json(&database, ["audit", "list"].into_iter().chain(more.iter().copied())).json()
    };
    let (mut ids, mut page) = (Vec::new(), list(&["--limit", "2"]));
    loop {
        let calls = page["calls"].as_array().expect("a list");
        ids.extend(calls.iter().map(|call| text(call, "id").to_owned()));
        if page["next_before"].is_null() {
            break;
        }
        assert_eq!(calls.len(), 2);
        page = list(&["--limit", "2", "--before", text(&page, "next_before")]);
    }
    let all = list(&[]);
    assert_eq!(all["next_before"], serde_json::Value::Null, "that is all");
    let all: Vec<_> = all["calls"].as_array().expect("a list").iter().map(|call| text(call, "id")).collect();
    assert_eq!((ids.len(), ids.iter().map(String::as_str).collect::<Vec<_>>()), (7, all));
    let earlier = list(&["--before", "2026-11-21T08:00:00.000002Z"]);
    let tools: Vec<_> =
        earlier["calls"].as_array().expect("a list").iter().map(|call| text(call, "tool")).collect();
    assert_eq!(tools.len(), 3, "a time alone leaves out all calls of that time: {tools:?}");

    let table = autri(["audit", "list", "--limit", "3"]).logged_in_as(&database, roles::ADMIN).run();
    assert_eq!(table.stdout.lines().count(), 4, "{table:?}");
    assert!(table.stderr.starts_with("there are more: --before 2026-11-21T08:00:00.000002Z/"), "{table:?}");
    let whole = autri(["audit", "list", "--limit", "7"]).logged_in_as(&database, roles::ADMIN).run();
    assert_eq!(whole.stderr, "", "{whole:?}");
    let ended = autri(["audit", "list", "--limit", "10001"]).logged_in_as(&database, roles::ADMIN).run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
}
