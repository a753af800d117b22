//! Which files are to be ingested, and under which names.

mod base_url;
mod read;

use std::fmt::Write as _;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use ignore::gitignore::GitignoreBuilder;
use ignore::{DirEntry, WalkBuilder};
use percent_encoding::percent_encode;

use crate::format::{DocumentFormat, Recognised};
use crate::sanitize::is_invisible;

use base_url::SEGMENT;

pub use base_url::{SourceBaseUrl, SourceBaseUrlError};
pub use read::read_file;

/// The longest document key, in characters.
pub(crate) const MAX_KEY_CHARS: usize = 2_000;

/// A file to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where to read it.
    pub path: PathBuf,
    /// The folder that was walked; none for a file that was named itself, which may be a link.
    pub found_in: Option<PathBuf>,
    /// Its name among the documents of a knowledge base: the path below the given folder, with `/`. Bytes that are
    /// not UTF-8 and invisible characters stand as `%XX`.
    pub key: String,
    /// What its name says that it is.
    pub format: DocumentFormat,
    /// Its link, if a base URL was given.
    pub source_url: Option<String>,
    /// When it last changed, as the file system says.
    pub modified: Option<SystemTime>,
    /// Its size now, in bytes.
    pub size: u64,
}

/// What stands in a given place.
#[derive(Debug)]
pub enum FoundFile {
    /// A file to ingest.
    Document(SourceFile),
    /// A file that would be ingested but for a problem.
    Problem(FileProblem),
    /// A file that is no document, by its extension (empty: none).
    NotADocument(String),
    /// A symbolic link, which is not followed.
    Symlink,
}

/// Why a file is not ingested.
#[derive(Debug, thiserror::Error)]
#[error("{path}", path = path.display())]
pub struct FileProblem {
    /// The file, or the folder that could not be listed.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub reason: FileProblemReason,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileProblemReason {
    /// Convert it first.
    #[error("{0} is not supported yet; Markdown, plain text, HTML, PDF and Word (.docx) are")]
    NotSupportedYet(&'static str),
    /// Only for a file that was named itself; in a folder it is passed over.
    #[error(
        "not a document by its name; Markdown (.md), plain text (.txt), HTML (.html), PDF (.pdf) and Word (.docx) are"
    )]
    NotADocument,
    /// Rename one of them, or ingest them into two knowledge bases.
    #[error("has the key {0:?}, as one that was ingested before it: rename one of them")]
    SameKey(String),
    /// Shorten the path.
    #[error("the path is longer than {MAX_KEY_CHARS} characters")]
    KeyTooLong,
    /// Look at its permissions.
    #[error("cannot be read")]
    Unreadable(#[source] ignore::Error),
}

/// A place that was given and cannot be searched at all.
#[derive(Debug, thiserror::Error)]
pub enum WalkError {
    /// Check the spelling.
    #[error("{path} does not exist or cannot be read", path = path.display())]
    NoSuchPath {
        /// The path as given.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A socket, a device.
    #[error("{path} is neither a file nor a folder", path = .0.display())]
    NotAFileOrFolder(PathBuf),
}

/// What a folder's ignore files are called.
const IGNORE_FILES: [&str; 2] = [".gitignore", ".ignore"];
/// The largest of them, in bytes.
const MAX_IGNORE_FILE_BYTES: u64 = 1024 * 1024;

/// What stands in a file or folder, found while it is asked for: of a folder, no more is in memory than the names in the
/// folders that lead to where the search is.
///
/// In a folder, hidden files and what `.gitignore` and `.ignore` in it name are passed over, and symbolic links are not
/// followed: they could lead out of it. A file that is named itself is taken whatever it is called. The order depends
/// on the names alone.
pub struct Walk {
    root: PathBuf,
    base_url: Option<SourceBaseUrl>,
    rest: Rest,
    unusable: Unusable,
}

/// Ignore files that cannot be used, and have not been told of yet. Their folders are passed over.
type Unusable = Arc<Mutex<Vec<FileProblem>>>;

enum Rest {
    NamedFile,
    Folder(Box<ignore::Walk>),
    Nothing,
}

impl Walk {
    /// Begins at a file or folder.
    pub fn of(root: &Path, base_url: Option<&SourceBaseUrl>) -> Result<Self, WalkError> {
        let unusable = Unusable::default();
        let rest = match kind(root)? {
            PathKind::File => Rest::NamedFile,
            PathKind::Folder => Rest::Folder(Box::new(
                WalkBuilder::new(root)
                    // A .gitignore counts outside a repository too. What lies elsewhere (in folders above, in the user's own
                    // settings) would make results differ, and others may write there.
                    .require_git(false)
                    .parents(false)
                    .git_exclude(false)
                    .git_global(false)
                    .follow_links(false)
                    .filter_entry({
                        let unusable = Arc::clone(&unusable);
                        move |entry| !is_folder(entry) || enter(entry.path(), &unusable)
                    })
                    .sort_by_file_name(std::ffi::OsStr::cmp)
                    .build(),
            )),
        };
        // The walk asks for every folder but this one.
        let is_usable = matches!(rest, Rest::NamedFile) || enter(root, &unusable);
        let rest = if is_usable { rest } else { Rest::Nothing };
        Ok(Self { root: root.to_owned(), base_url: base_url.cloned(), rest, unusable })
    }

    fn entry(&self, entry: Result<DirEntry, ignore::Error>) -> Option<FoundFile> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return Some(problem(&self.root, FileProblemReason::Unreadable(error))),
        };
        let file_type = entry.file_type()?;
        if file_type.is_symlink() && entry.depth() > 0 {
            return Some(FoundFile::Symlink);
        }
        if !file_type.is_file() {
            return None;
        }
        let path = entry.path();
        // Clients see keys: should a path not begin with the root, nothing above the file's name gets into one.
        let name = || Path::new(path.file_name().unwrap_or_default());
        let relative = path.strip_prefix(&self.root).unwrap_or_else(|_| name());
        Some(match DocumentFormat::recognise(path) {
            Recognised::Supported(format) => self.file(path, Some(self.root.clone()), relative, format),
            Recognised::NotYet(name) => problem(path, FileProblemReason::NotSupportedYet(name)),
            Recognised::NotADocument => FoundFile::NotADocument(extension(path)),
        })
    }

    fn named_file(&self) -> FoundFile {
        let path = &self.root;
        match DocumentFormat::recognise(path) {
            Recognised::Supported(format) => {
                self.file(path, None, Path::new(path.file_name().unwrap_or_default()), format)
            }
            Recognised::NotYet(name) => problem(path, FileProblemReason::NotSupportedYet(name)),
            Recognised::NotADocument => problem(path, FileProblemReason::NotADocument),
        }
    }

    fn file(
        &self,
        path: &Path,
        found_in: Option<PathBuf>,
        relative: &Path,
        format: DocumentFormat,
    ) -> FoundFile {
        let metadata = std::fs::metadata(path).ok();
        let segments = || relative.components().map(|segment| segment.as_os_str().as_encoded_bytes());
        FoundFile::Document(SourceFile {
            path: path.to_owned(),
            found_in,
            key: key(relative),
            format,
            source_url: self.base_url.as_ref().and_then(|base| base.join(segments())),
            modified: metadata.as_ref().and_then(|metadata| metadata.modified().ok()),
            size: metadata.as_ref().map_or(0, Metadata::len),
        })
    }
}

fn is_folder(entry: &DirEntry) -> bool {
    entry.file_type().is_some_and(|file_type| file_type.is_dir())
}

/// Whether the folder may be searched: not with an ignore file that cannot be used, since what it names would come in.
fn enter(folder: &Path, unusable: &Unusable) -> bool {
    let problem = IGNORE_FILES.iter().map(|name| folder.join(name)).find_map(|path| {
        let error = check_ignore_file(&path).err()?;
        Some(FileProblem { path, reason: FileProblemReason::Unreadable(error) })
    });
    let is_usable = problem.is_none();
    locked(unusable).extend(problem);
    is_usable
}

/// The walk itself opens whatever has the name, a pipe or a device without end too, and leaves out lines that it cannot read.
fn check_ignore_file(path: &Path) -> Result<(), ignore::Error> {
    let metadata = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !metadata.is_file() || metadata.len() > MAX_IGNORE_FILE_BYTES {
        return Err(io::Error::other("not a regular file of at most 1 MiB").into());
    }
    let mut lines = GitignoreBuilder::new("");
    for line in std::fs::read_to_string(path)?.lines() {
        lines.add_line(None, line)?;
    }
    Ok(())
}

fn locked(unusable: &Unusable) -> MutexGuard<'_, Vec<FileProblem>> {
    unusable.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Iterator for Walk {
    type Item = FoundFile;

    fn next(&mut self) -> Option<FoundFile> {
        loop {
            if let Some(problem) = locked(&self.unusable).pop() {
                return Some(FoundFile::Problem(problem));
            }
            let entry = match &mut self.rest {
                Rest::Nothing => return None,
                Rest::NamedFile => {
                    self.rest = Rest::Nothing;
                    return Some(self.named_file());
                }
                Rest::Folder(entries) => entries.next(),
            };
            let Some(entry) = entry else {
                // Once more around: what was looked at last may have been a folder with a problem.
                self.rest = Rest::Nothing;
                continue;
            };
            if let Some(found) = self.entry(entry) {
                return Some(found);
            }
        }
    }
}

/// What can be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PathKind {
    File,
    Folder,
}

/// What the path leads to, links followed.
pub(crate) fn kind(path: &Path) -> Result<PathKind, WalkError> {
    let no_such_path = |source| WalkError::NoSuchPath { path: path.to_owned(), source };
    let metadata = std::fs::metadata(path).map_err(no_such_path)?;
    if metadata.is_dir() {
        Ok(PathKind::Folder)
    } else if metadata.is_file() {
        Ok(PathKind::File)
    } else {
        Err(WalkError::NotAFileOrFolder(path.to_owned()))
    }
}

fn problem(path: &Path, reason: FileProblemReason) -> FoundFile {
    FoundFile::Problem(FileProblem { path: path.to_owned(), reason })
}

/// The extension in lower case; empty for none.
pub(crate) fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// The path with `/`; bytes that are not UTF-8, and characters that nobody sees, stand as `%XX`. A `%` of the name
/// itself stays: should two names meet there, the second is reported as [`FileProblemReason::SameKey`].
pub(crate) fn key(relative: &Path) -> String {
    let mut key = String::new();
    for component in relative.components() {
        if !key.is_empty() {
            key.push('/');
        }
        for chunk in component.as_os_str().as_encoded_bytes().utf8_chunks() {
            push_visible(&mut key, chunk.valid());
            key.extend(percent_encode(chunk.invalid(), SEGMENT));
        }
    }
    key
}

/// Adds a text as keys hold it: characters that nobody sees stand as `%XX`.
pub(crate) fn push_visible(key: &mut String, text: &str) {
    for char in text.chars() {
        if is_invisible(char) || matches!(char, '\n' | '\r') {
            for byte in char.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(key, "%{byte:02X}");
            }
        } else {
            key.push(char);
        }
    }
}

#[cfg(test)]
mod tests;
