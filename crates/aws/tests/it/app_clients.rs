//! App clients: exactly what Cognito is asked for. The emulator takes mixed flows, Cognito does not.

use autri_aws::test_support::Reply;
use autri_aws::{AppClient, AwsConfig, AwsError, Deletion, InteractiveClient, UserPool};
use chrono::DateTime;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

const POOL: &str = "eu-central-1_Autri";
const SCOPE: &str = "mcp.autri.ai/mcp.invoke";
const SECRET: &str = "hunter2hunter2";

/// A Cognito that makes every client, with a secret if one is asked for.
fn cognito() -> AwsConfig {
    AwsConfig::answered_by(|_, body| {
        let mut client = json!({ "ClientId": "client-1", "UserPoolId": POOL });
        if body["GenerateSecret"] == true {
            client["ClientSecret"] = SECRET.into();
        }
        Reply::Json(json!({ "UserPoolClient": client }))
    })
}

fn failing(code: &'static str) -> UserPool {
    let config = AwsConfig::answered_by(move |_, _| Reply::Error { status: 400, code, message: "no" });
    UserPool::new(&config, POOL)
}

fn only_request(config: &AwsConfig, operation: &str) -> Value {
    let [request] = &config.requests()[..] else { panic!("{:?}", config.requests()) };
    assert_eq!(request.operation, operation);
    request.body.clone()
}

async fn create_interactive(identity_providers: &[String]) -> (AppClient, Value) {
    let config = cognito();
    let client = InteractiveClient {
        name: "autri interactive 1",
        scope: SCOPE,
        callback_urls: &["https://auth.autri.ai/oauth/callback".to_owned()],
        identity_providers,
    };
    let made = UserPool::new(&config, POOL).create_interactive_client(&client).await.unwrap();
    (made, only_request(&config, "CreateUserPoolClient"))
}

#[tokio::test]
async fn a_machine_gets_client_credentials_and_nothing_else() {
    let config = cognito();
    let client = UserPool::new(&config, POOL).create_machine_client("autri machine 1", SCOPE).await.unwrap();
    assert_eq!(client.client_id, "client-1");
    assert_eq!(client.client_secret.as_ref().unwrap().expose_secret(), SECRET);
    assert!(!format!("{client:?}").contains(SECRET));
    let expected = json!({
        "UserPoolId": POOL,
        "ClientName": "autri machine 1",
        "GenerateSecret": true,
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["client_credentials"],
        "AllowedOAuthScopes": [SCOPE],
        "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
        "AccessTokenValidity": 60,
        "IdTokenValidity": 60,
        "RefreshTokenValidity": 30,
        "TokenValidityUnits": { "AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days" },
        "EnableTokenRevocation": true,
        "PreventUserExistenceErrors": "ENABLED",
    });
    assert_eq!(only_request(&config, "CreateUserPoolClient"), expected);
}

#[tokio::test]
async fn people_get_codes_and_nothing_else() {
    let (client, request) = create_interactive(&[]).await;
    assert_eq!(client.client_id, "client-1");
    assert!(client.client_secret.is_none());
    let expected = json!({
        "UserPoolId": POOL,
        "ClientName": "autri interactive 1",
        "GenerateSecret": false,
        "AllowedOAuthFlowsUserPoolClient": true,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": [SCOPE],
        "CallbackURLs": ["https://auth.autri.ai/oauth/callback"],
        "SupportedIdentityProviders": ["COGNITO"],
        "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"],
        "RefreshTokenRotation": { "Feature": "ENABLED", "RetryGracePeriodSeconds": 60 },
        "AccessTokenValidity": 60,
        "IdTokenValidity": 60,
        "RefreshTokenValidity": 30,
        "TokenValidityUnits": { "AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days" },
        "EnableTokenRevocation": true,
        "PreventUserExistenceErrors": "ENABLED",
    });
    assert_eq!(request, expected);
}

#[tokio::test]
async fn flows_are_never_mixed() {
    let machine = cognito();
    UserPool::new(&machine, POOL).create_machine_client("m", SCOPE).await.unwrap();
    let mut requests = vec![only_request(&machine, "CreateUserPoolClient")];
    for providers in [vec![], vec!["COGNITO".to_owned(), "Google".to_owned()]] {
        requests.push(create_interactive(&providers).await.1);
    }
    for request in &requests {
        let flows = request["AllowedOAuthFlows"].as_array().unwrap();
        assert_eq!(flows.len(), 1, "{request}");
        let is_machine = flows[0] == "client_credentials";
        assert_eq!(request["GenerateSecret"], is_machine, "{request}");
        assert_eq!(request.get("CallbackURLs").is_none(), is_machine, "{request}");
        assert_eq!(request.get("RefreshTokenRotation").is_none(), is_machine, "{request}");
        // Rotation excludes the old way to refresh; an absent list would have it.
        let sign_in = request["ExplicitAuthFlows"].as_array().unwrap();
        assert_eq!(sign_in.contains(&"ALLOW_REFRESH_TOKEN_AUTH".into()), is_machine, "{request}");
        assert!(!sign_in.is_empty() && (!is_machine || sign_in.len() == 1), "{request}");
    }
    assert_eq!(requests.len(), 3);
}

#[tokio::test]
async fn who_signs_people_in_is_given() {
    let (_, request) = create_interactive(&["Google".to_owned()]).await;
    assert_eq!(request["SupportedIdentityProviders"], json!(["Google"]));
    assert_eq!(request["ExplicitAuthFlows"], json!(["ALLOW_USER_SRP_AUTH"]));
}

#[tokio::test]
async fn a_machine_without_a_secret_is_an_error() {
    let config =
        AwsConfig::answered_by(|_, _| Reply::Json(json!({ "UserPoolClient": { "ClientId": "client-1" } })));
    let error = UserPool::new(&config, POOL).create_machine_client("m", SCOPE).await.unwrap_err();
    assert!(matches!(error, AwsError::Rejected { .. }), "{error:?}");
}

#[tokio::test]
async fn a_secret_is_added_and_seen_once() {
    let config = AwsConfig::answered_by(|_, _| {
        Reply::Json(json!({ "ClientSecretDescriptor": {
            "ClientSecretId": "client-1--1750000000", "ClientSecretValue": SECRET, "ClientSecretCreateDate": 1_750_000_000,
        } }))
    });
    let secret = UserPool::new(&config, POOL).add_client_secret("client-1").await.unwrap();
    assert_eq!((secret.id.as_str(), secret.value.expose_secret()), ("client-1--1750000000", SECRET));
    assert!(!format!("{secret:?}").contains(SECRET));
    let request = only_request(&config, "AddUserPoolClientSecret");
    assert_eq!(request, json!({ "UserPoolId": POOL, "ClientId": "client-1" }));
}

#[tokio::test]
async fn secrets_are_listed_without_their_values() {
    let config = AwsConfig::answered_by(|_, _| {
        Reply::Json(json!({ "ClientSecrets": [
            { "ClientSecretId": "old", "ClientSecretCreateDate": 1_700_000_000 },
            { "ClientSecretId": "new", "ClientSecretCreateDate": 1_750_000_000.5 },
        ] }))
    });
    let secrets = UserPool::new(&config, POOL).list_client_secrets("client-1").await.unwrap();
    let ids: Vec<_> = secrets.iter().map(|secret| secret.id.as_str()).collect();
    assert_eq!(ids, ["old", "new"]);
    assert_eq!(secrets[1].created_at, DateTime::from_timestamp(1_750_000_000, 500_000_000).unwrap());
    let request = only_request(&config, "ListUserPoolClientSecrets");
    assert_eq!(request, json!({ "UserPoolId": POOL, "ClientId": "client-1" }));
}

#[tokio::test]
async fn what_is_deleted_may_be_gone() {
    let config = AwsConfig::answered_by(|_, _| Reply::Json(json!({})));
    let pool = UserPool::new(&config, POOL);
    assert_eq!(pool.delete_client("client-1").await.unwrap(), Deletion::Deleted);
    assert_eq!(pool.delete_client_secret("client-1", "old").await.unwrap(), Deletion::Deleted);
    let requests: Vec<_> =
        config.requests().into_iter().map(|request| (request.operation, request.body)).collect();
    let expected = [
        ("DeleteUserPoolClient", json!({ "UserPoolId": POOL, "ClientId": "client-1" })),
        (
            "DeleteUserPoolClientSecret",
            json!({ "UserPoolId": POOL, "ClientId": "client-1", "ClientSecretId": "old" }),
        ),
    ];
    assert_eq!(requests, expected.map(|(operation, body)| (operation.to_owned(), body)));

    let gone = failing("ResourceNotFoundException");
    assert_eq!(gone.delete_client("client-1").await.unwrap(), Deletion::AlreadyGone);
    assert_eq!(gone.delete_client_secret("client-1", "old").await.unwrap(), Deletion::AlreadyGone);
    let denied = failing("NotAuthorizedException").delete_client("client-1").await.unwrap_err();
    assert!(matches!(denied, AwsError::Denied(_)), "{denied:?}");
}

#[tokio::test]
async fn an_endpoint_without_secrets_says_so() {
    let pool = failing("UnknownOperationException");
    let error = pool.add_client_secret("client-1").await.unwrap_err();
    assert!(matches!(error, AwsError::Unsupported(_)), "{error:?}");
    let error = pool.list_client_secrets("client-1").await.unwrap_err();
    assert!(matches!(error, AwsError::Unsupported(_)), "{error:?}");
    let error = pool.delete_client_secret("client-1", "old").await.unwrap_err();
    assert!(matches!(error, AwsError::Unsupported(_)), "{error:?}");
}
