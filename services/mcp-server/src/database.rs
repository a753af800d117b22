//! The server's database: one small pool. Its login is in the settings, or in a secret that is read at the first need.

use std::time::Duration;

use autri_db::{Database, DatabaseOptions, DbError, Login};
use secrecy::SecretString;
#[cfg(feature = "aws")]
use {
    autri_aws::{Patience, SecretLogin},
    autri_db::KeptLogin,
    autri_domain::{Clock, SystemClock},
    std::sync::Arc,
};

/// How long a request may wait for a database connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);
/// The least time between two readings of the secret: a wrong one must not become a call to AWS a request. As long as callers
/// are asked to wait before they try again.
#[cfg(feature = "aws")]
const SECRET_COOL_DOWN: Duration = Duration::from_secs(5);

/// Where the login of `autri_mcp` is.
#[derive(Debug)]
pub enum DatabaseConfig {
    /// Here.
    Url(SecretString),
    /// In AWS Secrets Manager.
    #[cfg(feature = "aws")]
    Secret {
        /// The secret's ARN, or its name.
        arn: String,
    },
}

impl DatabaseConfig {
    /// The login; nothing is read yet.
    pub(crate) fn into_login(self) -> Login {
        match self {
            Self::Url(url) => Login::Url(url),
            #[cfg(feature = "aws")]
            Self::Secret { arn } => {
                secret_login(SecretLogin::new(arn, Patience::Server), Arc::new(SystemClock))
            }
        }
    }
}

/// A login that is kept in a secret, read as often as a server may.
#[cfg(feature = "aws")]
#[must_use]
pub fn secret_login(secret: SecretLogin, clock: Arc<dyn Clock>) -> Login {
    Login::Kept(KeptLogin::new(secret).with_cool_down(SECRET_COOL_DOWN, clock))
}

/// The pool. Connects nowhere yet.
///
/// # Errors
/// When a URL does not parse.
pub fn pool(login: Login, max_connections: u32, call_timeout: Duration) -> Result<Database, DbError> {
    Database::new(&DatabaseOptions {
        tls: login.tls(),
        login,
        max_connections,
        acquire_timeout: ACQUIRE_TIMEOUT,
        // Before the call's own limit, so that a slow statement ends as an error with a row in the audit log.
        statement_timeout: call_timeout.mul_f32(0.8),
        application_name: "autri-mcp-server",
        max_idle: None,
    })
}
