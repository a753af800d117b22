//! From [`DatabaseOptions`] to the driver's: above all, whom a connection trusts.

use std::net::IpAddr;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use crate::{DatabaseOptions, DbError, Tls};

#[cfg(test)]
mod tests;

/// The roots that a verified connection trusts when its URL names none; certificates/README.md tells of them.
const AMAZON_RDS_ROOTS: &[u8] = include_bytes!("../certificates/amazon-rds-roots.pem");

/// The parameters by which a URL names its own roots, as the driver reads them.
const ROOT_PARAMETERS: [&str; 3] = ["sslrootcert", "ssl-root-cert", "ssl-ca"];

pub(crate) fn options(url: &SecretString, options: &DatabaseOptions) -> Result<PgConnectOptions, DbError> {
    let url = url.expose_secret();
    let connect = PgConnectOptions::from_str(url)
        .map_err(|error| DbError::BadUrl(error.to_string()))?
        .application_name(options.application_name)
        .options([
            ("statement_timeout", options.statement_timeout.as_millis().to_string().as_str()),
            // The plans of our statements do not depend on their parameters; planning one anew costs milliseconds.
            ("plan_cache_mode", "force_generic_plan"),
            ("jit", "off"),
        ]);
    match options.tls {
        Tls::AsUrlSays => Ok(connect),
        Tls::Verified if is_local(&connect) => Ok(connect),
        Tls::Verified => verified(connect, url),
    }
}

fn verified(connect: PgConnectOptions, url: &str) -> Result<PgConnectOptions, DbError> {
    let url = Url::parse(url).map_err(|error| DbError::BadUrl(error.to_string()))?;
    let names_roots = url.query_pairs().any(|(key, _)| ROOT_PARAMETERS.contains(&key.as_ref()));
    let connect = connect.ssl_mode(PgSslMode::VerifyFull);
    if names_roots {
        return Ok(connect);
    }
    Ok(connect.ssl_root_cert_from_pem(AMAZON_RDS_ROOTS.to_vec()))
}

/// Whether the connection stays on this machine. Asks what the driver understood: a URL may name its host in a parameter.
fn is_local(connect: &PgConnectOptions) -> bool {
    let host = connect.get_host();
    connect.get_socket().is_some()
        || host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
