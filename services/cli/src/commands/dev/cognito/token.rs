//! The pool's token endpoint (<https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html>).

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use url::form_urlencoded;

use super::super::loopback;
use super::kept::Pool;
use super::pool::required_scope;

#[derive(Debug, Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u32,
}

/// A token of the machine client's, and until when it is good.
pub(super) async fn mint(
    endpoint: &str,
    pool: &Pool,
    now: DateTime<Utc>,
) -> anyhow::Result<(String, DateTime<Utc>)> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("scope", &required_scope())
        .finish();
    let response = loopback::client()?
        .post(endpoint)
        .basic_auth(&pool.machine_client_id, Some(&pool.machine_client_secret))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await?;
    let status = response.status();
    let body = response.text().await?;
    if !status.is_success() {
        bail!("{endpoint} gives no token ({status}): {}", body.trim());
    }
    let granted: Granted =
        serde_json::from_str(&body).with_context(|| format!("{endpoint} gives no token"))?;
    Ok((granted.access_token, now + std::time::Duration::from_secs(granted.expires_in.into())))
}
