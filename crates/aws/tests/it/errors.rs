//! What AWS says, and what the caller is told to do.

use std::error::Error;

use autri_aws::test_support::Reply;
use autri_aws::{AwsConfig, AwsError, ParameterStore};

pub(crate) fn kind(error: &AwsError) -> &'static str {
    match error {
        AwsError::NotFound(_) => "not found",
        AwsError::Denied(_) => "denied",
        AwsError::Busy(_) => "busy",
        AwsError::Unavailable(_) => "unavailable",
        AwsError::Unsupported(_) => "unsupported",
        AwsError::NoCredentials(_) => "no credentials",
        AwsError::Rejected { .. } => "rejected",
    }
}

async fn get(reply: Reply) -> AwsError {
    let store = ParameterStore::new(&AwsConfig::answered_by(move |_, _| reply.clone()));
    store.get("/autri/beta/ALLOWED_EMAILS").await.unwrap_err()
}

#[tokio::test]
async fn each_error_has_a_next_step() {
    let cases = [
        (400, "ParameterNotFound", "not found"),
        (400, "ParameterVersionNotFound", "not found"),
        (400, "ResourceNotFoundException", "not found"),
        (400, "UserNotFoundException", "not found"),
        (400, "AccessDeniedException", "denied"),
        (400, "com.amazon.coral.service#AccessDeniedException", "denied"),
        (400, "NotAuthorizedException", "denied"),
        (400, "UnrecognizedClientException", "denied"),
        (400, "ExpiredTokenException", "denied"),
        (403, "InvalidSignatureException", "denied"),
        (400, "ThrottlingException", "busy"),
        (400, "TooManyRequestsException", "busy"),
        (400, "TooManyUpdates", "busy"),
        (429, "SomethingElse", "busy"),
        (500, "InternalErrorException", "unavailable"),
        (500, "InternalServerError", "unavailable"),
        (503, "ServiceUnavailable", "unavailable"),
        (400, "RequestTimeoutException", "unavailable"),
        (400, "UnknownOperationException", "unsupported"),
        (400, "InvalidAction", "unsupported"),
        (404, "UnknownOperationException", "unsupported"),
        (400, "InvalidParameterException", "rejected"),
        (400, "LimitExceededException", "rejected"),
        (400, "ParameterMaxVersionLimitExceeded", "rejected"),
    ];
    for (status, code, expected) in cases {
        let error = get(Reply::Error { status, code, message: "why" }).await;
        assert_eq!(kind(&error), expected, "{status} {code}: {error:?}");
        assert!(error.source().is_some(), "{status} {code}");
    }
}

#[tokio::test]
async fn an_answer_without_a_body_goes_by_its_status() {
    for (status, expected) in
        [(404, "unsupported"), (501, "unsupported"), (429, "busy"), (502, "unavailable")]
    {
        let error = get(Reply::Empty(status)).await;
        assert_eq!(kind(&error), expected, "{status}: {error:?}");
    }
    assert!(matches!(get(Reply::Empty(400)).await, AwsError::Rejected { code, .. } if code == "HTTP 400"));
}

#[tokio::test]
async fn no_connection_is_unavailable() {
    assert_eq!(kind(&get(Reply::Unreachable).await), "unavailable");
}

#[tokio::test]
async fn a_rejection_has_its_code_and_message() {
    let error =
        get(Reply::Error { status: 400, code: "ValidationException", message: "ada@example.com is none" });
    let error = error.await;
    // The text is safe for a log; what AWS repeats of the request is in the message alone.
    assert_eq!(error.to_string(), "AWS rejected the request: ValidationException");
    let AwsError::Rejected { code, message, .. } = error else { panic!("{error:?}") };
    assert_eq!((code.as_str(), message.as_str()), ("ValidationException", "ada@example.com is none"));
}

#[tokio::test]
async fn an_answer_that_lacks_a_part_is_no_answer() {
    for body in [
        serde_json::json!({}),
        serde_json::json!({ "Parameter": {} }),
        serde_json::json!({ "Parameter": { "Value": "a", "Version": 1 } }),
        serde_json::json!({ "Parameter": { "Value": "a", "Version": 1, "Type": "Novel" } }),
        serde_json::json!({ "Parameter": { "Type": "String", "Version": 1 } }),
    ] {
        let error = get(Reply::Json(body.clone())).await;
        let AwsError::Rejected { code, .. } = &error else { panic!("{body}: {error:?}") };
        assert_eq!(code, "incomplete answer", "{body}");
    }
}

#[tokio::test]
async fn an_unreadable_answer_is_not_repeated() {
    let error = get(Reply::Json("hunter2".into())).await;
    assert_eq!(kind(&error), "rejected");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}
