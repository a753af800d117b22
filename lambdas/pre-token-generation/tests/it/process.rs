//! The binary itself, as Lambda runs it.

use std::path::Path;
use std::process::Command;

use autri_db::roles;
use autri_local_lambda::{Answer, Function, FunctionError, FunctionOptions};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{Setup, event, granted, with};

const BINARY: &str = env!("CARGO_BIN_EXE_pre-token-generation");

#[tokio::test]
async fn it_serves_one_invocation_after_the_other() {
    let setup = Setup::new().await;
    let url = setup.database.url(roles::PRE_TOKEN);
    // The most talkative that it can be made.
    let environment = [
        ("DATABASE_URL", url.expose_secret()),
        ("PASSTHROUGH_CLIENT_IDS", "web-app, another"),
        ("AUTRI_LOG", "trace"),
    ];
    let options = FunctionOptions { program: Path::new(BINARY), environment: &environment };
    let mut function = Function::start(&options).await.unwrap();

    let program = event("client_credentials");
    let answer = function.invoke(&program).await.unwrap();
    assert_eq!(answer, Answer::Response(granted(&program, setup.acme.machine)));
    let stranger = with(event("hosted_auth"), &[("request/userAttributes/sub", json!("a-stranger"))]);
    let refused = FunctionError {
        error_type: "Refused".to_owned(),
        error_message: "you do not have access to this library; ask its owner".to_owned(),
    };
    assert_eq!(function.invoke(&stranger).await.unwrap(), Answer::Error(refused));
    let web_app = with(event("hosted_auth"), &[("callerContext/clientId", json!("another"))]);
    assert_eq!(function.invoke(&web_app).await.unwrap(), Answer::Response(web_app));
    // Deeper than the parser follows.
    let deep = (0..1_000).fold(json!(null), |inner, _| json!([inner]));
    let answer = function.invoke(&with(event("hosted_auth"), &[("request/deep", deep)])).await.unwrap();
    assert!(matches!(answer, Answer::Error(_)), "{answer:?}");
    let person = event("hosted_auth");
    let answer = function.invoke(&person).await.unwrap();
    assert_eq!(answer, Answer::Response(granted(&person, setup.acme.interactive)));

    let output = function.stop().await.unwrap();
    let lines: Vec<Value> = output.stdout.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| -> Vec<&str> { lines.iter().filter_map(|line| line[name].as_str()).collect() };
    assert_eq!(of("outcome"), ["granted", "refused", "passed", "granted"]);
    assert!(of("stage").is_empty(), "a refusal is no failure, and not counted");
    assert!(output.stderr.len() > 5, "it was told to talk: {:?}", output.stderr);
    for secret in ["ada@example.com", "a-stranger", "acme-person"] {
        let written = output.stdout.iter().chain(&output.stderr);
        assert_eq!(written.filter(|line| line.contains(secret)).count(), 0, "{secret}");
    }
}

#[test]
fn it_does_not_start_without_a_database() {
    let output = Command::new(BINARY).env_clear().env("PASSTHROUGH_CLIENT_IDS", "web-app").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let diagnostics = String::from_utf8(output.stderr).unwrap();
    assert!(diagnostics.contains("neither DATABASE_URL nor DATABASE_SECRET_ARN is set"), "{diagnostics}");
    assert_eq!(output.stdout, b"");
}
