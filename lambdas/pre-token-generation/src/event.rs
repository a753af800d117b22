//! The event that Cognito sends, and sends on: what we read of it, and the one claim that we add.
//!
//! The shape: <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html>. It is
//! kept as it came, because Cognito takes it back as the answer and AWS adds fields over time. `aws_lambda_events` (1.2.1)
//! has a type for it, which knows no `ClientCredentials` source and fails where AWS leaves things out.

use autri_db::token_mint::TokenHolder;
use autri_domain::{ConnectorId, cognito_identifier};
use serde_json::{Map, Value};

/// The claim that opens a library.
const CLAIM: &str = "connector_id";

/// Where the claims of the access token stand in the event.
const ACCESS_TOKEN_CLAIMS: [&str; 4] =
    ["response", "claimsAndScopeOverrideDetails", "accessTokenGeneration", "claimsToAddOrOverride"];

/// The source of an event for a program's token.
const CLIENT_CREDENTIALS: &str = "TokenGeneration_ClientCredentials";

/// What stands in such an event in place of a person's name.
const NAME_OF_NO_PERSON: &str = "ClientCredentials";

/// The first version whose answer can set claims of the access token.
const FIRST_VERSION_FOR_ACCESS_TOKENS: u64 = 2;

/// A pre-token-generation event. Fields that are `null` count as fields that are not there.
#[derive(Debug, Clone, PartialEq)]
pub struct Event(Map<String, Value>);

/// Why an event is none that a token can be made for: Cognito does not send such events, or is not set up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The event, or a part of it that we need, is no JSON object.
    #[error("a part of the event is no object")]
    Shape,
    /// No app client, or one that is no identifier.
    #[error("the event names no app client")]
    Client,
    /// Version 1, which sets claims of the ID token only: the access token would go out without its claim. The trigger must
    /// be configured with the Lambda version `V3_0`.
    #[error("the event's version has no claims for access tokens")]
    Version,
    /// A person is meant, and nobody can be told by what is said of them.
    #[error("the event does not tell who the person is")]
    Person,
}

impl Malformed {
    /// The reason in one word, for the log and the metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Client => "client",
            Self::Version => "version",
            Self::Person => "person",
        }
    }
}

impl Event {
    /// Takes an event as it came.
    ///
    /// # Errors
    /// [`Malformed::Shape`] unless it is an object.
    pub fn new(event: Value) -> Result<Self, Malformed> {
        match event {
            Value::Object(fields) => Ok(Self(fields)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Malformed::Shape)
            }
        }
    }

    /// The app client that the token is for. Cognito has authenticated it, or the person at it.
    ///
    /// # Errors
    /// [`Malformed::Client`], or [`Malformed::Shape`].
    pub fn client_id(&self) -> Result<&str, Malformed> {
        let context = object(&self.0, "callerContext")?.ok_or(Malformed::Client)?;
        identifier(context, "clientId").ok_or(Malformed::Client)
    }

    /// Makes sure that a claim in the answer reaches the access token.
    ///
    /// # Errors
    /// [`Malformed::Version`] for version 1 and for what is no version.
    pub fn require_access_token_claims(&self) -> Result<(), Malformed> {
        let version = match self.0.get("version") {
            Some(Value::String(text)) => text.parse().ok(),
            // AWS documents a string; nothing hangs on its being one.
            Some(number) => number.as_u64(),
            None => None,
        };
        match version {
            Some(FIRST_VERSION_FOR_ACCESS_TOKENS..) => Ok(()),
            Some(_) | None => Err(Malformed::Version),
        }
    }

    /// Whom the token is for: a person, by their subject or else by their name in the pool, or the program `client_id`.
    ///
    /// Whether it is a person does not depend on the event's source, of which AWS's own pages say different things. A program
    /// is meant only if **nothing** speaks of a person: no attribute at all, and no name, or one of the two that are
    /// reserved for programs in an event of theirs. A person may have chosen either as a user name; then the event has
    /// another source, and it is their name. What looks like a person and is not usable is an error, never a program.
    ///
    /// `clientMetadata` is whatever the caller sent. It is not read.
    ///
    /// # Errors
    /// [`Malformed::Person`], or [`Malformed::Shape`].
    pub fn holder(&self, client_id: &str) -> Result<TokenHolder<'_>, Malformed> {
        let attributes = match object(&self.0, "request")? {
            Some(request) => object(request, "userAttributes")?,
            None => None,
        };
        if attributes.is_some_and(|attributes| field(attributes, "sub").is_some()) {
            let sub = attributes.and_then(|attributes| identifier(attributes, "sub"));
            return sub.map(|sub| TokenHolder::Person { sub }).ok_or(Malformed::Person);
        }
        match self.user_name(client_id)? {
            Some(user_name) => {
                let user_pool_id = identifier(&self.0, "userPoolId").ok_or(Malformed::Person)?;
                Ok(TokenHolder::PersonByName { user_pool_id, user_name })
            }
            None if attributes.is_none_or(Map::is_empty) => Ok(TokenHolder::Machine),
            None => Err(Malformed::Person),
        }
    }

    /// The person's name in the pool, if the event names a person.
    fn user_name(&self, client_id: &str) -> Result<Option<&str>, Malformed> {
        if field(&self.0, "userName").is_none_or(|name| name == "") {
            return Ok(None);
        }
        let name = identifier(&self.0, "userName").ok_or(Malformed::Person)?;
        let is_programs_event = self.find_text("triggerSource") == Some(CLIENT_CREDENTIALS);
        let is_reserved = name == NAME_OF_NO_PERSON || name == client_id;
        Ok(Some(name).filter(|_| !(is_programs_event && is_reserved)))
    }

    /// The answer that lets the token be made as Cognito would make it.
    #[must_use]
    pub fn unchanged(self) -> Value {
        Value::Object(self.0)
    }

    /// The answer that gives the access token its connector. Nothing else of the event changes: no scope, no group, no claim
    /// of the ID token.
    ///
    /// # Errors
    /// [`Malformed::Shape`] if something else stands where the claims belong.
    pub fn with_connector(mut self, connector: ConnectorId) -> Result<Value, Malformed> {
        let mut level = &mut self.0;
        for name in ACCESS_TOKEN_CLAIMS {
            level = object_below(level, name)?;
        }
        level.insert(CLAIM.to_owned(), Value::String(connector.to_string()));
        Ok(Value::Object(self.0))
    }

    fn find_text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }
}

fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn object<'a>(
    parent: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, Malformed> {
    field(parent, name).map(|value| value.as_object().ok_or(Malformed::Shape)).transpose()
}

fn object_below<'a>(
    parent: &'a mut Map<String, Value>,
    name: &str,
) -> Result<&'a mut Map<String, Value>, Malformed> {
    let value = parent.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().ok_or(Malformed::Shape)
}

fn identifier<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    cognito_identifier(object.get(name)?.as_str()?)
}
