//! A document's bytes, from where they are.

use std::error::Error;
use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::error::SourceError;
use super::objects::ObjectError;
use super::source::{SourceContent, SourceDocument};
use crate::limits::Limits;
use crate::parse::ParseError;
use crate::walk::read_file;

/// The longest to wait for a file: a drive that is away may never answer.
const MAX_READ_TIME: Duration = Duration::from_mins(1);

/// Why there are no bytes.
#[derive(Debug)]
pub(super) enum FetchError {
    /// It was found, and is there no more.
    Gone,
    /// Of this document; others may have some.
    Document(Box<dyn Error + Send + Sync>),
    /// Of no other either.
    Run(SourceError),
}

/// The file could not be read.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("not read within {} seconds", MAX_READ_TIME.as_secs())]
    TookTooLong,
}

/// Its store answers, and never ends.
#[derive(Debug, thiserror::Error)]
#[error("not read within {} seconds; run it again", .0.as_secs())]
struct ObjectTookTooLong(Duration);

/// The longest to wait for an object of this size: a store may give it byte by byte.
fn object_read_time(bytes: u64) -> Duration {
    MAX_READ_TIME + Duration::from_secs(bytes.div_ceil(1024 * 1024))
}

impl FetchError {
    fn document(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Document(Box::new(error))
    }
}

/// The document's bytes. One that is larger than the limits allow is not read to its end.
pub(super) async fn fetch(document: &SourceDocument, limits: Limits) -> Result<Vec<u8>, FetchError> {
    let limit = limits.file_bytes(document.format);
    match &document.content {
        SourceContent::Bytes(bytes) => Ok(bytes.to_vec()),
        SourceContent::File { path, found_in, size } => {
            let (path, found_in) = (path.clone(), found_in.clone());
            let reading = tokio::task::spawn_blocking(move || read_file(&path, found_in.as_deref(), limit));
            let read = timeout(MAX_READ_TIME, reading).await;
            let read = read.map_err(|_| FetchError::document(FileError::TookTooLong))?;
            let read = read.map_err(|ended| FetchError::Run(SourceError::Ended(ended)))?;
            let bytes = read.map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => FetchError::Gone,
                _ => FetchError::document(FileError::Unreadable(error)),
            })?;
            let read = bytes.len() as u64;
            if read > limit {
                // It was read to one byte beyond, which says little of how large it is.
                return Err(FetchError::document(ParseError::TooLarge { bytes: read.max(*size), limit }));
            }
            Ok(bytes)
        }
        SourceContent::Object { store, object } => {
            if object.size > limit {
                return Err(FetchError::document(ParseError::TooLarge { bytes: object.size, limit }));
            }
            let time = object_read_time(object.size);
            let read = timeout(time, store.read(object, limit)).await;
            let read = read.map_err(|_| FetchError::document(ObjectTookTooLong(time)))?;
            read.map_err(|error| match error {
                ObjectError::Gone => FetchError::Gone,
                ObjectError::Object(error) => FetchError::Document(error),
                ObjectError::Store(source) => {
                    FetchError::Run(SourceError::Object { name: document.key.clone(), source })
                }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::*;
    use crate::format::DocumentFormat;
    use crate::ingest::objects::{ListedObject, ObjectPage, ObjectStore, ObjectStoreError};

    /// Never comes to an object's end.
    #[derive(Debug)]
    struct Endless;

    #[async_trait]
    impl ObjectStore for Endless {
        async fn list(&self, _: &str, _: Option<&str>) -> Result<ObjectPage, ObjectStoreError> {
            Ok(ObjectPage::default())
        }

        async fn read(&self, _: &ListedObject, _: u64) -> Result<Vec<u8>, ObjectError> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_object_that_never_ends_is_its_own_failure() {
        let size = 1024 * 1024 + 1;
        let object = ListedObject { key: "a.md".to_owned(), etag: "\"1\"".to_owned(), size, modified: None };
        let document = SourceDocument {
            key: "s3://abc/a.md".to_owned(),
            title: None,
            format: DocumentFormat::Markdown,
            source_url: None,
            modified: None,
            content: SourceContent::Object { store: Arc::new(Endless), object },
        };
        let error = fetch(&document, Limits::default()).await.unwrap_err();
        let FetchError::Document(error) = error else { panic!("{error:?}") };
        assert_eq!(error.to_string(), "not read within 62 seconds; run it again");
    }
}
