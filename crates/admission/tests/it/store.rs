//! A parameter with its history, as Parameter Store keeps it.
//!
//! <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html> and `API_PutParameter`: the first
//! version is 1, each write makes the next, `name:version` reads an old one, and a write depends on nothing.

use std::sync::{Arc, Mutex};

use autri_aws::test_support::Reply;
use serde_json::{Value, json};

pub(crate) const NAME: &str = "/autri/beta/ALLOWED_EMAILS";

/// Clones are the same parameter.
#[derive(Clone, Default)]
pub(crate) struct Store {
    versions: Arc<Mutex<Vec<Version>>>,
}

#[derive(Clone)]
struct Version {
    value: String,
    kind: String,
}

impl Store {
    /// Without the parameter.
    pub(crate) fn empty() -> Self {
        Self::default()
    }

    pub(crate) fn with(value: &str, kind: &str) -> Self {
        let store = Self::empty();
        store.write(value, kind);
        store
    }

    /// Writes as somebody else does, and returns the new version.
    pub(crate) fn write(&self, value: &str, kind: &str) -> usize {
        let mut versions = self.versions.lock().unwrap();
        versions.push(Version { value: value.to_owned(), kind: kind.to_owned() });
        versions.len()
    }

    /// The value and the kind as they are now.
    pub(crate) fn current(&self) -> (String, String) {
        let last = self.versions.lock().unwrap().last().cloned().unwrap();
        (last.value, last.kind)
    }

    /// All that was ever written, for a failed test to show.
    pub(crate) fn history(&self) -> Vec<String> {
        self.versions.lock().unwrap().iter().map(|version| version.value.clone()).collect()
    }

    pub(crate) fn version(&self) -> usize {
        self.versions.lock().unwrap().len()
    }

    pub(crate) fn answer(&self, operation: &str, input: &Value) -> Reply {
        let name = input["Name"].as_str().unwrap();
        match operation {
            "GetParameter" => {
                assert_eq!(input["WithDecryption"], json!(true));
                let (name, version) = match name.split_once(':') {
                    Some((name, version)) => (name, version.parse().unwrap()),
                    None => (name, self.version()),
                };
                assert_eq!(name, NAME);
                self.read(version)
            }
            "PutParameter" => {
                assert_eq!(name, NAME);
                assert_eq!(input["Overwrite"], json!(true));
                let value = input["Value"].as_str().unwrap();
                assert!(!value.is_empty(), "a parameter is never empty");
                let version = self.write(value, input["Type"].as_str().unwrap());
                Reply::Json(json!({"Version": version, "Tier": "Standard"}))
            }
            other => panic!("{other} was not to be called"),
        }
    }

    fn read(&self, version: usize) -> Reply {
        let versions = self.versions.lock().unwrap();
        let Some(found) = version.checked_sub(1).and_then(|index| versions.get(index)) else {
            return Reply::Error { status: 400, code: "ParameterNotFound", message: "" };
        };
        Reply::Json(json!({"Parameter": {
            "Name": NAME, "Type": found.kind, "Value": found.value, "Version": version, "DataType": "text",
        }}))
    }
}
