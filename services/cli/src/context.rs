//! What every command gets.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use autri_db::{Database, DatabaseOptions, Tls};
use autri_domain::{Clock, SystemClock};
use secrecy::{ExposeSecret as _, SecretString};

use crate::environment::Environment;
use crate::workspace;

/// Enough for one command.
const MAX_CONNECTIONS: u32 = 4;
/// A database that does not answer by then won't. One that refuses is asked again until then: it may be starting.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// The operator's statements: a whole document's chunks at once, a long audit log.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(5);

/// The global options, the environment and the time.
#[derive(Debug)]
pub(crate) struct Context {
    /// Whether the answer goes to a program: one JSON value on stdout.
    pub(crate) json: bool,
    /// What the environment says.
    pub(crate) environment: Environment,
    /// Tells the time.
    pub(crate) clock: Arc<dyn Clock>,
    database_url: Option<SecretString>,
}

impl Context {
    /// Reads the environment. An empty URL counts as none.
    pub(crate) fn new(json: bool, database_url: Option<SecretString>) -> Self {
        let database_url = database_url.filter(|url| !url.expose_secret().is_empty());
        Self { json, environment: Environment::read(), clock: Arc::new(SystemClock), database_url }
    }

    /// The database that was named by option or environment, if one was.
    pub(crate) fn database_url(&self) -> Option<&SecretString> {
        self.database_url.as_ref()
    }

    /// The database that the operator's commands work on, as `autri_admin`: the one that was named, else that of the
    /// running `autri dev`. Connects when it is first used.
    ///
    /// # Errors
    /// When there is neither, or the URL does not parse.
    pub(crate) fn database(&self) -> anyhow::Result<Database> {
        self.database_of(&workspace::default_data_dir(&self.environment))
    }

    /// As [`Context::database`], for the `autri dev` with this data folder.
    ///
    /// # Errors
    /// As [`Context::database`].
    pub(crate) fn database_of(&self, data_dir: &Path) -> anyhow::Result<Database> {
        let url = self.database_url.clone().or_else(|| workspace::dev_database(data_dir));
        connect(url.context(
            "no database: set DATABASE_URL (or --database-url) to Postgres as autri_admin, or start `cargo dev`",
        )?)
    }
}

/// A pool on `url`. Connects when it is first used.
///
/// # Errors
/// When the URL does not parse.
pub(crate) fn connect(url: SecretString) -> anyhow::Result<Database> {
    Ok(Database::new(&DatabaseOptions {
        url,
        max_connections: MAX_CONNECTIONS,
        acquire_timeout: ACQUIRE_TIMEOUT,
        statement_timeout: STATEMENT_TIMEOUT,
        application_name: "autri",
        tls: Tls::AsUrlSays,
        max_idle: None,
    })?)
}
