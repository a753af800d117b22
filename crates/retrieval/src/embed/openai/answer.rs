//! What an endpoint answers, and what an answer means that has no vectors.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use super::settings::ApiKey;
use crate::embed::EmbedError;
use crate::embed::service::{Failure, Role};

/// How much of a service's own words is shown to whoever embeds documents.
const MAX_WORDS: usize = 300;

const NOT_AN_ANSWER: &str = "it is not what this API answers; is AUTRI_EMBEDDING_URL the API's base, such as https://api.openai.com/v1?";
const ELSEWHERE: &str = "it points to another address, and texts go to the one that was set alone; set \
                         AUTRI_EMBEDDING_URL to the other if it is right";
const NO_KEY: &str = "it wants a key: set AUTRI_EMBEDDING_API_KEY";
const OTHER_KEY: &str = "AUTRI_EMBEDDING_API_KEY is not accepted, or not for this model";
const NO_CREDIT: &str = "the account's credit is used up";
const NOT_THERE: &str = "there is no such model, or no embeddings API at this address: look at \
                         AUTRI_EMBEDDING_MODEL and AUTRI_EMBEDDING_URL";
const NOT_TAKEN: &str = "it does not take the request: look at AUTRI_EMBEDDING_MODEL and \
                         AUTRI_EMBEDDING_DIMENSIONS; a server with a short context must cut texts itself";

/// <https://platform.openai.com/docs/api-reference/embeddings/create>
#[derive(Debug, Deserialize)]
struct Answer {
    data: Vec<Embedding>,
}

#[derive(Debug, Deserialize)]
struct Embedding {
    index: usize,
    embedding: Vec<f32>,
}

/// The vectors, in the order of the texts: the API numbers them, and promises no order.
pub(super) fn vectors(body: &[u8], count: usize) -> Result<Vec<Vec<f32>>, &'static str> {
    let answer: Answer = serde_json::from_slice(body).map_err(|_| NOT_AN_ANSWER)?;
    let mut vectors: Vec<Option<Vec<f32>>> = vec![None; count];
    for Embedding { index, embedding } in answer.data {
        let place = vectors.get_mut(index).ok_or("it has a vector for a text that was not sent")?;
        if place.replace(embedding).is_some() {
            return Err("it has two vectors for one text");
        }
    }
    vectors.into_iter().collect::<Option<_>>().ok_or("it lacks a vector for a text")
}

/// An answer that is not 200.
pub(super) struct Refusal<'a> {
    pub(super) service: String,
    pub(super) status: StatusCode,
    /// What `Retry-After` asks for.
    pub(super) pause: Duration,
    pub(super) body: &'a [u8],
    pub(super) key: Option<&'a ApiKey>,
    pub(super) role: Role,
}

/// <https://platform.openai.com/docs/guides/error-codes>; others say less.
#[derive(Debug, Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorDetail,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ErrorDetail {
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<serde_json::Value>,
}

impl ErrorDetail {
    /// Asking again does not fill an account.
    fn is_about_credit(&self) -> bool {
        let names = [self.kind.as_deref(), self.code.as_ref().and_then(serde_json::Value::as_str)];
        names.iter().flatten().any(|name| matches!(*name, "insufficient_quota" | "credit_balance_exhausted"))
    }
}

impl Refusal<'_> {
    /// By what to do next.
    pub(super) fn into_failure(self) -> Failure {
        let detail = serde_json::from_slice::<ErrorBody>(self.body).unwrap_or_default().error;
        let status = self.status.as_u16();
        match status {
            429 if detail.is_about_credit() => self.refused(&detail, Failure::Lasting, NO_CREDIT),
            429 => Failure::Passing(EmbedError::Throttled { service: self.service }, self.pause),
            408 | 409 | 425 | 500.. => {
                let source = format!("HTTP {status}").into();
                Failure::Passing(EmbedError::Unreachable { service: self.service, source }, self.pause)
            }
            300..=399 => self.refused(&detail, Failure::Lasting, ELSEWHERE),
            401 | 403 if self.key.is_none() => self.refused(&detail, Failure::Lasting, NO_KEY),
            401 | 403 => self.refused(&detail, Failure::Lasting, OTHER_KEY),
            402 => self.refused(&detail, Failure::Lasting, NO_CREDIT),
            404 | 405 => self.refused(&detail, Failure::Lasting, NOT_THERE),
            _ => self.refused(&detail, Failure::OfTheTexts, NOT_TAKEN),
        }
    }

    fn refused(&self, detail: &ErrorDetail, failure: fn(EmbedError) -> Failure, advice: &str) -> Failure {
        let reason = format!("HTTP {}: {advice}", self.status.as_u16());
        // A service may repeat what it was sent. Documents are the operator's, a question is not.
        let words = detail.message.as_deref().filter(|_| self.role == Role::Document);
        let source = words.map(|words| self.readable(words).into());
        failure(EmbedError::Refused { service: self.service.clone(), reason, source })
    }

    /// Safe for a terminal, and without the key.
    fn readable(&self, words: &str) -> String {
        let words = self.key.map_or_else(|| words.to_owned(), |key| words.replace(key.expose(), "[key]"));
        words
            .chars()
            .map(|character| if character.is_control() { ' ' } else { character })
            .take(MAX_WORDS)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embedding(index: usize, first: u32) -> String {
        format!(r#"{{"object":"embedding","index":{index},"embedding":[{first},0.5]}}"#)
    }

    fn answer(data: &[String]) -> String {
        format!(r#"{{"object":"list","data":[{}],"model":"m","usage":{{"total_tokens":3}}}}"#, data.join(","))
    }

    #[test]
    fn vectors_are_put_in_order() {
        let body = answer(&[embedding(2, 30), embedding(0, 10), embedding(1, 20)]);
        let expected = [vec![10.0, 0.5], vec![20.0, 0.5], vec![30.0, 0.5]];
        assert_eq!(vectors(body.as_bytes(), 3).unwrap(), expected);
        assert_eq!(vectors(answer(&[]).as_bytes(), 0).unwrap(), Vec::<Vec<f32>>::new());
    }

    #[test]
    fn an_answer_that_does_not_fit_is_refused() {
        for (body, why) in [
            (answer(&[embedding(0, 1)]), "lacks"),
            (answer(&[embedding(0, 1), embedding(0, 1)]), "two vectors"),
            (answer(&[embedding(0, 1), embedding(2, 1)]), "not sent"),
            (answer(&[embedding(0, 1), embedding(usize::MAX, 1)]), "not sent"),
            ("<html>Sign in</html>".to_owned(), "AUTRI_EMBEDDING_URL"),
            (r#"{"data":[{"index":0,"embedding":["x"]}]}"#.to_owned(), "AUTRI_EMBEDDING_URL"),
            (r#"{"data":[{"index":0,"embedding":[null]}]}"#.to_owned(), "AUTRI_EMBEDDING_URL"),
            (r#"{"data":[{"index":0,"embedding":"AAAA"}]}"#.to_owned(), "AUTRI_EMBEDDING_URL"),
            (r#"{"data":[{"index":-1,"embedding":[1]}]}"#.to_owned(), "AUTRI_EMBEDDING_URL"),
        ] {
            let refused = vectors(body.as_bytes(), 2).unwrap_err();
            assert!(refused.contains(why), "{body}: {refused}");
        }
    }

    fn failure(status: u16, body: &str, role: Role) -> Failure {
        let key = ApiKey::new("sk-hunter2".into()).unwrap();
        let status = StatusCode::from_u16(status).unwrap();
        let refusal = Refusal {
            service: "the service".to_owned(),
            status,
            pause: Duration::from_secs(7),
            body: body.as_bytes(),
            key: Some(&key),
            role,
        };
        refusal.into_failure()
    }

    #[test]
    fn each_status_has_a_next_step() {
        for (status, body) in [
            (301, ""),
            (308, ""),
            (401, ""),
            (402, ""),
            (403, ""),
            (404, ""),
            (429, r#"{"error":{"code":"insufficient_quota"}}"#),
            (429, r#"{"error":{"type":"insufficient_quota","code":"credit_balance_exhausted"}}"#),
        ] {
            let failure = failure(status, body, Role::Question);
            assert!(matches!(failure, Failure::Lasting(EmbedError::Refused { .. })), "{status}: {failure:?}");
        }
        for status in [400, 413, 422] {
            let failure = failure(status, "", Role::Question);
            assert!(
                matches!(failure, Failure::OfTheTexts(EmbedError::Refused { .. })),
                "{status}: {failure:?}"
            );
        }
        for status in [408, 500, 502, 503, 529] {
            let failure = failure(status, "[]", Role::Question);
            let Failure::Passing(EmbedError::Unreachable { .. }, pause) = failure else {
                panic!("{failure:?}")
            };
            assert_eq!(pause, Duration::from_secs(7));
        }
        let throttled = failure(429, r#"{"error":{"code":429}}"#, Role::Question);
        assert!(matches!(throttled, Failure::Passing(EmbedError::Throttled { .. }, _)), "{throttled:?}");
    }

    #[test]
    fn a_services_words_are_for_whoever_sent_documents_and_never_have_the_key() {
        let body = r#"{"error":{"message":"bad key sk-hunter2\u001b[2J for: why is the sky blue"}}"#;
        let said = |role| match failure(401, body, role) {
            Failure::Lasting(EmbedError::Refused { reason, source, .. }) => {
                assert!(reason.starts_with("HTTP 401: AUTRI_EMBEDDING_API_KEY"), "{reason}");
                source.map(|source| source.to_string())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(said(Role::Document).unwrap(), "bad key [key] [2J for: why is the sky blue");
        assert_eq!(said(Role::Question), None);
    }
}
