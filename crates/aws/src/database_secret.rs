//! The login that a secret holds, in the structure that AWS documents for RDS and its rotation writes:
//! <https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html>.

use std::sync::Arc;

use autri_db::LoginError;
use aws_sdk_secretsmanager::Client;
use percent_encoding::NON_ALPHANUMERIC;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::{AwsConfig, AwsError};

/// The members that a connection needs. AWS's structure lets `port` and `dbname` away; we ask for the name, because the
/// default, `postgres`, is no database of ours.
#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
    host: String,
    port: Option<Port>,
    dbname: String,
}

/// AWS shows a number; people write text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Port {
    Number(u16),
    Text(String),
}

/// Reads the secret and makes a URL of it.
pub(crate) async fn read_url(config: &AwsConfig, arn: &str) -> Result<SecretString, LoginError> {
    let request = Client::new(config.sdk()).get_secret_value().secret_id(arn);
    let secret = Box::pin(request.send())
        .await
        .map_err(|error| LoginError::Unreadable(Arc::new(AwsError::of(error))))?;
    let text = secret.secret_string.ok_or(LoginError::Unusable("it holds no text"))?;
    url(&text.into())
}

fn url(secret: &SecretString) -> Result<SecretString, LoginError> {
    // The parser's error is not passed on: it may quote what it read.
    let login: Login = serde_json::from_str(secret.expose_secret()).map_err(|_| {
        LoginError::Unusable("it must be a JSON object with username, password, host and dbname")
    })?;
    let Login { host, .. } = &login;
    if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
        return Err(LoginError::Unusable("its host must be a DNS name"));
    }
    let [username, password, dbname] = [&login.username, &login.password, &login.dbname]
        .map(|text| percent_encoding::utf8_percent_encode(text, NON_ALPHANUMERIC));
    let port = port(login.port.as_ref())?;
    Ok(format!("postgres://{username}:{password}@{host}:{port}/{dbname}").into())
}

fn port(port: Option<&Port>) -> Result<u16, LoginError> {
    match port {
        None => Ok(5432),
        Some(Port::Number(port)) => Ok(*port),
        Some(Port::Text(text)) => text.parse().map_err(|_| LoginError::Unusable("its port must be a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(secret: &str) -> Result<String, String> {
        let url = url(&secret.to_owned().into());
        url.map(|url| url.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_rotation_writes_becomes_a_url() {
        let secret = r#"{"engine":"postgres","host":"db.x.eu-central-1.rds.amazonaws.com","port":5433,
                         "username":"autri_pre_token","password":"a/b:c@d?e#f%25g h","dbname":"autri",
                         "dbInstanceIdentifier":"db"}"#;
        let expected = "postgres://autri%5Fpre%5Ftoken:a%2Fb%3Ac%40d%3Fe%23f%2525g%20h\
                        @db.x.eu-central-1.rds.amazonaws.com:5433/autri";
        assert_eq!(read(secret).as_deref(), Ok(expected));
    }

    #[test]
    fn a_port_may_be_text_or_left_away() {
        let secret =
            |port: &str| format!(r#"{{"host":"h","username":"u","password":"p","dbname":"d"{port}}}"#);
        assert_eq!(read(&secret("")).as_deref(), Ok("postgres://u:p@h:5432/d"));
        assert_eq!(read(&secret(r#","port":"5433""#)).as_deref(), Ok("postgres://u:p@h:5433/d"));
        assert_eq!(read(&secret(r#","port":null"#)).as_deref(), Ok("postgres://u:p@h:5432/d"));
    }

    #[test]
    fn what_is_no_login_is_refused_and_not_repeated() {
        for secret in [
            "hunter2",
            "[]",
            r#"{"username":"hunter2","password":"hunter2"}"#,
            r#"{"host":"h","username":"u","password":"hunter2","port":5432}"#,
            r#"{"host":"h","username":"u","password":2,"dbname":"hunter2"}"#,
            r#"{"host":"","username":"u","password":"hunter2","dbname":"d"}"#,
            r#"{"host":"h/hunter2","username":"u","password":"hunter2","dbname":"d"}"#,
            r#"{"host":"h@evil","username":"u","password":"hunter2","dbname":"d"}"#,
            r#"{"host":"h?sslrootcert=x","username":"u","password":"hunter2","dbname":"d"}"#,
            r#"{"host":"h","username":"u","password":"hunter2","dbname":"d","port":65536}"#,
            r#"{"host":"h","username":"u","password":"hunter2","dbname":"d","port":"hunter2"}"#,
        ] {
            let error = url(&secret.to_owned().into()).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        }
    }

    #[test]
    fn no_part_can_say_more_than_its_own() {
        let secret = r#"{"host":"h","username":"u","password":"p","dbname":"d?sslmode=disable&host=evil"}"#;
        let expected = "postgres://u:p@h:5432/d%3Fsslmode%3Ddisable%26host%3Devil";
        assert_eq!(read(secret).as_deref(), Ok(expected));
    }
}
