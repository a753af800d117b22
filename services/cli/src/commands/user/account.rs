//! The records of a person, and the connector of their own library.

use anyhow::{Context as _, bail};
use autri_admission::{EmailAddress, Newcomer, Provisioned, welcome};
use autri_aws::PoolUser;
use autri_db::connectors::{self, Connector, ConnectorKind};
use autri_db::people::{self, Account};
use autri_db::{Database, notifications};
use clap::Args;
use url::Url;

use super::pool_user::attribute;
use crate::cognito::{AppClientArgs, PoolArgs};
use crate::commands::connector::app_client::{AppClients, Flow};
use crate::commands::connector::connector_url;

/// What people call the connector of their own library.
const CONNECTOR_NAME: &str = "Personal";

/// The options of commands that make accounts.
#[derive(Debug, Args)]
pub(super) struct ConnectorArgs {
    /// Make the interactive connector of the person's own library too; its URL goes into the welcome notification
    #[arg(long)]
    pub(super) with_connector: bool,
    /// Where clients reach the server; with --with-connector
    #[arg(long, value_name = "URL", env = "AUTRI_PUBLIC_URL")]
    public_url: Option<String>,
    #[command(flatten)]
    app_client: AppClientArgs,
}

/// How personal connectors are made.
pub(super) struct PersonalConnectors<'a> {
    clients: AppClients<'a>,
    flow: Flow<'a>,
    public_url: Url,
}

/// A personal connector and the URL that its owner is given.
pub(super) struct PersonalConnector {
    pub(super) connector: Connector,
    pub(super) url: String,
}

/// Makes a user's records, or what is missing of them.
///
/// # Errors
/// When the address or the pool's name for this user is another person's, or the database refuses.
pub(super) async fn provision(
    database: &Database,
    pool_id: &str,
    user: &PoolUser,
    email: &EmailAddress,
    embedding_model: &str,
) -> anyhow::Result<Account> {
    let newcomer = Newcomer {
        cognito_sub: user.sub.as_deref().context("the user pool gives no `sub` for this user")?,
        user_pool_id: pool_id,
        user_name: &user.user_name,
        email,
        given_name: attribute(user, "given_name"),
        family_name: attribute(user, "family_name"),
        picture: attribute(user, "picture"),
        embedding_model,
    };
    match autri_admission::provision(database, &newcomer).await? {
        Provisioned::Account(account) => Ok(account),
        Provisioned::AddressTaken => bail!(
            "the address is that of another person's records: if they are the same human, `autri user delete` the old account first"
        ),
        Provisioned::UserNameTaken => bail!(
            "the records of a user who is gone have this user name: `autri user reconcile` lists them as gone"
        ),
    }
}

impl ConnectorArgs {
    /// What --with-connector takes; `None` without it.
    ///
    /// # Errors
    /// When a setting is missing.
    pub(super) async fn connectors<'a>(
        &'a self,
        pool: &'a PoolArgs,
    ) -> anyhow::Result<Option<PersonalConnectors<'a>>> {
        if !self.with_connector {
            return Ok(None);
        }
        let public_url = self.public_url.as_deref().filter(|url| !url.is_empty());
        let public_url = public_url.context(
            "--with-connector needs the server's URL, which people are told: set AUTRI_PUBLIC_URL (or --public-url)",
        )?;
        Ok(Some(PersonalConnectors {
            clients: AppClients::of(pool, &self.app_client.scope).await?,
            flow: Flow::Interactive {
                front_door: self.app_client.front_door()?,
                identity_providers: &self.app_client.identity_providers,
            },
            public_url: public_url.parse().context("AUTRI_PUBLIC_URL (--public-url) is no URL")?,
        }))
    }
}

impl PersonalConnectors<'_> {
    /// Finds or makes the interactive connector of somebody's own library, and tells them of it.
    pub(super) async fn complete(
        &self,
        database: &Database,
        account: &Account,
    ) -> anyhow::Result<PersonalConnector> {
        let connector = match find_live(database, account).await? {
            Some(connector) => connector,
            None => {
                self.clients.bind(database, account.library_id, CONNECTOR_NAME, &self.flow).await?.connector
            }
        };
        let url = connector_url(&self.public_url, connector.id);
        tell(database, account, &url).await?;
        Ok(PersonalConnector { connector, url })
    }
}

async fn find_live(database: &Database, account: &Account) -> anyhow::Result<Option<Connector>> {
    let connectors = connectors::list(database, Some(account.library_id)).await?;
    Ok(connectors.into_iter().find(|connector| {
        connector.revoked_at.is_none() && connector.kind == ConnectorKind::Interactive.as_str()
    }))
}

/// Puts the URL into the welcome, unless it is there: what was read must not become unread for nothing.
async fn tell(database: &Database, account: &Account, url: &str) -> anyhow::Result<()> {
    let body = welcome(Some(url)).body;
    let told = notifications::list(database, Some(account.user_id)).await?;
    if told.iter().any(|one| one.kind == "welcome" && one.body == body) {
        return Ok(());
    }
    people::set_welcome_body(database, account.user_id, &body).await?;
    Ok(())
}
