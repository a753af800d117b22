//! A database's login that is kept in AWS Secrets Manager.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use autri_db::{LoginError, LoginSource};
use secrecy::SecretString;
use tokio::sync::OnceCell;

use crate::database_secret::read_url;
use crate::{AwsConfig, AwsError, Patience};

/// A secret with a login in it, in the structure that AWS documents for RDS. Nothing is made before the first reading.
#[derive(Debug)]
pub struct SecretLogin {
    arn: String,
    patience: Patience,
    aws: OnceCell<AwsConfig>,
}

impl SecretLogin {
    /// The secret with this ARN, or name. An ARN says its region itself.
    #[must_use]
    pub fn new(arn: impl Into<String>, patience: Patience) -> Self {
        Self { arn: arn.into(), patience, aws: OnceCell::new() }
    }

    /// With a configuration that is there already, instead of one of its own.
    #[must_use]
    pub fn with_aws(self, config: AwsConfig) -> Self {
        Self { aws: OnceCell::new_with(Some(config)), ..self }
    }

    async fn read_patiently(&self) -> Result<SecretString, LoginError> {
        let reading = async {
            let config = || AwsConfig::from_env_in(self.patience, region_of(&self.arn));
            read_url(self.aws.get_or_init(config).await, &self.arn).await
        };
        // Beside the operation's own limit: to find the region may take calls, too.
        match tokio::time::timeout(self.patience.limit(), Box::pin(reading)).await {
            Ok(read) => read,
            Err(elapsed) => Err(LoginError::Unreadable(Arc::new(AwsError::Unavailable(elapsed.into())))),
        }
    }
}

#[async_trait]
impl LoginSource for SecretLogin {
    async fn read(&self) -> Result<SecretString, LoginError> {
        let read = self.read_patiently().await;
        if let Err(error) = &read {
            // Here with all causes, AWS's words included: what was sent is the ARN alone, and no answer is among them.
            tracing::error!(arn = self.arn, reason = causes(error), "the database's secret gave no login");
        }
        read
    }
}

/// `arn:aws:secretsmanager:eu-central-1:123456789012:secret:…`; a name says no region.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
fn region_of(arn: &str) -> Option<&str> {
    let region = arn.strip_prefix("arn:")?.split(':').nth(2)?;
    (!region.is_empty()).then_some(region)
}

fn causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |&cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_its_region() {
        let arn = "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:autri/mcp-AbCdEf";
        assert_eq!(region_of(arn), Some("us-gov-west-1"));
        for name in ["autri/mcp", "a:b:c:d:e", "arn:aws", "arn:aws:s3:::bucket"] {
            assert_eq!(region_of(name), None, "{name}");
        }
    }
}
