//! The app clients of a user pool: one OAuth flow each, since Cognito takes `client_credentials` only where it is alone.
//! <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html>

use aws_sdk_cognitoidentityprovider::config::retry::RetryConfig;
use aws_sdk_cognitoidentityprovider::config::{Builder, Config};
use aws_sdk_cognitoidentityprovider::operation::create_user_pool_client::builders::CreateUserPoolClientFluentBuilder;
use aws_sdk_cognitoidentityprovider::types::{
    ClientSecretDescriptorType, ExplicitAuthFlowsType, FeatureType, OAuthFlowType,
    PreventUserExistenceErrorTypes, RefreshTokenRotationType, TimeUnitsType, TokenValidityUnitsType,
};
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::time::utc;
use crate::{AwsError, Deletion, UserPool};

/// How long an access token is good, and an ID token, in minutes.
const ACCESS_TOKEN_MINUTES: i32 = 60;
/// How long a refresh token is good, in days; with rotation from the sign-in on, not from the last refresh.
const REFRESH_TOKEN_DAYS: i32 = 30;
/// How long a refresh token that was used is still good, in seconds, for the client that did not get the answer. The most
/// there is.
const ROTATION_GRACE_SECS: i32 = 60;

/// A new app client.
#[derive(Debug, Clone)]
pub struct AppClient {
    /// Cognito's id of it.
    pub client_id: String,
    /// A machine's secret; people's clients have none.
    pub client_secret: Option<SecretString>,
}

/// The app client of people to make: public, with authorization codes.
#[derive(Debug, Clone, Copy)]
pub struct InteractiveClient<'a> {
    /// 1 to 128 characters.
    pub name: &'a str,
    /// The only scope it may ask for.
    pub scope: &'a str,
    /// Where codes may be sent to, exactly: the OAuth front door, which insists on PKCE where Cognito cannot.
    pub callback_urls: &'a [String],
    /// Who signs people in; the pool itself (`COGNITO`) if this is empty.
    pub identity_providers: &'a [String],
}

/// A secret of an app client, which only its maker has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// Cognito's id of it, which is not secret.
    pub id: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A secret that was just made: it cannot be read again.
#[derive(Debug, Clone)]
pub struct NewClientSecret {
    /// Cognito's id of it, which is not secret.
    pub id: String,
    /// What the client shows at the token endpoint.
    pub value: SecretString,
}

impl UserPool {
    /// Makes the app client of a program: `client_credentials` and nothing else.
    ///
    /// # Errors
    /// As any call. After [`AwsError::Unavailable`] there may be a client that nobody knows the secret of.
    pub async fn create_machine_client(&self, name: &str, scope: &str) -> Result<AppClient, AwsError> {
        let request = self
            .new_client(name, scope)
            .allowed_o_auth_flows(OAuthFlowType::ClientCredentials)
            .generate_secret(true)
            // Nobody signs in here. An absent list would mean SRP and custom sign-in, and the API documents no empty one;
            // with this alone there is nothing that a refresh could continue.
            .explicit_auth_flows(ExplicitAuthFlowsType::AllowRefreshTokenAuth);
        let client = send(request).await?;
        if client.client_secret.is_none() {
            return Err(AwsError::incomplete("ClientSecret"));
        }
        Ok(client)
    }

    /// Makes the app client of people: authorization code and nothing else, without a secret, each refresh token good once.
    ///
    /// # Errors
    /// As any call. After [`AwsError::Unavailable`] there may be a client that nobody knows of.
    pub async fn create_interactive_client(
        &self,
        client: &InteractiveClient<'_>,
    ) -> Result<AppClient, AwsError> {
        let rotation = RefreshTokenRotationType::builder()
            .feature(FeatureType::Enabled)
            .retry_grace_period_seconds(ROTATION_GRACE_SECS)
            .build()
            .map_err(|_| AwsError::incomplete("feature"))?;
        let request = self
            .new_client(client.name, client.scope)
            .allowed_o_auth_flows(OAuthFlowType::Code)
            .generate_secret(false)
            .set_callback_urls(Some(client.callback_urls.to_vec()))
            .set_supported_identity_providers(Some(identity_providers(client)))
            .refresh_token_rotation(rotation)
            // How a person can sign in beside the login page, without the front door and so without our scope. The list must
            // not be empty, and with rotation it must not have `ALLOW_REFRESH_TOKEN_AUTH`; SRP, which is in it by default, is
            // what never shows a password to the service.
            // <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html>
            .explicit_auth_flows(ExplicitAuthFlowsType::AllowUserSrpAuth);
        send(request).await
    }

    /// What both kinds have.
    fn new_client(&self, name: &str, scope: &str) -> CreateUserPoolClientFluentBuilder {
        let units = TokenValidityUnitsType::builder()
            .access_token(TimeUnitsType::Minutes)
            .id_token(TimeUnitsType::Minutes)
            .refresh_token(TimeUnitsType::Days);
        self.client
            .create_user_pool_client()
            .user_pool_id(&self.id)
            .client_name(name)
            .allowed_o_auth_flows_user_pool_client(true)
            .allowed_o_auth_scopes(scope)
            .access_token_validity(ACCESS_TOKEN_MINUTES)
            .id_token_validity(ACCESS_TOKEN_MINUTES)
            .refresh_token_validity(REFRESH_TOKEN_DAYS)
            .token_validity_units(units.build())
            .enable_token_revocation(true)
            // Whoever has a client's id, or secret, must not find out with it who else has an account.
            .prevent_user_existence_errors(PreventUserExistenceErrorTypes::Enabled)
    }

    /// Gives a client another secret; it can have two, so that a program can change over.
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AddUserPoolClientSecret.html>
    ///
    /// # Errors
    /// [`AwsError::Unsupported`] where the operation is not known; [`AwsError::Rejected`] when it has two. After
    /// [`AwsError::Unavailable`] there may be a secret that nobody knows.
    pub async fn add_client_secret(&self, client_id: &str) -> Result<NewClientSecret, AwsError> {
        let request = self.client.add_user_pool_client_secret().user_pool_id(&self.id).client_id(client_id);
        let added =
            Box::pin(request.customize().config_override(once()).send()).await.map_err(AwsError::of)?;
        let secret =
            added.client_secret_descriptor.ok_or_else(|| AwsError::incomplete("ClientSecretDescriptor"))?;
        Ok(NewClientSecret {
            id: secret.client_secret_id.ok_or_else(|| AwsError::incomplete("ClientSecretId"))?,
            value: secret
                .client_secret_value
                .ok_or_else(|| AwsError::incomplete("ClientSecretValue"))?
                .into(),
        })
    }

    /// The secrets of a client: two at most, on one page.
    ///
    /// # Errors
    /// [`AwsError::Unsupported`] where the operation is not known, and as any call.
    pub async fn list_client_secrets(&self, client_id: &str) -> Result<Vec<ClientSecret>, AwsError> {
        let request = self.client.list_user_pool_client_secrets().user_pool_id(&self.id).client_id(client_id);
        let listed = Box::pin(request.send()).await.map_err(AwsError::of)?;
        listed.client_secrets.unwrap_or_default().into_iter().map(ClientSecret::try_from).collect()
    }

    /// Ends a secret; the tokens that were got with it live on.
    ///
    /// # Errors
    /// [`AwsError::Unsupported`] where the operation is not known, and as any call.
    pub async fn delete_client_secret(&self, client_id: &str, secret_id: &str) -> Result<Deletion, AwsError> {
        let request = self.client.delete_user_pool_client_secret().user_pool_id(&self.id);
        let request = request.client_id(client_id).client_secret_id(secret_id);
        deletion(Box::pin(request.send()).await.map(drop).map_err(AwsError::of))
    }

    /// Deletes an app client. Its tokens live on, and its refresh tokens do not.
    ///
    /// # Errors
    /// As any call. Cognito has one name for a client and a pool that are not there, so the latter is
    /// [`Deletion::AlreadyGone`] too.
    pub async fn delete_client(&self, client_id: &str) -> Result<Deletion, AwsError> {
        let request = self.client.delete_user_pool_client().user_pool_id(&self.id).client_id(client_id);
        deletion(Box::pin(request.send()).await.map(drop).map_err(AwsError::of))
    }
}

fn identity_providers(client: &InteractiveClient<'_>) -> Vec<String> {
    match client.identity_providers {
        [] => vec!["COGNITO".to_owned()],
        providers => providers.to_vec(),
    }
}

/// One attempt: a second could make a thing that nobody knows of.
fn once() -> Builder {
    Config::builder().retry_config(RetryConfig::disabled())
}

async fn send(request: CreateUserPoolClientFluentBuilder) -> Result<AppClient, AwsError> {
    let made = Box::pin(request.customize().config_override(once()).send()).await.map_err(AwsError::of)?;
    let client = made.user_pool_client.ok_or_else(|| AwsError::incomplete("UserPoolClient"))?;
    Ok(AppClient {
        client_id: client.client_id.ok_or_else(|| AwsError::incomplete("ClientId"))?,
        client_secret: client.client_secret.map(SecretString::from),
    })
}

fn deletion(result: Result<(), AwsError>) -> Result<Deletion, AwsError> {
    match result {
        Ok(()) => Ok(Deletion::Deleted),
        Err(AwsError::NotFound(_)) => Ok(Deletion::AlreadyGone),
        Err(error) => Err(error),
    }
}

impl TryFrom<ClientSecretDescriptorType> for ClientSecret {
    type Error = AwsError;

    fn try_from(secret: ClientSecretDescriptorType) -> Result<Self, AwsError> {
        let created_at = secret.client_secret_create_date.as_ref().and_then(utc);
        Ok(Self {
            id: secret.client_secret_id.ok_or_else(|| AwsError::incomplete("ClientSecretId"))?,
            created_at: created_at.ok_or_else(|| AwsError::incomplete("ClientSecretCreateDate"))?,
        })
    }
}
