//! The trigger's settings, read once from the environment. docs/configuration.md has the same table, and a test compares.

use std::ffi::OsString;

use autri_admission::{DEFAULT_ALLOWLIST_PARAMETER, TrustedIdps};
use autri_audit_log::AuditKey;
use autri_aws::DatabaseLocation;
use autri_settings::{Reader, SettingsError, settings};

use crate::trigger::Rules;

settings! {
    DATABASE_URL = "DATABASE_URL", "this or `DATABASE_SECRET_ARN`", "Postgres, as the role `autri_post_confirmation`: `postgres://autri_post_confirmation:…@host/database`. TLS is verified whatever `sslmode` says, but on loopback.";
    DATABASE_SECRET = "DATABASE_SECRET_ARN", "this or `DATABASE_URL`", "The secret in AWS Secrets Manager that has the role's login, as RDS keeps it: `username`, `password`, `host`, `port`, `dbname`. Read again when the database refuses it.";
    ALLOWLIST = "ALLOWED_EMAILS_PARAMETER", "`/autri/beta/ALLOWED_EMAILS`", "The parameter in Systems Manager that has the allowlist.";
    TRUSTED_IDPS = "TRUSTED_IDPS", "`Google`", "The identity providers whose addresses count as verified, by their names in the pool, separated by commas; `none` for none.";
    INVITE_CONTACT = "INVITE_CONTACT", "nobody named", "Where people who cannot sign up may ask, such as `beta@autri.ai`. They get to read it.";
    EMBEDDING_MODEL = "PERSONAL_EMBEDDING_MODEL", "`none`", "The embedding model of people's Personal libraries, as the database knows it; `none`: search by words alone.";
    USER_POOL = "COGNITO_USER_POOL_ID", "any pool", "The only user pool whose events are acted on. Events of another are an error.";
    AUDIT_KEY = "AUTRI_AUDIT_KEY", "no digests", "Secret of the digests that stand for addresses in the log: at least 32 bytes, such as `openssl rand -hex 32` gives.";
    LOG = "AUTRI_LOG", "`info`", "The diagnostics on stderr: `tracing` filter directives.";
}

/// The longest contact, in bytes: it goes into a sentence.
const MAX_CONTACT_BYTES: usize = 200;

/// What the process needs to know.
#[derive(Debug)]
pub struct Settings {
    /// Where the login of `autri_post_confirmation` is.
    pub database: DatabaseLocation,
    /// The allowlist's parameter.
    pub allowlist_parameter: String,
    /// What the operator decided.
    pub rules: Rules,
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
        let or_default = |text: Option<String>, default: &str| text.unwrap_or_else(|| default.to_owned());
        let database =
            DatabaseLocation::from_settings(reader.optional(DATABASE_URL), reader.optional(DATABASE_SECRET));
        let database = reader.checked(DATABASE_URL, database);
        let allowlist_parameter = or_default(reader.optional(ALLOWLIST), DEFAULT_ALLOWLIST_PARAMETER);
        let rules = Rules {
            user_pool_id: reader.optional(USER_POOL),
            trusted_idps: reader.parsed(TRUSTED_IDPS, TrustedIdps::default()),
            invite_contact: invite_contact(&mut reader),
            embedding_model: or_default(reader.optional(EMBEDDING_MODEL), "none"),
            audit_key: reader
                .optional(AUDIT_KEY)
                .and_then(|text| reader.checked(AUDIT_KEY, AuditKey::new(text.into()))),
        };
        let log = or_default(reader.optional(LOG), "info");
        reader.finish(database.map(|database| Self { database, allowlist_parameter, rules, log }))
    }
}

fn invite_contact(reader: &mut Reader<'_>) -> Option<String> {
    let contact = reader.optional(INVITE_CONTACT)?;
    if contact.len() > MAX_CONTACT_BYTES || contact.contains(char::is_control) {
        reader.problem(INVITE_CONTACT, &format!("must be one line of at most {MAX_CONTACT_BYTES} bytes"));
    }
    Some(contact)
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
        assert_eq!(settings.allowlist_parameter, "/autri/beta/ALLOWED_EMAILS");
        assert_eq!(settings.log, "info");
        let rules = settings.rules;
        assert!(rules.trusted_idps.contains("Google"));
        assert_eq!((rules.trusted_idps, rules.embedding_model.as_str()), (TrustedIdps::default(), "none"));
        assert!(rules.user_pool_id.is_none() && rules.invite_contact.is_none() && rules.audit_key.is_none());
    }

    #[test]
    fn everything_can_be_set() {
        let key = "k".repeat(32);
        let settings = read(&[
            ("DATABASE_URL", "postgres://x"),
            ("ALLOWED_EMAILS_PARAMETER", "/a/b"),
            ("TRUSTED_IDPS", "Google, Okta,"),
            ("INVITE_CONTACT", "beta@autri.ai"),
            ("PERSONAL_EMBEDDING_MODEL", "static-256"),
            ("COGNITO_USER_POOL_ID", "eu-central-1_A"),
            ("AUTRI_AUDIT_KEY", &key),
            ("AUTRI_LOG", "warn"),
        ])
        .unwrap();
        assert_eq!((settings.allowlist_parameter.as_str(), settings.log.as_str()), ("/a/b", "warn"));
        let rules = settings.rules;
        assert_eq!(Ok(rules.trusted_idps), "Google,Okta".parse());
        assert_eq!(rules.invite_contact.as_deref(), Some("beta@autri.ai"));
        assert_eq!(rules.embedding_model, "static-256");
        assert_eq!(rules.user_pool_id.as_deref(), Some("eu-central-1_A"));
        assert!(rules.audit_key.is_some());
        let nobody = read(&[("DATABASE_URL", "postgres://x"), ("TRUSTED_IDPS", "none")]).unwrap();
        assert_eq!(Ok(nobody.rules.trusted_idps), "none".parse());
    }

    #[test]
    fn what_is_wrong_is_named_and_not_repeated() {
        let error = read(&[
            ("DATABASE_URL", "hunter2"),
            ("DATABASE_SECRET_ARN", "hunter2"),
            ("INVITE_CONTACT", "hunter2\nhunter2"),
            ("AUTRI_AUDIT_KEY", "hunter2"),
        ]);
        let text = error.unwrap_err().to_string();
        for name in ["DATABASE_URL", "INVITE_CONTACT", "AUTRI_AUDIT_KEY"] {
            assert!(text.contains(&format!("\n  {name}: ")), "{text}");
        }
        assert!(!text.contains("hunter2"), "{text}");
        let text = read(&[]).unwrap_err().to_string();
        assert!(
            text.contains("\n  DATABASE_URL: neither DATABASE_URL nor DATABASE_SECRET_ARN is set"),
            "{text}"
        );
    }
}
