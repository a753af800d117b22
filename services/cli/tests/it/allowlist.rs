//! `autri user invite` and `uninvite`.

use serde_json::json;

use crate::aws::{Aws, PARAMETER};
use crate::program::{Program, autri};

fn user(aws: &Aws, arguments: &[&str]) -> Program {
    autri(["user"].into_iter().chain(arguments.iter().copied())).with_aws(aws)
}

#[test]
fn an_invitation_is_written_once() {
    let aws = Aws::start();
    aws.set_allowlist("# staff\nbob@example.com # since May\n");
    let said = user(&aws, &["invite", "Ada@example.com"]).answer();
    assert_eq!(said, "Ada@example.com is invited\n");
    assert_eq!(aws.allowlist(), "# staff\nbob@example.com # since May\nAda@example.com\n");

    let said = user(&aws, &["invite", "ada@EXAMPLE.com"]).answer();
    assert_eq!(said, "ada@EXAMPLE.com was invited already\n");
    assert_eq!(aws.requests("PutParameter").len(), 1, "what is there is not written again");
    assert_eq!(
        user(&aws, &["invite", "*@example.net", "--json"]).json(),
        json!({ "entry": "*@example.net", "parameter": PARAMETER, "changed": true })
    );
}

/// A wrong name or region looks the same: a second list would be one that nobody reads.
#[test]
fn a_list_that_is_not_there_is_made_on_demand_alone() {
    let aws = Aws::start();
    for command in ["invite", "uninvite"] {
        let said = user(&aws, &[command, "ada@example.com"]).failure();
        assert!(
            said.contains(PARAMETER) && said.contains("--create") && said.contains("AWS_REGION"),
            "{said}"
        );
    }
    assert_eq!(aws.requests("PutParameter").len(), 0);
    user(&aws, &["invite", "ada@example.com", "--create"]).answer();
    assert_eq!(aws.allowlist(), "ada@example.com");
}

#[test]
fn uninviting_says_who_still_gets_in() {
    let aws = Aws::start();
    aws.set_allowlist("ada@example.com\nbob@example.com\n*@example.com\n");
    let ended = user(&aws, &["uninvite", "ada@example.com"]).run();
    assert_eq!((ended.code, aws.allowlist().as_str()), (Some(0), "bob@example.com\n*@example.com\n"));
    assert!(ended.stdout.contains("accounts that exist stay"), "{ended:?}");
    assert!(ended.stderr.contains("still gets in"), "{ended:?}");

    let answer = user(&aws, &["uninvite", "ada@example.com", "--json"]).json();
    assert_eq!((&answer["changed"], &answer["is_still_invited"]), (&json!(false), &json!(true)));
    user(&aws, &["uninvite", "*@example.com"]).answer();
    let ended = user(&aws, &["uninvite", "ada@example.com"]).run();
    assert!(ended.stdout.contains("was not on the list") && ended.stderr.is_empty(), "{ended:?}");
}

#[test]
fn what_somebody_else_writes_at_the_same_time_is_kept() {
    let aws = Aws::start();
    aws.set_allowlist("bob@example.com\n");
    aws.write_in_between("bob@example.com\ncarol@example.com\n");
    user(&aws, &["invite", "ada@example.com"]).answer();
    let list = aws.allowlist();
    for address in ["ada@example.com", "bob@example.com", "carol@example.com"] {
        assert!(list.contains(address), "{address} is lost: {list}");
    }

    aws.write_in_between(&format!("{list}dan@example.com\n"));
    user(&aws, &["uninvite", "bob@example.com"]).answer();
    let list = aws.allowlist();
    assert!(list.contains("dan@example.com") && !list.contains("bob@example.com"), "{list}");
}

#[test]
fn what_is_no_entry_is_refused_before_anything_is_asked() {
    let aws = Aws::start();
    for entry in ["ada", "*", "*@", "ada@example.com,eve@example.com", "ada@example.com\neve@example.com", ""]
    {
        assert_eq!(user(&aws, &["invite", entry]).run().code, Some(2), "{entry:?}");
    }
    assert_eq!(aws.operations(), [""; 0]);
}

#[test]
fn a_refusal_of_aws_names_the_permission() {
    let aws = Aws::start();
    aws.set_allowlist("bob@example.com");
    aws.refuse("PutParameter", "AccessDeniedException");
    let said = user(&aws, &["invite", "ada@example.com"]).failure();
    assert!(said.contains(PARAMETER) && said.contains("ssm:PutParameter"), "{said}");
    assert_eq!(aws.allowlist(), "bob@example.com");
}

#[test]
fn without_credentials_it_says_how_to_get_some() {
    let said = autri(["user", "invite", "ada@example.com"])
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "eu-central-1")
        .failure();
    assert!(said.contains("aws sso login") && said.contains("AWS_PROFILE"), "{said}");
}
