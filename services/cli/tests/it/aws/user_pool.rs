//! A Cognito user pool: users, app clients and their secrets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Aws, POOL, Refusal, text};

/// How many users a page has, so that three make two.
const PAGE: usize = 2;
/// 2025-06-15, in seconds of Unix time: long ago.
const LONG_AGO: i64 = 1_750_000_000;

#[derive(Default)]
pub(super) struct Pool {
    users: Vec<Value>,
    /// By client id: the request that made it.
    clients: BTreeMap<String, Value>,
    /// By client id: the ids and values of its secrets.
    secrets: BTreeMap<String, Vec<(String, String)>>,
    /// How many app clients and secrets were ever made.
    made: u32,
}

/// Somebody in the pool, to be changed before they are added.
pub(crate) struct User(Value);

impl User {
    /// Has signed up with a password, long ago; the address is verified.
    pub(crate) fn native(name: &str, email: &str) -> Self {
        Self::new(name, "CONFIRMED", &[("email", email), ("email_verified", "true")])
    }

    /// Has signed in with Google, long ago.
    pub(crate) fn google(name: &str, email: &str) -> Self {
        let identities =
            r#"[{"userId":"1","providerName":"Google","providerType":"Google","primary":"true"}]"#;
        Self::new(
            name,
            "EXTERNAL_PROVIDER",
            &[("email", email), ("email_verified", "false"), ("identities", identities)],
        )
    }

    fn new(name: &str, status: &str, attributes: &[(&str, &str)]) -> Self {
        let sub = format!("sub-of-{name}");
        let all = std::iter::once(("sub", &*sub)).chain(attributes.iter().copied());
        let attributes: Vec<_> = all.map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
        Self(json!({
            "Username": name, "Attributes": attributes, "Enabled": true, "UserStatus": status,
            "UserCreateDate": LONG_AGO, "UserLastModifiedDate": LONG_AGO,
        }))
    }

    /// With another of the keys of `UserType`:
    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserType.html>
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0[key] = value.into();
        self
    }

    /// With another value of an attribute.
    pub(crate) fn with_attribute(mut self, name: &str, value: &str) -> Self {
        let attributes = self.0["Attributes"].as_array_mut().expect("a list");
        attributes.retain(|attribute| attribute["Name"] != name);
        attributes.push(json!({ "Name": name, "Value": value }));
        self
    }
}

impl Aws {
    /// Puts somebody into the pool.
    pub(crate) fn add_user(&self, user: User) {
        self.state().pool.users.push(user.0);
    }

    /// The names of those in the pool.
    pub(crate) fn user_names(&self) -> Vec<String> {
        self.state().pool.users.iter().map(|user| text(user, "Username").to_owned()).collect()
    }

    /// The ids of the app clients.
    pub(crate) fn client_ids(&self) -> Vec<String> {
        self.state().pool.clients.keys().cloned().collect()
    }

    /// The secrets that are good for an app client, oldest first.
    pub(crate) fn secrets(&self, client_id: &str) -> Vec<String> {
        let state = self.state();
        let secrets = state.pool.secrets.get(client_id).into_iter().flatten();
        secrets.map(|(_, value)| value.clone()).collect()
    }
}

impl Pool {
    pub(super) fn answer(&mut self, operation: &str, body: &Value) -> Answer {
        if text(body, "UserPoolId") != POOL {
            let message = format!("User pool {} does not exist.", text(body, "UserPoolId"));
            return Err(Refusal("ResourceNotFoundException", message));
        }
        match operation {
            "ListUsers" => Ok(self.list_users(body)),
            "AdminDeleteUser" => self.delete_user(text(body, "Username")),
            "CreateUserPoolClient" => self.create_client(body),
            "DeleteUserPoolClient" => self.delete_client(text(body, "ClientId")),
            "AddUserPoolClientSecret" => self.add_secret(text(body, "ClientId")),
            "ListUserPoolClientSecrets" => self.list_secrets(text(body, "ClientId")),
            "DeleteUserPoolClientSecret" => {
                self.delete_secret(text(body, "ClientId"), text(body, "ClientSecretId"))
            }
            other => panic!("{other} is not modelled"),
        }
    }

    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html>
    fn list_users(&self, body: &Value) -> Value {
        let email = body["Filter"].as_str().map(|filter| {
            let value = filter.strip_prefix("email = \"").and_then(|rest| rest.strip_suffix('"'));
            value.unwrap_or_else(|| panic!("the filter {filter} is not modelled"))
        });
        let matching = self.users.iter().filter(|user| email.is_none_or(|email| has_email(user, email)));
        let matching: Vec<_> = matching.collect();
        let start =
            body["PaginationToken"].as_str().map_or(0, |token| token.parse().expect("a token of ours"));
        let mut answer = json!({ "Users": matching.iter().skip(start).take(PAGE).collect::<Vec<_>>() });
        if start + PAGE < matching.len() {
            answer["PaginationToken"] = (start + PAGE).to_string().into();
        }
        answer
    }

    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminDeleteUser.html>
    fn delete_user(&mut self, name: &str) -> Answer {
        let before = self.users.len();
        self.users.retain(|user| user["Username"] != name);
        if self.users.len() == before {
            return Err(Refusal("UserNotFoundException", "User does not exist.".to_owned()));
        }
        Ok(json!({}))
    }

    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html>: on
    /// `client_credentials`, "you can't use [it] together with `code` or `implicit`", and it takes a secret.
    fn create_client(&mut self, body: &Value) -> Answer {
        let flows: Vec<_> = body["AllowedOAuthFlows"].as_array().into_iter().flatten().collect();
        let is_machine = flows.contains(&&json!("client_credentials"));
        let has_secret = body["GenerateSecret"] == true;
        if is_machine && (flows.len() > 1 || !has_secret) {
            return Err(Refusal(
                "InvalidOAuthFlowException",
                "client_credentials flow can not be selected along with code flow or implicit flow, or without a client secret"
                    .to_owned(),
            ));
        }
        let id = format!("client{}", self.number());
        self.clients.insert(id.clone(), body.clone());
        let mut made = json!({ "UserPoolId": POOL, "ClientId": id, "ClientName": body["ClientName"] });
        if has_secret {
            made["ClientSecret"] = self.make_secret(&id).1.into();
        }
        Ok(json!({ "UserPoolClient": made }))
    }

    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_DeleteUserPoolClient.html>
    fn delete_client(&mut self, id: &str) -> Answer {
        self.client(id)?;
        self.clients.remove(id);
        self.secrets.remove(id);
        Ok(json!({}))
    }

    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AddUserPoolClientSecret.html>:
    /// two at most.
    fn add_secret(&mut self, client: &str) -> Answer {
        self.client(client)?;
        if self.secrets.get(client).is_some_and(|secrets| secrets.len() >= 2) {
            return Err(Refusal(
                "LimitExceededException",
                "An app client has two secrets at most.".to_owned(),
            ));
        }
        let (id, value) = self.make_secret(client);
        Ok(json!({ "ClientSecretDescriptor": {
            "ClientSecretId": id, "ClientSecretValue": value, "ClientSecretCreateDate": LONG_AGO + i64::from(self.made),
        } }))
    }

    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUserPoolClientSecrets.html>:
    /// without the values.
    fn list_secrets(&self, client: &str) -> Answer {
        self.client(client)?;
        let secrets = self.secrets.get(client).into_iter().flatten();
        let secrets = secrets.map(|(id, _)| {
            let number =
                id.rsplit('-').next().and_then(|number| number.parse::<i64>().ok()).expect("a number");
            json!({ "ClientSecretId": id, "ClientSecretCreateDate": LONG_AGO + number })
        });
        Ok(json!({ "ClientSecrets": secrets.collect::<Vec<_>>() }))
    }

    /// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_DeleteUserPoolClientSecret.html>:
    /// never the last.
    fn delete_secret(&mut self, client: &str, id: &str) -> Answer {
        self.client(client)?;
        let secrets = self.secrets.entry(client.to_owned()).or_default();
        if secrets.len() < 2 {
            return Err(Refusal("InvalidParameterException", "The last secret stays.".to_owned()));
        }
        secrets.retain(|(one, _)| one != id);
        Ok(json!({}))
    }

    fn client(&self, id: &str) -> Result<(), Refusal> {
        let message = || format!("User pool client {id} does not exist.");
        self.clients.get(id).map(drop).ok_or_else(|| Refusal("ResourceNotFoundException", message()))
    }

    fn make_secret(&mut self, client: &str) -> (String, String) {
        let number = self.number();
        let secret = (format!("{client}--{number}"), format!("hush{number}"));
        self.secrets.entry(client.to_owned()).or_default().push(secret.clone());
        secret
    }

    fn number(&mut self) -> u32 {
        self.made += 1;
        self.made
    }
}

/// Cognito compares addresses as they are written, unless the pool folds them.
fn has_email(user: &Value, email: &str) -> bool {
    let attributes = user["Attributes"].as_array().expect("a list");
    attributes.iter().any(|one| {
        one["Name"] == "email" && one["Value"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(email))
    })
}
