//! The settings, read once from the environment. All that is missing or wrong is reported together.

mod embedder;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use autri_audit_log::{ArgumentRetention, AuditKey};
use autri_auth::{CognitoSettings, CognitoVerifier, JwksUrl, TokenVerifier};
#[cfg(feature = "dev-auth")]
use autri_auth::{DEV_ISSUER, DevSecret, DevSettings, Hs256Verifier};
use autri_domain::{Clock, DEFAULT_SCOPE, Scope};
use autri_retrieval::embed::EmbedderChoice;
use autri_settings::{Reader, Setting, SettingsError, settings};
use axum::http::HeaderName;
use url::Url;

use self::embedder::embedder;
use crate::app::{ProtocolOffer, Settings};
use crate::database::DatabaseConfig;

settings! {
    AUTH = "AGENTCORE_AUTH", "required", "How tokens are verified: `cognito`. (`hs256-dev` exists in builds with the feature `dev-auth` only.)";
    ISSUER = "COGNITO_ISSUER", "required with `cognito`", "The user pool's issuer, compared with the claim `iss`: `https://cognito-idp.{region}.amazonaws.com/{pool}`.";
    JWKS_URL = "COGNITO_JWKS_URL", "`{COGNITO_ISSUER}/.well-known/jwks.json`", "Where the pool's public keys are: https, or http on loopback.";
    SCOPE = "COGNITO_REQUIRED_SCOPE", "`mcp.autri.ai/mcp.invoke`", "The scope that a token must carry.";
    OTHER_SCOPES = "COGNITO_ALSO_ACCEPTED_SCOPES", "none", "Scopes that do as well, separated by commas. `aws.cognito.signin.user.admin` lets in people who sign in by Cognito's API with a password: such tokens carry no other scope.";
    CLIENTS = "COGNITO_CLIENT_ID", "any client", "The OAuth clients whose tokens are taken, separated by commas.";
    AUDIENCE = "COGNITO_AUDIENCE", "not checked", "The audience that a token must carry (Cognito sets one with resource binding).";
    DEV_SECRET = "AUTRI_DEV_JWT_SECRET", "required with `hs256-dev`", "The shared secret of development tokens: at least 32 bytes. Loopback only.";
    DATABASE_URL = "DATABASE_URL", "this or `DATABASE_SECRET_ARN`", "Postgres, as the role `autri_mcp`: `postgres://autri_mcp:…@host/database?sslmode=verify-full`.";
    DATABASE_SECRET = "DATABASE_SECRET_ARN", "this or `DATABASE_URL`", "The secret in AWS Secrets Manager that has the role's login, as RDS keeps it: `username`, `password`, `host`, `port`, `dbname`. Read by the first request that needs it, and again when the database refuses it. TLS is then verified.";
    DATABASE_CONNECTIONS = "DATABASE_MAX_CONNECTIONS", "`2`", "The most database connections of this process, 1 to 100. AgentCore runs one process a session.";
    AUDIT_KEY = "AUTRI_AUDIT_KEY", "required", "Secret of the audit log's digests: at least 32 bytes, such as `openssl rand -hex 32` gives.";
    AUDIT_ARGUMENTS = "AUTRI_AUDIT_ARGUMENTS", "`digest`", "`digest`: the audit log keeps a keyed digest of a call's arguments. `clear`: it keeps them readable as well.";
    PUBLIC_URL = "AUTRI_PUBLIC_URL", "required", "Where clients reach this server: `https://mcp.autri.ai`.";
    AUTHORIZATION_SERVER = "AUTRI_AUTHORIZATION_SERVER", "none named", "The OAuth front door's base URL; a connector's issuer is `{base}/c/{connector_id}`.";
    ALLOWED_ORIGINS = "AUTRI_ALLOWED_ORIGINS", "none", "Web origins whose pages may call, separated by commas: `https://app.autri.ai`. On loopback, pages from loopback may too.";
    ALLOWED_HOSTS = "AUTRI_ALLOWED_HOSTS", "any; on loopback: loopback names", "`Host` names that are answered, separated by commas.";
    CONNECTOR_HEADER = "AUTRI_CONNECTOR_HEADER", "`X-Autri-Connector-Id`", "The edge's header with the connector id of the URL's path. It can only narrow what a token opens.";
    EMBEDDER = "AUTRI_EMBEDDER", "`none`", "`none`: search by words. The others search by meaning too, and it must be the model that the libraries have: `static`, with the model in `AUTRI_MODEL_DIR`; `transformer`, the same in a build with that feature; `bedrock`, Titan by Amazon Bedrock; `openai`, any API like OpenAI's. The last two are sent the questions.";
    MODEL_DIR = "AUTRI_MODEL_DIR", "required with `static` and `transformer`", "The model's folder, as `autri dev` or `autri model install` makes it.";
    EMBEDDING_URL = "AUTRI_EMBEDDING_URL", "required with `openai`", "The API's base: `https://api.openai.com/v1`. Plain http on loopback alone.";
    EMBEDDING_KEY = "AUTRI_EMBEDDING_API_KEY", "none is sent", "The API's key, which goes to that host alone.";
    EMBEDDING_MODEL = "AUTRI_EMBEDDING_MODEL", "required with `openai`", "The model's name there: `text-embedding-3-small`.";
    EMBEDDING_DIMENSIONS = "AUTRI_EMBEDDING_DIMENSIONS", "the model's own, where it is known", "The length of the vectors. With `bedrock`: 1024, 512 or 256.";
    EMBEDDING_QUERY_PREFIX = "AUTRI_EMBEDDING_QUERY_PREFIX", "none", "With `openai`: what the model wants before a question, such as `query: `.";
    EMBEDDING_DOCUMENT_PREFIX = "AUTRI_EMBEDDING_DOCUMENT_PREFIX", "none", "With `openai`: what the model wants before a document's text, such as `passage: `. Both prefixes are part of the model, and must be those that the documents were ingested with.";
    PROTOCOL = "AUTRI_MCP_VERSIONS", "`all`", "`all`: 2024-11-05 to 2026-07-28. `legacy`: up to 2025-11-25.";
    BIND = "AUTRI_BIND", "`0.0.0.0:8000`", "The address to listen on. AgentCore expects the default.";
    MAX_BODY = "AUTRI_MAX_BODY_BYTES", "`65536`", "The longest request body, 1,024 to 1,048,576 bytes.";
    CALL_TIMEOUT = "AUTRI_CALL_TIMEOUT_SECS", "`15`", "The longest that a call may work, 1 to 300 seconds. As long again it may wait for the connector's other calls.";
    LOG = "AUTRI_LOG", "`info`", "The diagnostics on stderr: `tracing` filter directives. Of `rmcp`, the protocol's library, only errors are written: the rest repeats what callers sent.";
}

/// Room for the longest request that any tool takes: a `search` with 2,000 characters of question and 1,000 of a knowledge base's
/// name, each of 12 bytes where a client escapes everything beyond ASCII (`\ud83d\ude00`), makes 36,000; a cursor, ids and times
/// take less than 1,000. What is left, 28,000, is for what the client says of itself in `_meta`.
const DEFAULT_MAX_BODY_BYTES: u32 = 65_536;
/// rmcp repeats in its warnings what callers sent (a resource's URI, a request's id), and below them whole requests.
const LOG_CAP: &str = "rmcp=error";

/// What the process needs to know.
#[derive(Debug)]
pub struct Config {
    /// The address to listen on.
    pub bind: SocketAddr,
    /// How tokens are verified.
    pub auth: AuthConfig,
    /// Where the login of `autri_mcp` is.
    pub database: DatabaseConfig,
    /// At least 1.
    pub database_max_connections: u32,
    /// Of the audit log's digests.
    pub audit_key: AuditKey,
    /// Whether the audit log keeps arguments in clear.
    pub argument_retention: ArgumentRetention,
    /// How questions become vectors.
    pub embedder: EmbedderChoice,
    /// Filter directives of the diagnostics.
    pub log: String,
    /// What requests look at.
    pub settings: Settings,
}

/// How tokens are verified. One kind of key, never two, and no way to take none.
#[derive(Debug)]
pub enum AuthConfig {
    /// RS256, with a user pool's public keys.
    Cognito(CognitoSettings),
    /// HS256, with a secret on this machine.
    #[cfg(feature = "dev-auth")]
    Dev {
        /// The rules.
        settings: DevSettings,
        /// The secret.
        secret: DevSecret,
    },
}

impl AuthConfig {
    pub(crate) fn into_verifier(self, clock: Arc<dyn Clock>) -> TokenVerifier {
        match self {
            Self::Cognito(settings) => TokenVerifier::Cognito(CognitoVerifier::over_http(settings, clock)),
            #[cfg(feature = "dev-auth")]
            Self::Dev { settings, secret } => {
                TokenVerifier::Dev(Hs256Verifier::new(settings, &secret, clock))
            }
        }
    }
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// [`SettingsError`] with all that is missing or wrong.
    #[expect(clippy::disallowed_methods, reason = "this is where settings are read")]
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::read(|name| std::env::var_os(name))
    }

    /// Reads the settings from any source; an empty value counts as none.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn read(source: impl Fn(&str) -> Option<OsString>) -> Result<Self, SettingsError> {
        let mut reader = Reader::new(&source);
        let config = config(&mut reader);
        reader.finish(config)
    }
}

/// Reads everything before it gives up on anything, so that all problems are found at once.
fn config(reader: &mut Reader<'_>) -> Option<Config> {
    let bind = reader.parsed(BIND, SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8000));
    let public_url = reader.required(PUBLIC_URL);
    let public_url = public_url.and_then(|text| base_url(reader, PUBLIC_URL, &text));
    let authorization_server = reader.optional(AUTHORIZATION_SERVER);
    let authorization_server =
        authorization_server.and_then(|text| base_url(reader, AUTHORIZATION_SERVER, &text));
    let scope = scope(reader);
    let auth = auth(reader, scope.as_ref(), bind);
    let database = database(reader);
    let audit_key =
        reader.required(AUDIT_KEY).and_then(|text| reader.checked(AUDIT_KEY, AuditKey::new(text.into())));
    let argument_retention = reader.one_of(
        AUDIT_ARGUMENTS,
        &[("digest", ArgumentRetention::DigestOnly), ("clear", ArgumentRetention::Clear)],
    );
    let embedder = embedder(reader);
    let database_max_connections = reader.number(DATABASE_CONNECTIONS, 2, 1, 100);
    let allowed_origins = origins(reader);
    let allowed_hosts = reader.list(ALLOWED_HOSTS);
    let connector_header = reader.parsed(CONNECTOR_HEADER, HeaderName::from_static("x-autri-connector-id"));
    let protocol =
        reader.one_of(PROTOCOL, &[("all", ProtocolOffer::All), ("legacy", ProtocolOffer::LegacyOnly)]);
    let max_body_bytes = reader.number(MAX_BODY, DEFAULT_MAX_BODY_BYTES, 1_024, 1_048_576);
    let call_timeout_secs = reader.number(CALL_TIMEOUT, 15, 1, 300);
    let log = format!("{},{LOG_CAP}", reader.optional(LOG).as_deref().unwrap_or("info"));
    Some(Config {
        bind,
        auth: auth?,
        database: database?,
        database_max_connections,
        audit_key: audit_key?,
        argument_retention,
        embedder: embedder?,
        log,
        settings: Settings {
            public_url: public_url?,
            authorization_server: authorization_server
                .map(|url| url.as_str().trim_end_matches('/').to_owned()),
            required_scope: scope?,
            allowed_origins,
            allowed_hosts,
            loopback_only: bind.ip().is_loopback(),
            connector_header,
            protocol,
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
            call_timeout: Duration::from_secs(u64::from(call_timeout_secs)),
        },
    })
}

fn auth(reader: &mut Reader<'_>, scope: Option<&Scope>, bind: SocketAddr) -> Option<AuthConfig> {
    let kind = reader.required(AUTH)?;
    match kind.as_str() {
        "cognito" => cognito(reader, scope),
        #[cfg(feature = "dev-auth")]
        "hs256-dev" => dev(reader, scope, bind),
        _ => {
            // The address matters to development tokens alone.
            let _ = bind;
            reader.problem(AUTH, "is not a known value; it must be `cognito`");
            None
        }
    }
}

fn cognito(reader: &mut Reader<'_>, scope: Option<&Scope>) -> Option<AuthConfig> {
    let issuer = reader.required(ISSUER)?;
    let default_jwks = format!("{}/.well-known/jwks.json", issuer.trim_end_matches('/'));
    let jwks = reader.optional(JWKS_URL).unwrap_or(default_jwks);
    let jwks_url = reader.checked(JWKS_URL, jwks.parse::<JwksUrl>());
    let clients = reader.list(CLIENTS);
    let other_scopes = reader.list(OTHER_SCOPES).into_iter().map(|text| text.parse()).collect();
    let other_scopes = reader.checked::<Vec<Scope>, _>(OTHER_SCOPES, other_scopes);
    Some(AuthConfig::Cognito(CognitoSettings {
        issuer,
        jwks_url: jwks_url?,
        required_scope: scope?.clone(),
        also_accepted_scopes: other_scopes?,
        client_ids: (!clients.is_empty()).then_some(clients),
        audience: reader.optional(AUDIENCE),
    }))
}

#[cfg(feature = "dev-auth")]
fn dev(reader: &mut Reader<'_>, scope: Option<&Scope>, bind: SocketAddr) -> Option<AuthConfig> {
    if !bind.ip().is_loopback() {
        reader.problem(AUTH, "`hs256-dev` serves loopback addresses only: set AUTRI_BIND to 127.0.0.1:8000");
    }
    let secret = reader.required(DEV_SECRET)?;
    let secret = reader.checked(DEV_SECRET, DevSecret::new(secret.into()))?;
    let settings = DevSettings { issuer: DEV_ISSUER.to_owned(), required_scope: scope?.clone() };
    Some(AuthConfig::Dev { settings, secret })
}

fn database(reader: &mut Reader<'_>) -> Option<DatabaseConfig> {
    match (reader.optional(DATABASE_URL), reader.optional(DATABASE_SECRET)) {
        (Some(url), None) => return Some(DatabaseConfig::Url(url.into())),
        #[cfg(feature = "aws")]
        (None, Some(arn)) => return Some(DatabaseConfig::Secret { arn }),
        #[cfg(not(feature = "aws"))]
        (None, Some(_)) => {
            reader.problem(
                DATABASE_SECRET,
                "cannot be read by a build without the feature `aws`: set DATABASE_URL",
            );
        }
        (None, None) => reader.problem(DATABASE_URL, "is missing, and so is DATABASE_SECRET_ARN: set one"),
        (Some(_), Some(_)) => reader.problem(DATABASE_URL, "is set, and so is DATABASE_SECRET_ARN: keep one"),
    }
    None
}

fn scope(reader: &mut Reader<'_>) -> Option<Scope> {
    let text = reader.optional(SCOPE).unwrap_or_else(|| DEFAULT_SCOPE.to_owned());
    reader.checked(SCOPE, text.parse())
}

fn origins(reader: &mut Reader<'_>) -> Vec<String> {
    let origins = reader.list(ALLOWED_ORIGINS);
    for origin in &origins {
        let canonical = Url::parse(origin).ok().map(|url| url.origin().ascii_serialization());
        if canonical.as_deref() != Some(origin) {
            reader.problem(
                ALLOWED_ORIGINS,
                "must hold origins as browsers send them, such as https://app.autri.ai",
            );
        }
    }
    origins
}

fn base_url(reader: &mut Reader<'_>, setting: Setting, text: &str) -> Option<Url> {
    let url =
        Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    if url.is_none() {
        reader.problem(setting, "must be an http or https URL");
    }
    url
}

#[cfg(test)]
mod tests;
