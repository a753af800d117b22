//! Where AWS is and who we are there.

use std::fmt;
use std::time::Duration;

use aws_config::environment::{EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};

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
    /// A server's, whose client waits: an operation takes 2 s at most, its second attempt included, and what comes before it as
    /// well. Region and credentials are looked for as other AWS tools do: in the environment, in a container's endpoint, and in
    /// the instance's metadata, which is where Bedrock AgentCore has them:
    /// <https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/security-credentials-management.html>.
    Server,
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
        Self::from_env_in(patience, None).await
    }

    /// As [`AwsConfig::from_env`], but in this region if one is given.
    pub(crate) async fn from_env_in(patience: Patience, region: Option<&str>) -> Self {
        let loader = patience.apply(aws_config::defaults(BehaviorVersion::latest()));
        let loader = match patience {
            // The default chains end at the instance metadata service: seconds of waiting where there is none.
            Patience::Trigger => loader
                .region(EnvironmentVariableRegionProvider::new())
                .credentials_provider(EnvironmentVariableCredentialsProvider::new()),
            Patience::Server | Patience::Operator => loader,
        };
        let loader = match region {
            Some(region) => loader.region(Region::new(region.to_owned())),
            None => loader,
        };
        Self::new(Box::pin(loader.load()).await)
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
    /// The longest that an operation may take.
    pub(crate) const fn limit(self) -> Duration {
        match self {
            Self::Trigger => Duration::from_secs(1),
            Self::Server => Duration::from_secs(2),
            Self::Operator => Duration::from_secs(30),
        }
    }

    fn apply(self, loader: ConfigLoader) -> ConfigLoader {
        let timeouts = TimeoutConfig::builder().operation_timeout(self.limit());
        let attempt = match self {
            Self::Trigger => Duration::from_millis(600),
            Self::Server => Duration::from_millis(1_200),
            Self::Operator => return loader.timeout_config(timeouts.build()),
        };
        // Two attempts fit: a whole one, a pause of at most 50 ms, and what is left of the second.
        let timeouts =
            timeouts.connect_timeout(Duration::from_millis(500)).operation_attempt_timeout(attempt);
        let retries = RetryConfig::standard()
            .with_max_attempts(2)
            .with_initial_backoff(Duration::from_millis(50))
            .with_max_backoff(Duration::from_millis(50));
        loader.timeout_config(timeouts.build()).retry_config(retries)
    }
}

impl fmt::Debug for AwsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsConfig").field("region", &self.sdk.region()).finish_non_exhaustive()
    }
}
