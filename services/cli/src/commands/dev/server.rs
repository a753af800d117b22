//! The MCP server, as a program on a leash.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use autri_db::roles;
use autri_retrieval::embed::EmbedderChoice;
use secrecy::SecretString;
use url::Url;

use super::data_dir::{DataDir, Secret};
use super::database::DemoDatabase;
use super::leash::{Leashed, Program};
use crate::context::Context;

/// A few clients at once: all of them share the one process here.
const SERVER_CONNECTIONS: u32 = 8;

/// All of the server's settings. Those that whoever develops has set are meant for another server, but for `AUTRI_LOG`, which
/// [`settings`] hands on.
const SETTINGS: [&str; 31] = [
    "AGENTCORE_AUTH",
    "COGNITO_ISSUER",
    "COGNITO_JWKS_URL",
    "COGNITO_REQUIRED_SCOPE",
    "COGNITO_ALSO_ACCEPTED_SCOPES",
    "COGNITO_CLIENT_ID",
    "COGNITO_AUDIENCE",
    "AUTRI_DEV_JWT_SECRET",
    "DATABASE_URL",
    "DATABASE_SECRET_ARN",
    "DATABASE_MAX_CONNECTIONS",
    "AUTRI_AUDIT_KEY",
    "AUTRI_AUDIT_ARGUMENTS",
    "AUTRI_PUBLIC_URL",
    "AUTRI_AUTHORIZATION_SERVER",
    "AUTRI_ALLOWED_ORIGINS",
    "AUTRI_ALLOWED_HOSTS",
    "AUTRI_CONNECTOR_HEADER",
    "AUTRI_EMBEDDER",
    "AUTRI_MODEL_DIR",
    "AUTRI_EMBEDDING_URL",
    "AUTRI_EMBEDDING_API_KEY",
    "AUTRI_EMBEDDING_MODEL",
    "AUTRI_EMBEDDING_DIMENSIONS",
    "AUTRI_EMBEDDING_QUERY_PREFIX",
    "AUTRI_EMBEDDING_DOCUMENT_PREFIX",
    "AUTRI_MCP_VERSIONS",
    "AUTRI_BIND",
    "AUTRI_MAX_BODY_BYTES",
    "AUTRI_CALL_TIMEOUT_SECS",
    "AUTRI_LOG",
];

/// How to run the server.
#[derive(Debug)]
pub(super) struct ServerOptions {
    pub(super) program: PathBuf,
    pub(super) address: SocketAddr,
    /// Its settings; see the table in `docs/configuration.md`. It has no others.
    pub(super) settings: Vec<(&'static str, SecretString)>,
    pub(super) requests_log: PathBuf,
    pub(super) diagnostics_log: PathBuf,
    /// The data folder's lock, for as long as the server runs.
    pub(super) lock: File,
}

/// The server's settings but for its tokens', as `docs/configuration.md` has them.
pub(super) fn settings(
    data_dir: &DataDir,
    database: &DemoDatabase,
    public_url: &Url,
    context: &Context,
) -> anyhow::Result<Vec<(&'static str, SecretString)>> {
    let mut settings = vec![
        ("AUTRI_AUDIT_KEY", data_dir.secret(Secret::Audit)?),
        ("AUTRI_LOG", context.environment.server_log.as_deref().unwrap_or("warn").into()),
        ("AUTRI_PUBLIC_URL", public_url.as_str().into()),
        ("DATABASE_URL", database.postgres.url(roles::MCP)),
        ("DATABASE_MAX_CONNECTIONS", SERVER_CONNECTIONS.to_string().into()),
    ];
    match &database.embedder {
        EmbedderChoice::None => settings.push(("AUTRI_EMBEDDER", "none".into())),
        EmbedderChoice::Static { folder } => {
            let folder = folder.to_str().context("the model's folder has a name that is not Unicode")?;
            settings.extend([("AUTRI_EMBEDDER", "static".into()), ("AUTRI_MODEL_DIR", folder.into())]);
        }
        // `--embedder` takes no other.
        _ => bail!("`autri dev` runs with a model of this machine, or none"),
    }
    Ok(settings)
}

/// Starts the server and waits until it is ready to answer calls.
///
/// # Errors
/// When it ends before, with its last words; when it takes too long.
pub(super) async fn start(options: ServerOptions) -> anyhow::Result<Leashed> {
    let ServerOptions { program, address, settings, requests_log, diagnostics_log, lock } = options;
    let mut server = Leashed::spawn(Program {
        name: "the server",
        path: program,
        arguments: Vec::new(),
        folder: None,
        settings: environment(address, settings),
        output_log: requests_log,
        diagnostics_log,
        lock,
    })?;
    server.wait_until_ready(&format!("http://{address}/readyz")).await?;
    Ok(server)
}

/// These settings and no others, whatever this process has inherited: an empty variable counts as none. Of two with a name the
/// later holds.
fn environment(
    address: SocketAddr,
    settings: Vec<(&'static str, SecretString)>,
) -> Vec<(&'static str, SecretString)> {
    let mut environment: Vec<_> = SETTINGS.map(|name| (name, "".into())).into();
    environment.extend(settings);
    environment.push(("AUTRI_BIND", address.to_string().into()));
    // Where an error came from in the code would be all that fits into its last words.
    environment.push(("RUST_LIB_BACKTRACE", "0".into()));
    environment
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use secrecy::ExposeSecret as _;

    use super::*;

    /// The documentation's table is made of the server's settings, and has all of them.
    #[test]
    fn the_server_inherits_none_of_its_settings() {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
        let page = std::fs::read_to_string(page).expect("the documentation");
        let (_, table) = page.split_once("## The MCP server").expect("the server's part");
        let (table, _) = table.split_once("<!-- End of the table. -->").expect("its table");
        let names = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let names: Vec<_> = names.map(|(name, _)| name).collect();
        assert!(names.contains(&"COGNITO_CLIENT_ID"), "{names:?}");

        let given = vec![("AGENTCORE_AUTH", "hs256-dev".into())];
        let environment = environment(([127, 0, 0, 1], 8000).into(), given);
        let environment: BTreeMap<_, _> = environment.into_iter().collect();
        for name in names {
            let value = environment.get(name).map(SecretString::expose_secret);
            let expected = match name {
                "AGENTCORE_AUTH" => "hs256-dev",
                "AUTRI_BIND" => "127.0.0.1:8000",
                _ => "",
            };
            assert_eq!(value, Some(expected), "{name}: SETTINGS lacks it");
        }
    }
}
