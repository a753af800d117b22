//! Systems Manager's Parameter Store.

use std::fmt;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::ParameterType;

use crate::{AwsConfig, AwsError};

/// The parameters of an account and region.
#[derive(Debug, Clone)]
pub struct ParameterStore {
    client: Client,
}

/// A parameter, decrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Its text, as written.
    pub value: String,
    /// Counts its writes, from 1.
    pub version: i64,
    /// How it is kept.
    pub kind: ParameterKind,
}

/// How a parameter is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Readable text.
    String,
    /// Readable items between commas.
    StringList,
    /// Encrypted.
    SecureString,
}

impl ParameterStore {
    /// Makes the client, which connects at its first call.
    #[must_use]
    pub fn new(config: &AwsConfig) -> Self {
        Self { client: Client::new(config.sdk()) }
    }

    /// The parameter `name` as it is now.
    ///
    /// # Errors
    /// [`AwsError::NotFound`] when there is none, and as any call.
    pub async fn get(&self, name: &str) -> Result<Parameter, AwsError> {
        let found = Box::pin(self.client.get_parameter().name(name).with_decryption(true).send()).await;
        found.map_err(AwsError::of)?.parameter.ok_or_else(|| AwsError::incomplete("Parameter"))?.try_into()
    }

    /// The parameter as the write with this number left it. The store keeps the last hundred:
    /// <https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html>.
    ///
    /// # Errors
    /// [`AwsError::NotFound`] when there is no such version, and as any call.
    pub async fn at_version(&self, name: &str, version: i64) -> Result<Parameter, AwsError> {
        self.get(&format!("{name}:{version}")).await
    }

    /// Writes the parameter, whether there is one or not, and returns its new version. The store has no conditional write:
    /// compare that version with the one that was read, plus 1.
    ///
    /// A `SecureString` is encrypted with the account's default key for Parameter Store.
    ///
    /// # Errors
    /// As any call. After [`AwsError::Unavailable`] it may be written all the same, or twice.
    pub async fn put(&self, name: &str, value: &str, kind: ParameterKind) -> Result<i64, AwsError> {
        let write = self.client.put_parameter().name(name).value(value).r#type(kind.into()).overwrite(true);
        Ok(Box::pin(write.send()).await.map_err(AwsError::of)?.version)
    }
}

impl TryFrom<aws_sdk_ssm::types::Parameter> for Parameter {
    type Error = AwsError;

    fn try_from(parameter: aws_sdk_ssm::types::Parameter) -> Result<Self, AwsError> {
        let kind = match parameter.r#type {
            Some(ParameterType::String) => ParameterKind::String,
            Some(ParameterType::StringList) => ParameterKind::StringList,
            Some(ParameterType::SecureString) => ParameterKind::SecureString,
            // Of a kind that this build does not know, or of none: it could not be written back as it was.
            _ => return Err(AwsError::incomplete("Type that is known")),
        };
        let value = parameter.value.ok_or_else(|| AwsError::incomplete("Value"))?;
        Ok(Self { value, version: parameter.version, kind })
    }
}

impl From<ParameterKind> for ParameterType {
    fn from(kind: ParameterKind) -> Self {
        match kind {
            ParameterKind::String => Self::String,
            ParameterKind::StringList => Self::StringList,
            ParameterKind::SecureString => Self::SecureString,
        }
    }
}

impl fmt::Debug for Parameter {
    /// Without the value: it may be secret, or have people's addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameter")
            .field("version", &self.version)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
