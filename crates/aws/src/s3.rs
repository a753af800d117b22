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

/// How often an object is asked for whose bytes do not all come.
const MAX_TRIES: u32 = 3;

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
    /// This object is not given, or not whole. The bucket's policy, or the policy of the key that it is encrypted with, has
    /// an exception for it, or the permission lacks for all; S3 cannot give it in answer to a plain request, as where the
    /// reader must send the key (SSE-C); or its bytes did not all come, however often it was asked for.
    #[error("{}", why_denied(.0))]
    Unreadable(#[source] AwsError),
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
            // Without it the list would seem to end here, and with the same again it would never end.
            Some(true) => match page.next_continuation_token {
                None => return Err(AwsError::incomplete("NextContinuationToken")),
                Some(next) if Some(next.as_str()) == continuation => {
                    return Err(AwsError::incomplete("new NextContinuationToken"));
                }
                next => next,
            },
            Some(false) => None,
            // Whoever prunes deletes what was not listed.
            None => return Err(AwsError::incomplete("IsTruncated")),
        };
        Ok(S3Page { objects: objects.collect::<Result<_, _>>()?, continuation })
    }

    /// The bytes of the object as it was listed, `limit` at most.
    ///
    /// # Errors
    /// [`S3ReadError`].
    pub async fn read(&self, object: &S3Object, limit: u64) -> Result<Vec<u8>, S3ReadError> {
        let mut tries = 1;
        loop {
            match self.try_read(object, limit).await? {
                Ok(bytes) => return Ok(bytes),
                Err(_) if tries < MAX_TRIES => tries += 1,
                Err(cause) => return Err(S3ReadError::Unreadable(AwsError::Unavailable(cause))),
            }
        }
    }

    /// The bytes, or why not all of them came: the SDK tries requests again, and no bodies.
    async fn try_read(
        &self,
        object: &S3Object,
        limit: u64,
    ) -> Result<Result<Vec<u8>, Box<dyn Error + Send + Sync>>, S3ReadError> {
        let request =
            self.client.get_object().bucket(&self.name).key(&object.key).if_match(object.etag.as_str());
        let found = Box::pin(request.send()).await.map_err(S3ReadError::of)?;
        // Not every store that speaks S3 heeds If-Match.
        if found.e_tag.as_ref().is_some_and(|etag| *etag != object.etag) {
            return Err(S3ReadError::Changed);
        }
        let too_large = || S3ReadError::TooLarge { limit };
        // An answer in pieces has no length; one with the listed ETag has the listed one.
        let length = found.content_length.and_then(|length| u64::try_from(length).ok());
        if length.is_some_and(|length| length > limit) {
            return Err(too_large());
        }
        let mut body = found.body;
        let mut bytes = Vec::with_capacity(usize::try_from(object.size.min(limit)).unwrap_or(0));
        while let Some(part) = body.next().await {
            let part = match part {
                Ok(part) => part,
                Err(error) => return Ok(Err(error.into())),
            };
            bytes.extend_from_slice(&part);
            if bytes.len() as u64 > limit {
                return Err(too_large());
            }
        }
        let (found, expected) = (bytes.len() as u64, length.unwrap_or(object.size));
        Ok(if found == expected { Ok(bytes) } else { Err(OtherLength { found, expected }.into()) })
    }
}

/// What a store gave is not what it said it would.
#[derive(Debug, thiserror::Error)]
#[error("{found} bytes came instead of {expected}")]
struct OtherLength {
    found: u64,
    expected: u64,
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
            (_, Some("AccessDenied")) | (Some(403), None) => Self::Unreadable(AwsError::of(error)),
            // A key of KMS that is disabled, or pending deletion.
            (_, Some(code)) if code.starts_with("KMS.") => Self::Unreadable(AwsError::of(error)),
            (Some(400..=499), code) if !code.is_some_and(is_of_all_objects) => match AwsError::of(error) {
                error @ (AwsError::Rejected { .. } | AwsError::Unsupported(_)) => Self::Unreadable(error),
                error => Self::Failed(error),
            },
            _ => Self::Failed(AwsError::of(error)),
        }
    }
}

/// Whether the error is about the bucket, the region, the account or the clock, beyond those that [`AwsError`] knows:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
fn is_of_all_objects(code: &str) -> bool {
    matches!(
        code,
        "AuthorizationHeaderMalformed"
            | "CredentialsNotSupported"
            | "IllegalLocationConstraintException"
            | "InvalidAccessPoint"
            | "InvalidAccessPointAliasError"
            | "InvalidBucketName"
            | "InvalidBucketState"
            | "InvalidPayer"
            | "InvalidRegion"
            | "InvalidSecurity"
            | "NoSuchAccessPoint"
            | "NotImplemented"
            | "NotSignedUp"
            | "RequestExpired"
            | "RequestTimeTooSkewed"
            | "TokenRefreshRequired"
            | "UnauthorizedAccess"
            | "UnauthorizedAccessError"
            | "UnknownOperation"
    )
}

fn why_denied(error: &AwsError) -> String {
    match error {
        AwsError::Unavailable(_) => format!("its bytes did not all come in {MAX_TRIES} tries; run it again"),
        AwsError::Rejected { code, .. } if !code.starts_with("KMS.") && code != "HTTP 403" => {
            format!("S3 does not give it to a plain request ({code}), as where a key must be sent (SSE-C)")
        }
        AwsError::Unsupported(_) => {
            "it is not there for a plain request; look at it with `aws s3api head-object`".to_owned()
        }
        _ => {
            "reading it is not permitted: it takes s3:GetObject, and kms:Decrypt where a KMS key encrypts it"
                .to_owned()
        }
    }
}

fn status<E: Error>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
    use aws_smithy_runtime_api::client::http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    };
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
    use aws_smithy_runtime_api::http::StatusCode;

    use super::*;

    /// Answers all with a header and three bytes.
    #[derive(Debug, Clone)]
    struct Answer(&'static str, &'static str);

    impl HttpConnector for Answer {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            let mut response = HttpResponse::new(StatusCode::try_from(200).unwrap(), "abc".into());
            response.headers_mut().insert(self.0, self.1);
            HttpConnectorFuture::ready(Ok(response))
        }
    }

    impl HttpClient for Answer {
        fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
            SharedHttpConnector::new(self.clone())
        }
    }

    async fn read(header: &'static str, value: &'static str) -> Result<Vec<u8>, S3ReadError> {
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .http_client(Answer(header, value))
            .build();
        let bucket = S3Bucket { client: Client::from_conf(config), name: "team-docs".to_owned() };
        let object = S3Object { key: "a.md".to_owned(), etag: "\"1\"".to_owned(), size: 3, modified: None };
        bucket.read(&object, 10).await
    }

    #[tokio::test]
    async fn bytes_under_another_etag_are_not_taken() {
        assert_eq!(read("etag", "\"1\"").await.unwrap(), b"abc");
        let error = read("etag", "\"2\"").await.unwrap_err();
        assert!(matches!(error, S3ReadError::Changed), "{error:?}");
    }

    #[tokio::test]
    async fn bytes_of_another_length_than_the_answers_are_not_taken() {
        assert_eq!(read("content-length", "3").await.unwrap(), b"abc");
        let error = read("content-length", "4").await.unwrap_err();
        assert!(matches!(error, S3ReadError::Unreadable(AwsError::Unavailable(_))), "{error:?}");
    }
}
