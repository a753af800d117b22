//! `autri connector create`.

use anyhow::Context as _;
use autri_db::connectors::{self, Connector, ConnectorKind, NewConnector};
use autri_domain::{ConnectorId, LibraryId};
use clap::Args;
#[cfg(feature = "aws")]
use secrecy::ExposeSecret as _;

#[cfg(feature = "aws")]
use super::app_client::{AppClients, Bound, Flow};
use super::{BaseUrl, as_json};
#[cfg(feature = "aws")]
use crate::cognito::{AppClientArgs, PoolArgs};
use crate::context::Context;
use crate::output;

#[cfg(feature = "aws")]
const EXAMPLES: &str = "Examples, with COGNITO_USER_POOL_ID and AUTRI_AUTHORIZATION_SERVER set:
  autri connector create --library 0197f6a2-8c1e-7000-8000-000000000002 --machine --name CI
  autri connector create --library 0197f6a2-8c1e-7000-8000-000000000002 --interactive \\
    --name Handbook --identity-provider Google
  autri connector create --library 0197f6a2-8c1e-7000-8000-000000000002 --machine --name CI \\
    --client-id 4t2k…
The secret of a machine's app client is printed once, and cannot be read again. With --client-id
nothing is asked of Cognito: the app client is yours, with one flow alone.";
#[cfg(not(feature = "aws"))]
const EXAMPLES: &str = "Examples:
  autri connector create --library 0197f6a2-8c1e-7000-8000-000000000002 --machine --name CI --client-id 4t2k…";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CreateArgs {
    /// The library that it opens
    #[arg(long, value_name = "ID")]
    library: LibraryId,
    #[command(flatten)]
    kind: KindArgs,
    /// What people call it, 1 to 200 characters
    #[arg(long)]
    name: String,
    /// Bind this OAuth client, which exists, in place of making one
    #[arg(long, value_name = "CLIENT")]
    #[cfg_attr(not(feature = "aws"), arg(required = true))]
    client_id: Option<String>,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pool: PoolArgs,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    app_client: AppClientArgs,
    /// The pool's token endpoint, to be printed with a machine's credentials
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "URL", env = "COGNITO_TOKEN_ENDPOINT")]
    token_endpoint: Option<String>,
    #[command(flatten)]
    base: BaseUrl,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct KindArgs {
    /// For a program: a client with a secret (`client_credentials`)
    #[arg(long)]
    machine: bool,
    /// For people, who sign in (authorization code with PKCE)
    #[arg(long)]
    interactive: bool,
}

pub(super) async fn run(args: CreateArgs, context: &Context) -> anyhow::Result<()> {
    match &args.client_id {
        Some(client_id) => bind(&args, client_id, context).await,
        #[cfg(feature = "aws")]
        None => make(&args, context).await,
        // clap insists on it.
        #[cfg(not(feature = "aws"))]
        None => anyhow::bail!("say which OAuth client it is with --client-id"),
    }
}

/// Binds an app client that exists.
async fn bind(args: &CreateArgs, client_id: &str, context: &Context) -> anyhow::Result<()> {
    let kind = if args.kind.machine { ConnectorKind::Machine } else { ConnectorKind::Interactive };
    let new = NewConnector {
        id: ConnectorId::new(),
        library_id: args.library,
        kind,
        oauth_client_id: client_id,
        name: &args.name,
    };
    let made = connectors::insert(&context.database()?, &new).await?;
    let library = args.library;
    let connector =
        made.with_context(|| format!("there is no library {library}; see `autri library list`"))?;
    if context.json {
        return output::json(&as_json(&connector, &args.base));
    }
    print_place(&connector, &args.base);
    Ok(())
}

fn print_place(connector: &Connector, base: &BaseUrl) {
    output::line(format_args!("{}\n{}", connector.id, base.of(connector.id)));
}

/// Makes the app client too.
#[cfg(feature = "aws")]
async fn make(args: &CreateArgs, context: &Context) -> anyhow::Result<()> {
    let database = context.database()?;
    let clients = AppClients::of(&args.pool, &args.app_client.scope)
        .await
        .context("an app client that exists is bound with --client-id; making one needs the user pool")?;
    let flow = if args.kind.machine {
        Flow::Machine
    } else {
        Flow::Interactive {
            front_door: args.app_client.front_door()?,
            identity_providers: &args.app_client.identity_providers,
        }
    };
    let bound = clients.bind(&database, args.library, &args.name, &flow).await?;
    if context.json {
        return output::json(&bound_json(&bound, args));
    }
    print_bound(&bound, args);
    Ok(())
}

#[cfg(feature = "aws")]
fn print_bound(bound: &Bound, args: &CreateArgs) {
    output::entry("connector", bound.connector.id);
    output::entry("url", args.base.of(bound.connector.id));
    output::entry("client_id", &bound.connector.oauth_client_id);
    let Some(secret) = &bound.client_secret else { return };
    output::entry("client_secret", secret.expose_secret());
    output::note("the secret cannot be read again; `autri connector rotate-secret` makes another");
    if let Some(endpoint) = args.token_endpoint() {
        output::entry("token_endpoint", endpoint);
        output::note(format_args!(
            "a token: curl -sS {endpoint} -u CLIENT_ID:CLIENT_SECRET -d grant_type=client_credentials -d scope={}",
            args.app_client.scope.get()
        ));
    }
}

#[cfg(feature = "aws")]
fn bound_json(bound: &Bound, args: &CreateArgs) -> serde_json::Value {
    let mut answer = as_json(&bound.connector, &args.base);
    if let Some(secret) = &bound.client_secret {
        answer["client_secret"] = secret.expose_secret().into();
        answer["token_endpoint"] = args.token_endpoint().into();
        answer["scope"] = args.app_client.scope.get().into();
    }
    answer
}

#[cfg(feature = "aws")]
impl CreateArgs {
    fn token_endpoint(&self) -> Option<&str> {
        self.token_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty())
    }
}
