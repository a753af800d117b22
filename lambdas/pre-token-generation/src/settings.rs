//! The trigger's settings, read once from the environment. docs/configuration.md has the same table, and a test compares.

use std::collections::BTreeSet;
use std::ffi::OsString;

use autri_aws::DatabaseLocation;
use autri_settings::{Reader, SettingsError, settings};

settings! {
    DATABASE_URL = "DATABASE_URL", "this or `DATABASE_SECRET_ARN`", "Postgres, as the role `autri_pre_token`: `postgres://autri_pre_token:…@host/database`. TLS is verified whatever `sslmode` says, but on loopback.";
    DATABASE_SECRET = "DATABASE_SECRET_ARN", "this or `DATABASE_URL`", "The secret in AWS Secrets Manager that has the role's login, as RDS keeps it: `username`, `password`, `host`, `port`, `dbname`. Read again when the database refuses it.";
    PASSTHROUGH = "PASSTHROUGH_CLIENT_IDS", "none", "App clients whose tokens are left as they are, separated by commas: the web app's own. Such a token names no connector and opens nothing at the MCP server.";
    LOG = "AUTRI_LOG", "`info`", "The diagnostics on stderr: `tracing` filter directives.";
}

/// What the process needs to know.
#[derive(Debug)]
pub struct Settings {
    /// Where the login of `autri_pre_token` is.
    pub database: DatabaseLocation,
    /// App clients whose tokens are left alone.
    pub passthrough_clients: BTreeSet<String>,
    /// Filter directives of the diagnostics.
    pub log: String,
}

impl Settings {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// [`SettingsError`] with all that is missing or wrong.
    #[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(&|name| std::env::var_os(name))
    }

    /// Reads the settings from any source; an empty value counts as none.
    ///
    /// # Errors
    /// As [`Settings::from_env`].
    pub fn read(source: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(source);
        let (url, secret) = (reader.optional(DATABASE_URL), reader.optional(DATABASE_SECRET));
        let database = reader.checked(DATABASE_URL, DatabaseLocation::from_settings(url, secret));
        let passthrough_clients = reader.list(PASSTHROUGH).into_iter().collect();
        let log = reader.optional(LOG).unwrap_or_else(|| "info".to_owned());
        reader.finish(database.map(|database| Self { database, passthrough_clients, log }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(&|name| {
            values.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| (*value).into())
        })
    }

    #[test]
    fn a_login_is_enough() {
        let settings = read(&[("DATABASE_SECRET_ARN", "arn:aws:x")]).unwrap();
        assert!(matches!(settings.database, DatabaseLocation::Secret { arn } if arn == "arn:aws:x"));
        assert_eq!((settings.passthrough_clients, settings.log.as_str()), (BTreeSet::new(), "info"));
    }

    #[test]
    fn clients_are_separated_by_commas() {
        let settings = read(&[
            ("DATABASE_URL", "postgres://x"),
            ("PASSTHROUGH_CLIENT_IDS", "web, ,other,"),
            ("AUTRI_LOG", "warn"),
        ]);
        let settings = settings.unwrap();
        assert_eq!(settings.passthrough_clients, ["other", "web"].map(str::to_owned).into());
        assert_eq!(settings.log, "warn");
    }

    #[test]
    fn one_login_and_no_more() {
        let none = read(&[("DATABASE_URL", "")]).unwrap_err().to_string();
        assert!(none.contains("DATABASE_URL: neither DATABASE_URL nor DATABASE_SECRET_ARN is set"), "{none}");
        let both = read(&[("DATABASE_URL", "hunter2"), ("DATABASE_SECRET_ARN", "hunter3")]).unwrap_err();
        let both = both.to_string();
        assert!(both.contains("both set") && !both.contains("hunter"), "{both}");
    }
}
