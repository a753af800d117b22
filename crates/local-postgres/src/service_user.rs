//! The user that Postgres runs as.
//!
//! Postgres refuses root ("cannot be run as root"). As root, its programs run as `nobody`, whom every Linux and macOS
//! machine has without setting up. Anyone else runs it as himself.

use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::lchown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Uid, geteuid};

/// uid and gid of `nobody`. It must have a name on the machine: `initdb` looks that up.
const NOBODY: u32 = if cfg!(target_os = "macos") { u32::MAX - 1 } else { 65534 };

/// Postgres' programs need `mv`, `rm`, `sleep` and `sh`, and nothing of the owner's environment: that may hold
/// credentials, and `PGPORT` and the like would change what they do.
const SEARCH_PATH: &str =
    "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin:/opt/homebrew/bin";

/// Who runs Postgres, as opposed to who owns the cluster's folder (this process' user).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServiceUser {
    drops_to: Option<u32>,
}

impl ServiceUser {
    pub(crate) fn current() -> Self {
        Self { drops_to: geteuid().is_root().then_some(NOBODY) }
    }

    /// Whether Postgres runs as someone else than this process.
    pub(crate) fn is_another(self) -> bool {
        self.drops_to.is_some()
    }

    /// A command run as this user, in `/` (the caller's folder may be closed to it), without input, with a bare
    /// environment. Supplementary groups are dropped with the uid.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", SEARCH_PATH).env("LC_ALL", "C");
        command.current_dir("/").stdin(Stdio::null());
        if let Some(id) = self.drops_to {
            command.uid(id).gid(id);
        }
        command
    }

    /// Gives a file or folder to this user. Never follows a link.
    pub(crate) fn give(self, path: &Path) -> io::Result<()> {
        self.drops_to.map_or(Ok(()), |id| lchown(path, Some(id), Some(id)))
    }

    /// Whether this user can pass through `dir`, an existing folder: asked of the system itself, which knows
    /// about access lists and mounts.
    pub(crate) fn can_enter(self, dir: &Path) -> io::Result<bool> {
        if !self.is_another() {
            return Ok(true);
        }
        let status = self.command("/bin/sh").args(["-c", "test -x \"$1\"", "sh"]).arg(dir).status()?;
        Ok(status.success())
    }
}

/// The uid that owns this process' own files.
pub(crate) fn own_uid() -> Uid {
    geteuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_do_not_inherit_the_environment() {
        let output = ServiceUser::current().command("env").output().expect("env runs");
        let text = String::from_utf8(output.stdout).expect("text");
        let mut names: Vec<&str> =
            text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, ["LC_ALL", "PATH"]);
    }

    #[test]
    fn root_never_runs_postgres() {
        let output = ServiceUser::current().command("id").arg("-u").output().expect("id runs");
        let uid: u32 = String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number");
        assert_ne!(uid, 0);
        assert_eq!(uid != own_uid().as_raw(), ServiceUser::current().is_another());
    }
}
