//! The request log: one JSON line a request, whatever its outcome.

use std::io::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::JsonLines;
use crate::time::{millis, rfc3339_millis};

/// One request. Absent values are `null`, so that every line has the same keys.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestLine {
    /// When the request arrived (RFC 3339, UTC, milliseconds).
    #[serde(serialize_with = "rfc3339_millis")]
    pub time: DateTime<Utc>,
    /// The JSON-RPC method, or the HTTP method and path of a request that is not one of MCP's.
    pub method: Option<String>,
    /// The tool of a `tools/call`.
    pub tool: Option<String>,
    /// The verified token's subject.
    pub sub: Option<String>,
    /// The verified token's OAuth client.
    pub client_id: Option<String>,
    /// The verified token's connector.
    pub connector_id: Option<String>,
    /// The HTTP status; 499 when the client went away before the answer.
    pub status: u16,
    /// From the request's arrival to its answer.
    #[serde(rename = "latency_ms", serialize_with = "millis")]
    pub latency: Duration,
    /// Of it, in the database.
    #[serde(rename = "db_ms", serialize_with = "millis")]
    pub database: Duration,
    /// Names the request in this log, in the audit log, and in the answer's `x-request-id`.
    pub request_id: String,
    /// The session id that the platform sent.
    pub session_id: Option<String>,
    /// The protocol version that the client named.
    pub mcp_protocol: Option<String>,
    /// Why a request was refused: a class such as `expired`, never what was wrong in detail.
    pub refusal: Option<String>,
}

/// Where request lines go.
#[derive(Debug, Clone)]
pub struct RequestLog {
    lines: JsonLines,
}

impl RequestLog {
    /// Lines on stdout.
    #[must_use]
    pub fn stdout() -> Self {
        Self { lines: JsonLines::stdout() }
    }

    /// Lines to any writer.
    pub fn to(sink: impl Write + Send + 'static) -> Self {
        Self { lines: JsonLines::to(sink) }
    }

    /// Writes one line. A log that cannot be written stops no request: the failure goes to the diagnostics.
    pub fn write(&self, line: &RequestLine) {
        if let Err(error) = self.lines.write(line) {
            tracing::error!(%error, request_id = line.request_id, "a request line could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_lines::captured::Captured;

    #[test]
    fn every_line_has_the_same_keys_and_ends_the_line() {
        let line = RequestLine {
            time: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            method: Some("tools/call".into()),
            tool: Some("se\narch".into()),
            sub: None,
            client_id: None,
            connector_id: None,
            status: 401,
            latency: Duration::from_nanos(12_345_678),
            database: Duration::ZERO,
            request_id: "r".into(),
            session_id: None,
            mcp_protocol: None,
            refusal: None,
        };
        let captured = Captured::default();
        RequestLog::to(captured.clone()).write(&line);
        assert_eq!(
            captured.text(),
            concat!(
                r#"{"time":"2023-11-14T22:13:20.000Z","method":"tools/call","tool":"se\narch","sub":null,"client_id":null,"#,
                r#""connector_id":null,"status":401,"latency_ms":12.346,"db_ms":0.0,"request_id":"r","session_id":null,"#,
                r#""mcp_protocol":null,"refusal":null}"#,
                "\n"
            )
        );
    }
}
