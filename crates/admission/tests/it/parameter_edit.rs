//! Invitations, one operator at a time and with another one in between.

use std::sync::Mutex;

use autri_admission::{EditedList, Entry, IfMissing, ListEditError, add_entry, edit_allowlist, remove_entry};
use autri_aws::test_support::Reply;
use autri_aws::{AwsConfig, AwsError, ParameterStore};

use crate::store::{NAME, Store};

fn entry(text: &str) -> Entry {
    text.parse().unwrap()
}

async fn invite(aws: &AwsConfig, address: &str) -> Result<EditedList, ListEditError> {
    let entry = entry(address);
    let store = ParameterStore::new(aws);
    edit_allowlist(&store, NAME, IfMissing::Create, |text, kind| add_entry(text, kind, &entry)).await
}

async fn uninvite(aws: &AwsConfig, address: &str) -> Result<EditedList, ListEditError> {
    let entry = entry(address);
    let store = ParameterStore::new(aws);
    edit_allowlist(&store, NAME, IfMissing::Fail, |text, _| Ok(remove_entry(text, &entry))).await
}

fn alone(store: &Store) -> AwsConfig {
    let store = store.clone();
    AwsConfig::answered_by(move |operation, input| store.answer(operation, input))
}

/// What somebody else does.
type Other = Box<dyn FnOnce(&Store) + Send>;

/// Before our first writes, one after the other, somebody else does these.
fn interrupted(store: &Store, others: Vec<Other>) -> AwsConfig {
    let (store, others) = (store.clone(), Mutex::new(others.into_iter()));
    AwsConfig::answered_by(move |operation, input| {
        if operation == "PutParameter"
            && let Some(other) = others.lock().unwrap().next()
        {
            other(&store);
        }
        store.answer(operation, input)
    })
}

fn writes(value: &'static str) -> Other {
    Box::new(move |store| {
        store.write(value, "String");
    })
}

fn operations(aws: &AwsConfig) -> Vec<String> {
    aws.requests().into_iter().map(|request| request.operation).collect()
}

#[tokio::test]
async fn the_first_invitation_makes_the_parameter() {
    let store = Store::empty();
    let edited = invite(&alone(&store), "ada@example.com").await.unwrap();
    assert!(edited.is_changed && edited.list.contains(&"Ada@example.com".parse().unwrap()));
    assert_eq!(store.current(), ("ada@example.com".to_owned(), "String".to_owned()));
}

#[tokio::test]
async fn the_parameters_kind_stays() {
    for kind in ["String", "StringList", "SecureString"] {
        let store = Store::with("bob@example.com,eve@example.com", kind);
        invite(&alone(&store), "ada@example.com").await.unwrap();
        uninvite(&alone(&store), "eve@example.com").await.unwrap();
        assert_eq!(store.current(), ("bob@example.com,ada@example.com".to_owned(), kind.to_owned()));
    }
}

#[tokio::test]
async fn what_is_so_already_is_not_written() {
    let store = Store::with("*@example.com # all\nada@example.com", "String");
    let aws = alone(&store);
    assert!(!invite(&aws, "ADA@example.com").await.unwrap().is_changed);
    assert!(!uninvite(&aws, "bob@example.com").await.unwrap().is_changed);
    assert_eq!(operations(&aws), ["GetParameter", "GetParameter"]);

    let nothing = alone(&Store::empty());
    let missing = uninvite(&nothing, "bob@example.com").await.unwrap_err();
    assert!(matches!(missing, ListEditError::Missing), "{missing:?}: perhaps another list has them");
    assert_eq!(operations(&nothing), ["GetParameter"]);
}

#[tokio::test]
async fn whoever_is_uninvited_may_still_be_listed_by_their_domain() {
    let store = Store::with("*@example.com\nada@example.com", "String");
    let edited = uninvite(&alone(&store), "ada@example.com").await.unwrap();
    assert!(edited.is_changed && edited.list.contains(&"ada@example.com".parse().unwrap()));
}

#[tokio::test]
async fn the_last_one_leaves_a_list_of_nobody() {
    let store = Store::with("ada@example.com", "StringList");
    assert!(uninvite(&alone(&store), "ada@example.com").await.unwrap().list.is_empty());
    assert_eq!(store.current().0, "none");
    invite(&alone(&store), "bob@example.com").await.unwrap();
    assert_eq!(store.current().0, "bob@example.com");
}

#[tokio::test]
async fn a_change_in_between_is_kept_and_so_is_ours() {
    let store = Store::with("bob@example.com", "String");
    let aws = interrupted(&store, vec![writes("# friends\nbob@example.com\neve@example.com")]);
    invite(&aws, "ada@example.com").await.unwrap();
    assert_eq!(store.current().0, "# friends\nbob@example.com\neve@example.com\nada@example.com");
    assert_eq!(operations(&aws), ["GetParameter", "PutParameter", "GetParameter", "PutParameter"]);
    assert_eq!(aws.requests()[2].body["Name"], format!("{NAME}:2"));
}

#[tokio::test]
async fn so_is_a_removal_in_between() {
    let store = Store::with("bob@example.com\neve@example.com", "String");
    let aws = interrupted(&store, vec![writes("bob@example.com")]);
    let edited = invite(&aws, "ada@example.com").await.unwrap();
    assert_eq!(store.current().0, "bob@example.com\nada@example.com");
    assert!(!edited.list.contains(&"eve@example.com".parse().unwrap()));
}

#[tokio::test]
async fn and_a_parameter_that_somebody_else_made_first() {
    let store = Store::empty();
    let aws = interrupted(&store, vec![writes("bob@example.com # first")]);
    invite(&aws, "ada@example.com").await.unwrap();
    assert_eq!(store.current().0, "bob@example.com # first\nada@example.com");
}

#[tokio::test]
async fn two_changes_in_between_are_both_kept() {
    let store = Store::with("a@x", "String");
    let aws = interrupted(&store, vec![writes("a@x\nb@x"), writes("a@x\nc@x")]);
    uninvite(&aws, "a@x").await.unwrap();
    let (value, _) = store.current();
    let mut lines: Vec<&str> = value.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["b@x", "c@x"]);
}

#[tokio::test]
async fn a_parameter_that_is_always_overwritten_is_given_up() {
    let store = Store::with("a@x", "String");
    let answered = store.clone();
    let aws = AwsConfig::answered_by(move |operation, input| {
        if operation == "PutParameter" {
            answered.write(&format!("a@x\nb{}@x", answered.version()), "String");
        }
        answered.answer(operation, input)
    });
    let error = invite(&aws, "ada@example.com").await.unwrap_err();
    assert!(matches!(error, ListEditError::Contended), "{error:?}");
    assert_eq!(operations(&aws).iter().filter(|operation| *operation == "PutParameter").count(), 3);
}

#[tokio::test]
async fn what_was_overwritten_and_cannot_be_read_is_not_taken_for_an_empty_list() {
    let store = Store::with("a@x\nb@x", "String");
    let answered = store.clone();
    let aws = AwsConfig::answered_by(move |operation, input| {
        if operation == "PutParameter" && answered.version() == 1 {
            answered.write("a@x\nb@x\nc@x", "String");
        }
        if input["Name"].as_str().unwrap().ends_with(":2") {
            return Reply::Error { status: 400, code: "ParameterVersionNotFound", message: "" };
        }
        answered.answer(operation, input)
    });
    let error = invite(&aws, "ada@example.com").await.unwrap_err();
    assert!(matches!(error, ListEditError::Read(AwsError::NotFound(_))), "{error:?}");
    assert_eq!(store.current().0, "a@x\nb@x\nada@example.com");
}

#[tokio::test]
async fn a_list_that_does_not_fit_is_not_written() {
    let store = Store::with(&"a".repeat(4_090), "String");
    let aws = alone(&store);
    let error = invite(&aws, "ada@example.com").await.unwrap_err();
    assert!(matches!(error, ListEditError::TooLong(_)), "{error:?}");
    assert_eq!(operations(&aws), ["GetParameter"]);
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_not_written() {
    for reply in [
        Reply::Unreachable,
        Reply::Empty(500),
        Reply::Error { status: 400, code: "AccessDeniedException", message: "no" },
        Reply::Error { status: 400, code: "ThrottlingException", message: "slow down" },
    ] {
        let text = format!("{reply:?}");
        let aws = AwsConfig::answered_by(move |_, _| reply.clone());
        let error = invite(&aws, "ada@example.com").await.unwrap_err();
        assert!(matches!(error, ListEditError::Read(_)), "{text}: {error:?}");
        assert_eq!(operations(&aws), ["GetParameter"], "{text}");
    }
}

#[tokio::test]
async fn a_write_that_fails_is_said() {
    let store = Store::with("a@x", "String");
    let aws = AwsConfig::answered_by(move |operation, input| match operation {
        "PutParameter" => Reply::Error { status: 400, code: "AccessDeniedException", message: "no" },
        _ => store.answer(operation, input),
    });
    let error = invite(&aws, "ada@example.com").await.unwrap_err();
    assert!(matches!(error, ListEditError::Write(AwsError::Denied(_))), "{error:?}");
}
