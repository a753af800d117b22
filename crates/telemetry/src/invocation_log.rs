//! The invocation log of the Lambda functions: one JSON line an invocation, whatever its outcome.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::JsonLines;
use crate::time::{millis, rfc3339_millis};

/// One invocation. Absent values are `null`, so that every line has the same keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InvocationLine {
    /// When the event arrived (RFC 3339, UTC, milliseconds).
    #[serde(serialize_with = "rfc3339_millis")]
    pub time: DateTime<Utc>,
    /// The function, such as `pre-token-generation`.
    pub function: &'static str,
    /// What the event says triggered it, such as `TokenGeneration_HostedAuth`.
    pub trigger: Option<String>,
    /// The user pool.
    pub user_pool_id: Option<String>,
    /// The app client.
    pub client_id: Option<String>,
    /// The connector that the invocation came to.
    pub connector_id: Option<String>,
    /// What came of it, in one word.
    pub outcome: &'static str,
    /// Why, if it did not go well: a class such as `revoked`, never what was wrong in detail.
    pub reason: Option<&'static str>,
    /// A keyed digest of the person's address; never the address.
    pub email_digest: Option<String>,
    /// From the event's arrival to the answer.
    #[serde(rename = "latency_ms", serialize_with = "millis")]
    pub latency: Duration,
    /// Lambda's id of the request, as in its own log lines.
    pub request_id: String,
}

/// Where invocation lines go.
#[derive(Debug, Clone)]
pub struct InvocationLog {
    lines: JsonLines,
}

impl InvocationLog {
    /// A log that writes to `lines`.
    #[must_use]
    pub fn new(lines: JsonLines) -> Self {
        Self { lines }
    }

    /// Writes one line. A log that cannot be written fails no invocation: the failure goes to the diagnostics.
    pub fn write(&self, line: &InvocationLine) {
        if let Err(error) = self.lines.write(line) {
            tracing::error!(%error, request_id = line.request_id, "an invocation line could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_lines::captured::Captured;

    #[test]
    fn every_line_has_the_same_keys_and_ends_the_line() {
        let captured = Captured::default();
        InvocationLog::new(captured.lines()).write(&InvocationLine {
            time: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            function: "pre-token-generation",
            trigger: Some("Token\nGeneration".to_owned()),
            user_pool_id: None,
            client_id: None,
            connector_id: None,
            outcome: "refused",
            reason: Some("revoked"),
            email_digest: None,
            latency: Duration::from_micros(1_500),
            request_id: "r".to_owned(),
        });
        assert_eq!(
            captured.text(),
            concat!(
                r#"{"time":"2023-11-14T22:13:20.000Z","function":"pre-token-generation","#,
                r#""trigger":"Token\nGeneration","user_pool_id":null,"client_id":null,"connector_id":null,"#,
                r#""outcome":"refused","reason":"revoked","email_digest":null,"latency_ms":1.5,"request_id":"r"}"#,
                "\n"
            )
        );
    }
}
