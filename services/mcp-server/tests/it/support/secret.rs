//! A database login, as RDS keeps it in Secrets Manager:
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>.

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

/// Its region is said nowhere else.
pub(crate) const SECRET_ARN: &str =
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:autri/mcp-AbCdEf";

/// With this password where the URL has none: a server that asks for none takes any.
pub(crate) fn secret_text(url: &SecretString, password: &str) -> String {
    let url = Url::parse(url.expose_secret()).unwrap();
    let login = json!({
        "engine": "postgres",
        "host": url.host_str(),
        "port": url.port(),
        "username": url.username(),
        "password": url.password().unwrap_or(password),
        "dbname": url.path().trim_start_matches('/'),
    });
    login.to_string()
}
