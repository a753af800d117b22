//! `autri user list`, `provision` and `delete`.

use autri_db::ingest::KnowledgeBaseContent;
use autri_db::test_support::{Tenant, TestDatabase, new_document};
use autri_db::{roles, tenancy};
use serde_json::{Value, json};

use crate::aws::{Aws, POOL, User};
use crate::program::{Ended, Program, autri, autri_json, text};

fn user(database: &TestDatabase, aws: &Aws, arguments: &[&str]) -> Program {
    let all = ["user"].into_iter().chain(arguments.iter().copied());
    autri(all).logged_in_as(database, roles::ADMIN).with_aws(aws)
}

fn provision(database: &TestDatabase, aws: &Aws, arguments: &[&str]) -> Program {
    let own = ["provision", "ada@example.com", "--json"];
    user(database, aws, &own.iter().chain(arguments).copied().collect::<Vec<_>>())
        .env("AUTRI_PUBLIC_URL", "https://mcp.example.com")
        .env("AUTRI_AUTHORIZATION_SERVER", "https://auth.example.com")
}

fn people(database: &TestDatabase) -> Vec<Value> {
    autri_json(database, ["user", "list"]).json().as_array().expect("a list").clone()
}

fn connectors(database: &TestDatabase) -> Vec<Value> {
    autri_json(database, ["connector", "list"]).json().as_array().expect("a list").clone()
}

fn welcome(database: &TestDatabase) -> Value {
    autri_json(database, ["notification", "list", "ada@example.com"]).json()[0].clone()
}

#[track_caller]
fn answer_of(ended: &Ended) -> Value {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).expect("JSON")
}

#[tokio::test]
async fn somebody_who_signed_up_gets_records() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.add_user(User::native("other", "bob@example.com"));
    aws.add_user(User::google("Google_1", "Ada@example.com").with_attribute("given_name", "Ada"));
    aws.set_allowlist("ada@example.com");

    let ended = provision(&database, &aws, &[]).run();
    let answer = answer_of(&ended);
    assert_eq!(ended.stderr, "", "nothing to warn of");
    assert_eq!((&answer["is_new"], &answer["is_listed"]), (&json!(true), &json!(true)));
    assert_eq!((&answer["connector_id"], &answer["url"]), (&Value::Null, &Value::Null));
    let [ada] = &people(&database)[..] else { panic!("one person") };
    assert_eq!(
        (text(ada, "email"), text(ada, "cognito_sub"), text(ada, "user_pool_id"), text(ada, "user_name")),
        ("Ada@example.com", "sub-of-Google_1", POOL, "Google_1")
    );
    assert_eq!(
        (&ada["personal_org_id"], &ada["personal_library_id"]),
        (&answer["org_id"], &answer["library_id"])
    );
    let again = answer_of(&provision(&database, &aws, &[]).run());
    assert_eq!((&again["is_new"], &again["user_id"]), (&json!(false), &answer["user_id"]));
    assert_eq!(aws.client_ids(), [""; 0], "nobody asked for a connector");
}

#[tokio::test]
async fn their_connector_is_made_once_and_stands_in_the_welcome() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.add_user(User::native("ada", "ada@example.com"));
    aws.set_allowlist("ada@example.com");
    provision(&database, &aws, &[]).answer();
    assert!(!text(&welcome(&database), "body").contains("https://"));

    let answer = provision(&database, &aws, &["--with-connector"]).json();
    let url = text(&answer, "url");
    assert_eq!(url, format!("https://mcp.example.com/c/{}/mcp", text(&answer, "connector_id")));
    assert!(text(&welcome(&database), "body").contains(url));
    let [connector] = &connectors(&database)[..] else { panic!("one connector") };
    assert_eq!((text(connector, "kind"), &connector["library_id"]), ("interactive", &answer["library_id"]));
    let [request] = &aws.requests("CreateUserPoolClient")[..] else { panic!("one app client") };
    assert_eq!(request["AllowedOAuthFlows"], json!(["code"]));

    let again = provision(&database, &aws, &["--with-connector"]).json();
    assert_eq!(again["url"], answer["url"]);
    assert_eq!(aws.client_ids().len(), 1, "a second run finds the first one's");
}

#[tokio::test]
async fn a_connector_that_could_not_be_made_is_made_by_the_next_run() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.add_user(User::native("ada", "ada@example.com"));
    aws.set_allowlist("ada@example.com");
    aws.refuse("CreateUserPoolClient", "LimitExceededException");
    let said = provision(&database, &aws, &["--with-connector"]).failure();
    assert!(said.contains("run this again"), "{said}");
    assert_eq!(people(&database).len(), 1);
    aws.refuse_nothing();
    let url = provision(&database, &aws, &["--with-connector"]).json()["url"].clone();
    assert!(text(&welcome(&database), "body").contains(url.as_str().expect("a URL")));
}

#[tokio::test]
async fn an_operator_may_overrule_the_allowlist_and_is_told_so() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.add_user(User::native("ada", "ada@example.com"));
    aws.set_allowlist("bob@example.com");
    let ended = provision(&database, &aws, &[]).run();
    assert_eq!(answer_of(&ended)["is_listed"], false);
    assert!(ended.stderr.contains("not on the allowlist"), "{ended:?}");

    aws.refuse("GetParameter", "AccessDeniedException");
    let ended = provision(&database, &aws, &[]).run();
    assert_eq!(answer_of(&ended)["is_listed"], Value::Null);
    assert!(ended.stderr.contains("not known"), "{ended:?}");
}

#[tokio::test]
async fn nobody_gets_an_account_on_an_address_that_anybody_can_have_typed() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let unverified = User::native("mallory", "ada@example.com").with_attribute("email_verified", "false");
    aws.add_user(unverified);
    for list in ["ada@example.com", "bob@example.com"] {
        aws.set_allowlist(list);
        let said = provision(&database, &aws, &[]).failure();
        assert!(said.contains("not verified") && said.contains("email_verified"), "{said}");
    }
    let google = User::google("Google_1", "bob@example.com");
    aws.add_user(google);
    let bob = ["provision", "bob@example.com"];
    let said = user(&database, &aws, &bob).env("TRUSTED_IDPS", "Okta").failure();
    assert!(said.contains("not verified"), "{said}");
    assert_eq!(people(&database), [Value::Null; 0]);
    user(&database, &aws, &bob).answer();
}

#[tokio::test]
async fn exactly_one_user_of_the_pool_must_be_meant() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.set_allowlist("ada@example.com");
    let said = provision(&database, &aws, &[]).failure();
    assert!(said.contains("no user of the pool"), "{said}");

    aws.add_user(User::native("half", "ada@example.com").with("UserStatus", "UNCONFIRMED"));
    aws.add_user(User::native("off", "ada@example.com").with("Enabled", false));
    let said = provision(&database, &aws, &[]).failure();
    assert!(said.contains("half (UNCONFIRMED)") && said.contains("off (CONFIRMED, disabled)"), "{said}");

    aws.add_user(User::native("ada", "ada@example.com"));
    aws.add_user(User::google("Google_1", "ada@example.com"));
    let said = provision(&database, &aws, &[]).failure();
    assert!(said.contains("ada (CONFIRMED)") && said.contains("Google_1 (EXTERNAL_PROVIDER)"), "{said}");
    assert_eq!(people(&database), [Value::Null; 0]);
}

#[tokio::test]
async fn an_address_stays_with_the_person_who_has_it() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.set_allowlist("ada@example.com");
    aws.add_user(User::native("ada", "ada@example.com"));
    provision(&database, &aws, &[]).answer();
    let aws = Aws::start();
    aws.set_allowlist("ada@example.com");
    aws.add_user(User::google("Google_1", "ADA@example.com"));
    let said = provision(&database, &aws, &[]).failure();
    assert!(said.contains("another person") && said.contains("autri user delete"), "{said}");
    assert_eq!(people(&database).len(), 1);
}

#[tokio::test]
async fn a_missing_setting_is_named() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    for command in [&["provision", "ada@example.com"][..], &["delete", "ada@example.com"], &["reconcile"]] {
        let said = user(&database, &aws, command).env("COGNITO_USER_POOL_ID", "").failure();
        assert!(said.contains("COGNITO_USER_POOL_ID"), "{command:?}: {said}");
    }
    let with_connector = ["provision", "ada@example.com", "--with-connector"];
    let said = user(&database, &aws, &with_connector).failure();
    assert!(said.contains("AUTRI_PUBLIC_URL"), "{said}");
    let said =
        user(&database, &aws, &with_connector).env("AUTRI_PUBLIC_URL", "https://mcp.example.com").failure();
    assert!(said.contains("AUTRI_AUTHORIZATION_SERVER"), "{said}");
    assert_eq!(aws.operations(), [""; 0]);
}

/// Ada with an account and a connector, and a tenant that is none of hers.
async fn ada_and_acme() -> (TestDatabase, Aws, Tenant) {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    aws.set_allowlist("ada@example.com");
    aws.add_user(User::native("other", "bob@example.com"));
    aws.add_user(User::native("ada", "ada@example.com"));
    provision(&database, &aws, &["--with-connector"]).answer();
    let library = tenant.library_id.to_string();
    autri_json(&database, ["library", "grant", "ada@example.com", "--library", &library]).answer();
    (database, aws, tenant)
}

fn is_ada_known(database: &TestDatabase) -> bool {
    people(database).iter().any(|person| person["email"] == "ada@example.com")
}

#[tokio::test]
async fn deleting_is_announced_first() {
    let (database, aws, _) = ada_and_acme().await;
    let ended = user(&database, &aws, &["delete", "Ada@example.com"]).run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("--yes"), "{ended:?}");
    let client = &aws.client_ids()[0];
    for part in ["ada@example.com", "libraries       1", "documents       0", client] {
        assert!(ended.stdout.contains(part), "{part}: {ended:?}");
    }
    let json = user(&database, &aws, &["delete", "ada@example.com", "--json"]).run();
    let plan: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(
        (json.code, &plan["is_deleted"], &plan["client_ids"]),
        (Some(1), &json!(false), &json!([client]))
    );
    assert!(is_ada_known(&database) && aws.user_names().contains(&"ada".to_owned()));
}

#[tokio::test]
async fn deleting_takes_all_that_is_hers_and_nothing_else() {
    let (database, aws, tenant) = ada_and_acme().await;
    let answer = user(&database, &aws, &["delete", "ada@example.com", "--yes", "--json"]).json();
    assert_eq!(answer["is_deleted"], true);
    assert!(!is_ada_known(&database));
    assert_eq!((aws.user_names(), aws.client_ids()), (vec!["other".to_owned()], Vec::new()));
    let left: Vec<_> = connectors(&database).iter().map(|one| one["library_id"].clone()).collect();
    assert_eq!(left, [json!(tenant.library_id), json!(tenant.library_id)]);
    assert!(connectors(&database).iter().all(|one| one["revoked_at"].is_null()), "acme's are live");
    let said = user(&database, &aws, &["delete", "ada@example.com", "--yes"]).failure();
    assert!(said.contains("nobody has the address"), "{said}");
}

#[tokio::test]
async fn app_clients_that_serve_something_else_are_kept() {
    let (database, aws, _) = ada_and_acme().await;
    let library = text(&people(&database)[1], "personal_library_id").to_owned();
    let bind = ["connector", "create", "--library", &library, "--machine", "--name", "CI"];
    autri_json(&database, bind.into_iter().chain(["--client-id", "existing"])).answer();
    let clients = aws.client_ids();
    let delete = ["delete", "ada@example.com", "--keep-clients"];

    let plan = user(&database, &aws, &delete).run();
    assert!(plan.stdout.contains("(app client existing stays)"), "{plan:?}");
    let answer = user(&database, &aws, &[&delete[..], &["--yes", "--json"]].concat()).json();
    let mut kept: Vec<_> = answer["kept_client_ids"].as_array().expect("a list").iter().collect();
    kept.sort_by_key(|id| id.as_str().map(str::to_owned));
    assert_eq!((&answer["client_ids"], kept), (&json!([]), vec![&json!(clients[0]), &json!("existing")]));
    assert_eq!((aws.client_ids(), aws.requests("DeleteUserPoolClient")), (clients, Vec::new()));
    assert!(!is_ada_known(&database) && !aws.user_names().contains(&"ada".to_owned()));
}

#[tokio::test]
async fn deleting_fails_closed_and_goes_on_where_it_stopped() {
    let (database, aws, tenant) = ada_and_acme().await;
    let delete = || user(&database, &aws, &["delete", "ada@example.com", "--yes"]);
    let is_revoked = || connectors(&database).iter().any(|one| one["revoked_at"].is_string());

    aws.refuse("AdminDeleteUser", "NotAuthorizedException");
    let said = delete().failure();
    assert!(said.contains("run this again") && said.contains("cognito-idp:AdminDeleteUser"), "{said}");
    assert!(is_revoked(), "her connector opens nothing any more");
    let acme = tenant.library_id.to_string();
    let taken = autri_json(&database, ["library", "revoke-access", "ada@example.com", "--library", &acme]);
    assert_eq!(taken.json()["had_access"], false, "nor do those of others");
    assert_eq!(aws.client_ids().len(), 1, "not before the user");
    assert!(is_ada_known(&database));

    aws.refuse_nothing();
    aws.refuse("DeleteUserPoolClient", "NotAuthorizedException");
    let said = delete().failure();
    assert!(said.contains("cognito-idp:DeleteUserPoolClient"), "{said}");
    assert_eq!(aws.user_names(), ["other"]);
    assert!(is_ada_known(&database), "the records go last: they say what is left to do");

    aws.refuse_nothing();
    let said = delete().answer();
    assert!(said.contains("gone from the pool already"), "{said}");
    assert!(!is_ada_known(&database) && aws.client_ids().is_empty());
}

#[tokio::test]
async fn the_user_who_goes_is_the_one_of_the_records_and_no_other() {
    let (database, aws, _) = ada_and_acme().await;
    // Another user has her address and her user name by now.
    let pool = Aws::start();
    pool.add_user(User::native("ada", "ada@example.com").with_attribute("sub", "somebody-else"));
    pool.add_user(User::native("renamed", "ada@example.net").with_attribute("sub", "sub-of-ada"));
    user(&database, &pool, &["delete", "ada@example.com", "--yes"]).answer();
    assert_eq!(pool.user_names(), ["ada"]);
    assert_eq!(aws.user_names(), ["other", "ada"]);
}

#[tokio::test]
async fn a_person_of_another_pool_is_not_deleted() {
    let (database, aws, _) = ada_and_acme().await;
    let arguments = ["delete", "ada@example.com", "--yes", "--user-pool", "eu-central-1_OTHER"];
    let said = user(&database, &aws, &arguments).failure();
    assert!(said.contains(POOL) && said.contains("eu-central-1_OTHER"), "{said}");
    assert!(is_ada_known(&database));
}

#[tokio::test]
async fn somebody_without_records_can_be_deleted_too() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    aws.add_user(User::native("eve", "eve@example.com"));
    let plan = user(&database, &aws, &["delete", "eve@example.com"]).run();
    assert!(plan.code == Some(1) && plan.stdout.contains("none"), "{plan:?}");
    user(&database, &aws, &["delete", "eve@example.com", "--yes"]).answer();
    assert_eq!(aws.user_names(), [""; 0]);

    aws.add_user(User::native("one", "eve@example.com"));
    aws.add_user(User::google("two", "eve@example.com"));
    let said = user(&database, &aws, &["delete", "eve@example.com", "--yes"]).failure();
    assert!(said.contains("several users"), "{said}");
    assert_eq!(aws.user_names(), ["one", "two"]);
}

/// As one statement the content of a large library would run into the time limit of statements, each time anew.
#[tokio::test]
async fn the_documents_go_before_the_records_and_stay_gone() {
    let (database, aws, _) = ada_and_acme().await;
    let admin = database.connect(roles::ADMIN);
    let person =
        autri_db::people::find_by_email(&admin, "ada@example.com").await.expect("an answer").expect("ada");
    let library = person.personal_library.expect("a library");
    let base = tenancy::list_knowledge_bases(&admin, Some(library)).await.expect("bases").remove(0).id;
    let content = KnowledgeBaseContent::find(&admin, base).await.expect("an answer").expect("a base");
    for key in ["a.md", "b.md"] {
        content.replace_document(&new_document(key, "Title", &[("words", None)])).await.expect("a document");
    }
    // What is in no library goes, and counts, too.
    assert!(tenancy::detach(&admin, library, base).await.expect("an answer"));
    let plan = user(&database, &aws, &["delete", "ada@example.com"]).run();
    assert!(plan.stdout.contains("documents       2"), "{plan:?}");

    let mut session = database.admin_session().await;
    session
        .run(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
             CREATE TRIGGER refuse BEFORE DELETE ON orgs FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    let delete = || user(&database, &aws, &["delete", "ada@example.com", "--yes"]);
    let said = delete().failure();
    assert!(said.contains("run this again"), "{said}");
    assert!(is_ada_known(&database) && aws.client_ids().is_empty());
    assert_eq!(session.number("SELECT count(*) FROM documents").await, 0, "what is done stays done");
    session.run("DROP TRIGGER refuse ON orgs").await;
    delete().answer();
    assert!(!is_ada_known(&database));
}
