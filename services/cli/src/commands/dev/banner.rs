//! What a person needs to connect a client: lines to paste.

use std::path::Path;

use chrono::{DateTime, Utc};
use console::style;
use serde_json::json;

/// What clients call this server among theirs.
const NAME: &str = "autri-demo";
const INSPECTOR: &str = "@modelcontextprotocol/inspector";

/// What is told.
#[derive(Debug)]
pub(super) struct Banner<'a> {
    pub(super) url: &'a str,
    pub(super) token: &'a str,
    pub(super) expires_at: DateTime<Utc>,
    pub(super) requests_log: &'a Path,
}

impl Banner<'_> {
    pub(super) fn text(&self) -> String {
        let Self { url, token, expires_at, requests_log } = self;
        let sections = [
            ("Claude Code", self.claude_code()),
            ("Claude Desktop, in claude_desktop_config.json", self.claude_desktop()),
            ("MCP Inspector, in the browser and on the command line", self.inspector()),
            ("curl", self.curl()),
        ];
        let heading = |text: &'static str| style(text).bold();
        let sections: String =
            sections.map(|(client, lines)| format!("\n{}\n{lines}\n", heading(client))).concat();
        format!(
            "\n{}         {url}\n{}       {token}\n{} {until}\n{sections}\n\
             Requests are logged in {log}. Ctrl-C stops the server and its database.",
            heading("URL"),
            heading("Token"),
            heading("Valid until"),
            until = expires_at.format("%Y-%m-%d"),
            log = requests_log.display(),
        )
    }

    fn claude_code(&self) -> String {
        let Self { url, token, .. } = self;
        format!("claude mcp add --transport http {NAME} {url} --header \"Authorization: Bearer {token}\"")
    }

    /// Claude Desktop starts stdio servers only, so `mcp-remote` stands in between. On some systems it splits a header at
    /// a space, hence the variable. `--allow-http` matters only where the host is not a loopback name.
    fn claude_desktop(&self) -> String {
        let Self { url, token, .. } = self;
        format!(
            r#"{{
  "mcpServers": {{
    "{NAME}": {{
      "command": "npx",
      "args": ["-y", "mcp-remote", "{url}", "--allow-http", "--header", "Authorization:${{AUTH}}"],
      "env": {{ "AUTH": "Bearer {token}" }}
    }}
  }}
}}"#
        )
    }

    fn inspector(&self) -> String {
        let Self { url, token, .. } = self;
        let server =
            format!("--server-url {url} --transport http --header \"Authorization: Bearer {token}\"");
        format!("npx {INSPECTOR} {server}\nnpx {INSPECTOR} --cli {server} --method tools/list")
    }

    fn curl(&self) -> String {
        let Self { url, token, .. } = self;
        let params = json!({ "name": "search", "arguments": { "query": "how are tenants kept apart" } });
        let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
        format!(
            "curl {url} -H \"Authorization: Bearer {token}\" -H \"Content-Type: application/json\" -d '{call}'"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner() -> Banner<'static> {
        Banner {
            url: "http://127.0.0.1:8000/c/0197f6a2-8c1e-7000-8000-000000000003/mcp",
            token: "aaa.bbb.ccc",
            expires_at: DateTime::from_timestamp(1_790_000_000, 0).expect("a time"),
            requests_log: Path::new(".autri/requests.log"),
        }
    }

    #[test]
    fn every_client_gets_the_url_and_the_token() {
        let banner = banner();
        for lines in [banner.claude_code(), banner.claude_desktop(), banner.inspector(), banner.curl()] {
            assert!(lines.contains(banner.url) && lines.contains(banner.token), "{lines}");
        }
        assert!(banner.text().contains("2026-09-21"), "{}", banner.text());
    }

    #[test]
    fn what_claude_desktop_gets_is_json() {
        let config: serde_json::Value = serde_json::from_str(&banner().claude_desktop()).expect("JSON");
        let server = &config["mcpServers"][NAME];
        assert_eq!(server["args"][5], "Authorization:${AUTH}");
        assert_eq!(server["env"]["AUTH"], "Bearer aaa.bbb.ccc");
    }

    #[test]
    fn a_line_for_the_shell_has_no_quote_within_quotes() {
        let banner = banner();
        for lines in [banner.claude_code(), banner.inspector(), banner.curl()] {
            for line in lines.lines() {
                assert_eq!(line.matches('\'').count() % 2, 0, "{line}");
                assert!(!line.contains('$') && !line.contains('`'), "{line}");
            }
        }
    }
}
