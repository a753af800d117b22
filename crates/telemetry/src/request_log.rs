//! The request log (finding F8 of the trial): one JSON line a request, whatever its outcome.

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};

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
    /// From the request's arrival to its answer, in milliseconds.
    pub latency_ms: f64,
    /// Of it, in the database.
    pub db_ms: f64,
    /// Names the request in this log, in the audit log, and in the answer's `x-request-id`.
    pub request_id: String,
    /// The session id that the platform sent.
    pub session_id: Option<String>,
    /// The protocol version that the client named.
    pub mcp_protocol: Option<String>,
    /// Why a request was refused: a class such as `expired`, never what was wrong in detail.
    pub refusal: Option<String>,
}

fn rfc3339_millis<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Where request lines go.
#[derive(Clone)]
pub struct RequestLog {
    sink: Arc<Mutex<dyn Write + Send>>,
}

impl RequestLog {
    /// Lines on stdout.
    #[must_use]
    pub fn stdout() -> Self {
        Self::to(std::io::stdout())
    }

    /// Lines to any writer.
    pub fn to(sink: impl Write + Send + 'static) -> Self {
        Self { sink: Arc::new(Mutex::new(sink)) }
    }

    /// Writes one line. A log that cannot be written stops no request: the failure goes to the diagnostics.
    pub fn write(&self, line: &RequestLine) {
        let written = serde_json::to_vec(line).map_err(std::io::Error::from).and_then(|mut bytes| {
            bytes.push(b'\n');
            let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
            sink.write_all(&bytes)?;
            sink.flush()
        });
        if let Err(error) = written {
            tracing::error!(%error, request_id = line.request_id, "a request line could not be written");
        }
    }
}

impl fmt::Debug for RequestLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestLog").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            latency_ms: 1.5,
            db_ms: 0.0,
            request_id: "r".into(),
            session_id: None,
            mcp_protocol: None,
            refusal: None,
        };
        let path = std::env::temp_dir().join(format!("autri-request-log-{}", std::process::id()));
        RequestLog::to(std::fs::File::create(&path).unwrap()).write(&line);
        let written = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            written,
            concat!(
                r#"{"time":"2023-11-14T22:13:20.000Z","method":"tools/call","tool":"se\narch","sub":null,"client_id":null,"#,
                r#""connector_id":null,"status":401,"latency_ms":1.5,"db_ms":0.0,"request_id":"r","session_id":null,"#,
                r#""mcp_protocol":null,"refusal":null}"#,
                "\n"
            )
        );
    }
}
