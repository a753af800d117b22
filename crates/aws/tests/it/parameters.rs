//! Parameter Store: what is asked for, and what is made of the answer.

use autri_aws::test_support::{Reply, Request};
use autri_aws::{AwsConfig, Parameter, ParameterKind, ParameterStore};
use serde_json::{Value, json};

const NAME: &str = "/autri/beta/ALLOWED_EMAILS";

fn request(operation: &str, body: Value) -> Request {
    Request { operation: operation.to_owned(), body }
}

#[tokio::test]
async fn a_parameter_is_read_decrypted_in_each_kind() {
    for (name, kind) in [
        ("String", ParameterKind::String),
        ("StringList", ParameterKind::StringList),
        ("SecureString", ParameterKind::SecureString),
    ] {
        let config = AwsConfig::answered_by(move |_, _| {
            let parameter = json!({ "Name": NAME, "Type": name, "Value": "a@example.com\n", "Version": 7, "DataType": "text" });
            Reply::Json(json!({ "Parameter": parameter }))
        });
        let found = ParameterStore::new(&config).get(NAME).await.unwrap();
        assert_eq!(found, Parameter { value: "a@example.com\n".to_owned(), version: 7, kind });
        assert_eq!(
            config.requests(),
            [request("GetParameter", json!({ "Name": NAME, "WithDecryption": true }))]
        );
        assert!(!format!("{found:?}").contains("example.com"));
    }
}

#[tokio::test]
async fn a_version_is_part_of_the_name() {
    let config = AwsConfig::answered_by(|_, _| {
        Reply::Json(
            json!({ "Parameter": { "Type": "String", "Value": "old", "Version": 3, "Selector": ":3" } }),
        )
    });
    let found = ParameterStore::new(&config).at_version(NAME, 3).await.unwrap();
    assert_eq!((found.value.as_str(), found.version), ("old", 3));
    assert_eq!(config.requests()[0].body["Name"], format!("{NAME}:3"));
}

#[tokio::test]
async fn a_write_overwrites_and_returns_the_new_version() {
    for (kind, name) in [
        (ParameterKind::String, "String"),
        (ParameterKind::StringList, "StringList"),
        (ParameterKind::SecureString, "SecureString"),
    ] {
        let config = AwsConfig::answered_by(|_, _| Reply::Json(json!({ "Version": 8, "Tier": "Standard" })));
        let version = ParameterStore::new(&config).put(NAME, "b@example.com", kind).await.unwrap();
        assert_eq!(version, 8);
        let body = json!({ "Name": NAME, "Value": "b@example.com", "Type": name, "Overwrite": true });
        assert_eq!(config.requests(), [request("PutParameter", body)]);
    }
}
