//! The pool at MiniStack: what production has made by its infrastructure and by `autri connector create`.

use anyhow::Context as _;
use serde_json::{Value, json};

use super::api::{Emulator, Service};
use super::functions::{self, PRE_TOKEN};
use super::kept::Pool;
use super::{ALLOWED_EMAILS, PERSON_EMAIL, REDIRECT_URI, RESOURCE_SERVER, SCOPE};
use crate::output;

const NAME: &str = "autri-dev";
/// What the parameter holds at first: the demo person, and a domain whose people may sign up.
const FIRST_ALLOWED_EMAILS: &str = "\
# Who may have an account: one address a line; *@domain for everyone there.
demo@example.com
*@example.org
";

/// The pool of an earlier run if it is still there, with its clients, otherwise a new one.
pub(super) async fn provide(
    ministack: &Emulator,
    kept: Option<Pool>,
    password: &str,
) -> anyhow::Result<Pool> {
    provide_parameter(ministack).await?;
    match kept {
        Some(pool) if is_whole(ministack, &pool).await? => Ok(pool),
        Some(_) => {
            output::field("Cognito", "the emulator was killed and has forgotten its pool: a new one");
            make(ministack, password).await
        }
        None => make(ministack, password).await,
    }
}

async fn is_whole(ministack: &Emulator, pool: &Pool) -> anyhow::Result<bool> {
    for client in [&pool.machine_client_id, &pool.interactive_client_id, &pool.web_client_id] {
        let client = json!({ "UserPoolId": pool.id, "ClientId": client });
        if ministack.find(Service::Cognito, "DescribeUserPoolClient", &client).await?.is_none() {
            return Ok(false);
        }
    }
    let person = json!({ "UserPoolId": pool.id, "Username": pool.person_sub });
    Ok(ministack.find(Service::Cognito, "AdminGetUser", &person).await?.is_some())
}

async fn make(ministack: &Emulator, password: &str) -> anyhow::Result<Pool> {
    let id = make_pool(ministack).await?;
    let machine = make_client(ministack, &id, machine_client()).await?;
    let interactive = make_client(ministack, &id, interactive_client()).await?;
    let web = make_client(ministack, &id, web_client()).await?;
    let person_sub = make_person(ministack, &id, password).await?;
    Ok(Pool {
        machine_client_id: text(&machine, "ClientId")?,
        machine_client_secret: text(&machine, "ClientSecret")?,
        interactive_client_id: text(&interactive, "ClientId")?,
        web_client_id: text(&web, "ClientId")?,
        id,
        person_sub,
    })
}

async fn make_pool(ministack: &Emulator) -> anyhow::Result<String> {
    let trigger = json!({ "LambdaArn": functions::arn(PRE_TOKEN), "LambdaVersion": "V3_0" });
    let pool = json!({
        "PoolName": NAME,
        "UserPoolTier": "ESSENTIALS",
        "UsernameAttributes": ["email"],
        "AutoVerifiedAttributes": ["email"],
        "LambdaConfig": { "PreTokenGenerationConfig": trigger },
    });
    let made = ministack.call(Service::Cognito, "CreateUserPool", &pool).await?;
    let id = text(&made["UserPool"], "Id")?;
    // Names are unique within a region, and the emulator may have kept an older pool.
    let domain = json!({ "UserPoolId": id, "Domain": id.to_ascii_lowercase().replace('_', "-") });
    ministack.call(Service::Cognito, "CreateUserPoolDomain", &domain).await?;
    let server = json!({
        "UserPoolId": id,
        "Identifier": RESOURCE_SERVER,
        "Name": "MCP server",
        "Scopes": [{ "ScopeName": SCOPE, "ScopeDescription": "Call the MCP server" }],
    });
    ministack.call(Service::Cognito, "CreateResourceServer", &server).await?;
    Ok(id)
}

async fn make_client(ministack: &Emulator, pool: &str, mut client: Value) -> anyhow::Result<Value> {
    client["UserPoolId"] = pool.into();
    let mut made = ministack.call(Service::Cognito, "CreateUserPoolClient", &client).await?;
    Ok(made["UserPoolClient"].take())
}

/// With the same flow and scope as one of `autri connector create --machine`.
fn machine_client() -> Value {
    json!({
        "ClientName": "demo programs",
        "GenerateSecret": true,
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": [required_scope()],
        "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        "PreventUserExistenceErrors": "ENABLED",
    })
}

/// With the same flow and scope as one of `autri connector create --interactive`, and besides, for tests without a browser, with
/// sign-in by password.
fn interactive_client() -> Value {
    json!({
        "ClientName": "demo people",
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": [required_scope()],
        "CallbackURLs": [REDIRECT_URI],
        "SupportedIdentityProviders": ["COGNITO"],
        "ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 60 },
        "PreventUserExistenceErrors": "ENABLED",
    })
}

/// The web app's own: no connector belongs to it, and the trigger lets its tokens pass unchanged.
fn web_client() -> Value {
    let mut client = interactive_client();
    client["ClientName"] = "web app".into();
    client["AllowedOAuthScopes"] = json!(["openid", "email"]);
    client
}

/// What tokens for the MCP server carry, as `COGNITO_REQUIRED_SCOPE` has it unless told otherwise.
pub(super) fn required_scope() -> String {
    format!("{RESOURCE_SERVER}/{SCOPE}")
}

/// A person who has confirmed the address and has a password for good; gives the `sub`.
async fn make_person(ministack: &Emulator, pool: &str, password: &str) -> anyhow::Result<String> {
    let person = json!({
        "UserPoolId": pool,
        "Username": PERSON_EMAIL,
        "MessageAction": "SUPPRESS",
        "UserAttributes": [
            { "Name": "email", "Value": PERSON_EMAIL },
            { "Name": "email_verified", "Value": "true" },
        ],
    });
    let made = ministack.call(Service::Cognito, "AdminCreateUser", &person).await?;
    let password = json!({
        "UserPoolId": pool,
        "Username": PERSON_EMAIL,
        "Password": password,
        "Permanent": true,
    });
    ministack.call(Service::Cognito, "AdminSetUserPassword", &password).await?;
    // In a pool where people sign in with an address, the user name is the `sub`.
    text(&made["User"], "Username")
}

/// Whoever was invited in an earlier run still is.
async fn provide_parameter(ministack: &Emulator) -> anyhow::Result<()> {
    let name = json!({ "Name": ALLOWED_EMAILS });
    if ministack.find(Service::ParameterStore, "GetParameter", &name).await?.is_none() {
        let parameter = json!({ "Name": ALLOWED_EMAILS, "Type": "String", "Value": FIRST_ALLOWED_EMAILS });
        ministack.call(Service::ParameterStore, "PutParameter", &parameter).await?;
    }
    Ok(())
}

/// A text that the answer must have.
pub(super) fn text(answer: &Value, name: &str) -> anyhow::Result<String> {
    answer[name].as_str().map(str::to_owned).with_context(|| format!("the emulator's answer has no {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_client_has_both_kinds_of_flow() {
        // Cognito refuses it, the emulator does not.
        let flows = |client: Value| client["AllowedOAuthFlows"].clone();
        assert_eq!(flows(machine_client()), json!(["client_credentials"]));
        for people in [interactive_client(), web_client()] {
            assert_eq!(people.get("GenerateSecret"), None);
            assert_eq!(flows(people), json!(["code"]));
        }
    }

    #[test]
    fn the_demo_person_may_have_an_account() {
        assert!(FIRST_ALLOWED_EMAILS.lines().any(|line| line == PERSON_EMAIL));
    }
}
