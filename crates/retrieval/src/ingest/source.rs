//! What is to be ingested.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::format::DocumentFormat;
use crate::walk::{
    self, FileProblem, FileProblemReason, FoundFiles, MAX_KEY_CHARS, SourceBaseUrl, SourceFile, WalkError,
    find_files,
};

/// A document to ingest.
#[derive(Debug, Clone, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceContent {
    /// In a file, to be read when it is its turn.
    File(PathBuf),
    /// At hand.
    Bytes(Arc<[u8]>),
}

impl SourceDocument {
    /// What people know it by: its path, or its key.
    pub fn name(&self) -> Cow<'_, str> {
        match &self.content {
            SourceContent::File(path) => path.to_string_lossy(),
            SourceContent::Bytes(_) => Cow::Borrowed(&self.key),
        }
    }
}

/// The documents to ingest, and what the search for them found besides.
#[derive(Debug, Default)]
pub struct Source {
    documents: Vec<SourceDocument>,
    folders: Vec<SourceFolder>,
    problems: Vec<FileProblem>,
    not_documents: BTreeMap<String, u64>,
    symlinks: u64,
}

/// A folder that was searched: a document of the knowledge base that came from it and is not among the documents is gone.
#[derive(Debug)]
pub(super) struct SourceFolder {
    /// What its documents' keys begin with, before a `/`.
    pub(super) name: String,
    /// Whether all of it could be listed.
    pub(super) is_listed: bool,
    /// Whether any document was found in it.
    pub(super) has_documents: bool,
}

impl Source {
    /// The given documents and nothing else; no folder is known that anything could be gone from.
    #[must_use]
    pub fn from_documents(documents: Vec<SourceDocument>) -> Self {
        Self { documents, ..Self::default() }
    }

    /// Finds the documents in files and folders, as [`find_files`] does.
    ///
    /// A document's key begins with the name of the given folder (for a file that is given itself: of the folder it is
    /// in), so that several folders can be ingested into one knowledge base, each `README.md` of theirs is another
    /// document, and pruning one folder leaves the others' documents alone. It does not depend on where the folder lies.
    pub fn find(roots: &[PathBuf], base_url: Option<&SourceBaseUrl>) -> Result<Self, WalkError> {
        let mut source = Self::default();
        for (index, root) in roots.iter().enumerate() {
            if !roots[..index].contains(root) {
                let found = find_files(std::slice::from_ref(root), base_url)?;
                source.add_root(root, found);
            }
        }
        source.documents.sort_by(|one, other| one.key.cmp(&other.key));
        source.report_same_keys();
        Ok(source)
    }

    /// The documents, by key.
    #[must_use]
    pub fn documents(&self) -> &[SourceDocument] {
        &self.documents
    }

    pub(super) fn folders(&self) -> &[SourceFolder] {
        &self.folders
    }

    pub(super) fn problems(&self) -> &[FileProblem] {
        &self.problems
    }

    pub(super) fn not_documents(&self) -> &BTreeMap<String, u64> {
        &self.not_documents
    }

    pub(super) fn symlinks(&self) -> u64 {
        self.symlinks
    }

    fn add_root(&mut self, root: &Path, found: FoundFiles) {
        let is_folder = root.is_dir();
        let folder = if is_folder { root } else { parent(root) };
        let name = folder_name(folder);
        if let Some(name) = name.clone().filter(|_| is_folder) {
            let is_unlisted =
                |problem: &FileProblem| matches!(problem.reason, FileProblemReason::Unreadable(_));
            self.folders.push(SourceFolder {
                name,
                is_listed: !found.problems.iter().any(is_unlisted),
                has_documents: !found.files.is_empty(),
            });
        }
        for file in found.files {
            self.add_file(name.as_deref(), file);
        }
        self.problems.extend(found.problems);
        self.symlinks += found.symlinks;
        for (extension, count) in found.not_documents {
            *self.not_documents.entry(extension).or_default() += count;
        }
    }

    fn add_file(&mut self, folder: Option<&str>, file: SourceFile) {
        let key = folder.map_or(file.key.clone(), |folder| format!("{folder}/{}", file.key));
        if key.chars().count() > MAX_KEY_CHARS {
            let reason = FileProblemReason::KeyTooLong;
            return self.problems.push(FileProblem { path: file.path, reason });
        }
        self.documents.push(SourceDocument {
            key,
            title: None,
            format: file.format,
            source_url: file.source_url,
            modified: file.modified,
            content: SourceContent::File(file.path),
        });
    }

    /// Of two documents with one key, of two folders of one name, the first that was given is ingested. The documents
    /// are sorted, stably.
    fn report_same_keys(&mut self) {
        let problems = &mut self.problems;
        self.documents.dedup_by(|later, first| {
            let is_same = later.key == first.key;
            if let (true, SourceContent::File(path), SourceContent::File(other)) =
                (is_same, &later.content, &first.content)
            {
                let reason = FileProblemReason::SameKey { key: first.key.clone(), other: other.clone() };
                problems.push(FileProblem { path: path.clone(), reason });
            }
            is_same
        });
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
    given.or_else(|| std::fs::canonicalize(folder).ok().and_then(named))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text").unwrap();
        }
        folder
    }

    fn keys(source: &Source) -> Vec<&str> {
        source.documents().iter().map(|document| document.key.as_str()).collect()
    }

    #[test]
    fn keys_begin_with_the_folders_name() {
        let tree = tree(&["handbook/README.md", "handbook/a/b.md", "manual/README.md", "single/note.txt"]);
        let roots = ["manual/", "handbook", "single/note.txt"].map(|root| tree.path().join(root));
        let source = Source::find(&roots, None).unwrap();
        assert_eq!(
            keys(&source),
            ["handbook/README.md", "handbook/a/b.md", "manual/README.md", "single/note.txt"]
        );
        let folders: Vec<_> = source.folders().iter().map(|folder| folder.name.as_str()).collect();
        assert_eq!(folders, ["manual", "handbook"], "a file that was named is no folder to prune");
    }

    #[test]
    fn dots_have_a_name() {
        let tree = tree(&["handbook/sub/a.md"]);
        for root in ["handbook/sub/..", "handbook/."] {
            let source = Source::find(&[tree.path().join(root)], None).unwrap();
            assert_eq!(keys(&source), ["handbook/sub/a.md"], "{root}");
        }
        assert_eq!(folder_name(Path::new("/")), None);
    }

    #[test]
    fn folders_of_one_name_collide_and_say_so() {
        let tree = tree(&["one/docs/a.md", "two/docs/a.md", "two/docs/b.md"]);
        let roots = ["one/docs", "two/docs", "two/docs"].map(|root| tree.path().join(root));
        let source = Source::find(&roots, None).unwrap();
        assert_eq!(keys(&source), ["docs/a.md", "docs/b.md"]);
        assert_eq!(source.documents()[0].name(), tree.path().join("one/docs/a.md").to_string_lossy());
        let [problem] = source.problems() else { panic!("{:?}", source.problems()) };
        assert_eq!(problem.path, tree.path().join("two/docs/a.md"));
        assert!(matches!(&problem.reason, FileProblemReason::SameKey { key, .. } if key == "docs/a.md"));
    }
}
