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

/// How to run the server.
#[derive(Debug)]
pub(super) struct ServerOptions {
    pub(super) program: PathBuf,
    pub(super) address: SocketAddr,
    /// Its settings; see the table in `docs/configuration.md`.
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
        // Whoever has one set for the operator's commands: the server takes one or the other.
        ("DATABASE_SECRET_ARN", "".into()),
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
    let ServerOptions { program, address, mut settings, requests_log, diagnostics_log, lock } = options;
    settings.push(("AUTRI_BIND", address.to_string().into()));
    // Where an error came from in the code would be all that fits into its last words.
    settings.push(("RUST_LIB_BACKTRACE", "0".into()));
    let mut server = Leashed::spawn(Program {
        name: "the server",
        path: program,
        arguments: Vec::new(),
        folder: None,
        settings,
        output_log: requests_log,
        diagnostics_log,
        lock,
    })?;
    server.wait_until_ready(&format!("http://{address}/readyz")).await?;
    Ok(server)
}
