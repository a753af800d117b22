//! `autri user reconcile`.

use autri_db::people::{self, NewPerson, Welcome};
use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use serde_json::{Value, json};

use crate::aws::{Aws, POOL, User};
use crate::program::{Program, autri, autri_json, text};

fn reconcile(database: &TestDatabase, aws: &Aws, arguments: &[&str]) -> Program {
    let all = ["user", "reconcile"].into_iter().chain(arguments.iter().copied());
    autri(all).logged_in_as(database, roles::ADMIN).with_aws(aws)
}

/// The exit code and the answer.
fn report(database: &TestDatabase, aws: &Aws, arguments: &[&str]) -> (Option<i32>, Value) {
    let all: Vec<_> = arguments.iter().chain(&["--json"]).copied().collect();
    let ended = reconcile(database, aws, &all).run();
    (ended.code, serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}")))
}

/// `state email` of each that was found.
fn states(report: &Value) -> Vec<String> {
    let people = report["people"].as_array().expect("a list");
    people.iter().map(|one| format!("{} {}", text(one, "state"), text(one, "email"))).collect()
}

fn addresses(database: &TestDatabase) -> Vec<String> {
    let people = autri_json(database, ["user", "list"]).json();
    people.as_array().expect("a list").iter().map(|one| text(one, "email").to_owned()).collect()
}

/// Somebody with records.
async fn person(database: &TestDatabase, pool: &str, name: &str) {
    let email = format!("{name}@example.com");
    let person = NewPerson {
        cognito_sub: &format!("sub-of-{name}"),
        user_pool_id: pool,
        user_name: name,
        email: &email,
        given_name: None,
        family_name: None,
        picture: None,
        embedding_model: "none",
        welcome: Welcome { title: "Welcome", body: "Hello.", link: "/help" },
    };
    people::provision(&database.connect(roles::ADMIN), &person).await.expect("an account");
}

#[tokio::test]
async fn a_dry_run_lists_and_changes_nothing() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    person(&database, POOL, "whole").await;
    person(&database, POOL, "gone").await;
    person(&database, "eu-central-1_OTHER", "elsewhere").await;
    aws.set_allowlist("*@example.com\n");
    // Three pages of the pool.
    aws.add_user(User::native("whole", "whole@example.com"));
    aws.add_user(User::native("ada", "ada@example.com"));
    aws.add_user(User::google("Google_1", "bob@example.com"));
    aws.add_user(User::native("eve", "eve@example.net"));
    aws.add_user(User::native("typed", "typed@example.com").with_attribute("email_verified", "false"));

    let (code, found) = report(&database, &aws, &[]);
    assert_eq!(code, Some(1), "something is left to do");
    assert_eq!(
        states(&found),
        [
            "missing ada@example.com",
            "missing bob@example.com",
            "not_eligible eve@example.net",
            "not_eligible typed@example.com",
            "gone gone@example.com",
        ]
    );
    assert_eq!(found["applied"], false);
    assert_eq!(
        found["summary"],
        json!({ "provisioned": 0, "missing": 2, "not_eligible": 2, "gone": 1, "failed": 0 })
    );
    assert!(text(&found["people"][2], "why").contains("not on the allowlist"), "{found}");
    assert!(text(&found["people"][3], "why").contains("not verified"), "{found}");
    assert_eq!(addresses(&database).len(), 3, "nobody was made");
    assert_eq!(aws.requests("ListUsers").len(), 3);

    let ended = reconcile(&database, &aws, &[]).run();
    assert!(ended.stdout.contains("0 provisioned, 2 missing, 2 not_eligible, 1 gone, 0 failed"), "{ended:?}");
    assert!(ended.stderr.contains("--apply"), "{ended:?}");
}

#[tokio::test]
async fn applied_it_makes_what_is_missing_and_deletes_nobody() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.set_allowlist("ada@example.com, bob@example.com");
    aws.add_user(User::native("ada", "ada@example.com"));
    aws.add_user(User::native("eve", "eve@example.com"));
    aws.add_user(User::google("Google_1", "bob@example.com"));

    let (code, found) = report(&database, &aws, &["--apply"]);
    assert_eq!(
        (code, states(&found)),
        (
            Some(1),
            ["provisioned ada@example.com", "not_eligible eve@example.com", "provisioned bob@example.com"]
                .map(str::to_owned)
                .to_vec()
        )
    );
    assert_eq!(addresses(&database), ["ada@example.com", "bob@example.com"]);
    assert_eq!(aws.user_names().len(), 3);

    aws.set_allowlist("*@example.com");
    let (code, found) = report(&database, &aws, &["--apply"]);
    assert_eq!((code, states(&found)), (Some(0), vec!["provisioned eve@example.com".to_owned()]));
    let (code, found) = report(&database, &aws, &[]);
    assert_eq!((code, states(&found)), (Some(0), Vec::new()));
    assert!(reconcile(&database, &aws, &[]).answer().contains("agree"));
}

#[tokio::test]
async fn who_cannot_sign_in_or_has_only_just_come_is_left_alone() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.set_allowlist("*@example.com");
    // 2100-01-01: later than any test runs.
    aws.add_user(User::native("new", "new@example.com").with("UserCreateDate", 4_102_444_800_i64));
    aws.add_user(User::native("off", "off@example.com").with("Enabled", false));
    for status in ["UNCONFIRMED", "FORCE_CHANGE_PASSWORD", "ARCHIVED", "RESET_REQUIRED"] {
        aws.add_user(User::native(status, &format!("{status}@example.com")).with("UserStatus", status));
    }
    let (code, found) = report(&database, &aws, &["--apply"]);
    assert_eq!((code, states(&found)), (Some(0), Vec::new()));
    let (code, found) = report(&database, &aws, &["--older-than", "0s"]);
    assert_eq!((code, states(&found)), (Some(1), vec!["missing new@example.com".to_owned()]));
}

#[tokio::test]
async fn a_disabled_user_is_not_gone() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    person(&database, POOL, "ada").await;
    aws.set_allowlist("ada@example.com");
    aws.add_user(User::native("ada", "ada@example.com").with("Enabled", false));
    assert_eq!(report(&database, &aws, &[]).0, Some(0));
}

#[tokio::test]
async fn records_from_before_pools_were_recorded_count() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    aws.set_allowlist("none");
    let (_, found) = report(&database, &aws, &[]);
    assert_eq!(states(&found), [format!("gone {}@example.com", tenant.person)]);
}

#[tokio::test]
async fn one_persons_failure_is_theirs_alone() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    person(&database, "eu-central-1_OTHER", "ada").await;
    aws.set_allowlist("*@example.com");
    aws.add_user(User::native("new-ada", "ada@example.com"));
    aws.add_user(User::native("bob", "bob@example.com"));

    let (code, found) = report(&database, &aws, &["--apply"]);
    assert_eq!(code, Some(1));
    assert_eq!(states(&found), ["failed ada@example.com", "provisioned bob@example.com"]);
    assert!(text(&found["people"][0], "why").contains("another person"), "{found}");
    assert_eq!(addresses(&database), ["ada@example.com", "bob@example.com"]);
}

#[tokio::test]
async fn connectors_are_made_along_and_their_failure_leaves_the_records() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.set_allowlist("*@example.com");
    aws.add_user(User::native("ada", "ada@example.com"));
    aws.refuse("CreateUserPoolClient", "LimitExceededException");
    let run = || {
        reconcile(&database, &aws, &["--apply", "--with-connector", "--json"])
            .env("AUTRI_PUBLIC_URL", "https://mcp.example.com")
            .env("AUTRI_AUTHORIZATION_SERVER", "https://auth.example.com")
    };
    let ended = run().run();
    assert!(ended.code == Some(1) && ended.stdout.contains("user provision --with-connector"), "{ended:?}");
    assert_eq!(addresses(&database), ["ada@example.com"]);

    aws.refuse_nothing();
    aws.add_user(User::native("bob", "bob@example.com"));
    run().answer();
    let connectors = autri_json(&database, ["connector", "list"]).json();
    assert_eq!(text(&connectors[0], "kind"), "interactive");
    let url = text(&connectors[0], "id").to_owned();
    let told = autri_json(&database, ["notification", "list", "bob@example.com"]).json();
    assert!(text(&told[0], "body").contains(&url), "{told}");
}

#[tokio::test]
async fn an_allowlist_that_cannot_be_read_is_no_empty_one() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.add_user(User::native("ada", "ada@example.com"));
    let said = reconcile(&database, &aws, &["--apply"]).failure();
    assert!(said.contains("allowlist"), "{said}");
    aws.set_allowlist("ada@example.com");
    aws.refuse("GetParameter", "AccessDeniedException");
    let said = reconcile(&database, &aws, &["--apply"]).failure();
    assert!(said.contains("ssm:GetParameter"), "{said}");
    assert_eq!(addresses(&database), [""; 0]);
}
