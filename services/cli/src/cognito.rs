//! The options that say where in AWS the commands work.

use std::str::FromStr;

use anyhow::Context as _;
use autri_admission::{DEFAULT_ALLOWLIST_PARAMETER, TrustedIdps};
use autri_aws::{AwsConfig, ParameterStore, Patience, UserPool};
use autri_domain::{DEFAULT_SCOPE, is_loopback};
use clap::Args;
use url::Url;

/// AWS as the operator's environment has it: region, credentials, endpoints. Nothing is fetched before the first call.
pub(crate) async fn aws() -> AwsConfig {
    AwsConfig::from_env(Patience::Operator).await
}

/// The option that names the user pool.
#[derive(Debug, Clone, Args)]
pub(crate) struct PoolArgs {
    /// The Cognito user pool, such as eu-central-1_EXAMPLE
    #[arg(long = "user-pool", value_name = "ID", env = "COGNITO_USER_POOL_ID")]
    user_pool: Option<String>,
}

impl PoolArgs {
    /// The pool's id, if one was named. An empty one counts as none.
    pub(crate) fn find_id(&self) -> Option<&str> {
        self.user_pool.as_deref().filter(|id| !id.is_empty())
    }

    /// The pool's id.
    ///
    /// # Errors
    /// When none was named.
    pub(crate) fn get_id(&self) -> anyhow::Result<&str> {
        self.find_id().context("no user pool: set COGNITO_USER_POOL_ID (or --user-pool)")
    }

    /// The pool.
    ///
    /// # Errors
    /// When none was named.
    pub(crate) async fn get(&self) -> anyhow::Result<UserPool> {
        let id = self.get_id()?;
        Ok(UserPool::new(&aws().await, id))
    }
}

/// The option that names the allowlist.
#[derive(Debug, Clone, Args)]
pub(crate) struct AllowlistArgs {
    /// The Parameter Store parameter with the addresses that are invited
    #[arg(
        long = "parameter",
        value_name = "NAME",
        env = "ALLOWED_EMAILS_PARAMETER",
        default_value = DEFAULT_ALLOWLIST_PARAMETER
    )]
    parameter: String,
}

impl AllowlistArgs {
    /// The parameter's name.
    pub(crate) fn parameter(&self) -> &str {
        or_default(&self.parameter, DEFAULT_ALLOWLIST_PARAMETER)
    }

    /// The store that has the parameter.
    pub(crate) async fn store(&self) -> ParameterStore {
        ParameterStore::new(&aws().await)
    }
}

/// The option that says whose word for an address is taken.
#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The identity providers whose word for an address is taken, separated by commas; `none` for none
    #[arg(long, value_name = "NAMES", env = "TRUSTED_IDPS", default_value = TrustedIdps::DEFAULT)]
    trusted_idps: Vec<String>,
}

impl TrustArgs {
    /// Those that were named, however often the option was given.
    pub(crate) fn providers(&self) -> TrustedIdps {
        let Ok(providers) = self.trusted_idps.join(",").parse();
        providers
    }
}

/// The option that names the scope of tokens.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScopeArgs {
    /// The scope that the app client may ask for
    #[arg(long, value_name = "SCOPE", env = "COGNITO_REQUIRED_SCOPE", default_value = DEFAULT_SCOPE)]
    scope: String,
}

impl ScopeArgs {
    /// The scope.
    pub(crate) fn get(&self) -> &str {
        or_default(&self.scope, DEFAULT_SCOPE)
    }
}

/// The options of commands that make app clients.
#[derive(Debug, Clone, Args)]
pub(crate) struct AppClientArgs {
    #[command(flatten)]
    pub(crate) scope: ScopeArgs,
    /// The OAuth front door's base URL, where people who signed in come back to; for interactive connectors
    #[arg(long, value_name = "URL", env = "AUTRI_AUTHORIZATION_SERVER")]
    authorization_server: Option<String>,
    /// Who may sign people in, repeatable; for interactive connectors
    #[arg(long = "identity-provider", value_name = "NAME", default_value = "COGNITO")]
    pub(crate) identity_providers: Vec<String>,
}

impl AppClientArgs {
    /// The OAuth front door.
    ///
    /// # Errors
    /// When none was named, or its URL is not usable.
    pub(crate) fn front_door(&self) -> anyhow::Result<FrontDoor> {
        let url = self.authorization_server.as_deref().filter(|url| !url.is_empty()).context(
            "an interactive app client needs the OAuth front door: set AUTRI_AUTHORIZATION_SERVER (or --authorization-server)",
        )?;
        url.parse()
            .map_err(anyhow::Error::msg)
            .context("AUTRI_AUTHORIZATION_SERVER (--authorization-server) is not usable")
    }
}

/// An empty variable counts as none.
fn or_default<'a>(text: &'a str, default: &'a str) -> &'a str {
    if text.is_empty() { default } else { text }
}

/// The OAuth front door: the only place that an interactive app client sends a person back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FrontDoor(Url);

impl FrontDoor {
    /// Where a sign-in ends.
    pub(crate) fn callback(&self) -> String {
        format!("{}/oauth/callback", self.0.as_str().trim_end_matches('/'))
    }
}

/// https, or http on loopback: the code in the redirect is worth a token (RFC 9700, section 4.1).
impl FromStr for FrontDoor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| "it is no URL")?;
        let is_here = url.host().is_some_and(|host| is_loopback(&host));
        let is_protected = url.scheme() == "https" || (url.scheme() == "http" && is_here);
        if !is_protected {
            return Err("it must be an https URL, or http on loopback");
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err("it must be a base URL: no user, query or fragment");
        }
        Ok(Self(url))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_who_are_named_are_trusted() {
        for (given, as_in_the_trigger) in [
            (&["Google"][..], "Google"),
            (&["Google, Okta,"], "Google,Okta"),
            (&["Google", " Okta", ""], "Google,Okta"),
            (&[""], ""),
            (&["none"], "none"),
        ] {
            let args = TrustArgs { trusted_idps: given.iter().map(|&names| names.to_owned()).collect() };
            assert_eq!(Ok(args.providers()), as_in_the_trigger.parse(), "{given:?}");
        }
    }

    #[test]
    fn people_come_back_over_a_protected_way() {
        for base in [
            "https://auth.example.com",
            "https://auth.example.com/",
            "http://127.0.0.1:9000",
            "http://[::1]:1",
        ] {
            let door: FrontDoor = base.parse().expect("usable");
            assert_eq!(door.callback(), format!("{}/oauth/callback", base.trim_end_matches('/')));
        }
        for bad in [
            "",
            "auth.example.com",
            "http://auth.example.com",
            "http://localhost.example.com",
            "ftp://127.0.0.1",
            "https://auth.example.com/?next=1",
            "https://auth.example.com/#x",
            "https://user@auth.example.com",
        ] {
            bad.parse::<FrontDoor>().expect_err(bad);
        }
    }
}
