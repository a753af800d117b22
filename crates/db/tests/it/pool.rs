//! When a pool trusts a connection that lay idle.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use autri_db::test_support::TestDatabase;
use autri_db::token_mint::{self, Mint, MintRefusal, TokenHolder};
use autri_db::{Database, DatabaseOptions, Tls, people, roles};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::people::person;
use crate::raw_sql::{number, run};

const AN_HOUR: Option<Duration> = Some(Duration::from_hours(1));
const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

/// A pool of one connection.
fn pool_of_one(url: SecretString, max_idle: Option<Duration>) -> Database {
    let options = DatabaseOptions {
        login: url.into(),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(20),
        // Longer: whoever waits for a connection that is busy is not saved by the end of its statement.
        statement_timeout: Duration::from_mins(1),
        application_name: "autri-pool-test",
        tls: Tls::Verified,
        max_idle,
    };
    Database::new(&options).unwrap()
}

/// The process that serves the pool's connection: the youngest, because a replaced one may still be ending.
async fn backend(database: &TestDatabase) -> i64 {
    let sql = format!(
        "SELECT pid::bigint FROM pg_stat_activity WHERE application_name = 'autri-pool-test' AND datname = '{}'
         ORDER BY backend_start DESC LIMIT 1",
        database.name()
    );
    number(&mut database.admin_connection().await, &sql).await.unwrap()
}

#[tokio::test]
async fn a_connection_that_lay_idle_too_long_is_replaced() {
    let database = TestDatabase::create().await;
    for (max_idle, is_kept) in [(None, true), (AN_HOUR, true), (AT_ONCE, false)] {
        let pool = pool_of_one(database.url(roles::ADMIN), max_idle);
        pool.ping().await.unwrap();
        let first = backend(&database).await;
        pool.ping().await.unwrap();
        assert_eq!(backend(&database).await == first, is_kept, "{max_idle:?}");
        pool.close().await;
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_replaced() {
    let database = TestDatabase::create().await;
    for max_idle in [None, AN_HOUR, AT_ONCE] {
        let pool = pool_of_one(database.url(roles::ADMIN), max_idle);
        pool.ping().await.unwrap();
        let ended = format!("SELECT pg_terminate_backend({}, 20000)", backend(&database).await);
        run(&mut database.admin_connection().await, &ended).await.unwrap();
        pool.ping().await.unwrap();
        pool.close().await;
    }
}

/// A trigger that is called again connects no second time.
#[tokio::test]
async fn a_triggers_connection_serves_its_next_call() {
    let database = TestDatabase::create().await;
    let pool = pool_of_one(database.url(roles::PRE_TOKEN), AN_HOUR);
    let mut backends = Vec::new();
    for _ in 0..3 {
        token_mint::resolve(&pool, "nobodys", TokenHolder::Machine).await.unwrap();
        backends.push(backend(&database).await);
    }
    assert_eq!(backends, [backends[0]; 3]);
}

/// As when a trigger's time is up: whoever waits is dropped, while the database goes on with what was asked.
#[tokio::test]
async fn a_call_that_is_given_up_costs_the_pool_no_place() {
    let database = TestDatabase::create().await;
    let pool = pool_of_one(database.url(roles::POST_CONFIRMATION), AN_HOUR);
    let mut other = database.admin_connection().await;
    run(&mut other, "BEGIN; SELECT pg_advisory_xact_lock(6, hashtext('ada-sub'))").await.unwrap();
    let ada = person("ada-sub", "ada@example.com");
    let mut given_up = Box::pin(people::provision(&pool, &ada));
    tokio::select! {
        done = &mut given_up => panic!("it did not wait: {done:?}"),
        () = until_waiting_for_a_lock(&database) => {}
    }
    drop(given_up);
    // The lock is still held, so nothing can have answered on the connection that was given up.
    assert!(people::provision(&pool, &person("bea-sub", "bea@example.com")).await.unwrap().is_new);
    run(&mut other, "ROLLBACK").await.unwrap();
    people::provision(&pool, &ada).await.unwrap();
    let people = "SELECT count(*) FROM users";
    assert_eq!(number(&mut database.admin_connection().await, people).await.unwrap(), 2);
}

/// Looks again and again; each look is a round trip of its own.
pub(crate) async fn until_waiting_for_a_lock(database: &TestDatabase) {
    const WAITING: &str = "SELECT count(*) FROM pg_locks
        WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let mut observer = database.admin_connection().await;
    while number(&mut observer, WAITING).await.unwrap() == 0 {}
}

/// As after a trigger's process was frozen: the connection is there, and nothing comes back on it. To ask it would take for
/// ever, and so would anything that was asked when the first answer was given.
#[tokio::test]
async fn a_trigger_asks_nothing_of_a_connection_that_fell_silent() {
    let database = TestDatabase::create().await;
    for login in [roles::PRE_TOKEN, roles::POST_CONFIRMATION] {
        let relay = Relay::start(&database.url(login));
        let pool = pool_of_one(relay.url.clone(), AT_ONCE);
        for _ in 0..2 {
            if login == roles::PRE_TOKEN {
                let answer = token_mint::resolve(&pool, "nobodys", TokenHolder::Machine).await;
                assert_eq!(answer.unwrap(), Mint::Refused(MintRefusal::UnknownClient));
            } else {
                people::provision(&pool, &person("ada-sub", "ada@example.com")).await.unwrap();
            }
            relay.silence();
        }
    }
}

/// Passes bytes between a pool and Postgres.
struct Relay {
    url: SecretString,
    /// Of the connections that there are. A new one gets a voice of its own.
    silenced: Arc<AtomicBool>,
}

impl Relay {
    fn start(database: &SecretString) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut url = Url::parse(database.expose_secret()).unwrap();
        let upstream = url.clone();
        url.set_query(None);
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let silenced = Arc::new(AtomicBool::new(false));
        let first = Arc::clone(&silenced);
        thread::spawn(move || {
            let mut voices = Some(first).into_iter();
            for client in listener.incoming() {
                let voice = voices.next().unwrap_or_default();
                connect(&upstream, client.unwrap(), voice);
            }
        });
        Self { url: String::from(url).into(), silenced }
    }

    /// Lets nothing more through on the first connection, which stays open.
    fn silence(&self) {
        self.silenced.store(true, Ordering::SeqCst);
    }
}

/// Joins a client to Postgres, by socket or by TCP as its URL says.
fn connect(upstream: &Url, client: TcpStream, silenced: Arc<AtomicBool>) {
    let port = upstream.port().unwrap_or(5432);
    let socket = upstream.query_pairs().find(|(key, folder)| key == "host" && folder.starts_with('/'));
    if let Some((_, folder)) = socket {
        let server = UnixStream::connect(format!("{folder}/.s.PGSQL.{port}")).unwrap();
        pass(server.try_clone().unwrap(), client.try_clone().unwrap(), Arc::clone(&silenced));
        pass(client, server, silenced);
    } else {
        let server = TcpStream::connect((upstream.host_str().unwrap(), port)).unwrap();
        pass(server.try_clone().unwrap(), client.try_clone().unwrap(), Arc::clone(&silenced));
        pass(client, server, silenced);
    }
}

fn pass(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    silenced: Arc<AtomicBool>,
) {
    thread::spawn(move || {
        let mut bytes = [0; 8192];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if !silenced.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
    });
}
