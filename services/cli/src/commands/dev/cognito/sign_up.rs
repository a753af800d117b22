//! The pool at cognito-local, which people sign up to.

use serde_json::json;

use super::api::{Emulator, Service};
use super::kept::SignUpPool;
use super::pool::text;

/// The pool of an earlier run if it is still there, otherwise a new one.
pub(super) async fn provide(
    cognito_local: &Emulator,
    kept: Option<SignUpPool>,
) -> anyhow::Result<SignUpPool> {
    if let Some(pool) = kept {
        let client = json!({ "UserPoolId": pool.id, "ClientId": pool.client_id });
        if cognito_local.find(Service::Cognito, "DescribeUserPoolClient", &client).await?.is_some() {
            return Ok(pool);
        }
    }
    let pool = json!({ "PoolName": "autri-dev-sign-up", "UsernameAttributes": ["email"] });
    let pool = cognito_local.call(Service::Cognito, "CreateUserPool", &pool).await?;
    let id = text(&pool["UserPool"], "Id")?;
    let client = json!({
        "UserPoolId": id,
        "ClientName": "sign-up",
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    });
    let client = cognito_local.call(Service::Cognito, "CreateUserPoolClient", &client).await?;
    Ok(SignUpPool { id, client_id: text(&client["UserPoolClient"], "ClientId")? })
}
