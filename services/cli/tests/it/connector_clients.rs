//! `autri connector create`, `rotate-secret` and `revoke`, with app clients at Cognito.

use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use serde_json::{Value, json};

use crate::aws::{Aws, POOL};
use crate::program::{Program, autri, autri_json, text};

const FRONT_DOOR: [&str; 2] = ["--authorization-server", "https://auth.example.com/"];

/// An operator's `autri connector …`.
fn connector(database: &TestDatabase, aws: &Aws, arguments: &[&str]) -> Program {
    let all = ["connector"].into_iter().chain(arguments.iter().copied());
    autri(all).logged_in_as(database, roles::ADMIN).with_aws(aws)
}

fn create(database: &TestDatabase, aws: &Aws, tenant: &Tenant, arguments: &[&str]) -> Program {
    let library = tenant.library_id.to_string();
    let own = ["create", "--library", &library, "--name", "N"];
    connector(database, aws, &own.iter().chain(arguments).copied().collect::<Vec<_>>())
}

/// A machine connector with its app client.
fn made(database: &TestDatabase, aws: &Aws, tenant: &Tenant) -> Value {
    create(database, aws, tenant, &["--machine", "--json"]).json()
}

/// The connectors of the database, by their client.
fn listed(database: &TestDatabase, client_id: &str) -> Option<Value> {
    let all = autri_json(database, ["connector", "list"]).json();
    all.as_array().expect("a list").iter().find(|one| one["client_id"] == client_id).cloned()
}

#[tokio::test]
async fn a_program_gets_an_app_client_with_its_one_flow_and_its_secret_once() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let endpoint = "https://auth.example.com/oauth2/token";
    let made = create(&database, &aws, &tenant, &["--machine", "--json", "--token-endpoint", endpoint]).run();
    assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""), "{made:?}");
    let answer: Value = serde_json::from_str(&made.stdout).expect("JSON");
    let client = text(&answer, "client_id");
    assert_eq!(aws.secrets(client), [text(&answer, "client_secret")]);
    assert_eq!(made.stdout.matches(text(&answer, "client_secret")).count(), 1, "{made:?}");
    assert_eq!(text(&answer, "token_endpoint"), endpoint);

    let [request] = &aws.requests("CreateUserPoolClient")[..] else { panic!("one app client") };
    assert_eq!(request["UserPoolId"], POOL);
    assert_eq!(request["AllowedOAuthFlows"], json!(["client_credentials"]));
    assert_eq!(request["AllowedOAuthScopes"], json!(["mcp.autri.ai/mcp.invoke"]));
    assert_eq!(request["GenerateSecret"], true);
    assert!(request["CallbackURLs"].as_array().is_none_or(Vec::is_empty), "{request}");
    // Absent, it would let people sign in with SRP. What a refresh does for a client that gets no refresh token is nothing.
    assert_eq!(request["ExplicitAuthFlows"], json!(["ALLOW_REFRESH_TOKEN_AUTH"]));
    assert!(text(request, "ClientName").contains(text(&answer, "id")), "{request}");
    let row = listed(&database, client).expect("a row");
    assert_eq!((&row["id"], &row["kind"]), (&answer["id"], &json!("machine")));
    assert_eq!(row.get("client_secret"), None, "nobody can look it up");
}

#[tokio::test]
async fn a_person_reads_the_secret_once_with_the_line_that_makes_a_token() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let endpoint = "https://auth.example.com/oauth2/token";
    let made = create(&database, &aws, &tenant, &["--machine", "--token-endpoint", endpoint]).run();
    assert_eq!(made.code, Some(0), "{made:?}");
    let secret = &aws.secrets(&aws.client_ids()[0])[0];
    assert_eq!(made.stdout.matches(secret).count(), 1, "{made:?}");
    assert!(!made.stderr.contains(secret), "{made:?}");
    for part in ["client_id ", "url ", "/c/", endpoint] {
        assert!(made.stdout.contains(part), "{part}: {made:?}");
    }
    assert!(made.stderr.contains("client_credentials"), "{made:?}");
}

#[tokio::test]
async fn people_get_an_app_client_without_a_secret_that_leads_to_the_front_door() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let providers = ["--identity-provider", "Google", "--identity-provider", "COGNITO"];
    let arguments: Vec<_> =
        ["--interactive", "--json"].iter().chain(&FRONT_DOOR).chain(&providers).copied().collect();
    let answer = create(&database, &aws, &tenant, &arguments).json();
    assert_eq!(answer.get("client_secret"), None);

    let [request] = &aws.requests("CreateUserPoolClient")[..] else { panic!("one app client") };
    assert_eq!(request["AllowedOAuthFlows"], json!(["code"]));
    assert_eq!(request["CallbackURLs"], json!(["https://auth.example.com/oauth/callback"]));
    assert_eq!(request["SupportedIdentityProviders"], json!(["Google", "COGNITO"]));
    assert_ne!(request["GenerateSecret"], true);
    assert_eq!(aws.secrets(text(&answer, "client_id")), [""; 0]);
    assert_eq!(listed(&database, text(&answer, "client_id")).expect("a row")["kind"], "interactive");
}

#[tokio::test]
async fn no_app_client_outlives_a_row_that_could_not_be_made() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let (library, long) = (tenant.library_id.to_string(), "x".repeat(201));
    let arguments = ["create", "--library", &library, "--machine", "--name", &long];
    let said = connector(&database, &aws, &arguments).failure();
    assert!(said.contains("1 to 200 characters"), "{said}");
    assert_eq!(aws.operations(), ["CreateUserPoolClient", "DeleteUserPoolClient"]);
    assert_eq!(aws.client_ids(), [""; 0]);

    aws.refuse("DeleteUserPoolClient", "NotAuthorizedException");
    let said = connector(&database, &aws, &arguments).failure();
    let left = &aws.client_ids()[0];
    assert!(said.contains(left) && said.contains("delete-user-pool-client"), "{said}");
    assert!(said.contains("connectors_name_length"), "the first reason is told as well: {said}");
    assert!(!said.contains("hush"), "the secret is not: {said}");
}

#[tokio::test]
async fn what_cannot_work_makes_no_app_client() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let unknown = "0197f6a2-8c1e-7000-8000-000000000001";
    let no_library = ["create", "--library", unknown, "--machine", "--name", "N"];
    let said = connector(&database, &aws, &no_library).failure();
    assert!(said.contains("autri library list"), "{said}");
    let said = create(&database, &aws, &tenant, &["--interactive"]).failure();
    assert!(said.contains("AUTRI_AUTHORIZATION_SERVER"), "{said}");
    let said = create(
        &database,
        &aws,
        &tenant,
        &["--interactive", "--authorization-server", "http://auth.example.com"],
    );
    let said = said.failure();
    assert!(said.contains("https"), "{said}");
    let said = create(&database, &aws, &tenant, &["--machine"]).env("COGNITO_USER_POOL_ID", "").failure();
    assert!(said.contains("COGNITO_USER_POOL_ID") && said.contains("--client-id"), "{said}");
    assert_eq!(aws.operations(), [""; 0]);

    let said =
        create(&database, &aws, &tenant, &["--machine", "--user-pool", "eu-central-1_OTHER"]).failure();
    assert!(said.contains("eu-central-1_OTHER") && said.contains("AWS_REGION"), "{said}");
}

#[tokio::test]
async fn an_app_client_that_exists_is_bound_without_asking_cognito() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let answer = create(&database, &aws, &tenant, &["--interactive", "--client-id", "4t2k", "--json"]).json();
    assert_eq!((text(&answer, "client_id"), text(&answer, "kind")), ("4t2k", "interactive"));
    assert_eq!(aws.operations(), [""; 0]);
}

#[tokio::test]
async fn revoking_ends_the_row_and_then_the_app_client() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let made = made(&database, &aws, &tenant);
    let (id, client) = (text(&made, "id"), text(&made, "client_id"));
    let revoke = || connector(&database, &aws, &["revoke", id, "--json"]);

    aws.refuse("DeleteUserPoolClient", "NotAuthorizedException");
    let said = revoke().failure();
    assert!(said.contains("is revoked") && said.contains("run this again"), "{said}");
    assert!(said.contains("cognito-idp:DeleteUserPoolClient"), "{said}");
    let row = listed(&database, client).expect("a row");
    assert!(row["revoked_at"].is_string(), "it opens nothing, whatever Cognito says: {row}");

    aws.refuse_nothing();
    let answer = revoke().json();
    assert_eq!(text(&answer, "app_client"), "deleted");
    assert_eq!(answer["revoked_at"], row["revoked_at"], "it was revoked once");
    assert_eq!(aws.client_ids(), [""; 0]);
    assert_eq!(text(&revoke().json(), "app_client"), "already_gone");
}

#[tokio::test]
async fn an_app_client_that_is_not_to_go_is_said_to_stay() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let made = made(&database, &aws, &tenant);
    let (id, client) = (text(&made, "id"), text(&made, "client_id"));
    let kept = connector(&database, &aws, &["revoke", id, "--keep-client"]).run();
    assert!(kept.code == Some(0) && kept.stderr.contains(client), "{kept:?}");
    let no_pool = connector(&database, &aws, &["revoke", id]).env("COGNITO_USER_POOL_ID", "").run();
    assert!(no_pool.code == Some(0) && no_pool.stderr.contains(client), "{no_pool:?}");
    assert_eq!(aws.client_ids(), [client]);
    let said = connector(&database, &aws, &["revoke", id, "--user-pool", "eu-central-1_OTHER"]).answer();
    assert!(said.contains("none in the user pool eu-central-1_OTHER"), "a slip can be seen: {said}");
}

#[tokio::test]
async fn a_new_secret_is_printed_once_and_ends_the_old_one() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let made = made(&database, &aws, &tenant);
    let (id, client) = (text(&made, "id"), text(&made, "client_id"));
    let rotated = connector(&database, &aws, &["rotate-secret", id, "--json"]).run();
    assert_eq!((rotated.code, rotated.stderr.as_str()), (Some(0), ""), "{rotated:?}");
    let answer: Value = serde_json::from_str(&rotated.stdout).expect("JSON");
    let secret = text(&answer, "client_secret");
    assert_ne!(secret, text(&made, "client_secret"));
    assert_eq!(aws.secrets(client), [secret]);
    assert_eq!(rotated.stdout.matches(secret).count(), 1);
    assert_eq!((text(&answer, "client_id"), &answer["is_new_client"]), (client, &json!(false)));

    let for_people = connector(&database, &aws, &["rotate-secret", id]).run();
    assert_eq!(for_people.stdout.matches(&aws.secrets(client)[0]).count(), 1, "{for_people:?}");
    assert!(!for_people.stderr.contains(&aws.secrets(client)[0]), "{for_people:?}");
}

#[tokio::test]
async fn a_program_can_change_over_while_both_secrets_are_good() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let made = made(&database, &aws, &tenant);
    let (id, client) = (text(&made, "id"), text(&made, "client_id"));
    let old = text(&made, "client_secret");
    let run = |arguments: &[&str]| {
        let own = ["rotate-secret", id];
        connector(&database, &aws, &own.iter().chain(arguments).copied().collect::<Vec<_>>())
    };
    let new = run(&["--keep-old", "--json"]).json();
    let new = text(&new, "client_secret");
    assert_eq!(aws.secrets(client), [old, new]);
    let said = run(&[]).failure();
    assert!(said.contains("--drop-old"), "a third secret is not possible: {said}");
    assert_eq!(run(&["--drop-old", "--json"]).json()["deleted_secrets"], 1);
    assert_eq!(aws.secrets(client), [new], "the newest stays");
    assert!(run(&["--drop-old"]).answer().contains("one secret only"));
}

#[tokio::test]
async fn an_old_secret_that_stays_good_is_a_failure_with_the_new_one_printed() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let made = made(&database, &aws, &tenant);
    let (id, client) = (text(&made, "id"), text(&made, "client_id"));
    aws.refuse("DeleteUserPoolClientSecret", "NotAuthorizedException");
    let ended = connector(&database, &aws, &["rotate-secret", id]).run();
    let new = &aws.secrets(client)[1];
    assert!(ended.code == Some(1) && ended.stdout.contains(new), "{ended:?}");
    assert!(ended.stderr.contains("--drop-old") && !ended.stderr.contains(new), "{ended:?}");
}

/// `--drop-old` leaves the newest one, which must not be one that nobody knows.
#[tokio::test]
async fn a_secret_that_nobody_has_seen_does_not_stay() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let made = made(&database, &aws, &tenant);
    let (id, client) = (text(&made, "id"), text(&made, "client_id"));
    aws.lose_answers("AddUserPoolClientSecret");
    connector(&database, &aws, &["rotate-secret", id]).failure();
    assert_eq!(aws.secrets(client), [text(&made, "client_secret")]);

    aws.refuse("DeleteUserPoolClientSecret", "NotAuthorizedException");
    let said = connector(&database, &aws, &["rotate-secret", id]).failure();
    assert!(said.contains("nobody has seen") && said.contains(client), "{said}");
}

#[tokio::test]
async fn where_secrets_cannot_be_added_the_app_client_is_replaced() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let made = made(&database, &aws, &tenant);
    let (id, old) = (text(&made, "id"), text(&made, "client_id"));
    aws.refuse("ListUserPoolClientSecrets", "UnknownOperationException");
    let said = connector(&database, &aws, &["rotate-secret", id, "--keep-old"]).failure();
    assert!(said.contains("without --keep-old"), "{said}");
    assert_eq!(aws.client_ids(), [old]);

    let ended = connector(&database, &aws, &["rotate-secret", id, "--json"]).run();
    assert!(ended.code == Some(0) && ended.stderr.contains("client_id is new too"), "{ended:?}");
    let answer: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let new = text(&answer, "client_id");
    assert_eq!(aws.client_ids(), [new]);
    assert_eq!(aws.secrets(new), [text(&answer, "client_secret")]);
    assert_eq!(answer["is_new_client"], true);
    assert_eq!(listed(&database, new).expect("the row moved")["id"], id);
    let flows: Vec<_> =
        aws.requests("CreateUserPoolClient").iter().map(|one| one["AllowedOAuthFlows"].clone()).collect();
    assert_eq!(flows, [json!(["client_credentials"]), json!(["client_credentials"])]);
}

#[tokio::test]
async fn only_a_live_programs_secret_can_be_changed() {
    let (database, aws) = (TestDatabase::create().await, Aws::start());
    let tenant = Tenant::create(&database, "acme").await;
    let (machine, interactive) = (tenant.machine.to_string(), tenant.interactive.to_string());
    let said = connector(&database, &aws, &["rotate-secret", &interactive]).failure();
    assert!(said.contains("for people"), "{said}");
    connector(&database, &aws, &["revoke", &machine, "--keep-client"]).answer();
    let said = connector(&database, &aws, &["rotate-secret", &machine]).failure();
    assert!(said.contains("was revoked"), "{said}");
    assert_eq!(aws.operations(), [""; 0]);
}
