//! Where AWS is and who we are there.

use std::fmt;
use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};

/// Region, credentials and endpoints. Nothing is fetched before the first call.
///
/// `AWS_ENDPOINT_URL`, and `AWS_ENDPOINT_URL_SSM` and its like for one service, are the SDK's own settings:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.
#[derive(Clone)]
pub struct AwsConfig {
    sdk: SdkConfig,
    #[cfg(feature = "test-support")]
    pub(crate) requests: crate::test_support::Requests,
}

/// How long to wait for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// A Lambda trigger's: an operation takes 1 s at most, its second attempt included, since Cognito waits for 5 s in all:
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>.
    /// Region and credentials are those in the environment, as Lambda sets them, and are looked for nowhere else.
    Trigger,
    /// A person's at a terminal: an operation takes 30 s at most, attempts as the SDK makes them. Region and credentials
    /// are looked for as other AWS tools do; with the feature `operator` in IAM Identity Center too.
    Operator,
}

impl AwsConfig {
    /// As the process's environment has it.
    ///
    /// Cheap for a trigger's cold start: with [`Patience::Trigger`] some environment variables are read and two files
    /// (`~/.aws/config` and `credentials`, which a Lambda hasn't) looked for, in well below a millisecond. What costs is to
    /// make a client (milliseconds), and its first call: the system's root certificates are parsed, and a connection is
    /// made. So make a client when it is needed, and once.
    pub async fn from_env(patience: Patience) -> Self {
        let loader = patience.apply(aws_config::defaults(BehaviorVersion::latest()));
        let sdk = match patience {
            // The default chains end at the instance metadata service: seconds of waiting where there is none.
            Patience::Trigger => loader
                .region(EnvironmentVariableRegionProvider::new())
                .credentials_provider(EnvironmentVariableCredentialsProvider::new()),
            Patience::Operator => loader,
        };
        Self::new(Box::pin(sdk.load()).await)
    }

    pub(crate) fn new(sdk: SdkConfig) -> Self {
        Self {
            sdk,
            #[cfg(feature = "test-support")]
            requests: crate::test_support::Requests::default(),
        }
    }

    pub(crate) const fn sdk(&self) -> &SdkConfig {
        &self.sdk
    }
}

impl Patience {
    fn apply(self, loader: ConfigLoader) -> ConfigLoader {
        match self {
            Self::Trigger => {
                // Two attempts fit: 600 ms, a pause of at most 50 ms, and what is left of the second.
                let timeouts = TimeoutConfig::builder()
                    .connect_timeout(Duration::from_millis(500))
                    .operation_attempt_timeout(Duration::from_millis(600))
                    .operation_timeout(Duration::from_secs(1));
                let retries = RetryConfig::standard()
                    .with_max_attempts(2)
                    .with_initial_backoff(Duration::from_millis(50))
                    .with_max_backoff(Duration::from_millis(50));
                loader.timeout_config(timeouts.build()).retry_config(retries)
            }
            Self::Operator => {
                let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(30));
                loader.timeout_config(timeouts.build())
            }
        }
    }
}

impl fmt::Debug for AwsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsConfig").field("region", &self.sdk.region()).finish_non_exhaustive()
    }
}
