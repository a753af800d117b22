//! What was tried at AWS, for whoever reads the error.

use std::fmt;

/// A context for an error of AWS: what could not be done, and the permission that doing it takes.
#[derive(Debug)]
pub(crate) struct AwsStep {
    what: String,
    /// The IAM action, or actions, such as `cognito-idp:ListUsers`.
    pub(crate) permission: &'static str,
}

impl AwsStep {
    /// Begins with a verb: `delete the app client 4t2k…`.
    pub(crate) fn new(what: impl Into<String>, permission: &'static str) -> Self {
        Self { what: what.into(), permission }
    }
}

impl fmt::Display for AwsStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.what)
    }
}
