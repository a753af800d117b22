//! A document's bytes, from where they are.

use std::error::Error;
use std::time::Duration;

use tokio::time::timeout;

use super::error::SourceError;
use super::objects::ObjectError;
use super::source::{SourceContent, SourceDocument};
use crate::limits::Limits;
use crate::parse::ParseError;
use crate::walk::read_file;

/// The longest to wait for a file: a drive that is away, or a pipe in the file's place, may never answer.
const MAX_READ_TIME: Duration = Duration::from_mins(1);

/// Why there are no bytes.
#[derive(Debug)]
pub(super) enum FetchError {
    /// Of this document; others may have some.
    Document(Box<dyn Error + Send + Sync>),
    /// Of no other either.
    Run(SourceError),
}

/// The file could not be read.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot be read")]
    Unreadable(#[source] std::io::Error),
    #[error("not read within {} seconds", MAX_READ_TIME.as_secs())]
    TookTooLong,
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
        SourceContent::File { path, .. } => {
            let path = path.clone();
            let reading = tokio::task::spawn_blocking(move || read_file(&path, limit));
            let read = timeout(MAX_READ_TIME, reading).await;
            let read = read.map_err(|_| FetchError::document(FileError::TookTooLong))?;
            let read = read.map_err(|ended| FetchError::Run(SourceError::Ended(ended)))?;
            read.map_err(|error| FetchError::document(FileError::Unreadable(error)))
        }
        SourceContent::Object { store, object } => {
            if object.size > limit {
                return Err(FetchError::document(ParseError::TooLarge { bytes: object.size, limit }));
            }
            store.read(object, limit).await.map_err(|error| match error {
                ObjectError::Object(error) => FetchError::Document(error),
                ObjectError::Store(source) => {
                    FetchError::Run(SourceError::Object { name: document.key.clone(), source })
                }
            })
        }
    }
}
