//! The pre-token-generation trigger of the user pool: every access token names its connector, or there is no token.
//!
//! Cognito asks before it makes a token, for people and programs alike. The app client, which Cognito has authenticated,
//! names the connector; a person must have access to its library as well. Whatever goes wrong is an error, on which Cognito
//! issues nothing. The MCP server does not rely on it: it resolves the connector of every call again.
//!
//! Must not decide by anything that the caller can choose, change scopes or the ID token, or know SQL.

pub mod event;
pub mod failure;
pub mod settings;
pub mod trigger;
