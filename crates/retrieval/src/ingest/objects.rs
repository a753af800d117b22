//! Documents that are objects of a store such as S3.

use std::error::Error;
use std::fmt::{self, Debug};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;

use super::error::SourceError;
use super::listing::Found;
use super::source::{SourceContent, SourceDocument};
use crate::format::{DocumentFormat, Recognised};
use crate::walk::{FileProblemReason, SourceBaseUrl, extension, push_visible};

/// What a store answers when it fails.
pub type ObjectStoreError = Box<dyn Error + Send + Sync>;

/// One bucket of a store.
#[async_trait]
pub trait ObjectStore: Debug + Send + Sync {
    /// A page of the objects whose keys begin with `prefix`. `continuation` is that of the page before.
    ///
    /// # Errors
    /// When the page is not to be had: a run ends then, and what was not listed is not taken to be gone.
    async fn list(&self, prefix: &str, continuation: Option<&str>) -> Result<ObjectPage, ObjectStoreError>;

    /// The bytes of the object as it was listed, no more than `limit`.
    ///
    /// # Errors
    /// [`ObjectError`] says whether others may fare better.
    async fn read(&self, object: &ListedObject, limit: u64) -> Result<Vec<u8>, ObjectError>;
}

/// Some of a bucket's objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectPage {
    /// The objects, each on one page alone.
    pub objects: Vec<ListedObject>,
    /// Asks for the next page; none after the last.
    pub continuation: Option<String>,
}

/// An object as the listing has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedObject {
    /// Its whole key.
    pub key: String,
    /// Another one whenever its content is.
    pub etag: String,
    /// In bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Option<SystemTime>,
}

/// Why an object was not read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// It was deleted after it was listed.
    #[error("it was deleted before it could be read")]
    Gone,
    /// This one cannot be read; others may be.
    #[error(transparent)]
    Object(ObjectStoreError),
    /// No other would fare better: the run ends.
    #[error(transparent)]
    Store(ObjectStoreError),
}

/// Where in S3 documents are: `s3://bucket/folder`. All of a bucket is a folder, too, and a single object is taken where there
/// is no folder of the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectLocation {
    bucket: String,
    /// Empty, or with a slash at its end.
    prefix: String,
}

/// A text that is no [`ObjectLocation`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectLocationError {
    /// Write the scheme.
    #[error("it must begin with s3://")]
    Scheme,
    /// Not the name of a bucket: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
    #[error(
        "{0:?} is not a bucket's name: 3 to 63 lower case letters, digits, dots and hyphens (an access point goes by its alias)"
    )]
    Bucket(String),
}

impl ObjectLocation {
    /// The bucket's name.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// Whether all that is in `other` is in here, too.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.bucket == other.bucket && other.prefix.starts_with(&self.prefix)
    }
}

impl FromStr for ObjectLocation {
    type Err = ObjectLocationError;

    /// What stands after the bucket is the key as it is, nothing decoded. It is a folder whether it ends with a slash or
    /// not: `s3://b/docs` is not `s3://b/docs-old`, and pruning it must not be either.
    fn from_str(text: &str) -> Result<Self, ObjectLocationError> {
        let rest = text.strip_prefix("s3://").ok_or(ObjectLocationError::Scheme)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = bucket.as_bytes();
        let is_bucket = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|byte| is_allowed(*byte))
            && is_edge(bytes.first())
            && is_edge(bytes.last());
        if !is_bucket {
            return Err(ObjectLocationError::Bucket(bucket.to_owned()));
        }
        let slash = if prefix.is_empty() || prefix.ends_with('/') { "" } else { "/" };
        Ok(Self { bucket: bucket.to_owned(), prefix: format!("{prefix}{slash}") })
    }
}

impl fmt::Display for ObjectLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// A folder of objects to ingest.
#[derive(Debug, Clone)]
pub struct ObjectFolder {
    /// What has the objects: the location's bucket.
    pub store: Arc<dyn ObjectStore>,
    /// Where they are.
    pub location: ObjectLocation,
    /// Where the folder is published.
    pub base_url: Option<SourceBaseUrl>,
}

impl ObjectFolder {
    /// What its documents' keys begin with.
    pub(super) fn key_prefix(&self) -> String {
        self.document_key(&self.location.prefix)
    }

    /// A page of what is in it, and what asks for the next; the one object, where the location is an object's.
    pub(super) async fn page(
        &self,
        continuation: Option<&str>,
    ) -> Result<(Vec<Found>, Option<String>), SourceError> {
        let page = self.list(&self.location.prefix, continuation).await?;
        let is_nothing = page.objects.is_empty() && page.continuation.is_none() && continuation.is_none();
        if is_nothing && !self.location.prefix.is_empty() {
            return Ok((vec![self.object().await?], None));
        }
        let found = page.objects.into_iter().filter_map(|object| self.found(object));
        Ok((found.collect(), page.continuation))
    }

    async fn list(&self, prefix: &str, continuation: Option<&str>) -> Result<ObjectPage, SourceError> {
        let page = self.store.list(prefix, continuation).await;
        page.map_err(|source| SourceError::Objects { location: self.location.to_string(), source })
    }

    /// The object that the location names. Its key is the first of those that begin with it, in the order of the bytes, which
    /// is that of a listing: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>.
    async fn object(&self) -> Result<Found, SourceError> {
        let prefix = &self.location.prefix;
        let key = prefix.strip_suffix('/').unwrap_or(prefix);
        let listed = self.list(key, None).await?.objects;
        // What ends with a slash marks a folder.
        let named = listed.into_iter().find(|object| object.key == key && !key.ends_with('/'));
        let document_key = self.document_key(key);
        let Some(object) = named else {
            return Err(SourceError::NoObjects { object: document_key, folder: self.key_prefix() });
        };
        Ok(match self.known(object, key.rsplit('/').next().unwrap_or(key)) {
            // It was named itself.
            Found::NotADocument(_) => Found::problem(&document_key, &FileProblemReason::NotADocument),
            found => found,
        })
    }

    /// What the object is to us; nothing if it is hidden, as a file would be, or marks a folder.
    fn found(&self, object: ListedObject) -> Option<Found> {
        // The store decides what it lists; what is taken in is decided here.
        let relative = object.key.strip_prefix(&self.location.prefix)?.to_owned();
        if relative.split('/').any(|segment| segment.starts_with('.')) || object.key.ends_with('/') {
            return None;
        }
        Some(self.known(object, &relative))
    }

    /// What the object is by its name. `relative`: its path below the location, which is published below the base URL.
    fn known(&self, object: ListedObject, relative: &str) -> Found {
        let name = Path::new(relative.rsplit('/').next().unwrap_or(relative));
        let key = self.document_key(&object.key);
        match DocumentFormat::recognise(name) {
            Recognised::Supported(format) => Found::Document(SourceDocument {
                key,
                title: None,
                format,
                source_url: self
                    .base_url
                    .as_ref()
                    .and_then(|base| base.join(relative.split('/').map(str::as_bytes))),
                modified: object.modified,
                content: SourceContent::Object { store: Arc::clone(&self.store), object },
            }),
            Recognised::NotYet(format) => Found::problem(&key, &FileProblemReason::NotSupportedYet(format)),
            Recognised::NotADocument => Found::NotADocument(extension(name)),
        }
    }

    /// The object's URI: two buckets cannot meet in it, and neither can a bucket and a folder.
    fn document_key(&self, object_key: &str) -> String {
        let mut key = format!("s3://{}/", self.location.bucket);
        push_visible(&mut key, object_key);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Nothing;

    #[async_trait]
    impl ObjectStore for Nothing {
        async fn list(&self, _: &str, _: Option<&str>) -> Result<ObjectPage, ObjectStoreError> {
            Ok(ObjectPage::default())
        }

        async fn read(&self, _: &ListedObject, _: u64) -> Result<Vec<u8>, ObjectError> {
            Ok(Vec::new())
        }
    }

    fn folder(location: &str) -> ObjectFolder {
        ObjectFolder {
            store: Arc::new(Nothing),
            location: location.parse().unwrap(),
            base_url: Some("https://example.com/docs".parse().unwrap()),
        }
    }

    /// The document's key and link.
    fn document(location: &str, key: &str) -> Option<(String, Option<String>)> {
        let object = ListedObject { key: key.to_owned(), etag: "\"e\"".to_owned(), size: 1, modified: None };
        match folder(location).found(object)? {
            Found::Document(document) => Some((document.key, document.source_url)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_location_is_a_folder_with_or_without_its_slash() {
        for (text, bucket, prefix) in [
            ("s3://team-docs", "team-docs", ""),
            ("s3://team-docs/", "team-docs", ""),
            ("s3://team-docs/handbook", "team-docs", "handbook/"),
            ("s3://team-docs/handbook/", "team-docs", "handbook/"),
            ("s3://team-docs/a b/%20/ü", "team-docs", "a b/%20/ü/"),
            ("s3://team-docs//x", "team-docs", "/x/"),
        ] {
            let location: ObjectLocation = text.parse().unwrap();
            assert_eq!((location.bucket(), location.prefix.as_str()), (bucket, prefix), "{text}");
        }
        assert_eq!(folder("s3://team-docs/docs").key_prefix(), "s3://team-docs/docs/");
    }

    #[test]
    fn what_is_no_location_is_refused() {
        for text in ["docs", "https://b/c", "S3://bucket", "s3:/bucket"] {
            assert_eq!(text.parse::<ObjectLocation>(), Err(ObjectLocationError::Scheme), "{text}");
        }
        for text in [
            "s3://",
            "s3:///x",
            "s3://ab",
            "s3://Bucket",
            "s3://a_b_c",
            "s3://-abc",
            "s3://abc.",
            "s3://a\nb",
        ] {
            let refused = text.parse::<ObjectLocation>();
            assert!(matches!(refused, Err(ObjectLocationError::Bucket(_))), "{text}: {refused:?}");
        }
    }

    #[test]
    fn locations_within_each_other_are_known() {
        let location = |text: &str| text.parse::<ObjectLocation>().unwrap();
        assert!(location("s3://abc").contains(&location("s3://abc/d")));
        assert!(location("s3://abc/d/").contains(&location("s3://abc/d")));
        for other in ["s3://abc/docs-old", "s3://abc", "s3://abd/docs"] {
            assert!(!location("s3://abc/docs").contains(&location(other)), "{other}");
        }
    }

    #[test]
    fn odd_keys_have_documents_and_links_that_stay_below_the_base() {
        for (key, expected, link) in [
            ("p/a.md", "s3://abc/p/a.md", Some("a.md")),
            ("p//a.md", "s3://abc/p//a.md", Some("/a.md")),
            ("p/a b+c%20?#.md", "s3://abc/p/a b+c%20?#.md", Some("a%20b%2Bc%2520%3F%23.md")),
            ("p/ü/入門.md", "s3://abc/p/ü/入門.md", Some("%C3%BC/%E5%85%A5%E9%96%80.md")),
            ("p/a\u{202e}\n.md", "s3://abc/p/a%E2%80%AE%0A.md", Some("a%E2%80%AE%0A.md")),
        ] {
            let found = document("s3://abc/p", key).unwrap();
            let link = link.map(|link| format!("https://example.com/docs/{link}"));
            assert_eq!(found, (expected.to_owned(), link), "{key:?}");
        }
    }

    #[test]
    fn hidden_objects_and_markers_of_folders_are_passed_over() {
        for key in [
            "p/",
            "p/sub/",
            "p/sub.md/",
            "p/.hidden.md",
            "p/.git/a.md",
            "p/../a.md",
            "p/./a.md",
            "other/a.md",
        ] {
            assert_eq!(document("s3://abc/p", key), None, "{key}");
        }
        let below_hidden = document("s3://abc/.well-known", ".well-known/a.md").unwrap();
        assert_eq!(below_hidden.0, "s3://abc/.well-known/a.md", "what is named itself is taken");
    }
}
