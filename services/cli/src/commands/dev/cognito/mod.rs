//! `autri dev --cognito`: tokens from a Cognito pool, by emulators, with our own triggers.
//!
//! MiniStack signs the tokens, and has our pre-token-generation function put the connector in; its issuer is spelled as AWS
//! spells it, while its keys are on this machine. It never fires the trigger of a sign-up: cognito-local does, and our
//! post-confirmation function, which MiniStack runs too, makes the records of whoever signed up. Amazon Cognito is both.

mod api;
mod emulators;
mod functions;
mod install;
mod kept;
mod pool;
mod records;
mod sign_up;
mod token;

use std::fs::File;

use autri_db::{Database, roles};
use autri_domain::{ConnectorId, LibraryId};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use self::emulators::Emulators;
pub(super) use self::functions::{POST_CONFIRMATION, PRE_TOKEN};
pub(super) use self::install::Installation;
use self::kept::{Kept, Pool};
use self::records::Connectors;
use super::super::connector::connector_url;
use super::data_dir::{DataDir, KeptToken, Secret};
use super::leash::Leashed;
use super::postgres::Postgres;
use super::programs::Programs;
use super::ready::CognitoReady;
use crate::output;

const REGION: &str = "eu-central-1";
/// MiniStack's only one.
const ACCOUNT: &str = "000000000000";
const RESOURCE_SERVER: &str = "mcp.autri.ai";
const SCOPE: &str = "mcp.invoke";
const ALLOWED_EMAILS: &str = "/autri/beta/ALLOWED_EMAILS";
const INVITE_CONTACT: &str = "beta@autri.ai";
pub(super) const PERSON_EMAIL: &str = "demo@example.com";
/// Where a sign-in ends. Nothing need listen there: the code stands in the address.
const REDIRECT_URI: &str = "http://127.0.0.1:8765/callback";
/// What cognito-local takes as the code that it would have sent; MiniStack has the same.
pub(super) const CONFIRMATION_CODE: &str = "123456";

/// What the chain is built on.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) installation: &'a Installation,
    pub(super) data_dir: &'a DataDir,
    pub(super) lock: &'a File,
    pub(super) postgres: &'a Postgres,
    pub(super) programs: &'a Programs,
    /// The demo library, and the embedding model that it was made with.
    pub(super) library: LibraryId,
    pub(super) embedding_model: &'a str,
}

/// The chain, running.
#[derive(Debug)]
pub(super) struct Cognito {
    pub(super) emulators: [Leashed; 2],
    /// MiniStack's address.
    endpoint: String,
    /// The address of cognito-local.
    sign_up_endpoint: String,
    pool: Pool,
    sign_up: kept::SignUpPool,
    connectors: Connectors,
    password: SecretString,
}

impl Cognito {
    /// Starts the emulators and makes what is missing in them and in the database.
    pub(super) async fn start(ground: &Ground<'_>, database: &Database) -> anyhow::Result<Self> {
        let folder = ground.data_dir.cognito();
        emulators::create_private(&folder)?;
        let mut kept = Kept::read(&folder)?;
        let password = password(ground.data_dir)?;
        let running = Emulators::start(ground.installation, &folder, &mut kept, ground.lock).await?;
        let pool = pool::provide(&running.ministack, kept.pool.take(), password.expose_secret()).await?;
        let sign_up = sign_up::provide(&running.cognito_local, kept.sign_up.take()).await?;
        kept.pool = Some(pool.clone());
        kept.sign_up = Some(sign_up.clone());
        kept.write(&folder)?;
        deploy(ground, &running, &pool).await?;
        records::provide_person(database, ground.library, &running.ministack, &pool).await?;
        let connectors = Connectors::provide(database, ground.library, &pool).await?;
        output::field(
            "Cognito",
            format_args!("pool {}, by MiniStack and cognito-local; logs in {}", pool.id, folder.display()),
        );
        Ok(Self {
            emulators: running.processes,
            endpoint: running.ministack.endpoint().to_owned(),
            sign_up_endpoint: running.cognito_local.endpoint().to_owned(),
            pool,
            sign_up,
            connectors,
            password,
        })
    }

    /// The connector for programs.
    pub(super) fn machine_connector(&self) -> ConnectorId {
        self.connectors.machine
    }

    /// A token of the machine client's, and until when it is good.
    pub(super) async fn mint(&self, now: DateTime<Utc>) -> anyhow::Result<KeptToken> {
        let (token, expires_at) = token::mint(&self.token_endpoint(), &self.pool, now).await?;
        Ok(KeptToken { token, expires_at })
    }

    /// What the MCP server has to know of the pool.
    pub(super) fn server_settings(&self) -> Vec<(&'static str, SecretString)> {
        vec![
            ("AGENTCORE_AUTH", "cognito".into()),
            ("COGNITO_ISSUER", self.issuer().into()),
            ("COGNITO_JWKS_URL", self.jwks_url().into()),
            // The password of the demo's person is good at Cognito's API alone: there is no front door here.
            ("COGNITO_ALSO_ACCEPTED_SCOPES", "aws.cognito.signin.user.admin".into()),
        ]
    }

    pub(super) fn ready(&self, public_url: &Url) -> CognitoReady {
        CognitoReady {
            token_endpoint: self.token_endpoint(),
            client_id: self.pool.machine_client_id.clone(),
            client_secret: self.pool.machine_client_secret.clone(),
            issuer: self.issuer(),
            jwks_url: self.jwks_url(),
            interactive_connector_id: self.connectors.interactive,
            interactive_url: connector_url(public_url, self.connectors.interactive),
            username: PERSON_EMAIL.to_owned(),
            password: self.password.expose_secret().to_owned(),
            cognito_endpoint: self.endpoint.clone(),
            region: REGION.to_owned(),
            user_pool_id: self.pool.id.clone(),
            interactive_client_id: self.pool.interactive_client_id.clone(),
            web_client_id: self.pool.web_client_id.clone(),
            authorize_endpoint: format!("{}/oauth2/authorize", self.endpoint),
            redirect_uri: REDIRECT_URI.to_owned(),
            scope: pool::required_scope(),
            allowed_emails_parameter: ALLOWED_EMAILS.to_owned(),
            pre_token_function: PRE_TOKEN.to_owned(),
            post_confirmation_function: POST_CONFIRMATION.to_owned(),
            sign_up_endpoint: self.sign_up_endpoint.clone(),
            sign_up_pool_id: self.sign_up.id.clone(),
            sign_up_client_id: self.sign_up.client_id.clone(),
        }
    }

    fn token_endpoint(&self) -> String {
        format!("{}/oauth2/token", self.endpoint)
    }

    /// As AWS spells it, and MiniStack writes it into its tokens.
    fn issuer(&self) -> String {
        format!("https://cognito-idp.{REGION}.amazonaws.com/{}", self.pool.id)
    }

    fn jwks_url(&self) -> String {
        format!("{}/{}/.well-known/jwks.json", self.endpoint, self.pool.id)
    }
}

/// Good enough for any pool's policy: upper and lower case, a digit, a symbol.
fn password(data_dir: &DataDir) -> anyhow::Result<SecretString> {
    let random = data_dir.secret(Secret::Person)?;
    Ok(format!("Autri1-{}", random.expose_secret()).into())
}

/// Makes both functions, with what they have to know. They run on this machine, with its network.
async fn deploy(ground: &Ground<'_>, emulators: &Emulators, pool: &Pool) -> anyhow::Result<()> {
    let (ministack, cognito_local) = (&emulators.ministack, &emulators.cognito_local);
    let pre_token = [
        ("DATABASE_URL", ground.postgres.url(roles::PRE_TOKEN)),
        ("PASSTHROUGH_CLIENT_IDS", pool.web_client_id.as_str().into()),
    ];
    let post_confirmation = [
        ("DATABASE_URL", ground.postgres.url(roles::POST_CONFIRMATION)),
        ("ALLOWED_EMAILS_PARAMETER", ALLOWED_EMAILS.into()),
        ("AUTRI_AUDIT_KEY", ground.data_dir.secret(Secret::Audit)?),
        ("INVITE_CONTACT", INVITE_CONTACT.into()),
        ("PERSONAL_EMBEDDING_MODEL", ground.embedding_model.into()),
        ("AWS_ENDPOINT_URL_SSM", ministack.endpoint().into()),
        ("AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER", cognito_local.endpoint().into()),
    ];
    let program = |name| ground.programs.path(name);
    functions::deploy(ministack, PRE_TOKEN, &program(PRE_TOKEN), &pre_token).await?;
    functions::deploy(ministack, POST_CONFIRMATION, &program(POST_CONFIRMATION), &post_confirmation).await
}
