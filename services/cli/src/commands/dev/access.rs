//! By which token the demo library is reached: a development token, or one of the pool's.

use std::time::Duration;

use autri_db::connectors::Connector;
use autri_db::roles;
use autri_domain::ConnectorId;
use secrecy::SecretString;

use super::cognito::{Cognito, Ground};
use super::data_dir::{DataDir, KeptToken, Secret};
use super::demo::Demo;
use super::tokens::{Bearer, TTL_SECS, Tokens};
use crate::context::{Context, connect};

/// By which token the server may be called.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) connector: ConnectorId,
    pub(super) token: KeptToken,
    /// What the server has to know to judge it.
    pub(super) server_settings: Vec<(&'static str, SecretString)>,
    /// What issues it, unless this program does.
    pub(super) cognito: Option<Cognito>,
}

impl Access {
    pub(super) fn with_development_tokens(
        data_dir: &DataDir,
        demo: &Demo,
        context: &Context,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            connector: demo.connector.id,
            token: provide_token(data_dir, demo, context)?,
            server_settings: vec![
                ("AGENTCORE_AUTH", "hs256-dev".into()),
                ("AUTRI_DEV_JWT_SECRET", data_dir.secret(Secret::Jwt)?),
            ],
            cognito: None,
        })
    }

    pub(super) async fn with_cognito(ground: &Ground<'_>, context: &Context) -> anyhow::Result<Self> {
        let database = connect(ground.postgres.url(roles::ADMIN))?;
        let cognito = Cognito::start(ground, &database).await?;
        database.close().await;
        Ok(Self {
            connector: cognito.machine_connector(),
            token: cognito.mint(context.clock.now()).await?,
            server_settings: cognito.server_settings(),
            cognito: Some(cognito),
        })
    }
}

/// The token of an earlier run while it lasts, so that what people have pasted somewhere goes on working.
fn provide_token(data_dir: &DataDir, demo: &Demo, context: &Context) -> anyhow::Result<KeptToken> {
    let tokens = Tokens::new(data_dir.secret(Secret::Jwt)?, context.clock.clone())?;
    let Connector { id, oauth_client_id, .. } = &demo.connector;
    let bearer = Bearer { connector_id: *id, client_id: oauth_client_id.clone(), subject: None };
    if let Some(kept) = data_dir.find_token()?
        && tokens.lasts(&kept.token, &bearer)
    {
        return Ok(kept);
    }
    let expires_at = context.clock.now() + Duration::from_secs(TTL_SECS.into());
    let made = KeptToken { token: tokens.mint(&bearer, TTL_SECS), expires_at };
    data_dir.keep_token(&made)?;
    Ok(made)
}
