//! A database whose login is in AWS Secrets Manager: a real Postgres, and an AWS that the test answers for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use autri_aws::test_support::Reply;
use autri_aws::{AwsConfig, Patience, SecretLogin};
use autri_db::roles;
use autri_db::test_support::TestDatabase;
use autri_domain::ManualClock;
use autri_mcp_server::database;
use serde_json::{Value, json};

use crate::support::{Answer, Ask, Era, NOW, SECRET_ARN, Server, Setup, machine_token, secret_text};

/// A role that owns functions and never logs in.
const REFUSED_ROLE: &str = "autri_definer";
const PASSWORD: &str = "hunter2";

/// A server, and the Secrets Manager that it asks.
struct World {
    server: Server,
    token: String,
    aws: AwsConfig,
    reply: Arc<Mutex<Reply>>,
    /// Of the cool-down alone.
    clock: Arc<ManualClock>,
}

impl World {
    async fn with_login_of(role: &str) -> Self {
        let database = TestDatabase::create().await;
        let reply = Arc::new(Mutex::new(secret(&database, role)));
        let said = Arc::clone(&reply);
        let aws = AwsConfig::answered_by(move |_, _| said.lock().unwrap().clone());
        let clock = Arc::new(ManualClock::at(NOW));
        let login = SecretLogin::new(SECRET_ARN, Patience::Server).with_aws(aws.clone());
        let login = database::secret_login(login, Arc::clone(&clock) as _);
        let pool = database::pool(login, 2, Duration::from_secs(15)).unwrap();
        let server = Setup { database: Some(pool), ..Setup::default() }.start_with(database);
        let token = machine_token(&server.tenant("acme").await);
        Self { server, token, aws, reply, clock }
    }

    fn say(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn rotate_to(&self, role: &str) {
        self.say(secret(&self.server.database, role));
    }

    async fn call(&self) -> Answer {
        self.server.call(&self.token, "list_documents", &json!({})).await
    }

    async fn assert_works(&self) {
        assert_eq!(self.call().await.content()["documents"], json!([]));
        assert_eq!(self.server.send(Ask::get("/readyz")).await.status, 200);
    }

    /// To everything that needs the database, and with nothing said of the reason.
    async fn assert_unavailable(&self) {
        let call = self.call().await;
        for answer in [call, self.server.send(Ask::get("/readyz")).await] {
            assert_eq!(answer.status, 503, "{}", answer.text());
            assert_eq!(answer.json()["error"], "temporarily_unavailable");
            assert_eq!(answer.header("retry-after"), "5");
            for word in [PASSWORD, SECRET_ARN, "secret", "Secret"] {
                assert!(!answer.text().contains(word), "{}", answer.text());
            }
        }
        assert!(!self.server.log.text().contains(PASSWORD), "{}", self.server.log.text());
    }

    fn readings(&self) -> usize {
        self.aws.requests().len()
    }
}

/// As Secrets Manager gives it.
fn secret(database: &TestDatabase, role: &str) -> Reply {
    held(&secret_text(&database.url(role), PASSWORD))
}

fn held(text: &str) -> Reply {
    Reply::Json(json!({ "ARN": SECRET_ARN, "Name": "autri/mcp", "SecretString": text }))
}

#[tokio::test]
async fn it_is_read_by_the_first_request_that_needs_it() {
    let world = World::with_login_of(roles::MCP).await;
    let ping = Ask::rpc(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
    for needs_no_database in [ping, Ask::get("/healthz"), Era::Modern.call("list_documents", &json!({}))] {
        world.server.send(needs_no_database).await;
    }
    assert_eq!(world.readings(), 0);
    for _ in 0..3 {
        world.assert_works().await;
    }
    let asked: Vec<_> =
        world.aws.requests().into_iter().map(|request| (request.operation, request.body)).collect();
    assert_eq!(asked, [("GetSecretValue".to_owned(), json!({ "SecretId": SECRET_ARN }))]);
}

/// As with alternating users, the old login is closed: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html>.
#[tokio::test]
async fn a_rotated_one_is_read_again_within_the_request_that_finds_out() {
    let world = World::with_login_of(roles::MCP).await;
    let mut admin = world.server.database.admin_session().await;
    let old = format!("{}_login", world.server.database.name());
    admin.run(&format!("DROP ROLE IF EXISTS {old}")).await;
    let password = secret_password(&world.server.database);
    let made = format!("CREATE ROLE {old} LOGIN PASSWORD '{password}' IN ROLE {}", roles::MCP);
    admin.run(&made).await;
    world.rotate_to(&old);
    world.assert_works().await;

    world.clock.advance_secs(3_600);
    admin.run(&format!("ALTER ROLE {old} NOLOGIN")).await;
    world.rotate_to(roles::MCP);
    let sessions = format!("FROM pg_stat_activity WHERE usename = '{old}'");
    assert!(admin.number(&format!("SELECT count(pg_terminate_backend(pid, 20000)) {sessions}")).await > 0);
    world.assert_works().await;
    assert_eq!(world.readings(), 2);
    assert_eq!(admin.number(&format!("SELECT count(*) {sessions}")).await, 0);
    admin.run(&format!("DROP ROLE {old}")).await;
}

#[tokio::test]
async fn a_wrong_one_is_read_no_more_than_the_cool_down_allows() {
    let world = World::with_login_of(REFUSED_ROLE).await;
    for _ in 0..5 {
        world.assert_unavailable().await;
    }
    assert_eq!(world.readings(), 1);
    assert_eq!(world.server.log.lines()[0]["refusal"], "database_unavailable");
    world.clock.advance_secs(5);
    world.assert_unavailable().await;
    assert_eq!(world.readings(), 2);
    world.rotate_to(roles::MCP);
    world.clock.advance_secs(5);
    world.assert_works().await;
}

#[tokio::test]
async fn without_it_nothing_works_until_it_is_there() {
    let not_there: [Reply; 5] = [
        Reply::Unreachable,
        Reply::Empty(503),
        Reply::Error { status: 400, code: "AccessDeniedException", message: "for a test" },
        held(PASSWORD),
        held(&json!({ "username": "autri_mcp", "password": PASSWORD, "host": "h" }).to_string()),
    ];
    for reply in not_there {
        let world = World::with_login_of(roles::MCP).await;
        world.say(reply.clone());
        for _ in 0..3 {
            world.assert_unavailable().await;
        }
        assert_eq!(world.readings(), 1, "{reply:?}");
        world.rotate_to(roles::MCP);
        world.clock.advance_secs(5);
        world.assert_works().await;
    }
}

/// What the test cluster takes for every role; it may take anything.
fn secret_password(database: &TestDatabase) -> String {
    let secret: Value = serde_json::from_str(&secret_text(&database.url(roles::MCP), PASSWORD)).unwrap();
    secret["password"].as_str().unwrap().to_owned()
}
