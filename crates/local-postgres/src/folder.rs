//! Folders that can be trusted with binaries to run and with a password.
//!
//! As root the cache and some clusters lie under `/var/tmp`, where anyone may have prepared a folder of the same
//! name: such a folder must be ours, not a link, and closed to others' writing.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::error::IoContext as _;
use crate::service_user::{ServiceUser, own_uid};

/// Where things go that root wants in a place which Postgres' user (`nobody`) cannot reach. Survives a reboot, unlike `/tmp`.
pub(crate) const SHARED_ROOT: &str = "/var/tmp/autri";

/// `wanted`, or a folder under [`SHARED_ROOT`] that stands for it when Postgres' user could not get there (such
/// as in root's home). The same wish always gives the same folder.
pub(crate) fn reachable(wanted: &Path, kind: &str) -> Result<PathBuf, Error> {
    let wanted = std::path::absolute(wanted).doing("resolve", wanted)?;
    let user = ServiceUser::current();
    let existing = wanted.ancestors().skip(1).find(|dir| dir.is_dir()).unwrap_or(Path::new("/"));
    if user.can_enter(existing).doing("look into", existing)? {
        return Ok(wanted);
    }
    Ok(Path::new(SHARED_ROOT)
        .join(kind)
        .join(&hex::encode(Sha256::digest(wanted.as_os_str().as_encoded_bytes()))[..16]))
}

/// Makes `path` with `mode`, or checks that it is a folder of ours that nobody else may write to. Folders above it
/// are made as needed; those under [`SHARED_ROOT`] are checked as well.
pub(crate) fn ensure(path: &Path, mode: u32) -> Result<(), Error> {
    let root = Path::new(SHARED_ROOT);
    if path.starts_with(root) {
        let above = path.ancestors().skip(1).take_while(|dir| dir.starts_with(root)).collect::<Vec<_>>();
        for dir in above.into_iter().rev() {
            ensure_one(dir, 0o755)?;
        }
    } else if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).doing("create", parent)?;
    }
    ensure_one(path, mode)
}

fn ensure_one(path: &Path, mode: u32) -> Result<(), Error> {
    match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => check(path)?,
        Err(error) => return Err(error).doing("create", path),
    }
    // The umask may have taken away what Postgres' user needs, or an earlier version given more than it needs.
    fs::set_permissions(path, Permissions::from_mode(mode)).doing("set the mode of", path)
}

fn check(path: &Path) -> Result<(), Error> {
    let found = fs::symlink_metadata(path).doing("look at", path)?;
    let untrusted = |reason: String| Error::UntrustedFolder { path: path.to_owned(), reason };
    if !found.is_dir() {
        return Err(untrusted("it is not a folder; remove it or choose another place".to_owned()));
    }
    if found.uid() != own_uid().as_raw() {
        let owner = found.uid();
        return Err(untrusted(format!(
            "it belongs to uid {owner}, not to you; remove it or choose another place"
        )));
    }
    if found.mode() & 0o022 != 0 {
        return Err(untrusted(
            "others may write to it; if you trust what is in it, chmod go-w it".to_owned(),
        ));
    }
    Ok(())
}

/// Refuses a path that Postgres' tools would misread: `pg_ctl` and `initdb` put paths between double quotes in a
/// shell command, and `postmaster.pid` has one a line.
pub(crate) fn check_plain(path: &Path) -> Result<(), Error> {
    let plain = !path.as_os_str().as_encoded_bytes().iter().any(|byte| b"\"'$`\\\n\r".contains(byte));
    if plain { Ok(()) } else { Err(Error::UnusablePath { path: path.to_owned() }) }
}

/// Removes leftovers of a step that was killed: entries of `dir` that start with `prefix`. One that another process
/// is still writing to stays for the next time.
pub(crate) fn sweep(dir: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes()) {
            continue;
        }
        let path = entry.path();
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_new_folder_has_the_mode_asked_for() {
        let scratch = tempfile::tempdir().expect("scratch");
        let path = scratch.path().join("a/b");
        ensure(&path, 0o711).expect("made");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o711);
        ensure(&path, 0o700).expect("ours already");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o700);
    }

    #[test]
    fn folders_that_others_could_have_prepared_are_refused() {
        let scratch = tempfile::tempdir().expect("scratch");
        let open = scratch.path().join("open");
        fs::create_dir(&open).expect("made");
        fs::set_permissions(&open, Permissions::from_mode(0o777)).expect("opened");
        let link = scratch.path().join("link");
        symlink(scratch.path(), &link).expect("linked");
        let file = scratch.path().join("file");
        fs::write(&file, "").expect("written");
        for path in [&open, &link, &file] {
            assert!(matches!(ensure(path, 0o700), Err(Error::UntrustedFolder { .. })), "{}", path.display());
        }
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        let scratch = tempfile::tempdir().expect("scratch");
        let path = scratch.path().join("foreign");
        fs::create_dir(&path).expect("made");
        // Only root can give a folder away; for anyone else, root's own folder stands in.
        let foreign = if own_uid().is_root() {
            std::os::unix::fs::chown(&path, Some(12345), None).expect("given away");
            path
        } else {
            PathBuf::from("/usr")
        };
        assert!(matches!(ensure(&foreign, 0o755), Err(Error::UntrustedFolder { .. })));
    }

    #[test]
    fn leftovers_are_swept_and_nothing_else() {
        let scratch = tempfile::tempdir().expect("scratch");
        fs::create_dir_all(scratch.path().join(".step-1/below")).expect("made");
        fs::write(scratch.path().join(".step-2"), "secret").expect("written");
        fs::write(scratch.path().join("kept"), "").expect("written");
        sweep(scratch.path(), ".step-");
        let left: Vec<_> =
            fs::read_dir(scratch.path()).expect("read").flatten().map(|e| e.file_name()).collect();
        assert_eq!(left, ["kept"]);
    }

    #[test]
    fn paths_that_a_shell_would_read_are_refused() {
        for path in ["/a\"b", "/a$(id)", "/a`id`", "/a\\b", "/a\nb", "/a'b"] {
            assert!(matches!(check_plain(Path::new(path)), Err(Error::UnusablePath { .. })), "{path}");
        }
        check_plain(Path::new("/home/a user/ünicode & more")).expect("spaces and the like are fine");
    }
}
