//! The connector that a URL names, beside the one in the token.
//!
//! Each connector has its own URL, `/c/{connector_id}/mcp`, because clients take two connectors with one URL for the same.
//! Where an edge rewrites that path away (AgentCore has one URL a runtime), it passes the id on in a header. Neither is
//! ever an identity: they can only narrow what the token opens.

use autri_domain::ConnectorId;
use axum::extract::Request;

use crate::app::Settings;

/// What the path or the edge's header asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestedConnector {
    /// This connector.
    Id(ConnectorId),
    /// A text that is no connector id, or path and header that differ: matches no token.
    Nonsense,
}

impl RequestedConnector {
    /// What the request names, if anything.
    pub(super) fn of(settings: &Settings, request: &Request) -> Option<Self> {
        let in_path =
            request.uri().path().strip_prefix("/c/").and_then(|rest| rest.split('/').next()).map(Self::parse);
        let headers = request.headers().get_all(&settings.connector_header);
        let in_headers = headers.iter().map(|value| value.to_str().map_or(Self::Nonsense, Self::parse));
        in_path
            .into_iter()
            .chain(in_headers)
            .reduce(|one, other| if one == other { one } else { Self::Nonsense })
    }

    /// Whether a token for `connector_id` may be used here.
    pub(super) fn allows(self, connector_id: ConnectorId) -> bool {
        self == Self::Id(connector_id)
    }

    fn parse(text: &str) -> Self {
        text.parse().map_or(Self::Nonsense, Self::Id)
    }
}
