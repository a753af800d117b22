//! The global options that name a database.

use std::path::PathBuf;

#[cfg(feature = "aws")]
use anyhow::bail;
#[cfg(feature = "aws")]
use autri_aws::{Patience, SecretLogin};
#[cfg(feature = "aws")]
use autri_db::KeptLogin;
use autri_db::Login;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

/// Where the database is: one of them at most. (`dev` and `token` take a folder beside a URL: they keep secrets in it.)
#[derive(Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// Postgres: as `autri_admin`, for `db migrate` as `autri_migrate`, for `dev` as the cluster's administrator
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<SecretString>,
    /// In place of --database-url: the secret in AWS Secrets Manager that has the login, as RDS keeps it
    #[cfg(feature = "aws")]
    #[arg(long, global = true, value_name = "ARN", env = "DATABASE_SECRET_ARN")]
    database_secret_arn: Option<String>,
    /// The data folder of the `cargo dev` to work on; for `dev`, where it keeps all [default: .autri in the checkout]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

impl DatabaseArgs {
    /// The login. Empty values count as none: clap would count them, so that a conflict is found here.
    #[cfg(feature = "aws")]
    pub(crate) fn into_login(self) -> anyhow::Result<Option<Login>> {
        let url = self.database_url.filter(is_given);
        let arn = self.database_secret_arn.filter(|arn| !arn.is_empty());
        match (url, arn) {
            (Some(_), Some(_)) => bail!(
                "DATABASE_URL (or --database-url) and DATABASE_SECRET_ARN (or --database-secret-arn) are both set: keep one"
            ),
            (url, None) => Ok(url.map(Login::Url)),
            (None, Some(arn)) => {
                Ok(Some(Login::Kept(KeptLogin::new(SecretLogin::new(arn, Patience::Operator)))))
            }
        }
    }

    #[cfg(not(feature = "aws"))]
    #[expect(clippy::unnecessary_wraps, reason = "with AWS there is more that can be wrong")]
    pub(crate) fn into_login(self) -> anyhow::Result<Option<Login>> {
        Ok(self.database_url.filter(is_given).map(Login::Url))
    }
}

fn is_given(url: &SecretString) -> bool {
    !url.expose_secret().is_empty()
}
