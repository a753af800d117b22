//! A login that is kept elsewhere: when it is read, and what happens when it changes.

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use autri_db::test_support::TestDatabase;
use autri_db::{
    Database, DatabaseOptions, DbError, KeptLogin, Login, LoginError, LoginSource, Tls, people, roles,
};
use autri_domain::ManualClock;
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;
use url::Url;

use crate::people::person;
use crate::raw_sql::{number, run};

/// A role that owns functions and never logs in.
const REFUSED_ROLE: &str = "autri_definer";
const SUB: &str = "ada-sub";
const COOL_DOWN: Duration = Duration::from_secs(5);

/// Where the login is kept.
#[derive(Debug, Clone)]
struct Place(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    kept: Mutex<Result<SecretString, LoginError>>,
    readings: AtomicUsize,
}

#[async_trait]
impl LoginSource for Place {
    async fn read(&self) -> Result<SecretString, LoginError> {
        self.0.readings.fetch_add(1, Ordering::SeqCst);
        // Others get to run while a login is read.
        tokio::task::yield_now().await;
        self.0.kept.lock().unwrap().clone()
    }
}

impl Place {
    fn with(login: SecretString) -> Self {
        Self(Arc::new(Shared { kept: Mutex::new(Ok(login)), readings: AtomicUsize::new(0) }))
    }

    fn keep(&self, login: SecretString) {
        *self.0.kept.lock().unwrap() = Ok(login);
    }

    fn fail(&self) {
        let source = std::io::Error::other("locked");
        *self.0.kept.lock().unwrap() = Err(LoginError::Unreadable(Arc::new(source)));
    }

    fn readings(&self) -> usize {
        self.0.readings.load(Ordering::SeqCst)
    }
}

fn pool(login: KeptLogin) -> Database {
    let options = DatabaseOptions {
        login: Login::Kept(login),
        max_connections: 2,
        acquire_timeout: Duration::from_secs(20),
        statement_timeout: Duration::from_mins(1),
        application_name: "autri-login-test",
        tls: Tls::Verified,
        max_idle: None,
    };
    Database::new(&options).unwrap()
}

/// A pool that has its login from `place`, and the clock of its cool-down.
fn cooled_pool(place: &Place) -> (Database, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    (pool(KeptLogin::new(place.clone()).with_cool_down(COOL_DOWN, Arc::clone(&clock) as _)), clock)
}

#[track_caller]
fn assert_refused(done: &Result<(), DbError>) {
    assert!(matches!(done, Err(DbError::Credentials(_))), "{done:?}");
}

#[tokio::test]
async fn it_is_read_at_the_first_need_and_kept() {
    let database = TestDatabase::create().await;
    let place = Place::with(database.url(roles::MCP));
    let (pool, _) = cooled_pool(&place);
    assert_eq!(place.readings(), 0);
    let (one, other, third) = tokio::join!(pool.ping(), pool.ping(), pool.ping());
    one.and(other).and(third).unwrap();
    pool.ping().await.unwrap();
    assert_eq!(place.readings(), 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_have_it_read_again() {
    let database = TestDatabase::create().await;
    let place = Place::with(database.url(roles::MCP));
    let (pool, _) = cooled_pool(&place);
    for _ in 0..3 {
        tokio::select! {
            biased;
            done = pool.ping() => panic!("it did not wait: {done:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    pool.ping().await.unwrap();
    assert_eq!(place.readings(), 1);
}

#[tokio::test]
async fn a_wrong_one_is_read_again_when_the_cool_down_is_over() {
    let database = TestDatabase::create().await;
    let place = Place::with(database.url(REFUSED_ROLE));
    let (pool, clock) = cooled_pool(&place);
    for _ in 0..5 {
        assert_refused(&pool.ping().await);
    }
    assert_eq!(place.readings(), 1);
    place.keep(database.url(roles::MCP));
    clock.advance_secs(4);
    assert_refused(&pool.ping().await);
    assert_eq!(place.readings(), 1);
    clock.advance_secs(1);
    pool.ping().await.unwrap();
    assert_eq!(place.readings(), 2);
}

#[tokio::test]
async fn a_clock_that_runs_backwards_ends_the_cool_down() {
    let database = TestDatabase::create().await;
    let place = Place::with(database.url(REFUSED_ROLE));
    let (pool, clock) = cooled_pool(&place);
    assert_refused(&pool.ping().await);
    clock.advance_secs(-3_600);
    assert_refused(&pool.ping().await);
    assert_eq!(place.readings(), 2);
}

#[tokio::test]
async fn a_place_that_fails_is_asked_again_when_the_cool_down_is_over() {
    let database = TestDatabase::create().await;
    let place = Place::with(database.url(roles::MCP));
    place.fail();
    let (pool, clock) = cooled_pool(&place);
    for _ in 0..3 {
        let error = pool.ping().await.unwrap_err();
        assert!(matches!(error, DbError::Login(LoginError::Unreadable(_))), "{error:?}");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "locked");
    }
    assert_eq!(place.readings(), 1);
    place.keep(database.url(roles::MCP));
    clock.advance_secs(5);
    pool.ping().await.unwrap();
}

#[tokio::test]
async fn what_is_no_url_is_not_repeated() {
    for url in ["hunter2", "postgres://u:hunter2@h:99999/d"] {
        let (pool, _) = cooled_pool(&Place::with(url.to_owned().into()));
        let error = pool.ping().await.unwrap_err();
        assert!(matches!(error, DbError::Login(LoginError::Unusable(_))), "{error:?}");
        assert!(!format!("{error} {error:?} {pool:?}").contains("hunter2"), "{error:?}");
    }
}

/// Two logins of one role, of which rotation takes one away, as with alternating users:
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotation-strategy.html#rotating-secrets-two-users>.
struct Rotating<'a> {
    database: &'a TestDatabase,
    first: String,
}

impl<'a> Rotating<'a> {
    async fn create(database: &'a TestDatabase) -> Self {
        let rotating = Self { database, first: format!("{}_login", database.name()) };
        let role = &rotating.first;
        let password = Url::parse(database.admin_url().expose_secret()).unwrap();
        let password = password.password().unwrap_or("any").to_owned();
        let made = format!(
            "DROP ROLE IF EXISTS {role};
             CREATE ROLE {role} LOGIN PASSWORD '{password}' IN ROLE {}",
            roles::POST_CONFIRMATION
        );
        rotating.run(&made).await;
        rotating
    }

    fn first(&self) -> SecretString {
        self.database.url(&self.first)
    }

    async fn take_first_away(&self) {
        self.run(&format!("ALTER ROLE {} NOLOGIN", self.first)).await;
    }

    async fn sessions_of_first(&self) -> i64 {
        let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{}'", self.first);
        number(&mut self.database.admin_connection().await, &sql).await.unwrap()
    }

    async fn end_sessions(&self) {
        self.run(&format!(
            "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity WHERE usename = '{}'",
            self.first
        ))
        .await;
    }

    /// Roles belong to the cluster, and outlive the database.
    async fn end(self) {
        self.run(&format!("DROP ROLE {}", self.first)).await;
    }

    async fn run(&self, sql: &str) {
        run(&mut self.database.admin_connection().await, sql).await.unwrap();
    }
}

/// Has work for [`SUB`] wait, with its connection, until the connection that this gives ends its transaction.
async fn hold_back<T: Debug>(
    database: &TestDatabase,
    work: &mut (impl Future<Output = T> + Unpin),
) -> PgConnection {
    let mut other = database.admin_connection().await;
    run(&mut other, &format!("BEGIN; SELECT pg_advisory_xact_lock(6, hashtext('{SUB}'))")).await.unwrap();
    tokio::select! {
        done = work => panic!("it did not wait: {done:?}"),
        () = crate::pool::until_waiting_for_a_lock(database) => {}
    }
    other
}

#[tokio::test]
async fn a_rotated_one_takes_over_and_connections_of_the_old_one_end() {
    let database = TestDatabase::create().await;
    let rotating = Rotating::create(&database).await;
    let place = Place::with(rotating.first());
    let (pool, clock) = cooled_pool(&place);
    // At work on a connection of the old login.
    let ada = person(SUB, "ada@example.com");
    let mut at_work = Box::pin(people::provision(&pool, &ada));
    let mut held_back = hold_back(&database, &mut at_work).await;

    rotating.take_first_away().await;
    place.keep(database.url(roles::POST_CONFIRMATION));
    clock.advance_secs(3_600);
    pool.ping().await.unwrap();
    assert_eq!((place.readings(), rotating.sessions_of_first().await), (2, 1));

    // What was begun ends well, and its connection is not lent again.
    run(&mut held_back, "ROLLBACK").await.unwrap();
    assert!(at_work.await.unwrap().is_new);
    while rotating.sessions_of_first().await > 0 {
        pool.ping().await.unwrap();
    }
    assert_eq!(place.readings(), 2);
    rotating.end().await;
}

/// Rotation sets the database's password first and then what is kept:
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets_how.html>.
#[tokio::test]
async fn a_connection_is_good_until_another_login_is_kept() {
    let database = TestDatabase::create().await;
    let rotating = Rotating::create(&database).await;
    let place = Place::with(rotating.first());
    let (pool, clock) = cooled_pool(&place);
    // At work on the one connection there is.
    let ada = person(SUB, "ada@example.com");
    let mut at_work = Box::pin(people::provision(&pool, &ada));
    let mut held_back = hold_back(&database, &mut at_work).await;

    rotating.take_first_away().await;
    clock.advance_secs(3_600);
    assert_refused(&pool.ping().await);
    assert_eq!(place.readings(), 2);

    run(&mut held_back, "ROLLBACK").await.unwrap();
    assert!(at_work.await.unwrap().is_new);
    pool.ping().await.unwrap();
    assert_eq!((place.readings(), rotating.sessions_of_first().await), (2, 1));
    rotating.end().await;
}

#[tokio::test]
async fn a_rotated_one_that_cannot_be_read_says_why() {
    let database = TestDatabase::create().await;
    let rotating = Rotating::create(&database).await;
    let place = Place::with(rotating.first());
    let (pool, clock) = cooled_pool(&place);
    pool.ping().await.unwrap();
    rotating.take_first_away().await;
    rotating.end_sessions().await;
    place.fail();
    clock.advance_secs(3_600);
    let error = pool.ping().await.unwrap_err();
    assert!(matches!(error, DbError::Login(LoginError::Unreadable(_))), "{error:?}");
    place.keep(database.url(roles::MCP));
    clock.advance_secs(5);
    pool.ping().await.unwrap();
    rotating.end().await;
}
