//! Where the login of a database is.

use secrecy::SecretString;

/// Where a login of the database is to be found.
#[derive(Debug, Clone)]
pub enum DatabaseLocation {
    /// Here, in `DATABASE_URL`: `postgres://user:password@host:port/database`.
    Url(SecretString),
    /// In a secret of AWS Secrets Manager, in the structure that AWS documents for RDS: `DATABASE_SECRET_ARN`.
    /// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>
    Secret {
        /// The secret's ARN, or its name.
        arn: String,
    },
}

/// Why it is not clear where the login is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseLocationError {
    /// Set one.
    #[error("neither DATABASE_URL nor DATABASE_SECRET_ARN is set")]
    Neither,
    /// Remove one.
    #[error("DATABASE_URL and DATABASE_SECRET_ARN are both set: keep one")]
    Both,
}

impl DatabaseLocation {
    /// Of the settings `DATABASE_URL` and `DATABASE_SECRET_ARN`, exactly one must be there.
    ///
    /// # Errors
    /// See [`DatabaseLocationError`].
    pub fn from_settings(
        url: Option<String>,
        secret_arn: Option<String>,
    ) -> Result<Self, DatabaseLocationError> {
        match (url, secret_arn) {
            (Some(url), None) => Ok(Self::Url(url.into())),
            (None, Some(arn)) => Ok(Self::Secret { arn }),
            (None, None) => Err(DatabaseLocationError::Neither),
            (Some(_), Some(_)) => Err(DatabaseLocationError::Both),
        }
    }
}
