//! Stands in for Cognito: a key, its JWKS over HTTP, and access tokens.

use anyhow::Result;
use autri_domain::{Clock, ConnectorId, SystemClock};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use crate::fixed_answer;

const KEY_ID: &str = "bench";

/// A token issuer on loopback.
pub(crate) struct Issuer {
    url: String,
    key: EncodingKey,
}

impl Issuer {
    pub(crate) async fn start() -> Result<Self> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let RsaPublicKeyComponents::<Vec<u8>> { n, e } = pair.public_key().into();
        let (n, e) = (URL_SAFE_NO_PAD.encode(n), URL_SAFE_NO_PAD.encode(e));
        let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID, "n": n, "e": e });
        let url = fixed_answer::serve(json!({ "keys": [jwk] }).to_string()).await?;
        Ok(Self { url, key: encoding_key(&pair)? })
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    pub(crate) fn token(&self, connector_id: ConnectorId, client_id: &str) -> Result<String> {
        let now = SystemClock.now().timestamp();
        let claims = json!({
            "iss": self.url, "sub": client_id, "client_id": client_id, "token_use": "access",
            "scope": "mcp.autri.ai/mcp.invoke", "connector_id": connector_id, "iat": now, "exp": now + 3_600,
        });
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::RS256) };
        Ok(jsonwebtoken::encode(&header, &claims, &self.key)?)
    }
}

fn encoding_key(pair: &KeyPair) -> Result<EncodingKey> {
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(pair)?;
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64::engine::general_purpose::STANDARD.encode(der.as_ref())
    );
    Ok(EncodingKey::from_rsa_pem(pem.as_bytes())?)
}
