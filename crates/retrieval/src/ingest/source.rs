//! What is to be ingested, and where it is looked for.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::objects::{ListedObject, ObjectFolder, ObjectStore};
use crate::chunk::CHUNKER_VERSION;
use crate::format::DocumentFormat;
use crate::parse::{PARSER_VERSION, update_framed};
use crate::walk::{self, PathKind, SourceBaseUrl, WalkError};

/// A document to ingest.
#[derive(Debug, Clone)]
pub struct SourceDocument {
    /// Its identity in the knowledge base: `folder/path/below/it.md`. It becomes the title where there is no other.
    pub key: String,
    /// What it is called, where that is known better than from the document itself.
    pub title: Option<String>,
    /// How to parse it.
    pub format: DocumentFormat,
    /// Where people can read it: an http or https URL.
    pub source_url: Option<String>,
    /// When it last changed, if that is known.
    pub modified: Option<SystemTime>,
    /// Where its bytes are.
    pub content: SourceContent,
}

/// A document's bytes.
#[derive(Debug, Clone)]
pub enum SourceContent {
    /// In a file, to be read when it is its turn.
    File {
        /// Where it is.
        path: PathBuf,
        /// The given folder that it was found in, where no link is followed; none for a file that was given itself.
        found_in: Option<PathBuf>,
        /// How large it was when it was found, in bytes.
        size: u64,
    },
    /// In an object, to be read when it is its turn.
    Object {
        /// What has it.
        store: Arc<dyn ObjectStore>,
        /// Which.
        object: ListedObject,
    },
    /// At hand.
    Bytes(Arc<[u8]>),
}

impl SourceDocument {
    /// What people know it by: its path, or its key.
    pub fn name(&self) -> Cow<'_, str> {
        match &self.content {
            SourceContent::File { path, .. } => path.to_string_lossy(),
            SourceContent::Object { .. } | SourceContent::Bytes(_) => Cow::Borrowed(&self.key),
        }
    }

    /// Its size when it was found, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.content {
            SourceContent::File { size, .. } => *size,
            SourceContent::Object { object, .. } => object.size,
            SourceContent::Bytes(bytes) => bytes.len() as u64,
        }
    }

    /// What tells that the stored document is still right, without reading its source; none where only reading tells.
    ///
    /// The versions of what reads and cuts are in it: another may read the same bytes better.
    pub(super) fn change_mark(&self) -> Option<[u8; 32]> {
        let SourceContent::Object { object, .. } = &self.content else { return None };
        let mut hash = Sha256::new();
        let (size, url) = (object.size.to_string(), self.source_url.as_deref().unwrap_or_default());
        for part in [PARSER_VERSION, CHUNKER_VERSION, &object.etag, &size, url] {
            update_framed(&mut hash, part);
        }
        Some(hash.finalize().into())
    }
}

/// Where documents are looked for: files, folders, and folders of objects. Nothing is held but the places; a run looks
/// through them page by page, and more than once.
#[derive(Debug, Clone, Default)]
pub struct Source {
    pub(super) places: Vec<Place>,
}

/// A place of a [`Source`].
#[derive(Debug, Clone)]
pub(super) enum Place {
    Documents(Arc<[SourceDocument]>),
    Path { root: PathBuf, base_url: Option<SourceBaseUrl>, folder_name: Option<String>, kind: PathKind },
    Objects(ObjectFolder),
}

impl Place {
    /// What the keys of its documents begin with, if it is a folder: a document of the knowledge base with such a key that
    /// is not found in it is gone.
    pub(super) fn folder_prefix(&self) -> Option<String> {
        match self {
            Self::Path { folder_name: Some(name), kind: PathKind::Folder, .. } => Some(format!("{name}/")),
            Self::Objects(folder) => Some(folder.key_prefix()),
            Self::Path { .. } | Self::Documents(_) => None,
        }
    }
}

impl Source {
    /// The given documents and nothing else; no folder is known that anything could be gone from.
    #[must_use]
    pub fn from_documents(documents: Vec<SourceDocument>) -> Self {
        Self { places: vec![Place::Documents(documents.into())] }
    }

    /// The documents in files and folders, as [`walk::Walk`] finds them.
    ///
    /// A document's key begins with the name of the given folder (for a file that is given itself: of the folder it is
    /// in), so that several folders can be ingested into one knowledge base, each `README.md` of theirs is another
    /// document, and pruning one folder leaves the others' documents alone. It does not depend on where the folder lies.
    /// Of two documents with one key, of two folders of one name, the first that was given is ingested.
    ///
    /// # Errors
    /// When one of them does not exist.
    pub fn find(roots: &[PathBuf], base_url: Option<&SourceBaseUrl>) -> Result<Self, WalkError> {
        let mut source = Self::default();
        for (index, root) in roots.iter().enumerate() {
            if roots[..index].contains(root) {
                continue;
            }
            let kind = walk::kind(root)?;
            let folder = if kind == PathKind::Folder { root } else { parent(root) };
            source.places.push(Place::Path {
                root: root.clone(),
                base_url: base_url.cloned(),
                folder_name: folder_name(folder),
                kind,
            });
        }
        Ok(source)
    }

    /// The objects of a folder, too.
    #[must_use]
    pub fn with_objects(mut self, folder: ObjectFolder) -> Self {
        self.places.push(Place::Objects(folder));
        self
    }
}

fn parent(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folder's name as it was given; only for one like `.` or `..` the name it really has. `None` for the root of the
/// file system, which has none.
fn folder_name(folder: &Path) -> Option<String> {
    let named = |path: PathBuf| path.file_name().map(|name| walk::key(Path::new(name)));
    let given = std::path::absolute(folder).ok().and_then(named);
    let name = given.or_else(|| std::fs::canonicalize(folder).ok().and_then(named))?;
    // `s3://…` is what keys of objects begin with: pruning this folder must not reach them.
    Some(if name == "s3:" { "s3%3A".to_owned() } else { name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_have_a_name() {
        let tree = tempfile::tempdir().unwrap();
        let sub = tree.path().join("handbook/sub");
        std::fs::create_dir_all(&sub).unwrap();
        for folder in [sub.join(".."), tree.path().join("handbook/.")] {
            assert_eq!(folder_name(&folder).as_deref(), Some("handbook"), "{}", folder.display());
        }
        assert_eq!(folder_name(Path::new("/")), None);
    }

    #[test]
    fn no_folders_keys_are_those_of_objects() {
        assert_eq!(folder_name(Path::new("/somewhere/s3:")).as_deref(), Some("s3%3A"));
    }

    #[test]
    fn a_missing_path_is_named() {
        let error = Source::find(&["no/such/place".into()], None).unwrap_err();
        assert_eq!(error.to_string(), "no/such/place does not exist or cannot be read");
    }
}
