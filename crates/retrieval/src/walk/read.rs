//! Reading a file that was found a while ago: others may have put something else in its place since.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;

/// A pipe without a writer opens at once, and is then seen not to be a file; a file does not notice
/// (<https://pubs.opengroup.org/onlinepubs/9799919799/functions/open.html>).
const FILE: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_NOCTTY).union(OFlag::O_NONBLOCK);
const FOLDER: OFlag = OFlag::O_RDONLY.union(OFlag::O_CLOEXEC).union(OFlag::O_DIRECTORY);

/// Reads a file, but no more of it than `limit` bytes and one, so that whoever looks sees that there is too much: a file
/// may grow.
///
/// `found_in` is the folder in which a walk found it. On the way from there no symbolic link is followed, as the walk
/// followed none: whoever may write in the folder could else have any file read that we may read. A file that was named
/// itself may be a link.
///
/// # Errors
/// When it cannot be read, or no regular file is there any more.
pub fn read_file(path: &Path, found_in: Option<&Path>, limit: u64) -> io::Result<Vec<u8>> {
    let file = match found_in {
        Some(folder) => open_below(folder, path)?,
        None => open(path, FILE, Mode::empty())?.into(),
    };
    if !file.metadata()?.is_file() {
        return Err(replaced());
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Folder by folder, each opened in the one before: what is replaced meanwhile is no way out.
fn open_below(folder: &Path, path: &Path) -> io::Result<File> {
    let relative = path.strip_prefix(folder).map_err(io::Error::other)?;
    let mut place = open(folder, FOLDER, Mode::empty())?;
    let mut components = relative.components().peekable();
    while let Some(component) = components.next() {
        let Component::Normal(name) = component else { return Err(io::ErrorKind::InvalidInput.into()) };
        let kind = if components.peek().is_some() { FOLDER } else { FILE };
        let opened: Result<OwnedFd, Errno> = openat(&place, name, kind | OFlag::O_NOFOLLOW, Mode::empty());
        place = opened.map_err(|errno| match errno {
            // A link in the file's place, and one in a folder's.
            Errno::ELOOP | Errno::ENOTDIR => replaced(),
            other => other.into(),
        })?;
    }
    Ok(place.into())
}

fn replaced() -> io::Error {
    io::Error::other("a link or something else that is no file took its place after it was found")
}
