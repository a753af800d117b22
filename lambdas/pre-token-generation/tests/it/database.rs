//! A database that does not answer: an error that leaves in time, and no token.

use std::time::Duration;

use autri_aws::DatabaseLocation;
use lambda_runtime::Diagnostic;
use pre_token_generation::failure::Failure;
use pre_token_generation::trigger::handle;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::{CapturedLines, NOW, Setup, event, trigger};

const NOT_AVAILABLE: &str = "sign-in is not available at the moment; try again";

fn url(host: &str) -> DatabaseLocation {
    DatabaseLocation::Url(format!("postgres://autri_pre_token@{host}/autri").into())
}

#[tokio::test]
async fn a_closed_port_is_an_error() {
    let log = CapturedLines::default();
    let trigger = trigger(url("127.0.0.1:1"), &log);
    for name in ["hosted_auth", "client_credentials"] {
        let failure = handle(&trigger, event(name), "a-request").await.unwrap_err();
        assert!(matches!(failure, Failure::Database(_)), "{failure:?}");
        let expected = Diagnostic { error_type: "Unavailable".into(), error_message: NOT_AVAILABLE.into() };
        assert_eq!(Diagnostic::from(failure), expected);
        let [line, metric] = log.take().try_into().unwrap();
        assert_eq!((&line["outcome"], &line["reason"]), (&json!("failed"), &json!("unavailable")));
        assert_eq!(metric["_aws"]["Timestamp"], json!(NOW * 1_000));
        assert_eq!(metric["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Autri");
        assert_eq!(
            (&metric["function"], &metric["stage"], &metric["reason"], &metric["Failures"]),
            (&json!("pre-token-generation"), &json!("database"), &json!("unavailable"), &json!(1))
        );
    }
}

/// A listener that takes connections and says nothing, as a network that swallows packets seems to.
#[tokio::test]
async fn a_silent_database_is_an_error() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let log = CapturedLines::default();
    let trigger = trigger(url(&silent.local_addr().unwrap().to_string()), &log);
    let failure = handle(&trigger, event("hosted_auth"), "a-request").await.unwrap_err();
    assert_eq!((failure.reason(), failure.to_string().as_str()), ("unavailable", NOT_AVAILABLE));
}

/// Whatever else takes long: Cognito is told before it stops listening.
#[tokio::test]
async fn an_answer_that_would_come_too_late_is_an_error() {
    let mut setup = Setup::new().await;
    setup.trigger.patience = Duration::ZERO;
    let failure = setup.handle(&event("hosted_auth")).await.unwrap_err();
    assert!(matches!(failure, Failure::TooLate), "{failure:?}");
    assert_eq!(failure.to_string(), NOT_AVAILABLE);
    let [line, metric] = setup.log.take().try_into().unwrap();
    assert_eq!((&line["outcome"], &line["reason"]), (&json!("failed"), &json!("too_late")));
    assert_eq!((&metric["stage"], &metric["reason"]), (&json!("time"), &json!("too_late")));
}

/// Whoever follows an invocation that was given up finds a connection that works.
#[tokio::test]
async fn the_next_event_is_not_the_last_ones_victim() {
    let mut setup = Setup::new().await;
    let patience = std::mem::replace(&mut setup.trigger.patience, Duration::ZERO);
    setup.handle(&event("hosted_auth")).await.unwrap_err();
    setup.trigger.patience = patience;
    setup.handle(&event("hosted_auth")).await.unwrap();
}
