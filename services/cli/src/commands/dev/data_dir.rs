//! The data folder of `autri dev`: the cluster, the secrets, the logs. Nobody else may read it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use nix::unistd::Uid;
use rand::TryRng as _;
use rand::rngs::SysRng;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::workspace::READY_FILE;

/// Tells that a folder is one of these, so that nothing is ever put into, or removed from, another.
const MARKER: &str = "AUTRI_DEV";
const TOKEN_FILE: &str = "token.json";
const MARKER_TEXT: &str = "\
Data of `autri dev`: a Postgres cluster, secrets, logs. `cargo dev --reset` begins anew; the folder may be removed
while `autri dev` does not run.
";
/// The longest file that is read here; all are a few lines.
const MAX_FILE_BYTES: u64 = 64 * 1024;
/// How long a run that is ending may take to let the folder go.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// A secret that is made once and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secret {
    /// Signs development tokens.
    Jwt,
    /// Keys the audit log's digests.
    Audit,
    /// Of every login role of the embedded cluster.
    Database,
    /// The demo person's password is made of it.
    Person,
}

impl Secret {
    const fn file_name(self) -> &'static str {
        match self {
            Self::Jwt => "jwt-secret",
            Self::Audit => "audit-key",
            Self::Database => "database-password",
            Self::Person => "person-password",
        }
    }
}

/// The demo connector's token, as it is kept for later runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptToken {
    pub(super) token: String,
    pub(super) expires_at: DateTime<Utc>,
}

/// A data folder that is there and ours.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// Makes the folder, or takes the one that an earlier run made.
    ///
    /// # Errors
    /// When the path is something else, or belongs to someone else.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let path = std::path::absolute(path)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => check_ours(&path)?,
            Err(error) => return Err(error).with_context(|| format!("cannot create {}", path.display())),
        }
        // For root, Postgres runs as another user, who passes through to its own part and sees nothing else.
        let mode = if Uid::effective().is_root() { 0o711 } else { 0o700 };
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
        let dir = Self { path };
        dir.write(MARKER, MARKER_TEXT)?;
        Ok(dir)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The cluster's folder.
    pub(super) fn cluster(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// What the emulators of `--cognito` keep and log.
    pub(super) fn cognito(&self) -> PathBuf {
        self.path.join("cognito")
    }

    /// The server's request log: one JSON line a request, of all runs.
    pub(super) fn requests_log(&self) -> PathBuf {
        self.path.join("requests.log")
    }

    /// The server's diagnostics, of the last run.
    pub(super) fn server_log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    /// Waits until no other run uses the folder. It is free again when the answer and all its duplicates are closed.
    ///
    /// # Errors
    /// When another run goes on.
    pub(super) async fn lock(&self) -> anyhow::Result<File> {
        let path = self.path.join("lock");
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error).context("cannot lock the data folder"),
                Err(TryLockError::WouldBlock) if began.elapsed() > LOCK_LIMIT => bail!(
                    "another `autri dev` runs with {}: stop it, or choose another folder with --data-dir and another \
                     port with --port",
                    self.path.display()
                ),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_POLL).await,
            }
        }
    }

    /// The secret, made if it is not there yet: 32 random bytes in hexadecimal.
    pub(super) fn secret(&self, secret: Secret) -> anyhow::Result<SecretString> {
        if let Some(found) = self.find_secret(secret)? {
            return Ok(found);
        }
        let mut bytes = [0; 32];
        SysRng.try_fill_bytes(&mut bytes).context("cannot get random bytes")?;
        let text = hex::encode(bytes);
        self.write(secret.file_name(), &text)?;
        Ok(text.into())
    }

    /// The secret, if it was made.
    pub(crate) fn find_secret(&self, secret: Secret) -> anyhow::Result<Option<SecretString>> {
        Ok(self.read(secret.file_name())?.map(SecretString::from))
    }

    /// The token of an earlier run; one that does not parse is none.
    pub(super) fn find_token(&self) -> anyhow::Result<Option<KeptToken>> {
        Ok(self.read(TOKEN_FILE)?.and_then(|text| serde_json::from_str(&text).ok()))
    }

    pub(super) fn keep_token(&self, token: &KeptToken) -> anyhow::Result<()> {
        self.write(TOKEN_FILE, &serde_json::to_string_pretty(token)?)
    }

    /// Opens a folder that [`DataDir::create`] made; none if there is none.
    pub(crate) fn find(path: &Path) -> Option<Self> {
        let path = std::path::absolute(path).ok()?;
        path.join(MARKER).is_file().then_some(Self { path })
    }

    /// Removes what runs have left beside the cluster: secrets, the token, logs, the emulators' state.
    pub(super) fn remove_files(&self) -> anyhow::Result<()> {
        match fs::remove_dir_all(self.cognito()) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", self.cognito().display()));
            }
            _ => {}
        }
        let secrets = [Secret::Jwt, Secret::Audit, Secret::Database, Secret::Person].map(Secret::file_name);
        for name in secrets.into_iter().chain([TOKEN_FILE, READY_FILE, "requests.log", "server.log"]) {
            let path = self.path.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot remove {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = self.path.join(name);
        let mut text = String::new();
        match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text)),
        }
        .with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Some(text.trim().to_owned()))
    }

    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        write_private(&self.path.join(name), text)
    }
}

/// Writes a file that only its owner may read (mode 0600), whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // A temporary file is made with mode 0600.
        let mut file = tempfile::Builder::new().prefix(".autri-").tempfile_in(parent)?;
        file.write_all(text.as_bytes())?;
        file.persist(path).map_err(|error| error.error)
    };
    write().map(|_| ()).with_context(|| format!("cannot write {}", path.display()))
}

fn check_ours(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    let found = fs::symlink_metadata(path).with_context(|| format!("cannot look at {shown}"))?;
    if !found.is_dir() {
        bail!("{shown} is not a folder: choose another with --data-dir");
    }
    if found.uid() != Uid::effective().as_raw() {
        bail!("{shown} belongs to another user: choose another folder with --data-dir");
    }
    let is_empty = fs::read_dir(path).with_context(|| format!("cannot look into {shown}"))?.next().is_none();
    if !is_empty && !path.join(MARKER).is_file() {
        bail!("{shown} has other things in it: choose an empty folder, or a new one, with --data-dir");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").mode() & 0o777
    }

    #[test]
    fn secrets_are_made_once_and_are_their_owners_alone() {
        let scratch = tempfile::tempdir().expect("scratch");
        let dir = DataDir::create(&scratch.path().join("a/data")).expect("made");
        assert_eq!(mode(dir.path()) & 0o066, 0);
        assert!(dir.find_secret(Secret::Jwt).expect("looked").is_none());
        let first = dir.secret(Secret::Jwt).expect("made");
        assert_eq!(first.expose_secret().len(), 64);
        assert_eq!(mode(&dir.path().join("jwt-secret")), 0o600);
        let again = DataDir::create(dir.path()).expect("ours already").secret(Secret::Jwt).expect("kept");
        assert_eq!(first.expose_secret(), again.expose_secret());
        assert_ne!(first.expose_secret(), dir.secret(Secret::Audit).expect("made").expose_secret());
    }

    #[test]
    fn a_private_file_replaces_what_was_there() {
        let scratch = tempfile::tempdir().expect("scratch");
        let path = scratch.path().join("ready.json");
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("opened");
        write_private(&path, "new").expect("written");
        assert_eq!((fs::read_to_string(&path).expect("there").as_str(), mode(&path)), ("new", 0o600));
        assert_eq!(fs::read_dir(scratch.path()).expect("read").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_folder_with_other_things_is_left_alone() {
        let scratch = tempfile::tempdir().expect("scratch");
        fs::set_permissions(scratch.path(), Permissions::from_mode(0o755)).expect("opened");
        fs::write(scratch.path().join("thesis.md"), "precious").expect("written");
        DataDir::create(scratch.path()).expect_err("not ours");
        assert_eq!(mode(scratch.path()), 0o755);
        assert_eq!(fs::read_dir(scratch.path()).expect("read").count(), 1);
        DataDir::create(&scratch.path().join("thesis.md")).expect_err("a file");
    }

    #[test]
    fn removing_takes_what_is_ours_and_nothing_else() {
        let scratch = tempfile::tempdir().expect("scratch");
        let dir = DataDir::create(&scratch.path().join("data")).expect("made");
        dir.secret(Secret::Audit).expect("made");
        let expires_at = DateTime::from_timestamp(1_790_000_000, 0).expect("a time");
        dir.keep_token(&KeptToken { token: "t".to_owned(), expires_at }).expect("kept");
        fs::create_dir_all(dir.cognito().join("ministack")).expect("made");
        fs::write(dir.path().join("notes.md"), "mine").expect("written");
        dir.remove_files().expect("removed");
        assert!(dir.find_secret(Secret::Audit).expect("looked").is_none());
        assert!(dir.find_token().expect("looked").is_none() && !dir.cognito().exists());
        assert!(dir.path().join("notes.md").exists() && DataDir::find(dir.path()).is_some());
    }

    #[tokio::test]
    async fn the_folder_is_locked_while_any_duplicate_of_the_lock_is_open() {
        let scratch = tempfile::tempdir().expect("scratch");
        let dir = DataDir::create(&scratch.path().join("data")).expect("made");
        let lock = dir.lock().await.expect("free");
        let duplicate = lock.try_clone().expect("cloned");
        drop(lock);
        let other = File::open(dir.path().join("lock")).expect("there");
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(duplicate);
        dir.lock().await.expect("free again");
    }
}
