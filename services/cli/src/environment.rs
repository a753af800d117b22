//! What the process's environment says, read once. (The variables of single options are declared with the options.)

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use anyhow::anyhow;
use autri_db::roles;
use clap::Command;
use clap::builder::Resettable;
use secrecy::SecretString;

/// The variables that no option stands for.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    /// The cargo that runs this program, if one does (`CARGO`).
    #[cfg(feature = "dev-auth")]
    pub(crate) cargo: Option<PathBuf>,
    /// The folder of this package when cargo runs it (`CARGO_MANIFEST_DIR`).
    pub(crate) manifest_dir: Option<PathBuf>,
    /// `HOME`.
    pub(crate) home: Option<OsString>,
    /// `XDG_CACHE_HOME` (XDG Base Directory Specification).
    pub(crate) xdg_cache_home: Option<OsString>,
    /// The key of the embedding service (`AUTRI_EMBEDDING_API_KEY`).
    #[cfg(feature = "openai")]
    pub(crate) embedding_api_key: Option<SecretString>,
    /// For the server that `autri dev` starts: what it logs (`AUTRI_LOG`).
    #[cfg(feature = "dev-auth")]
    pub(crate) server_log: Option<String>,
    /// For `autri db bootstrap`: each login role's password that was given, such as `AUTRI_MCP_PASSWORD`.
    pub(crate) role_passwords: BTreeMap<&'static str, SecretString>,
}

impl Environment {
    /// Reads the environment; an empty variable counts as none.
    ///
    /// # Errors
    /// When a variable that is a text is not Unicode: to go on as if it were not set would be to ignore a password.
    #[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
    pub(crate) fn read() -> anyhow::Result<Self> {
        Self::of(|name| std::env::var_os(name))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> anyhow::Result<Self> {
        let value = |name: &str| variable(name).filter(|value| !value.is_empty());
        let text = |name: &str| {
            let unicode = value(name).map(OsString::into_string).transpose();
            // Not a word of the value: it may be a secret.
            unicode.map_err(|_| anyhow!("{name} is not Unicode: set it again, or unset it"))
        };
        let mut role_passwords = BTreeMap::new();
        for role in roles::LOGINS {
            if let Some(password) = text(&password_variable(role))? {
                role_passwords.insert(role, password.into());
            }
        }
        Ok(Self {
            #[cfg(feature = "dev-auth")]
            cargo: value("CARGO").map(PathBuf::from),
            manifest_dir: value("CARGO_MANIFEST_DIR").map(PathBuf::from),
            home: value("HOME"),
            xdg_cache_home: value("XDG_CACHE_HOME"),
            #[cfg(feature = "openai")]
            embedding_api_key: text("AUTRI_EMBEDDING_API_KEY")?.map(SecretString::from),
            #[cfg(feature = "dev-auth")]
            server_log: text("AUTRI_LOG")?,
            role_passwords,
        })
    }
}

/// The command line without those of its declared variables that are empty. Everywhere else such a variable counts as none, and
/// clap would take it for a value.
#[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
pub(crate) fn without_empty_variables(command: Command) -> Command {
    let is_empty = |name: &OsStr| std::env::var_os(name).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if arg.get_env().is_some_and(is_empty) { arg.env(Resettable::Reset) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// The variable that carries a role's password: `autri_mcp` → `AUTRI_MCP_PASSWORD`.
pub(crate) fn password_variable(role: &str) -> String {
    format!("{}_PASSWORD", role.to_ascii_uppercase())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use secrecy::ExposeSecret as _;

    use super::*;

    fn with(name: &str, value: &[u8]) -> anyhow::Result<Environment> {
        Environment::of(|asked| (asked == name).then(|| OsString::from_vec(value.to_vec())))
    }

    #[test]
    fn a_secret_that_is_not_unicode_is_not_taken_for_none() {
        let mut names: Vec<String> = roles::LOGINS.iter().map(|role| password_variable(role)).collect();
        names.extend(cfg!(feature = "openai").then(|| "AUTRI_EMBEDDING_API_KEY".to_owned()));
        names.extend(cfg!(feature = "dev-auth").then(|| "AUTRI_LOG".to_owned()));
        for name in names {
            let error = with(&name, b"hunter\xff2").unwrap_err().to_string();
            assert!(error.starts_with(&name) && !error.contains("hunter"), "{error}");
            assert!(with(&name, b"").unwrap().role_passwords.is_empty());
        }
        let set = with("AUTRI_MCP_PASSWORD", b"hunter2").unwrap();
        assert_eq!(set.role_passwords[roles::MCP].expose_secret(), "hunter2");
    }

    #[test]
    fn a_folder_may_have_any_name() {
        assert!(with("HOME", b"/home/\xff").unwrap().home.is_some());
    }
}
