//! The people of a pool.

use std::collections::BTreeMap;

use autri_aws::test_support::Reply;
use autri_aws::{AwsConfig, AwsError, Deletion, PoolUser, UserPool};
use chrono::DateTime;
use serde_json::{Value, json};

const POOL: &str = "eu-central-1_Autri";

fn user(name: &str, email: &str) -> Value {
    json!({
        "Username": name,
        "Attributes": [
            { "Name": "sub", "Value": format!("sub-{name}") },
            { "Name": "email", "Value": email },
            { "Name": "email_verified", "Value": "true" },
            { "Name": "nickname" },
        ],
        "UserCreateDate": 1_750_000_000.25,
        "UserLastModifiedDate": 1_750_000_001,
        "Enabled": true,
        "UserStatus": "CONFIRMED",
    })
}

fn failing(code: &'static str) -> AwsConfig {
    AwsConfig::answered_by(move |_, _| Reply::Error { status: 400, code, message: "User does not exist." })
}

#[tokio::test]
async fn a_user_is_deleted_once() {
    let config = AwsConfig::answered_by(|_, _| Reply::Json(json!({})));
    assert_eq!(UserPool::new(&config, POOL).delete_user("google_1").await.unwrap(), Deletion::Deleted);
    let [request] = &config.requests()[..] else { panic!("one request") };
    assert_eq!(request.operation, "AdminDeleteUser");
    assert_eq!(request.body, json!({ "UserPoolId": POOL, "Username": "google_1" }));

    let gone = failing("UserNotFoundException");
    assert_eq!(UserPool::new(&gone, POOL).delete_user("google_1").await.unwrap(), Deletion::AlreadyGone);
}

#[tokio::test]
async fn a_pool_that_is_gone_is_no_user_who_is_gone() {
    let error =
        UserPool::new(&failing("ResourceNotFoundException"), POOL).delete_user("a").await.unwrap_err();
    assert!(matches!(error, AwsError::NotFound(_)), "{error:?}");
    let error = UserPool::new(&failing("NotAuthorizedException"), POOL).delete_user("a").await.unwrap_err();
    assert!(matches!(error, AwsError::Denied(_)), "{error:?}");
}

#[tokio::test]
async fn all_pages_are_listed() {
    let config = AwsConfig::answered_by(|_, body| {
        Reply::Json(match body["PaginationToken"].as_str() {
            None => {
                json!({ "Users": [user("a", "a@example.com"), user("b", "b@example.com")], "PaginationToken": "2" })
            }
            Some("2") => json!({ "Users": [], "PaginationToken": "3" }),
            Some("3") => json!({ "Users": [user("c", "c@example.com")] }),
            Some(other) => panic!("{other}"),
        })
    });
    let users = UserPool::new(&config, POOL).list_users().await.unwrap();
    let names: Vec<_> = users.iter().map(|user| user.user_name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    let expected = PoolUser {
        user_name: "a".to_owned(),
        sub: Some("sub-a".to_owned()),
        status: "CONFIRMED".to_owned(),
        is_enabled: true,
        created_at: DateTime::from_timestamp(1_750_000_000, 250_000_000).unwrap(),
        attributes: BTreeMap::from(
            [("sub", "sub-a"), ("email", "a@example.com"), ("email_verified", "true")]
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        ),
    };
    assert_eq!(users[0], expected);
    assert!(!format!("{users:?}").contains("example.com"));
    let first = &config.requests()[0];
    assert_eq!(first.operation, "ListUsers");
    assert_eq!(first.body, json!({ "UserPoolId": POOL, "Limit": 60 }));
}

#[tokio::test]
async fn a_list_with_a_page_missing_is_an_error() {
    let config = AwsConfig::answered_by(|_, body| match body["PaginationToken"].as_str() {
        None => Reply::Json(json!({ "Users": [user("a", "a@example.com")], "PaginationToken": "2" })),
        Some(_) => Reply::Error { status: 400, code: "TooManyRequestsException", message: "" },
    });
    let error = UserPool::new(&config, POOL).list_users().await.unwrap_err();
    assert!(matches!(error, AwsError::Busy(_)), "{error:?}");
}

#[tokio::test]
async fn a_user_without_a_name_state_or_age_is_no_user() {
    for member in ["Username", "UserStatus", "UserCreateDate"] {
        let config = AwsConfig::answered_by(move |_, _| {
            let mut user = user("a", "a@example.com");
            user.as_object_mut().unwrap().remove(member);
            Reply::Json(json!({ "Users": [user] }))
        });
        let error = UserPool::new(&config, POOL).list_users().await.unwrap_err();
        assert!(matches!(error, AwsError::Rejected { .. }), "{member}: {error:?}");
    }
}

#[tokio::test]
async fn an_address_cannot_change_the_filter() {
    let cases = [
        ("ada@example.com", r#"email = "ada@example.com""#),
        (r#"a" or sub ^= "@example.com"#, r#"email = "a\" or sub ^= \"@example.com""#),
        (r#"a\" or sub ^= "@example.com"#, r#"email = "a\\\" or sub ^= \"@example.com""#),
        (r"a@example.com\", r#"email = "a@example.com\\""#),
    ];
    for (email, filter) in cases {
        let config = AwsConfig::answered_by(|_, _| Reply::Json(json!({ "Users": [] })));
        assert_eq!(UserPool::new(&config, POOL).find_users_by_email(email).await.unwrap(), []);
        assert_eq!(config.requests()[0].body["Filter"], filter);
    }
}

#[tokio::test]
async fn whom_the_filter_finds_beside_is_not_returned() {
    let config = AwsConfig::answered_by(|_, _| {
        Reply::Json(json!({ "Users": [
            user("a", "Ada@Example.com"),
            user("b", "mallory@example.com"),
            { "Username": "c", "UserCreateDate": 1, "Enabled": false, "UserStatus": "UNCONFIRMED" },
            user("google_1", "ada@example.com"),
        ] }))
    });
    let users = UserPool::new(&config, POOL).find_users_by_email("ada@example.com").await.unwrap();
    let names: Vec<_> = users.iter().map(|user| user.user_name.as_str()).collect();
    assert_eq!(names, ["a", "google_1"]);
}
