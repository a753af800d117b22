//! What the process's environment says, read once. (The variables of single options are declared with the options.)

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

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
    #[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
    pub(crate) fn read() -> Self {
        let value = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let password = |role: &'static str| {
            let password = value(&password_variable(role))?.into_string().ok()?;
            Some((role, SecretString::from(password)))
        };
        Self {
            #[cfg(feature = "dev-auth")]
            cargo: value("CARGO").map(PathBuf::from),
            manifest_dir: value("CARGO_MANIFEST_DIR").map(PathBuf::from),
            home: value("HOME"),
            xdg_cache_home: value("XDG_CACHE_HOME"),
            #[cfg(feature = "openai")]
            embedding_api_key: value("AUTRI_EMBEDDING_API_KEY")
                .and_then(|value| value.into_string().ok())
                .map(SecretString::from),
            #[cfg(feature = "dev-auth")]
            server_log: value("AUTRI_LOG").and_then(|value| value.into_string().ok()),
            role_passwords: roles::LOGINS.into_iter().filter_map(password).collect(),
        }
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
