//! Which files are to be ingested, and under which names.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use ignore::{DirEntry, WalkBuilder};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use url::Url;

use crate::format::{DocumentFormat, Recognised};
use crate::limits::Limits;
use crate::sanitize::is_invisible;

/// The longest document key, in characters.
pub(crate) const MAX_KEY_CHARS: usize = 2_000;

/// The longest source URL, in bytes.
const MAX_URL_BYTES: usize = 4_000;

/// What is encoded in a path segment: all but the unreserved characters (RFC 3986 §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the ingested folder is published: an http or https URL below which a document's key is its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceBaseUrl(String);

/// A text that cannot be a [`SourceBaseUrl`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceBaseUrlError {
    /// Write it out, scheme and all.
    #[error("not a URL")]
    NotAUrl(#[source] url::ParseError),
    /// Links of other schemes could run something on a click.
    #[error("the scheme must be http or https, not {0:?}")]
    Scheme(String),
    /// It would be shown with every result.
    #[error("it must not hold a user name or a password")]
    Credentials,
    /// A path cannot be put after them.
    #[error("it must not have a query or a fragment")]
    QueryOrFragment,
}

impl FromStr for SourceBaseUrl {
    type Err = SourceBaseUrlError;

    fn from_str(text: &str) -> Result<Self, SourceBaseUrlError> {
        let url = Url::parse(text).map_err(SourceBaseUrlError::NotAUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SourceBaseUrlError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(SourceBaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(SourceBaseUrlError::QueryOrFragment);
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl SourceBaseUrl {
    /// The URL of the file at `relative`, each segment percent-encoded; `None` if it would be too long to keep.
    fn join(&self, relative: &Path) -> Option<String> {
        let mut url = self.0.clone();
        for segment in relative.components() {
            url.push('/');
            url.extend(percent_encode(segment.as_os_str().as_encoded_bytes(), SEGMENT));
        }
        (url.len() <= MAX_URL_BYTES).then_some(url)
    }
}

impl fmt::Display for SourceBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where to read it.
    pub path: PathBuf,
    /// Its name among the documents of a knowledge base: the path below the given folder, with `/`. Bytes that are
    /// not UTF-8 and invisible characters stand as `%XX`.
    pub key: String,
    /// What its name says that it is.
    pub format: DocumentFormat,
    /// Its link, if a base URL was given.
    pub source_url: Option<String>,
    /// When it last changed, as the file system says.
    pub modified: Option<SystemTime>,
}

/// What stands in the given places.
#[derive(Debug, Default)]
pub struct FoundFiles {
    /// The files to ingest, by key.
    pub files: Vec<SourceFile>,
    /// The files that would have been ingested but for a problem each.
    pub problems: Vec<FileProblem>,
    /// How many files are no documents, by extension (empty: none).
    pub not_documents: BTreeMap<String, u64>,
    /// How many symbolic links were not followed.
    pub symlinks: u64,
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
    #[error("{0} is not supported yet; Markdown, plain text and HTML are")]
    NotSupportedYet(&'static str),
    /// Only for a file that was named itself; in a folder it is passed over.
    #[error("not a document by its name; Markdown (.md), plain text (.txt) and HTML (.html) are")]
    NotADocument,
    /// Rename one of them, or ingest them into two knowledge bases.
    #[error("has the same key {key:?} as {other}", other = other.display())]
    SameKey {
        /// The key that both have.
        key: String,
        /// The file that comes first, and is ingested.
        other: PathBuf,
    },
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
        source: std::io::Error,
    },
    /// A socket, a device.
    #[error("{path} is neither a file nor a folder", path = .0.display())]
    NotAFileOrFolder(PathBuf),
}

/// Finds the documents in the given files and folders.
///
/// In a folder, hidden files and what `.gitignore` and `.ignore` name are passed over, and symbolic links are not
/// followed: they could lead out of it. A file that is named itself is taken whatever it is called. The order depends
/// on the names alone.
pub fn find_files(roots: &[PathBuf], base_url: Option<&SourceBaseUrl>) -> Result<FoundFiles, WalkError> {
    let mut walk = Walk { found: FoundFiles::default(), by_key: HashMap::new(), base_url };
    for root in roots {
        let no_such_path = |source| WalkError::NoSuchPath { path: root.clone(), source };
        let metadata = std::fs::metadata(root).map_err(no_such_path)?;
        if metadata.is_dir() {
            walk.folder(root);
        } else if metadata.is_file() {
            walk.named_file(root);
        } else {
            return Err(WalkError::NotAFileOrFolder(root.clone()));
        }
    }
    walk.found.files.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(walk.found)
}

struct Walk<'a> {
    found: FoundFiles,
    by_key: HashMap<String, PathBuf>,
    base_url: Option<&'a SourceBaseUrl>,
}

impl Walk<'_> {
    fn folder(&mut self, root: &Path) {
        let entries = WalkBuilder::new(root)
            // A .gitignore counts outside a repository too; the user's own global one would make results differ.
            .require_git(false)
            .git_global(false)
            .follow_links(false)
            .sort_by_file_name(std::ffi::OsStr::cmp)
            .build();
        for entry in entries {
            match entry {
                Ok(entry) => self.entry(root, &entry),
                Err(error) => self.problem(root.to_owned(), FileProblemReason::Unreadable(error)),
            }
        }
    }

    fn entry(&mut self, root: &Path, entry: &DirEntry) {
        let Some(file_type) = entry.file_type() else { return };
        if file_type.is_symlink() && entry.depth() > 0 {
            self.found.symlinks += 1;
        }
        if !file_type.is_file() {
            return;
        }
        let path = entry.path();
        match DocumentFormat::recognise(path) {
            Recognised::Supported(format) => self.file(path, path.strip_prefix(root).unwrap_or(path), format),
            Recognised::NotYet(name) => {
                self.problem(path.to_owned(), FileProblemReason::NotSupportedYet(name));
            }
            Recognised::NotADocument => {
                let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
                *self.found.not_documents.entry(extension).or_default() += 1;
            }
        }
    }

    fn named_file(&mut self, path: &Path) {
        match DocumentFormat::recognise(path) {
            Recognised::Supported(format) => {
                self.file(path, Path::new(path.file_name().unwrap_or_default()), format);
            }
            Recognised::NotYet(name) => {
                self.problem(path.to_owned(), FileProblemReason::NotSupportedYet(name));
            }
            Recognised::NotADocument => self.problem(path.to_owned(), FileProblemReason::NotADocument),
        }
    }

    fn file(&mut self, path: &Path, relative: &Path, format: DocumentFormat) {
        let key = key(relative);
        if key.chars().count() > MAX_KEY_CHARS {
            return self.problem(path.to_owned(), FileProblemReason::KeyTooLong);
        }
        if let Some(other) = self.by_key.get(&key) {
            let reason = FileProblemReason::SameKey { key, other: other.clone() };
            return self.problem(path.to_owned(), reason);
        }
        self.by_key.insert(key.clone(), path.to_owned());
        self.found.files.push(SourceFile {
            path: path.to_owned(),
            key,
            format,
            source_url: self.base_url.and_then(|base| base.join(relative)),
            modified: std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok(),
        });
    }

    fn problem(&mut self, path: PathBuf, reason: FileProblemReason) {
        self.found.problems.push(FileProblem { path, reason });
    }
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
            for char in chunk.valid().chars() {
                if is_invisible(char) || char == '\n' || char == '\r' {
                    key.extend(percent_encode(char.encode_utf8(&mut [0; 4]).as_bytes(), SEGMENT));
                } else {
                    key.push(char);
                }
            }
            key.extend(percent_encode(chunk.invalid(), SEGMENT));
        }
    }
    key
}

/// Reads a file, but no more of it than the limit: a file may grow, or be a pipe.
pub fn read_file(path: &Path, limits: &Limits) -> Result<Vec<u8>, std::io::Error> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    // One byte more than allowed, so that the parser sees that there is too much.
    std::fs::File::open(path)?.take(limits.max_file_bytes + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
