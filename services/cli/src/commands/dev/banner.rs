//! What a person needs to connect a client: lines to paste.

use std::path::Path;

use chrono::{DateTime, Utc};
use console::style;
use serde_json::json;
use url::form_urlencoded;

use super::cognito::{CONFIRMATION_CODE, PERSON_EMAIL};
use super::ready::CognitoReady;

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
    /// With `--cognito`.
    pub(super) cognito: Option<&'a CognitoReady>,
}

impl Banner<'_> {
    pub(super) fn text(&self) -> String {
        let Self { url, token, expires_at, requests_log, cognito } = self;
        let mut sections = vec![
            ("Claude Code", self.claude_code()),
            ("Claude Desktop, in claude_desktop_config.json", self.claude_desktop()),
            ("MCP Inspector, in the browser and on the command line", self.inspector()),
            ("curl", self.curl()),
        ];
        if let Some(cognito) = cognito {
            sections.push(("Another token, which lasts an hour", new_token(cognito)));
            sections.push(("For people, who sign in", sign_in(cognito)));
            sections.push(("Sign up", sign_up(cognito)));
        }
        // Development tokens last for weeks.
        let until = expires_at.format(if cognito.is_some() { "%Y-%m-%d %H:%M UTC" } else { "%Y-%m-%d" });
        let heading = |text: &'static str| style(text).bold();
        let sections: Vec<_> =
            sections.iter().map(|(client, lines)| format!("\n{}\n{lines}\n", heading(client))).collect();
        format!(
            "\n{}         {url}\n{}       {token}\n{} {until}\n{}\n\
             Requests are logged in {log}. Ctrl-C stops the server and its database.",
            heading("URL"),
            heading("Token"),
            heading("Valid until"),
            sections.concat(),
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

/// The machine connector's client, and how it gets a token (RFC 6749, section 4.4).
fn new_token(cognito: &CognitoReady) -> String {
    let CognitoReady { token_endpoint, client_id, client_secret, scope, .. } = cognito;
    format!(
        "client_id     {client_id}\nclient_secret {client_secret}\n\
         curl {token_endpoint} -u \"{client_id}:{client_secret}\" -d grant_type=client_credentials -d scope={scope}"
    )
}

/// The interactive connector, and where a browser begins (RFC 6749, section 4.1).
fn sign_in(cognito: &CognitoReady) -> String {
    let CognitoReady { interactive_url, interactive_client_id, username, password, .. } = cognito;
    let CognitoReady { authorize_endpoint, redirect_uri, scope, token_endpoint, .. } = cognito;
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("response_type", "code"), ("client_id", interactive_client_id)])
        .extend_pairs([("redirect_uri", redirect_uri), ("scope", scope)])
        .finish();
    format!(
        "URL           {interactive_url}\n\
         client_id     {interactive_client_id}, without a secret\n\
         person        {username}, {password}\n\
         {authorize_endpoint}?{query}\n\
         It ends at {redirect_uri}?code=CODE, where nothing listens; then\n\
         curl {token_endpoint} -d grant_type=authorization_code -d client_id={interactive_client_id} \
         -d redirect_uri={redirect_uri} -d code=CODE"
    )
}

/// Whoever is on the list gets an account.
fn sign_up(cognito: &CognitoReady) -> String {
    let CognitoReady { sign_up_endpoint, sign_up_client_id, allowed_emails_parameter, .. } = cognito;
    let CognitoReady { cognito_endpoint, region, .. } = cognito;
    format!(
        "SignUp, then ConfirmSignUp with the code {CONFIRMATION_CODE}, at {sign_up_endpoint} with the client \
         {sign_up_client_id}.\n\
         Invited is who is in the parameter {allowed_emails_parameter}: at first {PERSON_EMAIL}, and *@example.org, which \
         is everyone there. To invite others:\n\
         AWS_ENDPOINT_URL_SSM={cognito_endpoint} AWS_REGION={region} AWS_ACCESS_KEY_ID=local \
         AWS_SECRET_ACCESS_KEY=local cargo autri user invite ADDRESS"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::dev::ready::tests::cognito_ready;

    fn banner() -> Banner<'static> {
        Banner {
            url: "http://127.0.0.1:8000/c/0197f6a2-8c1e-7000-8000-000000000003/mcp",
            token: "aaa.bbb.ccc",
            expires_at: DateTime::from_timestamp(1_790_000_000, 0).expect("a time"),
            requests_log: Path::new(".autri/requests.log"),
            cognito: None,
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
    fn with_cognito_there_is_what_it_takes_to_get_a_token() {
        let cognito = cognito_ready();
        let text = Banner { cognito: Some(&cognito), ..banner() }.text();
        for value in [&cognito.client_id, &cognito.client_secret, &cognito.token_endpoint, &cognito.password]
        {
            assert!(text.contains(value.as_str()), "{value} in {text}");
        }
        assert!(text.contains("2026-09-21 14:13 UTC"), "an hour has minutes: {text}");
        assert!(text.contains("scope=mcp.autri.ai%2Fmcp.invoke"), "{text}");
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
