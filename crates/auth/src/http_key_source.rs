//! The JWKS document over HTTP.

use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use autri_domain::is_loopback;
use reqwest::header::ACCEPT;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use url::Url;

use crate::key_source::{KeySource, KeySourceError, MAX_JWKS_BYTES};

/// From the first packet to the last byte of the body.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Where an issuer serves its keys: `https`, or `http` on this machine (for emulators of Cognito).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksUrl(Url);

/// A text that is no URL to fetch keys from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwksUrlError {
    /// No URL.
    #[error("not a URL")]
    NotAUrl(#[source] url::ParseError),
    /// Keys that came over a line anyone can write to prove nothing.
    #[error("keys are fetched over https only (or over http from this machine)")]
    NotHttps,
    /// A user or password, which would end up in logs.
    #[error("a key URL carries no user or password")]
    HasCredentials,
}

impl FromStr for JwksUrl {
    type Err = JwksUrlError;

    fn from_str(text: &str) -> Result<Self, JwksUrlError> {
        let url = Url::parse(text).map_err(JwksUrlError::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if url.host().is_some_and(|host| is_loopback(&host)) => {}
            _ => return Err(JwksUrlError::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(JwksUrlError::HasCredentials);
        }
        Ok(Self(url))
    }
}

/// Fetches the document with one GET: at most 3 s and 64 KB, no redirect, no connection kept.
#[derive(Debug)]
pub struct HttpKeySource {
    url: JwksUrl,
    /// Made at the first fetch: its TLS state is random, and must not be part of a snapshot.
    client: OnceLock<Client>,
}

impl HttpKeySource {
    /// A source that has not touched the network yet.
    #[must_use]
    pub const fn new(url: JwksUrl) -> Self {
        Self { url, client: OnceLock::new() }
    }

    fn client(&self) -> Result<&Client, KeySourceError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let made = self.build_client().map_err(unreachable)?;
        Ok(self.client.get_or_init(|| made))
    }

    fn build_client(&self) -> reqwest::Result<Client> {
        let is_https = self.url.0.scheme() == "https";
        let builder = Client::builder()
            .user_agent(concat!("autri/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            // A redirect would move trust to a host that nobody configured.
            .redirect(Policy::none())
            .https_only(is_https)
            // Fetches are an hour apart, and a connection does not survive a restored snapshot.
            .pool_max_idle_per_host(0);
        // A proxy from the environment may carry TLS; plain http to this machine must not leave it.
        if is_https { builder } else { builder.no_proxy() }.build()
    }
}

#[async_trait::async_trait]
impl KeySource for HttpKeySource {
    async fn fetch_jwks(&self) -> Result<Vec<u8>, KeySourceError> {
        let request = self.client()?.get(self.url.0.clone()).header(ACCEPT, "application/json");
        let response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(KeySourceError::Status(response.status().as_u16()));
        }
        bounded_body(response).await
    }
}

/// Counts the bytes that arrive: a `Content-Length` may be missing or wrong.
async fn bounded_body(mut response: Response) -> Result<Vec<u8>, KeySourceError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_JWKS_BYTES {
            return Err(KeySourceError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unreachable(error: reqwest::Error) -> KeySourceError {
    KeySourceError::Unreachable(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_https_or_from_this_machine() {
        for good in [
            "https://cognito-idp.eu-central-1.amazonaws.com/pool/.well-known/jwks.json",
            "http://127.0.0.1:4571/pool/.well-known/jwks.json",
            "http://127.8.9.10/keys",
            "http://[::1]:80/keys",
            "http://localhost:1/keys",
        ] {
            assert!(good.parse::<JwksUrl>().is_ok(), "{good}");
        }
    }

    #[test]
    fn no_other_place_is_trusted() {
        for bad in [
            "http://example.com/keys",
            "http://localhost.example.com/keys",
            "http://127.0.0.1.example.com/keys",
            "http://10.0.0.1/keys",
            "http://[::ffff:10.0.0.1]/keys",
            "http://0.0.0.0/keys",
            "http://localhost@example.com/keys",
            "file:///keys.json",
            "ftp://localhost/keys",
            "data:application/json,{}",
        ] {
            assert_eq!(bad.parse::<JwksUrl>(), Err(JwksUrlError::NotHttps), "{bad}");
        }
        assert!(matches!("keys.json".parse::<JwksUrl>(), Err(JwksUrlError::NotAUrl(_))));
        let with_user = "https://user:secret@example.com/keys".parse::<JwksUrl>();
        assert_eq!(with_user, Err(JwksUrlError::HasCredentials));
    }
}
