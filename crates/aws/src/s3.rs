//! The objects of an S3 bucket: listed page by page, and read as they were listed.

use std::error::Error;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::types::{EncodingType, Object};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::service_config::ServiceConfigKey;
use percent_encoding::percent_decode_str;

use crate::{AwsConfig, AwsError};

/// One bucket.
#[derive(Debug, Clone)]
pub struct S3Bucket {
    client: Client,
    name: String,
}

/// Some of a bucket's objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Page {
    /// In the order of the bucket's listing.
    pub objects: Vec<S3Object>,
    /// Asks for the page after this one; none after the last.
    pub continuation: Option<String>,
}

/// An object as the listing has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Object {
    /// Its whole key: 1 to 1,024 bytes, of any characters.
    pub key: String,
    /// Another one whenever the content is, and not more than that: with multipart uploads or KMS it is no digest.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>
    pub etag: String,
    /// In bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Option<SystemTime>,
}

/// Why an object was not read.
#[derive(Debug, thiserror::Error)]
pub enum S3ReadError {
    /// It was written again after it was listed: list it again.
    #[error("it was changed while it was to be read; run it again")]
    Changed,
    /// It was deleted after it was listed.
    #[error("it was deleted before it could be read")]
    Gone,
    /// Restore it first.
    #[error("it is archived; restore it first (`aws s3api restore-object`)")]
    Archived,
    /// More bytes came than it had when it was listed, or than were asked for.
    #[error("it is larger than {limit} bytes")]
    TooLarge {
        /// The most that was asked for.
        limit: u64,
    },
    /// The bucket's policy, or the policy of the key that it is encrypted with, has an exception for this object; or the
    /// permission lacks for all.
    #[error(
        "reading it is not permitted: it takes s3:GetObject, and kms:Decrypt where a KMS key encrypts it"
    )]
    Denied(#[source] AwsError),
    /// No object would fare better.
    #[error(transparent)]
    Failed(AwsError),
}

impl S3Bucket {
    /// Makes the client, which connects at its first call.
    #[must_use]
    pub fn new(config: &AwsConfig, name: impl Into<String>) -> Self {
        // Whoever names an endpoint may have it under one name alone (an emulator, MinIO); AWS's own have one a bucket.
        let builder = Builder::from(config.sdk()).force_path_style(has_endpoint(config));
        Self { client: Client::from_conf(builder.build()), name: name.into() }
    }

    /// A page of the objects whose keys begin with `prefix`, at most a thousand. `continuation` is that of the page before.
    ///
    /// # Errors
    /// [`AwsError::NotFound`] when there is no such bucket, and as any call.
    pub async fn list(&self, prefix: &str, continuation: Option<&str>) -> Result<S3Page, AwsError> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            // XML 1.0 cannot hold every character that a key can:
            // <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>.
            .encoding_type(EncodingType::Url)
            .set_continuation_token(continuation.map(str::to_owned));
        let page = Box::pin(request.send()).await.map_err(AwsError::of)?;
        let is_encoded = page.encoding_type() == Some(&EncodingType::Url);
        let objects = page.contents.unwrap_or_default();
        let objects = objects.into_iter().map(|object| S3Object::read(object, is_encoded));
        let continuation = match page.is_truncated {
            // Without it the list would seem to end here.
            Some(true) => Some(
                page.next_continuation_token.ok_or_else(|| AwsError::incomplete("NextContinuationToken"))?,
            ),
            Some(false) | None => None,
        };
        Ok(S3Page { objects: objects.collect::<Result<_, _>>()?, continuation })
    }

    /// The bytes of the object as it was listed, `limit` at most.
    ///
    /// # Errors
    /// [`S3ReadError`].
    pub async fn read(&self, object: &S3Object, limit: u64) -> Result<Vec<u8>, S3ReadError> {
        let request =
            self.client.get_object().bucket(&self.name).key(&object.key).if_match(object.etag.as_str());
        let found = Box::pin(request.send()).await.map_err(S3ReadError::of)?;
        let too_large = || S3ReadError::TooLarge { limit };
        if found.content_length.is_some_and(|length| u64::try_from(length).is_ok_and(|length| length > limit))
        {
            return Err(too_large());
        }
        let mut body = found.body;
        let mut bytes = Vec::with_capacity(usize::try_from(object.size.min(limit)).unwrap_or(0));
        while let Some(part) = body.next().await {
            let part = part.map_err(|error| S3ReadError::Failed(AwsError::Unavailable(Box::new(error))))?;
            bytes.extend_from_slice(&part);
            if bytes.len() as u64 > limit {
                return Err(too_large());
            }
        }
        Ok(bytes)
    }
}

/// Whether the environment or the profile names an endpoint, for all services or for this one.
fn has_endpoint(config: &AwsConfig) -> bool {
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url");
    let of_service = || {
        let key = key.build().ok()?;
        config.sdk().service_config()?.load_config(key)
    };
    config.sdk().endpoint_url().is_some() || of_service().is_some()
}

impl S3Object {
    fn read(object: Object, is_encoded: bool) -> Result<Self, AwsError> {
        let key = object.key.ok_or_else(|| AwsError::incomplete("Key"))?;
        Ok(Self {
            key: if is_encoded { decode(&key)? } else { key },
            etag: object.e_tag.ok_or_else(|| AwsError::incomplete("ETag"))?,
            size: object
                .size
                .and_then(|size| size.try_into().ok())
                .ok_or_else(|| AwsError::incomplete("Size"))?,
            modified: object.last_modified.as_ref().and_then(system_time),
        })
    }
}

/// S3's encoding is that of forms: a space is a plus sign.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html#AmazonS3-ListObjectsV2-response-EncodingType>
fn decode(encoded: &str) -> Result<String, AwsError> {
    let spaced = encoded.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(String::from).map_err(|_| AwsError::incomplete("Key in UTF-8"))
}

fn system_time(time: &aws_sdk_s3::primitives::DateTime) -> Option<SystemTime> {
    let since_epoch = Duration::new(time.secs().try_into().ok()?, time.subsec_nanos());
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}

impl S3ReadError {
    /// By the names that S3 gives to errors: <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
    fn of(error: SdkError<GetObjectError, HttpResponse>) -> Self {
        match (status(&error), error.code()) {
            // The listing's storage class does not tell: one that was restored keeps it, and Intelligent-Tiering's archive
            // tiers are not in it.
            (_, Some("InvalidObjectState")) => Self::Archived,
            // A bucket that went away is all objects' end, and AwsError's affair.
            (_, Some("NoSuchKey")) => Self::Gone,
            (_, Some("PreconditionFailed")) | (Some(412), None) => Self::Changed,
            (_, Some("AccessDenied")) | (Some(403), None) => Self::Denied(AwsError::of(error)),
            // A key of KMS that is disabled, or pending deletion.
            (_, Some(code)) if code.starts_with("KMS.") => Self::Denied(AwsError::of(error)),
            _ => Self::Failed(AwsError::of(error)),
        }
    }
}

fn status<E: Error>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}
