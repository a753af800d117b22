//! Parameter Store, with one parameter and all its versions.

use serde_json::{Value, json};

use super::{Answer, Aws, PARAMETER, Refusal, text};

#[derive(Default)]
pub(super) struct Parameter {
    /// The versions' values, the first of which is version 1.
    versions: Vec<String>,
    kind: String,
    /// What somebody else writes just before the next write.
    rival: Option<String>,
}

impl Aws {
    /// The allowlist becomes this.
    pub(crate) fn set_allowlist(&self, value: &str) {
        let parameter = &mut self.state().parameter;
        "String".clone_into(&mut parameter.kind);
        parameter.versions.push(value.to_owned());
    }

    /// The allowlist as it is.
    pub(crate) fn allowlist(&self) -> String {
        self.state().parameter.versions.last().cloned().expect("an allowlist")
    }

    /// Somebody else writes this just before the program's next write.
    pub(crate) fn write_in_between(&self, value: &str) {
        self.state().parameter.rival = Some(value.to_owned());
    }
}

impl Parameter {
    /// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>, with `Name:version` too.
    pub(super) fn get(&self, body: &Value) -> Answer {
        let (name, version) = match text(body, "Name").rsplit_once(':') {
            Some((name, version)) => (name, version.parse().expect("a version")),
            None => (text(body, "Name"), self.versions.len()),
        };
        let value = (name == PARAMETER).then(|| self.versions.get(version.wrapping_sub(1))).flatten();
        let value = value.ok_or_else(not_found)?;
        Ok(json!({ "Parameter": { "Name": name, "Type": self.kind, "Value": value, "Version": version } }))
    }

    /// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>: it has no condition.
    pub(super) fn put(&mut self, body: &Value) -> Value {
        assert_eq!(body["Overwrite"], true, "{body}");
        self.versions.extend(self.rival.take());
        self.versions.push(text(body, "Value").to_owned());
        text(body, "Type").clone_into(&mut self.kind);
        json!({ "Version": self.versions.len(), "Tier": "Standard" })
    }
}

fn not_found() -> Refusal {
    Refusal("ParameterNotFound", String::new())
}
