//! A response, taken apart.

use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::Value;

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// A header's value, empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        assert!(self.headers.get_all(name).iter().count() <= 1, "{name} stands twice in {:?}", self.headers);
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body, which must be JSON and say so.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json", "{}", self.text());
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The result of a JSON-RPC request.
    #[track_caller]
    pub(crate) fn result(&self) -> Value {
        let mut answer = self.json();
        assert_eq!(self.status, 200, "{answer}");
        assert_eq!(answer["jsonrpc"], "2.0");
        assert!(answer["result"].is_object(), "{answer}");
        answer["result"].take()
    }

    /// The structured content of a tool that went well.
    #[track_caller]
    pub(crate) fn content(&self) -> Value {
        let mut result = self.result();
        assert_ne!(result["isError"], true, "{result}");
        result["structuredContent"].take()
    }

    /// What a tool says to a caller who made a mistake.
    #[track_caller]
    pub(crate) fn tool_error(&self) -> String {
        let result = self.result();
        assert_eq!(result["isError"], true, "{result}");
        assert!(result["structuredContent"].is_null(), "{result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// The code of a JSON-RPC error.
    #[track_caller]
    pub(crate) fn rpc_code(&self) -> i64 {
        let answer = self.json();
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {answer}"))
    }
}
