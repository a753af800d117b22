//! S3 as an object store of the ingest.

use std::sync::Arc;

use async_trait::async_trait;
use autri_aws::{AwsConfig, AwsError, S3Bucket, S3Object, S3ReadError};
use autri_retrieval::ingest::{
    IngestError, ListedObject, ObjectError, ObjectPage, ObjectStore, ObjectStoreError, SourceError,
};

use crate::aws_step::AwsStep;

/// What a run needs at each bucket.
const PERMISSIONS: &str = "s3:ListBucket on the bucket, or s3:GetObject on its objects";

/// What S3 says to whoever asks in another region than the bucket's:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
const OTHER_REGION: [&str; 3] =
    ["AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "PermanentRedirect"];

#[derive(Debug)]
struct Bucket(S3Bucket);

/// The bucket. Connects at its first use.
pub(super) fn open(config: &AwsConfig, name: &str) -> Arc<dyn ObjectStore> {
    Arc::new(Bucket(S3Bucket::new(config, name)))
}

#[async_trait]
impl ObjectStore for Bucket {
    async fn list(&self, prefix: &str, continuation: Option<&str>) -> Result<ObjectPage, ObjectStoreError> {
        let page = self.0.list(prefix, continuation).await.map_err(explained)?;
        let objects = page.objects.into_iter().map(|object| ListedObject {
            key: object.key,
            etag: object.etag,
            size: object.size,
            modified: object.modified,
        });
        Ok(ObjectPage { objects: objects.collect(), continuation: page.continuation })
    }

    async fn read(&self, object: &ListedObject, limit: u64) -> Result<Vec<u8>, ObjectError> {
        let object = S3Object {
            key: object.key.clone(),
            etag: object.etag.clone(),
            size: object.size,
            modified: object.modified,
        };
        self.0.read(&object, limit).await.map_err(|error| match error {
            S3ReadError::Failed(error) => ObjectError::Store(explained(error)),
            S3ReadError::Gone => ObjectError::Gone,
            S3ReadError::Changed
            | S3ReadError::Archived
            | S3ReadError::TooLarge { .. }
            | S3ReadError::Unreadable(_) => ObjectError::Object(error.into()),
        })
    }
}

/// With what the service says, where it says more than the error's kind.
fn explained(error: AwsError) -> ObjectStoreError {
    let explanation = match &error {
        AwsError::Rejected { code, .. } if OTHER_REGION.contains(&code.as_str()) => {
            "the bucket is in another region: set AWS_REGION to it".to_owned()
        }
        AwsError::Rejected { message, .. } if !message.is_empty() => message.escape_debug().to_string(),
        _ => return error.into(),
    };
    anyhow::Error::new(error).context(explanation).into()
}

/// Names the permissions where a store ended the run.
pub(super) fn with_permission(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref() {
        Some(IngestError::Source {
            source: SourceError::Objects { .. } | SourceError::Object { .. },
            ..
        }) => error.context(AwsStep::new("ingest all documents", PERMISSIONS)),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(code: &str, message: &str) -> String {
        let source = "refused".into();
        let error = AwsError::Rejected { code: code.to_owned(), message: message.to_owned(), source };
        explained(error).to_string()
    }

    #[test]
    fn another_region_is_named_as_such() {
        assert!(rejected("PermanentRedirect", "use the endpoint").contains("AWS_REGION"));
    }

    #[test]
    fn what_the_service_says_cannot_steer_the_terminal() {
        assert_eq!(rejected("InvalidRequest", "\u{1b}[2Jno"), "\\u{1b}[2Jno");
        assert_eq!(rejected("InvalidRequest", ""), "AWS rejected the request: InvalidRequest");
    }
}
