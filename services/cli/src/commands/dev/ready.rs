//! What `--ready-file` and `--json` tell.

use autri_domain::{ConnectorId, KnowledgeBaseId, LibraryId};
use serde::Serialize;

/// How to reach what runs.
#[derive(Debug, Serialize)]
pub(super) struct Ready {
    pub(super) url: String,
    pub(super) token: String,
    pub(super) connector_id: ConnectorId,
    pub(super) library_id: LibraryId,
    pub(super) knowledge_base_id: KnowledgeBaseId,
    pub(super) database_url: String,
    /// With `--cognito`; its keys stand beside the others.
    #[serde(flatten)]
    pub(super) cognito: Option<CognitoReady>,
}

/// How to reach the emulators, and what is in them.
#[derive(Debug, Serialize)]
pub(super) struct CognitoReady {
    pub(super) token_endpoint: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) issuer: String,
    pub(super) jwks_url: String,
    pub(super) interactive_connector_id: ConnectorId,
    pub(super) interactive_url: String,
    pub(super) username: String,
    pub(super) password: String,
    /// Also Parameter Store's and Lambda's.
    pub(super) cognito_endpoint: String,
    pub(super) region: String,
    pub(super) user_pool_id: String,
    pub(super) interactive_client_id: String,
    pub(super) web_client_id: String,
    pub(super) authorize_endpoint: String,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) allowed_emails_parameter: String,
    pub(super) pre_token_function: String,
    pub(super) post_confirmation_function: String,
    pub(super) sign_up_endpoint: String,
    pub(super) sign_up_pool_id: String,
    pub(super) sign_up_client_id: String,
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    pub(in super::super) fn cognito_ready() -> CognitoReady {
        let text = |text: &str| text.to_owned();
        CognitoReady {
            token_endpoint: text("http://127.0.0.1:4571/oauth2/token"),
            client_id: text("4t2k"),
            client_secret: text("c2Vj/cmV0+A=="),
            issuer: text("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_A"),
            jwks_url: text("http://127.0.0.1:4571/eu-central-1_A/.well-known/jwks.json"),
            interactive_connector_id: ConnectorId::new(),
            interactive_url: text("http://127.0.0.1:8000/c/2/mcp"),
            username: text("demo@example.com"),
            password: text("Autri1-0f"),
            cognito_endpoint: text("http://127.0.0.1:4571"),
            region: text("eu-central-1"),
            user_pool_id: text("eu-central-1_A"),
            interactive_client_id: text("7p1z"),
            web_client_id: text("9w3e"),
            authorize_endpoint: text("http://127.0.0.1:4571/oauth2/authorize"),
            redirect_uri: text("http://127.0.0.1:8765/callback"),
            scope: text("mcp.autri.ai/mcp.invoke"),
            allowed_emails_parameter: text("/autri/beta/ALLOWED_EMAILS"),
            pre_token_function: text("pre-token-generation"),
            post_confirmation_function: text("post-confirmation"),
            sign_up_endpoint: text("http://127.0.0.1:4572"),
            sign_up_pool_id: text("local_1"),
            sign_up_client_id: text("5s5u"),
        }
    }

    const PLAIN: [&str; 6] =
        ["connector_id", "database_url", "knowledge_base_id", "library_id", "token", "url"];
    const COGNITO: [&str; 23] = [
        "allowed_emails_parameter",
        "authorize_endpoint",
        "client_id",
        "client_secret",
        "cognito_endpoint",
        "interactive_client_id",
        "interactive_connector_id",
        "interactive_url",
        "issuer",
        "jwks_url",
        "password",
        "post_confirmation_function",
        "pre_token_function",
        "redirect_uri",
        "region",
        "scope",
        "sign_up_client_id",
        "sign_up_endpoint",
        "sign_up_pool_id",
        "token_endpoint",
        "user_pool_id",
        "username",
        "web_client_id",
    ];

    fn keys(cognito: Option<CognitoReady>) -> BTreeSet<String> {
        let ready = Ready {
            url: "u".to_owned(),
            token: "t".to_owned(),
            connector_id: ConnectorId::new(),
            library_id: LibraryId::new(),
            knowledge_base_id: KnowledgeBaseId::new(),
            database_url: "d".to_owned(),
            cognito,
        };
        let text = serde_json::to_string(&ready).expect("written");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        value.as_object().expect("an object").keys().cloned().collect()
    }

    #[test]
    fn it_has_the_keys_that_others_read_and_no_others() {
        let plain: BTreeSet<_> = PLAIN.map(str::to_owned).into();
        assert_eq!(keys(None), plain);
        let all: BTreeSet<_> = PLAIN.into_iter().chain(COGNITO).map(str::to_owned).collect();
        assert_eq!(keys(Some(cognito_ready())), all);
    }
}
