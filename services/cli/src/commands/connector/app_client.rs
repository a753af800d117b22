//! Connectors together with their app clients at Cognito.
//!
//! A row without its client opens nothing, and a client without its row gets no token. What may not be left behind is a
//! client that nobody knows of: so it is made first, named after its connector, and deleted again if the row fails.

use anyhow::{Context as _, bail};
use autri_aws::{AppClient, Deletion, InteractiveClient, UserPool};
use autri_db::Database;
use autri_db::connectors::{self, Connector, ConnectorKind, NewConnector};
use autri_db::tenancy;
use autri_domain::{ConnectorId, LibraryId};
use secrecy::SecretString;

use crate::aws_step::AwsStep;
use crate::cognito::{FrontDoor, PoolArgs, ScopeArgs};

/// The app clients of a user pool.
pub(crate) struct AppClients<'a> {
    pool: UserPool,
    pool_id: &'a str,
    scope: &'a str,
}

/// The one OAuth flow of an app client: Cognito does not let `client_credentials` share a client with another.
pub(crate) enum Flow<'a> {
    /// `client_credentials`, with a secret.
    Machine,
    /// Authorization code, without one.
    Interactive {
        /// Where people come back to.
        front_door: FrontDoor,
        /// Who may sign them in.
        identity_providers: &'a [String],
    },
}

/// A connector with its new app client.
pub(crate) struct Bound {
    /// The connector.
    pub(crate) connector: Connector,
    /// The app client's secret, which cannot be read again; a machine's.
    pub(crate) client_secret: Option<SecretString>,
}

impl Flow<'_> {
    const fn kind(&self) -> ConnectorKind {
        match self {
            Self::Machine => ConnectorKind::Machine,
            Self::Interactive { .. } => ConnectorKind::Interactive,
        }
    }
}

impl<'a> AppClients<'a> {
    /// Those of the pool that was named, which may ask for this scope.
    ///
    /// # Errors
    /// When no pool was named.
    pub(crate) async fn of(pool: &'a PoolArgs, scope: &'a ScopeArgs) -> anyhow::Result<Self> {
        Ok(Self { pool: pool.get().await?, pool_id: pool.get_id()?, scope: scope.get() })
    }

    /// The pool.
    pub(crate) const fn pool(&self) -> &UserPool {
        &self.pool
    }

    /// Makes an app client with this one flow, and the connector that it is for.
    ///
    /// # Errors
    /// When there is no such library, Cognito refuses, or the row cannot be made. No app client stays behind, unless the
    /// error names it.
    pub(crate) async fn bind(
        &self,
        database: &Database,
        library: LibraryId,
        name: &str,
        flow: &Flow<'_>,
    ) -> anyhow::Result<Bound> {
        let libraries = tenancy::list_libraries(database, None).await?;
        if libraries.iter().all(|one| one.id != library) {
            bail!("there is no library {library}; see `autri library list`");
        }
        let id = ConnectorId::new();
        let client = self.create(id, flow).await?;
        let new = NewConnector {
            id,
            library_id: library,
            kind: flow.kind(),
            oauth_client_id: &client.client_id,
            name,
        };
        let made = connectors::insert(database, &new).await.map_err(anyhow::Error::from);
        let made = made.and_then(|made| made.context("the library was deleted meanwhile"));
        match made {
            Ok(connector) => Ok(Bound { connector, client_secret: client.client_secret }),
            Err(error) => Err(self.undo(&client.client_id, error).await),
        }
    }

    /// Makes an app client for a connector: by its name, whoever looks at the pool finds the row.
    ///
    /// # Errors
    /// When Cognito refuses.
    pub(crate) async fn create(&self, connector: ConnectorId, flow: &Flow<'_>) -> anyhow::Result<AppClient> {
        let name = format!("autri {} {connector}", flow.kind().as_str());
        let made = match flow {
            Flow::Machine => self.pool.create_machine_client(&name, self.scope).await,
            Flow::Interactive { front_door, identity_providers } => {
                let client = InteractiveClient {
                    name: &name,
                    scope: self.scope,
                    callback_urls: &[front_door.callback()],
                    identity_providers,
                };
                self.pool.create_interactive_client(&client).await
            }
        };
        made.with_context(|| {
            AwsStep::new(
                format!("make an app client in the user pool {}", self.pool_id),
                "cognito-idp:CreateUserPoolClient",
            )
        })
    }

    /// Deletes an app client that nothing came of; `error` says why.
    pub(crate) async fn undo(&self, client_id: &str, error: anyhow::Error) -> anyhow::Error {
        match delete(&self.pool, client_id).await {
            Ok(Deletion::Deleted | Deletion::AlreadyGone) => error,
            Err(second) => error.context(format!(
                "the new app client {client_id} is good for nothing and could not be deleted again ({second:#}): \
                 delete it with `aws cognito-idp delete-user-pool-client --user-pool-id {} --client-id {client_id}`",
                self.pool_id
            )),
        }
    }
}

/// Deletes an app client; one that is gone is fine.
///
/// # Errors
/// When Cognito refuses.
pub(crate) async fn delete(pool: &UserPool, client_id: &str) -> anyhow::Result<Deletion> {
    pool.delete_client(client_id).await.with_context(|| {
        AwsStep::new(format!("delete the app client {client_id}"), "cognito-idp:DeleteUserPoolClient")
    })
}
