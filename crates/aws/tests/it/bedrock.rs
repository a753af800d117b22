//! Bedrock's embeddings.

use autri_aws::test_support::Reply;
use autri_aws::{AwsConfig, AwsError, TitanEmbeddings};
use serde_json::{Value, json};

use crate::errors::kind;

fn answering(reply: Reply) -> (TitanEmbeddings, AwsConfig) {
    let config = AwsConfig::answered_by(move |_: &str, _: &Value| reply.clone());
    (TitanEmbeddings::new(&config), config)
}

#[tokio::test]
async fn a_text_has_a_vector() {
    let answer = json!({ "embedding": [0.6, 0.8], "inputTextTokenCount": 2, "embeddingsByType": {} });
    let (titan, config) = answering(Reply::Json(answer));
    assert_eq!(titan.embed("why", 512).await.unwrap(), [0.6, 0.8]);
    let [request] = &config.requests()[..] else { panic!("{:?}", config.requests()) };
    assert_eq!(request.operation, "POST /model/amazon.titan-embed-text-v2%3A0/invoke");
    assert_eq!(request.body, json!({ "inputText": "why", "dimensions": 512, "normalize": true }));
}

#[tokio::test]
async fn an_answer_without_a_vector_is_rejected() {
    let (titan, _) = answering(Reply::Json(json!({ "inputTextTokenCount": 2 })));
    let error = titan.embed("why", 512).await.unwrap_err();
    assert!(matches!(error, AwsError::Rejected { code, .. } if code == "incomplete answer"));
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>
#[tokio::test]
async fn each_of_its_errors_has_a_next_step() {
    let cases = [
        (403, "AccessDeniedException", "denied"),
        (429, "ThrottlingException", "busy"),
        (400, "ServiceQuotaExceededException", "busy"),
        (429, "ModelNotReadyException", "busy"),
        (408, "ModelTimeoutException", "unavailable"),
        (424, "ModelErrorException", "unavailable"),
        (500, "InternalServerException", "unavailable"),
        (503, "ServiceUnavailableException", "unavailable"),
        (404, "ResourceNotFoundException", "not found"),
        (400, "ValidationException", "rejected"),
    ];
    for (status, code, expected) in cases {
        let (titan, config) = answering(Reply::Error { status, code, message: "why" });
        let error = titan.embed("why", 1_024).await.unwrap_err();
        assert_eq!(kind(&error), expected, "{status} {code}: {error:?}");
        assert_eq!(config.requests().len(), 1, "{code} is tried once: whoever embeds has a budget");
    }
}
