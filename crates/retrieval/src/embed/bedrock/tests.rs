//! The real SDK against an AWS that a closure answers for.

use autri_aws::test_support::Reply;
use autri_domain::ManualClock;
use serde_json::{Value, json};

use super::*;
use crate::embed::Embedder;

const SETTINGS: BedrockSettings =
    BedrockSettings { dimensions: TitanDimensions(256), usd_per_million_tokens: None };

/// A vector that says how long its text is.
fn vector(input: &Value) -> Vec<f32> {
    let length = input["inputText"].as_str().map_or(0, str::len);
    let mut vector = vec![0.0; 256];
    vector[length] = 1.0;
    vector
}

fn answering(
    answer: impl Fn(&str, &Value) -> Reply + Send + Sync + 'static,
) -> (ServiceEmbedder<Titan>, AwsConfig) {
    let config = AwsConfig::answered_by(answer);
    let client = OnceCell::new_with(Some(TitanEmbeddings::new(&config)));
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    (with_client(SETTINGS, client, clock), config)
}

fn failing(status: u16, code: &'static str) -> ServiceEmbedder<Titan> {
    let message = "you sent: why is the sky blue";
    answering(move |_, _| Reply::Error { status, code, message }).0
}

#[tokio::test]
async fn texts_are_embedded_one_a_request_and_in_order() {
    let (embedder, config) =
        answering(|_, input| Reply::Json(json!({ "embedding": vector(input), "inputTextTokenCount": 3 })));
    let texts: Vec<String> = (0..20).map(|length| "x".repeat(length)).collect();
    let vectors = embedder.embed_documents(&texts).await.unwrap();
    assert_eq!(vectors[0], None);
    for (length, found) in vectors.iter().enumerate().skip(1) {
        assert_eq!(found.as_ref().unwrap().get(length), Some(&1.0), "{length}");
    }
    assert_eq!(embedder.embed_query("four").await.unwrap().unwrap().get(4), Some(&1.0));
    let requests = config.requests();
    assert_eq!(requests.len(), 20);
    let last = requests.last().unwrap();
    assert_eq!(last.operation, "POST /model/amazon.titan-embed-text-v2%3A0/invoke");
    assert_eq!(last.body, json!({ "inputText": "four", "dimensions": 256, "normalize": true }));
}

#[test]
fn what_it_is_and_what_it_costs() {
    let (embedder, config) = answering(|_, _| Reply::Unreachable);
    assert_eq!((embedder.model_id(), embedder.dimensions()), ("amazon.titan-embed-text-v2:0/256", 256));
    assert_eq!(embedder.price(), Some(Price { usd_per_million_tokens: Some(0.02) }));
    let other = BedrockSettings { usd_per_million_tokens: Some(0.1), ..SETTINGS };
    let other = with_client(other, OnceCell::new(), Arc::new(ManualClock::at(0)));
    assert_eq!(other.price(), Some(Price { usd_per_million_tokens: Some(0.1) }));
    assert_eq!(config.requests(), []);
}

#[test]
fn dimensions_are_titans() {
    for dimensions in [1_024, 512, 256] {
        let parsed = TitanDimensions::try_from(dimensions).unwrap();
        assert_eq!(TitanDimensions::parse_id(&parsed.model_id()), Some(parsed));
    }
    for dimensions in [0, 255, 1_025, 1_536] {
        assert_eq!(TitanDimensions::try_from(dimensions), Err(TitanDimensionsError));
    }
    assert_eq!(TitanDimensions::default(), TitanDimensions(1_024));
    for other in [
        "none",
        "amazon.titan-embed-text-v2:0",
        "amazon.titan-embed-text-v2:0/300",
        "amazon.titan-embed-text-v1/1024",
    ] {
        assert_eq!(TitanDimensions::parse_id(other), None, "{other}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do_and_a_questions_has_none_of_awss_words() {
    for (status, code, advice) in [
        (
            403,
            "AccessDeniedException",
            "bedrock:InvokeModel on arn:aws:bedrock:*::foundation-model/amazon.titan-embed-text-v2:0",
        ),
        (404, "ResourceNotFoundException", "AWS_REGION"),
        (400, "ValidationException", "ValidationException: is AWS_REGION set"),
    ] {
        let embedder = failing(status, code);
        let document = embedder.embed_documents(&["a document".to_owned()]).await.unwrap_err();
        assert!(document.to_string().contains(advice), "{document}");
        let said = |error: &EmbedError| error.source().map(ToString::to_string);
        assert!(said(&document).unwrap().contains("why is the sky blue"), "{document:?}");
        let question = embedder.embed_query("why is the sky blue").await.unwrap_err();
        assert_eq!((question.to_string(), said(&question)), (document.to_string(), None));
        assert!(!format!("{question:?}").contains("sky"), "{question:?}");
    }
}

#[tokio::test]
async fn what_passes_is_known_from_what_lasts() {
    for (status, code) in [
        (429, "ThrottlingException"),
        (400, "ServiceQuotaExceededException"),
        (429, "ModelNotReadyException"),
    ] {
        let error = failing(status, code).embed_query("why").await.unwrap_err();
        assert!(matches!(error, EmbedError::Throttled { .. }), "{code}: {error}");
    }
    for (status, code) in [
        (408, "ModelTimeoutException"),
        (424, "ModelErrorException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ] {
        let error = failing(status, code).embed_query("why").await.unwrap_err();
        assert!(matches!(error, EmbedError::Unreachable { .. }), "{code}: {error}");
    }
    let (unreachable, config) = answering(|_, _| Reply::Unreachable);
    let error = unreachable.embed_query("why").await.unwrap_err();
    assert!(matches!(error, EmbedError::Unreachable { .. }), "{error}");
    assert_eq!(config.requests().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_none_is_refused() {
    let (garbage, _) = answering(|_, _| Reply::Json(json!({ "vector": [] })));
    let error = garbage.embed_query("why").await.unwrap_err();
    assert!(error.to_string().contains("incomplete answer"), "{error}");
    let (short, _) = answering(|_, _| Reply::Json(json!({ "embedding": [1.0, 0.0] })));
    let error = short.embed_query("why").await.unwrap_err();
    assert!(matches!(error, EmbedError::WrongDimensions { expected: 256, found: 2, .. }), "{error}");
}
