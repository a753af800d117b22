//! A server with a database, keys and a clock of its own.

use std::sync::Arc;
use std::time::Duration;

use autri_audit_log::{ArgumentRetention, AuditKey, AuditLog};
use autri_auth::{CognitoSettings, CognitoVerifier, TokenVerifier};
use autri_db::audit::{AuditFilter, AuditRow};
use autri_db::test_support::{Tenant, TestDatabase};
use autri_db::{Database, roles};
use autri_domain::{Clock, ManualClock, Scope};
use autri_mcp_server::App;
use autri_mcp_server::app::{ConnectorShares, ProtocolOffer, Settings, UnderWay};
use autri_mcp_server::http::router;
use autri_retrieval::embed::Embedder;
use autri_retrieval::search::Retriever;
use autri_telemetry::RequestLog;
use axum::Router;
use axum::http::HeaderName;
use serde_json::Value;
use tower::ServiceExt;

use super::embedders::{DIMENSIONS, MODEL};
use super::tokens::cognito_settings;
use super::{Answer, Ask, CapturedLog, Era, FakeKeys, NOW, SCOPE, claims, signer, soon};

pub(crate) const PUBLIC_URL: &str = "https://mcp.example.com";
pub(crate) const AUDIT_KEY: &str = "0123456789abcdef0123456789abcdef";

/// What a test may want otherwise.
pub(crate) struct Setup {
    pub(crate) settings: Settings,
    pub(crate) cognito: CognitoSettings,
    pub(crate) embedder: Option<Arc<dyn Embedder>>,
    pub(crate) retention: ArgumentRetention,
    /// In place of the test's own.
    pub(crate) database: Option<Database>,
    /// How many connections callers share.
    pub(crate) pool_size: u32,
    /// In place of the test's own, for the verifier alone.
    pub(crate) verifier_clock: Option<Arc<dyn Clock>>,
}

impl Default for Setup {
    fn default() -> Self {
        let required_scope: Scope = SCOPE.parse().unwrap();
        let settings = Settings {
            public_url: PUBLIC_URL.parse().unwrap(),
            authorization_server: Some("https://auth.example.com".to_owned()),
            required_scope,
            allowed_origins: vec!["https://app.example.com".to_owned()],
            allowed_hosts: Vec::new(),
            loopback_only: false,
            connector_header: HeaderName::from_static("x-autri-connector-id"),
            protocol: ProtocolOffer::All,
            max_body_bytes: 64 * 1024,
            call_timeout: Duration::from_mins(1),
        };
        Self {
            settings,
            cognito: cognito_settings(),
            embedder: None,
            retention: ArgumentRetention::DigestOnly,
            database: None,
            pool_size: 4,
            verifier_clock: None,
        }
    }
}

impl Setup {
    pub(crate) fn with_embedder(embedder: Arc<dyn Embedder>) -> Self {
        Self { embedder: Some(embedder), ..Self::default() }
    }

    /// A server with a database of its own.
    pub(crate) async fn start(self) -> Server {
        let database = TestDatabase::create().await;
        self.start_with(database)
    }

    pub(crate) fn start_with(self, database: TestDatabase) -> Server {
        let (clock, keys, log) =
            (Arc::new(ManualClock::at(NOW)), FakeKeys::of_the_issuer(), CapturedLog::default());
        let app_clock: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let verifier_clock = self.verifier_clock.unwrap_or_else(|| Arc::clone(&app_clock));
        let verifier = CognitoVerifier::new(self.cognito, Arc::clone(&keys) as _, verifier_clock);
        let audit_key = AuditKey::new(AUDIT_KEY.to_owned().into()).unwrap();
        let app = Arc::new(App {
            verifier: TokenVerifier::Cognito(verifier),
            database: self.database.unwrap_or_else(|| database.connect(roles::MCP)),
            shares: ConnectorShares::of_pool(self.pool_size),
            retriever: Retriever::new(self.embedder),
            audit: AuditLog::new(audit_key, self.retention),
            request_log: RequestLog::to(log.clone()),
            under_way: UnderWay::default(),
            clock: app_clock,
            settings: self.settings,
        });
        Server { router: router(app), database, clock, keys, log }
    }
}

/// A server under test.
pub(crate) struct Server {
    pub(crate) router: Router,
    pub(crate) database: TestDatabase,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keys: Arc<FakeKeys>,
    pub(crate) log: CapturedLog,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Setup::default().start().await
    }

    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        let answering = async {
            let response = self.router.clone().oneshot(ask.into_request()).await.unwrap();
            Answer::of(response).await
        };
        soon("an answer", answering).await
    }

    /// A tool call as a client of today's most common version makes it.
    pub(crate) async fn call(&self, token: &str, tool: &str, arguments: &Value) -> Answer {
        self.send(Era::Legacy("2025-11-25").call(tool, arguments).token(token)).await
    }

    /// A tenant without an embedding model.
    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        Tenant::create(&self.database, name).await
    }

    /// A tenant whose questions the tests' embedders get to embed.
    pub(crate) async fn tenant_with_model(&self, name: &str) -> Tenant {
        Tenant::create_with_model(&self.database, name, MODEL, DIMENSIONS).await
    }

    /// Oldest first.
    pub(crate) async fn audit_rows(&self) -> Vec<AuditRow> {
        let admin = self.database.connect(roles::ADMIN);
        let filter = AuditFilter { limit: 10_000, ..AuditFilter::default() };
        let mut rows = autri_db::audit::list(&admin, &filter).await.unwrap();
        admin.close().await;
        rows.reverse();
        rows
    }

    /// The status of each audit row, oldest first.
    pub(crate) async fn audit_statuses(&self) -> Vec<String> {
        self.audit_rows().await.into_iter().map(|row| row.status).collect()
    }

    pub(crate) async fn revoke(&self, connector: autri_domain::ConnectorId) {
        let admin = self.database.connect(roles::ADMIN);
        autri_db::connectors::revoke(&admin, connector).await.unwrap().unwrap();
        admin.close().await;
    }
}

/// The token of the tenant's program.
pub(crate) fn machine_token(tenant: &Tenant) -> String {
    let client = tenant.machine_client();
    signer(0).token(&claims(tenant.machine, &client, &client))
}

/// The token of the tenant's person.
pub(crate) fn person_token(tenant: &Tenant) -> String {
    signer(0).token(&claims(tenant.interactive, &tenant.interactive_client(), &tenant.person))
}
