//! A request, as a client would make it.

use autri_domain::ConnectorId;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How a client of a protocol version speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// With a handshake; the version stands in a header only.
    Legacy(&'static str),
    /// 2026-07-28: each request says everything, in headers and in `_meta`.
    Modern,
}

/// One client of each kind that is about.
pub(crate) const ERAS: [Era; 3] = [Era::Legacy("2025-06-18"), Era::Legacy("2025-11-25"), Era::Modern];

impl Era {
    pub(crate) const fn version(self) -> &'static str {
        match self {
            Self::Legacy(version) => version,
            Self::Modern => "2026-07-28",
        }
    }

    /// A request with the id 7.
    pub(crate) fn request(self, method: &str, mut params: Value) -> Ask {
        if self == Self::Modern {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": self.version(),
                "io.modelcontextprotocol/clientCapabilities": {},
                "io.modelcontextprotocol/clientInfo": { "name": "a-test", "version": "1" },
            });
        }
        let mut ask = Ask::rpc(&json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }))
            .header("mcp-protocol-version", self.version());
        if self == Self::Modern {
            ask = ask.header("mcp-method", method);
            if let Some(name) = params["name"].as_str().or(params["uri"].as_str()) {
                ask = ask.header("mcp-name", &header_text(name));
            }
        }
        ask
    }

    /// A handshake that asks for a version, without a header that names one.
    pub(crate) fn handshake(self, version: &str) -> Ask {
        let client = json!({ "name": "a-test", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
        self.request("initialize", params).without("mcp-protocol-version")
    }

    /// A reading of a resource.
    pub(crate) fn read(self, uri: &str) -> Ask {
        self.request("resources/read", json!({ "uri": uri }))
    }

    /// A tool call.
    pub(crate) fn call(self, tool: &str, arguments: &Value) -> Ask {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments }))
    }
}

/// A request on its way to the server.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    /// `POST /mcp` with a JSON-RPC message.
    pub(crate) fn rpc(message: &Value) -> Self {
        Self::post(message.to_string())
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
    }

    /// `POST /mcp` with any body and no more headers than HTTP needs.
    pub(crate) fn post(body: impl Into<Vec<u8>>) -> Self {
        let ask = Self { body: body.into(), ..Self::new(Method::POST, "/mcp") };
        let length = ask.body.len().to_string();
        ask.header("content-length", &length)
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: HeaderMap::new(), body: Vec::new() }
            .header("host", "mcp.example.com")
    }

    pub(crate) fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    pub(crate) fn at_connector(self, connector: ConnectorId) -> Self {
        self.at(&format!("/c/{connector}/mcp"))
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Sets a header, in place of one of that name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(header_name(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    /// Adds a header beside one of that name.
    pub(crate) fn another_header(mut self, name: &str, value: &str) -> Self {
        self.headers.append(header_name(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.remove(name);
        self
    }

    pub(crate) fn into_request(self) -> Request<Body> {
        let mut request =
            Request::builder().method(self.method).uri(self.path).body(Body::from(self.body)).unwrap();
        *request.headers_mut() = self.headers;
        request
    }

    /// The bytes of an HTTP/1.1 request.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(format!("{name}: {}\r\n", value.to_str().unwrap()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// As 2026-07-28 has clients write what does not fit into a header.
/// <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http>
fn header_text(text: &str) -> String {
    let fits = text.bytes().all(|byte| matches!(byte, b' '..=b'~')) && text.trim() == text;
    if fits { text.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(text)) }
}

fn header_name(name: &str) -> HeaderName {
    name.parse().unwrap()
}
