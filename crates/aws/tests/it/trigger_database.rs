//! The trigger's database: a real Postgres, whose login is in a secret that rotates.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use autri_aws::test_support::Reply;
use autri_aws::{
    AwsConfig, AwsError, DatabaseLocation, DatabaseLocationError, TriggerDatabase, TriggerDatabaseError,
};
use autri_db::test_support::TestDatabase;
use autri_db::{DbError, LoginError, roles};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use url::Url;

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:autri/pre-token-AbCdEf";
/// A role that owns functions and never logs in.
const REFUSED_ROLE: &str = "autri_definer";

/// The secret in which this login is kept.
fn secret(url: &SecretString) -> Reply {
    let url = Url::parse(url.expose_secret()).unwrap();
    let login = json!({
        "engine": "postgres",
        "host": url.host_str(),
        "port": url.port(),
        "username": url.username(),
        "password": url.password().unwrap_or("hunter2"),
        "dbname": url.path().trim_start_matches('/'),
    });
    Reply::Json(json!({ "ARN": ARN, "Name": "autri/pre-token", "SecretString": login.to_string() }))
}

/// A Secrets Manager that gives one answer after another, and the last for ever.
fn secrets(replies: Vec<Reply>) -> AwsConfig {
    let next = AtomicUsize::new(0);
    AwsConfig::answered_by(move |_, _| {
        let number = next.fetch_add(1, Ordering::Relaxed).min(replies.len() - 1);
        replies[number].clone()
    })
}

fn trigger(config: &AwsConfig) -> TriggerDatabase {
    let location = DatabaseLocation::Secret { arn: ARN.to_owned() };
    TriggerDatabase::new(location, "autri-trigger-test").with_aws(config.clone())
}

async fn ping(trigger: &TriggerDatabase) -> Result<(), TriggerDatabaseError> {
    trigger.run(async |database| database.ping().await).await
}

#[tokio::test]
async fn a_rotated_secret_is_read_again_and_the_work_done_once() {
    let database = TestDatabase::create().await;
    let config = secrets(vec![secret(&database.url(REFUSED_ROLE)), secret(&database.url(roles::PRE_TOKEN))]);
    let trigger = trigger(&config);
    let attempts = Cell::new(0);
    let work = async |database: &autri_db::Database| {
        attempts.set(attempts.get() + 1);
        database.ping().await
    };
    trigger.run(work).await.unwrap();
    assert_eq!(attempts.get(), 1, "the refusal came before there was a connection to work on");
    let body = json!({ "SecretId": ARN });
    let asked: Vec<_> =
        config.requests().into_iter().map(|request| (request.operation, request.body)).collect();
    assert_eq!(asked, [("GetSecretValue".to_owned(), body.clone()), ("GetSecretValue".to_owned(), body)]);
}

#[tokio::test]
async fn what_was_read_and_connected_is_kept() {
    let database = TestDatabase::create().await;
    let config = secrets(vec![secret(&database.url(roles::PRE_TOKEN))]);
    let trigger = trigger(&config);
    for _ in 0..3 {
        ping(&trigger).await.unwrap();
    }
    assert_eq!(config.requests().len(), 1);
    let mut admin = database.admin_session().await;
    let connections = "SELECT count(*) FROM pg_stat_activity \
                       WHERE datname = current_database() AND application_name = 'autri-trigger-test'";
    assert_eq!(admin.number(connections).await, 1);
}

#[tokio::test]
async fn of_two_that_are_refused_one_reads() {
    let database = TestDatabase::create().await;
    let config = secrets(vec![secret(&database.url(REFUSED_ROLE)), secret(&database.url(roles::PRE_TOKEN))]);
    let trigger = trigger(&config);
    let (one, other) = tokio::join!(ping(&trigger), ping(&trigger));
    one.unwrap();
    other.unwrap();
    assert_eq!(config.requests().len(), 2);
}

#[tokio::test]
async fn a_login_that_stays_refused_is_given_up_after_one_reading() {
    let database = TestDatabase::create().await;
    let config = secrets(vec![secret(&database.url(REFUSED_ROLE))]);
    let trigger = trigger(&config);
    let error = ping(&trigger).await.unwrap_err();
    assert!(matches!(error, TriggerDatabaseError(DbError::Credentials(_))), "{error:?}");
    assert_eq!((error.class(), config.requests().len()), ("credentials", 2));
}

#[tokio::test]
async fn a_login_in_the_settings_is_tried_once() {
    let database = TestDatabase::create().await;
    let config = secrets(vec![Reply::Unreachable]);
    let location = DatabaseLocation::Url(database.url(REFUSED_ROLE));
    let trigger = TriggerDatabase::new(location, "autri-trigger-test").with_aws(config.clone());
    let attempts = Cell::new(0);
    let done = trigger.run(async |database| {
        attempts.set(attempts.get() + 1);
        database.ping().await
    });
    let error = done.await.unwrap_err();
    assert!(matches!(error, TriggerDatabaseError(DbError::Credentials(_))), "{error:?}");
    assert_eq!((attempts.get(), config.requests().len()), (1, 0));
}

#[tokio::test]
async fn other_failures_are_the_callers() {
    let database = TestDatabase::create().await;
    let config = secrets(vec![secret(&database.url(roles::PRE_TOKEN))]);
    let trigger = trigger(&config);
    let attempts = Cell::new(0);
    let done = trigger.run(async |database| {
        attempts.set(attempts.get() + 1);
        database.ping().await?;
        Err::<(), _>(DbError::RowSecurityOff)
    });
    let error = done.await.unwrap_err();
    assert!(matches!(error, TriggerDatabaseError(DbError::RowSecurityOff)), "{error:?}");
    assert_eq!((attempts.get(), config.requests().len()), (1, 1));
}

#[tokio::test]
async fn a_refused_connection_is_unavailable_and_says_nothing_of_the_secret() {
    // Nobody listens, and nobody else can.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    let url = format!("postgres://autri_pre_token:hunter2@127.0.0.1:{port}/autri").into();
    let config = secrets(vec![secret(&url)]);
    let error = ping(&trigger(&config)).await.unwrap_err();
    assert!(matches!(error, TriggerDatabaseError(DbError::Unavailable(_))), "{error:?}");
    assert_eq!((error.class(), config.requests().len()), ("unavailable", 1));
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_asked_for_again_next_time() {
    let database = TestDatabase::create().await;
    let denied = Reply::Error { status: 400, code: "AccessDeniedException", message: "no" };
    let config = secrets(vec![denied, Reply::Unreachable, secret(&database.url(roles::PRE_TOKEN))]);
    let trigger = trigger(&config);
    let error = ping(&trigger).await.unwrap_err();
    let unreadable = |error: &TriggerDatabaseError| {
        let TriggerDatabaseError(DbError::Login(LoginError::Unreadable(source))) = error else {
            panic!("{error:?}")
        };
        match source.downcast_ref() {
            Some(AwsError::Denied(_)) => "denied",
            Some(AwsError::Unavailable(_)) => "unavailable",
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((unreadable(&error), error.class()), ("denied", "secret_unreadable"));
    assert_eq!(unreadable(&ping(&trigger).await.unwrap_err()), "unavailable");
    ping(&trigger).await.unwrap();
}

#[tokio::test]
async fn a_secret_that_is_no_login_is_named_and_not_repeated() {
    let held = |text: Value| Reply::Json(json!({ "ARN": ARN, "SecretString": text }));
    for reply in [held("hunter2".into()), held(r#"{"password":"hunter2"}"#.into()), held(Value::Null)] {
        let error = ping(&trigger(&secrets(vec![reply]))).await.unwrap_err();
        assert_eq!(error.class(), "secret_unusable");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn nothing_shows_a_password() {
    let database = TestDatabase::create().await;
    let mut login = Url::parse(database.url(roles::PRE_TOKEN).expose_secret()).unwrap();
    // A server that asks for none takes any.
    let password = login.password().unwrap_or("hunter2").to_owned();
    login.set_password(Some(&password)).unwrap();
    let url = SecretString::from(String::from(login));
    let config = secrets(vec![secret(&url)]);
    let by_secret = trigger(&config);
    let by_url = TriggerDatabase::new(DatabaseLocation::Url(url), "autri-trigger-test");
    for trigger in [by_secret, by_url] {
        ping(&trigger).await.unwrap();
        assert!(!format!("{trigger:?}").contains(&password));
    }
}

#[test]
fn there_is_one_login() {
    let read = |url: Option<&str>, arn: Option<&str>| {
        DatabaseLocation::from_settings(url.map(str::to_owned), arn.map(str::to_owned))
    };
    let url = read(Some("postgres://u:hunter2@h/d"), None).unwrap();
    assert!(matches!(&url, DatabaseLocation::Url(_)) && !format!("{url:?}").contains("hunter2"));
    assert!(matches!(read(None, Some(ARN)), Ok(DatabaseLocation::Secret { arn }) if arn == ARN));
    assert_eq!(read(None, None).unwrap_err(), DatabaseLocationError::Neither);
    assert_eq!(read(Some("u"), Some(ARN)).unwrap_err(), DatabaseLocationError::Both);
}
