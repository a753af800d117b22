//! `autri db`.

use autri_db::roles;
use autri_db::test_support::TestDatabase;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use url::Url;

use crate::program::{Program, autri};

/// The passwords that the test cluster's roles have anyway: other tests log in meanwhile.
fn bootstrap(database: &TestDatabase, arguments: &[&str]) -> Program {
    let admin_url = database.admin_url().expose_secret();
    let url = Url::parse(admin_url).expect("a URL");
    let own = ["db", "bootstrap", "--database", database.name()];
    let program = autri(own.into_iter().chain(arguments.iter().copied())).env("AUTRI_ADMIN_URL", admin_url);
    match url.password() {
        Some(password) => program.env("AUTRI_ADMIN_PASSWORD", password),
        None => program,
    }
}

#[tokio::test]
async fn a_database_goes_from_nothing_to_current() {
    let database = TestDatabase::reserve().await;
    let as_owner = |arguments: [&'static str; 3]| autri(arguments).logged_in_as(&database, roles::MIGRATE);

    let said = as_owner(["db", "status", "--json"]).failure();
    assert!(said.contains("does not exist"), "{said}");

    let said = bootstrap(&database, &[]).answer();
    assert!(said.contains(database.name()), "{said}");
    let ended = as_owner(["db", "status", "--json"]).run();
    assert_eq!(ended.code, Some(1), "not current yet: {ended:?}");
    assert!(ended.stdout.contains("\"applied\": false") && !ended.stdout.contains("true"), "{ended:?}");

    let applied = as_owner(["db", "migrate", "--json"]).json();
    let known: Vec<_> = applied["applied"].as_array().expect("a list").iter().map(Value::as_i64).collect();
    assert!(!known.is_empty() && known.is_sorted(), "{applied}");
    let status = as_owner(["db", "status", "--json"]).json();
    let status = status.as_array().expect("a list");
    assert_eq!(status.iter().map(|row| row["version"].as_i64()).collect::<Vec<_>>(), known);
    assert!(status.iter().all(|row| row["applied"] == true), "{status:?}");

    bootstrap(&database, &["--json"]).json();
    let again = as_owner(["db", "migrate", "--json"]).json();
    assert_eq!(again["applied"].as_array().map(Vec::len), Some(0), "again is a no-op");
    let table = autri(["db", "status"]).logged_in_as(&database, roles::ADMIN).answer();
    assert!(table.starts_with("VERSION  DESCRIPTION") && table.contains("0001     "), "{table}");
}

#[tokio::test]
async fn migrating_a_database_that_nobody_bootstrapped_says_what_comes_first() {
    let database = TestDatabase::create_empty().await;
    let said = autri(["db", "migrate"]).logged_in_as(&database, roles::MIGRATE).failure();
    assert!(said.contains("autri db bootstrap"), "{said}");
}

#[tokio::test]
async fn a_name_that_could_be_sql_makes_no_database() {
    let database = TestDatabase::reserve().await;
    let admin_url = database.admin_url().expose_secret();
    let said = autri(["db", "bootstrap", "--database", "x\"; DROP ROLE autri_mcp"])
        .env("AUTRI_ADMIN_URL", admin_url);
    let said = said.failure();
    assert!(said.contains("no database name"), "{said}");
}
