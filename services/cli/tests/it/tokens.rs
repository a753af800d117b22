//! `autri token`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use autri_auth::{DevSecret, DevSettings, Hs256Verifier};
use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_domain::{Principal, SystemClock};
use secrecy::SecretString;

use crate::program::{Program, autri, autri_json, text};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// What a server with this secret makes of a token.
fn verify(token: &str) -> Principal {
    let settings = DevSettings {
        issuer: "http://localhost/autri-dev".to_owned(),
        required_scope: "mcp.autri.ai/mcp.invoke".parse().expect("a scope"),
    };
    let secret = DevSecret::new(SecretString::from(SECRET)).expect("long enough");
    Hs256Verifier::new(settings, &secret, Arc::new(SystemClock)).verify(token).expect("a good token")
}

fn token(database: &TestDatabase, connector: &str, arguments: &[&str]) -> Program {
    let own = ["token", "--connector-id", connector];
    autri(own.into_iter().chain(arguments.iter().copied())).logged_in_as(database, roles::ADMIN)
}

#[tokio::test]
async fn a_token_is_good_for_its_connector() {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "acme").await;
    let machine = tenant.machine.to_string();

    let answer = token(&database, &machine, &[]).env("AUTRI_DEV_JWT_SECRET", SECRET).answer();
    let principal = verify(answer.trim());
    assert_eq!(principal.connector_id(), tenant.machine);
    assert_eq!(principal.client_id(), tenant.machine_client());
    assert_eq!(principal.subject(), tenant.machine_client(), "a machine's subject is its client");

    let interactive = tenant.interactive.to_string();
    let for_person = token(&database, &interactive, &["--subject", &tenant.person, "--ttl", "5m"]);
    let answer = for_person.env("AUTRI_DEV_JWT_SECRET", SECRET).answer();
    assert_eq!(verify(answer.trim()).subject(), tenant.person);
}

#[tokio::test]
async fn the_secret_is_the_data_folders() {
    let database = TestDatabase::create().await;
    let machine = Tenant::create(&database, "acme").await.machine.to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().to_str().expect("UTF-8");

    let arguments = ["token", "--connector-id", &machine, "--data-dir", path];
    let said = autri(arguments).logged_in_as(&database, roles::ADMIN).failure();
    assert!(said.contains("cargo dev") && said.contains("--data-dir"), "{said}");

    make_data_folder(folder.path());
    let answer = autri_json(&database, arguments).json();
    assert_eq!(verify(text(&answer, "token")).connector_id().to_string(), machine);
    assert_eq!(text(&answer, "connector_id"), machine);
    assert!(text(&answer, "expires_at").ends_with('Z'), "{answer}");
}

/// As `autri dev` leaves one.
fn make_data_folder(folder: &Path) {
    fs::write(folder.join("AUTRI_DEV"), "").expect("written");
    fs::write(folder.join("jwt-secret"), SECRET).expect("written");
}

#[tokio::test]
async fn a_token_that_no_server_would_take_is_not_made() {
    let database = TestDatabase::create().await;
    let tenant = Tenant::create(&database, "acme").await;
    let (machine, interactive) = (tenant.machine.to_string(), tenant.interactive.to_string());
    let unknown = "0197f6a2-8c1e-7000-8000-000000000001";
    let cases: &[(&str, &[&str], &str)] = &[
        (&machine, &["--subject", "someone"], "leave --subject away"),
        (&interactive, &[], "--subject"),
        (unknown, &[], "autri connector list"),
        (&machine, &["--ttl", "0s"], "--ttl"),
    ];
    for (connector, arguments, next_step) in cases {
        let said = token(&database, connector, arguments).env("AUTRI_DEV_JWT_SECRET", SECRET).failure();
        assert!(said.contains(next_step), "{arguments:?}: {said}");
    }
    let said = token(&database, &machine, &[]).env("AUTRI_DEV_JWT_SECRET", "short").failure();
    assert!(said.contains("32 bytes"), "{said}");
}
