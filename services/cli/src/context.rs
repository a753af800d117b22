//! What every command gets.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use autri_db::{Database, DatabaseOptions, Login};
use autri_domain::{Clock, SystemClock};
#[cfg(feature = "dev-auth")]
use secrecy::SecretString;

use crate::database_args::DatabaseArgs;
use crate::environment::Environment;
use crate::workspace;

/// Enough for one command.
const MAX_CONNECTIONS: u32 = 4;
/// A database that does not answer by then won't. One that refuses is asked again until then: it may be starting.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The operator's statements: a whole document's chunks at once, a long audit log.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(5);

/// What to do where no database was named, and none is running.
pub(crate) const NO_DATABASE: &str = if cfg!(feature = "aws") {
    "no database: set DATABASE_URL (or --database-url) to Postgres as autri_admin, or DATABASE_SECRET_ARN to its secret, or \
     start `cargo dev` (and name its data folder with --data-dir, if it has one of its own)"
} else {
    "no database: set DATABASE_URL (or --database-url) to Postgres as autri_admin, or start `cargo dev` (and name its \
     data folder with --data-dir, if it has one of its own)"
};

/// The global options, the environment and the time.
#[derive(Debug)]
pub(crate) struct Context {
    /// Whether the answer goes to a program: one JSON value on stdout.
    pub(crate) json: bool,
    /// What the environment says.
    pub(crate) environment: Environment,
    /// Tells the time.
    pub(crate) clock: Arc<dyn Clock>,
    login: Option<Login>,
    /// As it was named.
    data_dir: Option<PathBuf>,
}

impl Context {
    /// Reads the environment.
    ///
    /// # Errors
    /// When two databases are named, or a variable is unusable.
    pub(crate) fn new(json: bool, database: DatabaseArgs) -> anyhow::Result<Self> {
        let data_dir = database.data_dir.clone();
        let login = database.into_login()?;
        Ok(Self { json, environment: Environment::read()?, clock: Arc::new(SystemClock), login, data_dir })
    }

    /// The data folder of `autri dev`: the one that was named, else the checkout's.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| workspace::default_data_dir(&self.environment))
    }

    /// Where the database is that was named by option or environment, if one was.
    pub(crate) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    /// Its URL, if it was named by one.
    #[cfg(feature = "dev-auth")]
    pub(crate) fn database_url(&self) -> Option<&SecretString> {
        match &self.login {
            Some(Login::Url(url)) => Some(url),
            Some(Login::Kept(_)) | None => None,
        }
    }

    /// The database that the operator's commands work on, as `autri_admin`: the one that was named, else that of the
    /// running `autri dev`. Connects when it is first used.
    ///
    /// # Errors
    /// When there is neither, both are named, or the URL does not parse.
    pub(crate) fn database(&self) -> anyhow::Result<Database> {
        if self.login.is_some() && self.data_dir.is_some() {
            // Whoever names a folder means the database of a test, and the environment may have another's.
            bail!(
                "--data-dir names the database of a `cargo dev`, and DATABASE_URL (or --database-url, or a secret) another: \
                 keep one"
            );
        }
        self.database_beside_data_dir()
    }

    /// As [`Context::database`], for a command that wants more of the data folder than its database, which may be elsewhere.
    ///
    /// # Errors
    /// When there is neither, or the URL does not parse.
    pub(crate) fn database_beside_data_dir(&self) -> anyhow::Result<Database> {
        let running = || workspace::dev_database(&self.data_dir()).map(Login::Url);
        let login = self.login.clone().or_else(running);
        connect(login.with_context(|| match &self.data_dir {
            Some(folder) => format!("no `cargo dev` runs with the data folder {}", folder.display()),
            None => NO_DATABASE.to_owned(),
        })?)
    }
}

/// A pool with this login. Connects when it is first used.
///
/// # Errors
/// When a URL does not parse.
pub(crate) fn connect(login: impl Into<Login>) -> anyhow::Result<Database> {
    let login = login.into();
    Ok(Database::new(&DatabaseOptions {
        tls: login.tls(),
        login,
        max_connections: MAX_CONNECTIONS,
        acquire_timeout: ACQUIRE_TIMEOUT,
        statement_timeout: STATEMENT_TIMEOUT,
        application_name: "autri",
        max_idle: None,
    })?)
}
