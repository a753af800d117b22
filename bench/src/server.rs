//! The server as a process, and a client of it.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

/// What to start.
pub(crate) struct ServerOptions {
    pub(crate) program: PathBuf,
    pub(crate) database_url: SecretString,
    pub(crate) issuer: String,
    pub(crate) model_dir: Option<PathBuf>,
}

/// A running server. Killed with this value.
pub(crate) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Returns as soon as it listens.
    pub(crate) async fn start(options: &ServerOptions) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(&options.program);
        command
            .env_clear()
            .env("AGENTCORE_AUTH", "cognito")
            .env("COGNITO_ISSUER", &options.issuer)
            .env("DATABASE_URL", options.database_url.expose_secret())
            .env("AUTRI_AUDIT_KEY", "k".repeat(32))
            .env("AUTRI_PUBLIC_URL", format!("http://127.0.0.1:{port}"))
            .env("AUTRI_BIND", format!("127.0.0.1:{port}"))
            .env("AUTRI_LOG", "error")
            .env("DATABASE_MAX_CONNECTIONS", "4")
            .stdout(Stdio::null())
            .kill_on_drop(true);
        if let Some(folder) = &options.model_dir {
            command.env("AUTRI_EMBEDDER", "static").env("AUTRI_MODEL_DIR", folder);
        }
        let mut server = Self { child: command.spawn().context("the server does not start")?, port };
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(server)
    }

    /// Resident memory now, in megabytes.
    pub(crate) fn resident_mb(&self) -> Result<f64> {
        self.status_mb("VmRSS:")
    }

    /// The most that was resident, in megabytes.
    pub(crate) fn peak_mb(&self) -> Result<f64> {
        self.status_mb("VmHWM:")
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    fn status_mb(&self, field: &str) -> Result<f64> {
        let pid = self.child.id().context("the server has ended")?;
        let status =
            std::fs::read_to_string(format!("/proc/{pid}/status")).context("memory is read from /proc")?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
        let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kilobytes / 1024.0)
    }
}

/// Calls tools over HTTP, connections kept alive.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    pub(crate) fn new(server: &Server, token: &str) -> Result<Self> {
        let http = reqwest::Client::builder().tcp_nodelay(true).build()?;
        Ok(Self { http, url: format!("http://127.0.0.1:{}/mcp", server.port), token: token.to_owned() })
    }

    pub(crate) async fn search(&self, query: &str) -> Result<()> {
        let params = json!({ "name": "search", "arguments": { "query": query } });
        let answer = self.request("tools/call", params).await?;
        let found = answer.pointer("/result/structuredContent/results").and_then(Value::as_array);
        if found.is_none_or(Vec::is_empty) {
            bail!("nothing was found: {answer}");
        }
        Ok(())
    }

    pub(crate) async fn list_tools(&self) -> Result<()> {
        let answer = self.request("tools/list", json!({})).await?;
        answer.pointer("/result/tools").with_context(|| format!("no tools: {answer}"))?;
        Ok(())
    }

    async fn request(&self, method: &str, params: Value) -> Result<Value> {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let response = self
            .http
            .post(&self.url)
            .bearer_auth(&self.token)
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", "2025-06-18")
            .json(&request)
            .send()
            .await?
            .error_for_status()?;
        Ok(response.json().await?)
    }
}
