//! A database whose login is in AWS Secrets Manager.

use autri_db::roles;
use autri_db::test_support::TestDatabase;
use secrecy::ExposeSecret as _;

use crate::aws::Aws;
use crate::program::{Program, autri, text};

const ARN: &str = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:autri/admin-AbCdEf";
const PASSWORD: &str = "hunter2";

/// An AWS with the login of a role.
fn with_login(database: &TestDatabase, role: &str) -> Aws {
    let aws = Aws::start();
    aws.keep_login(&database.url(role), PASSWORD);
    aws
}

fn by_variable<'a>(aws: &Aws, arguments: impl IntoIterator<Item = &'a str>) -> Program {
    autri(arguments).with_aws(aws).env("DATABASE_SECRET_ARN", ARN)
}

#[tokio::test]
async fn every_command_takes_it_in_place_of_a_url() {
    let database = TestDatabase::create().await;
    let aws = with_login(&database, roles::ADMIN);
    let made =
        by_variable(&aws, ["org", "create", "--name", "acme", "--json"]).env("DATABASE_URL", "").json();
    let listed = autri(["org", "list", "--json", "--database-secret-arn", ARN]).with_aws(&aws).json();
    assert_eq!(text(&listed[0], "id"), text(&made, "id"));
    let asked = aws.requests("GetSecretValue");
    assert!(asked.len() == 2 && asked.iter().all(|body| text(body, "SecretId") == ARN), "{asked:?}");

    let owner = with_login(&database, roles::MIGRATE);
    let migrated = by_variable(&owner, ["db", "migrate", "--json"]).json();
    assert_eq!(migrated["applied"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn two_logins_are_one_too_many() {
    let database = TestDatabase::create().await;
    let aws = with_login(&database, roles::ADMIN);
    let said = by_variable(&aws, ["org", "list"]).logged_in_as(&database, roles::ADMIN).failure();
    assert!(said.contains("both set") && said.contains("--database-secret-arn"), "{said}");
    let url = database.url(roles::ADMIN);
    let said = by_variable(&aws, ["org", "list", "--database-url", url.expose_secret()]).failure();
    assert!(said.contains("both set") && !said.contains(url.expose_secret()), "{said}");
    assert_eq!(aws.operations(), Vec::<String>::new());
}

#[tokio::test]
async fn one_that_is_not_to_be_had_says_what_to_do() {
    let database = TestDatabase::create().await;
    let aws = with_login(&database, roles::ADMIN);
    aws.refuse("GetSecretValue", "AccessDeniedException");
    let said = by_variable(&aws, ["org", "list"]).failure();
    assert!(said.contains("secretsmanager:GetSecretValue") && said.contains("could not be read"), "{said}");
    aws.refuse_nothing();
    aws.keep_text(PASSWORD);
    let said = by_variable(&aws, ["org", "list"]).failure();
    assert!(said.contains("JSON") && said.contains("dbname") && !said.contains(PASSWORD), "{said}");
    let said = autri(["org", "list", "--database-secret-arn", ARN])
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .failure();
    assert!(said.contains("sign in to AWS"), "{said}");
}

#[tokio::test]
async fn one_that_the_database_refuses_is_read_again_once() {
    let database = TestDatabase::create().await;
    // It owns functions and never logs in.
    let aws = with_login(&database, "autri_definer");
    let said = by_variable(&aws, ["org", "list"]).failure();
    assert!(said.contains("refused the credentials") && !said.contains(PASSWORD), "{said}");
    assert_eq!(aws.operations(), ["GetSecretValue", "GetSecretValue"]);
}

#[tokio::test]
async fn it_opens_no_database_of_another_role() {
    let database = TestDatabase::create().await;
    let aws = with_login(&database, roles::ADMIN);
    let collection = tempfile::tempdir().expect("a folder");
    for (name, line) in [
        ("corpus.jsonl", r#"{"_id":"d1","title":"granite","text":"granite is a rock"}"#),
        ("queries.jsonl", r#"{"_id":"q1","text":"granite"}"#),
    ] {
        std::fs::write(collection.path().join(name), line).expect("a file");
    }
    std::fs::create_dir(collection.path().join("qrels")).expect("a folder");
    let judgements = "query-id\tcorpus-id\tscore\nq1\td1\t1\n";
    std::fs::write(collection.path().join("qrels/test.tsv"), judgements).expect("a file");
    let folder = collection.path().to_str().expect("Unicode");
    let said = by_variable(&aws, ["eval", "--beir", folder, "--embedder", "none"]).failure();
    assert!(said.contains("--mcp-database-url"), "{said}");
    let mcp = database.url(roles::MCP);
    let answered = by_variable(&aws, ["eval", "--beir", folder, "--embedder", "none", "--json"])
        .env("AUTRI_MCP_DATABASE_URL", mcp.expose_secret())
        .json();
    assert!(answered.to_string().contains("ndcg"), "{answered}");
}
