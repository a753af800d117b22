//! The probes of orchestrators.

use autri_db::roles;
use autri_db::test_support::TestDatabase;
use serde_json::json;

use crate::support::{Ask, Server, Setup};

#[tokio::test]
async fn a_server_is_ready_with_its_schema_and_alive_without() {
    let server = Server::start().await;
    let ready = server.send(Ask::get("/readyz")).await;
    assert_eq!((ready.status, ready.json()), (200, json!({ "status": "ready" })));
    let mut admin = server.database.admin_session().await;
    admin
        .run("DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)")
        .await;
    let behind = server.send(Ask::get("/readyz")).await;
    assert_eq!(behind.status, 503);
    assert!(behind.json()["error_description"].as_str().unwrap().contains("autri db migrate"));
    assert_eq!(server.send(Ask::get("/healthz")).await.status, 200);
}

#[tokio::test]
async fn a_server_without_a_usable_database_is_not_ready() {
    for database in [TestDatabase::create_empty().await, TestDatabase::reserve().await] {
        let server = Setup::default().start_with(database);
        let answer = server.send(Ask::get("/readyz")).await;
        assert_eq!(answer.status, 503);
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        let alive = server.send(Ask::get("/healthz")).await;
        assert_eq!((alive.status, alive.json()), (200, json!({ "status": "alive" })));
        let name = server.database.name();
        assert!(!answer.text().contains(name) && !answer.text().contains(roles::MCP), "{}", answer.text());
    }
}

#[tokio::test]
async fn probes_come_by_address() {
    let mut setup = Setup::default();
    setup.settings.allowed_hosts = vec!["mcp.example.com".to_owned()];
    let server = setup.start().await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.send(Ask::get(path).header("host", "10.1.2.3:8000")).await.status, 200, "{path}");
    }
}
