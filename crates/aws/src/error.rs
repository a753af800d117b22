//! What can go wrong, by what the caller does next.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

type Source = Box<dyn Error + Send + Sync>;

/// Why a call to AWS failed.
///
/// The text is safe for a log. The message of [`AwsError::Rejected`] and the sources are AWS's own words, which may repeat
/// what was sent, such as an e-mail address: for an operator's terminal alone.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// What was named does not exist: look at the name, the region and the account, or count it as gone.
    #[error("there is no such thing at AWS")]
    NotFound(#[source] Source),
    /// The credentials are known, and may not do this: give their role the permission.
    #[error("AWS does not permit it with these credentials")]
    Denied(#[source] Source),
    /// Too many calls: try again in a moment.
    #[error("AWS takes no more calls at the moment")]
    Busy(#[source] Source),
    /// No connection, no answer in time, or AWS's own failure: try again. It may have been done all the same.
    #[error("AWS could not be reached or did not answer in time")]
    Unavailable(#[source] Source),
    /// The endpoint does not know the operation: an emulator, or a partition that lags behind. Do it in another way.
    #[error("this endpoint does not know the operation")]
    Unsupported(#[source] Source),
    /// No usable credentials are to be found: sign in, or name a profile.
    #[error("there are no usable AWS credentials")]
    NoCredentials(#[source] Source),
    /// Anything else: show `code` and `message` to whoever asked for it.
    #[error("AWS rejected the request: {code}")]
    Rejected {
        /// AWS's name of the error, such as `InvalidParameterException`.
        code: String,
        /// AWS's explanation, or none.
        message: String,
        /// The SDK's error.
        #[source]
        source: Source,
    },
}

/// An answer that lacks what it must have.
#[cfg(any(feature = "bedrock", feature = "parameters", feature = "s3", feature = "user-pool"))]
#[derive(Debug, thiserror::Error)]
#[error("the answer has no {0}")]
struct Incomplete(&'static str);

impl AwsError {
    pub(crate) fn of<E>(error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let was_sent = !matches!(error, SdkError::ConstructionFailure(_));
        let code = error.code().map(str::to_owned);
        let message = error.message().unwrap_or_default().to_owned();
        // Without the raw answer, which may hold anything.
        let source = error.into_source().unwrap_or_else(|error| error.to_string().into());
        if is_about_credentials(source.as_ref()) {
            return Self::NoCredentials(source);
        }
        match (status, code) {
            (Some(status), Some(code)) => Self::of_code(status, code, message, source),
            (Some(status), None) => Self::of_status(status, format!("HTTP {status}"), message, source),
            (None, _) if was_sent => Self::Unavailable(source),
            (None, _) => {
                Self::Rejected { code: "not sent".to_owned(), message: innermost(source.as_ref()), source }
            }
        }
    }

    /// By the names that AWS gives to errors:
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/CommonErrors.html> and the pages of the
    /// operations, such as <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>
    /// and <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
    fn of_code(status: u16, code: String, message: String, source: Source) -> Self {
        match code.as_str() {
            "NoSuchBucket"
            | "ParameterNotFound"
            | "ParameterVersionNotFound"
            | "ResourceNotFoundException"
            | "UserNotFoundException" => Self::NotFound(source),
            "AccessDenied"
            | "AccessDeniedException"
            | "AccountProblem"
            | "AllAccessDisabled"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "InvalidToken"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "NotAuthorized"
            | "NotAuthorizedException"
            | "OptInRequired"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => Self::Denied(source),
            "ModelNotReadyException"
            | "RequestLimitExceeded"
            | "ServiceQuotaExceededException"
            | "SlowDown"
            | "Throttling"
            | "ThrottledException"
            | "ThrottlingException"
            | "TooManyRequestsException"
            | "TooManyUpdates" => Self::Busy(source),
            "InternalFailure"
            | "ModelErrorException"
            | "ModelTimeoutException"
            | "RequestTimeout"
            | "RequestTimeoutException"
            | "ServiceUnavailable" => Self::Unavailable(source),
            "InvalidAction" | "NotImplemented" | "UnknownOperation" | "UnknownOperationException" => {
                Self::Unsupported(source)
            }
            _ => Self::of_status(status, code, message, source),
        }
    }

    /// By the HTTP status, where the name says nothing.
    fn of_status(status: u16, code: String, message: String, source: Source) -> Self {
        match status {
            // An operation's own errors are 400: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>.
            404 | 501 => Self::Unsupported(source),
            429 => Self::Busy(source),
            500.. => Self::Unavailable(source),
            _ => Self::Rejected { code, message, source },
        }
    }

    /// An answer without something that the service's documentation promises.
    #[cfg(any(feature = "bedrock", feature = "parameters", feature = "s3", feature = "user-pool"))]
    pub(crate) fn incomplete(member: &'static str) -> Self {
        let source = Incomplete(member);
        Self::Rejected {
            code: "incomplete answer".to_owned(),
            message: source.to_string(),
            source: source.into(),
        }
    }
}

fn is_about_credentials(error: &(dyn Error + 'static)) -> bool {
    chain(error).any(<dyn Error>::is::<CredentialsError>)
}

/// The SDK's outer errors say no more than that the request was not made.
fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

#[cfg(test)]
mod tests {
    use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

    use super::*;

    #[test]
    fn a_request_that_cannot_be_made_is_rejected_with_its_reason() {
        let error = AwsError::of(SdkError::<GetSecretValueError, _>::construction_failure("no name"));
        let AwsError::Rejected { code, message, .. } = error else { panic!("{error:?}") };
        assert_eq!((code.as_str(), message.as_str()), ("not sent", "no name"));
    }

    #[test]
    fn a_request_that_took_too_long_may_have_been_done() {
        let error = AwsError::of(SdkError::<GetSecretValueError, _>::timeout_error("too long"));
        assert!(matches!(error, AwsError::Unavailable(_)), "{error:?}");
    }
}
