//! The MCP server, as a program on a leash.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;

use secrecy::SecretString;

use super::leash::{Leashed, Program};

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
