//! What a run has for itself: the data folder and the port.

use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::anyhow;
use url::Url;

use super::data_dir::DataDir;
use super::{DevArgs, postgres};
use crate::context::Context;
use crate::workspace::READY_FILE;

/// The data folder, locked, and an address that is free.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) data_dir: DataDir,
    /// Of the data folder: the programs get it, and have it as long as they run.
    pub(super) lock: File,
    /// Where is told how to reach the server, while it runs.
    pub(super) ready_files: Vec<PathBuf>,
    pub(super) address: SocketAddr,
}

impl Place {
    /// Takes the data folder, emptied if that is asked for, and the port.
    ///
    /// # Errors
    /// When another run has one of them.
    pub(super) async fn take(args: &DevArgs, context: &Context) -> anyhow::Result<Self> {
        let data_dir = DataDir::create(&context.data_dir())?;
        let lock = data_dir.lock().await?;
        let ready_files: Vec<_> =
            std::iter::once(data_dir.path().join(READY_FILE)).chain(args.ready_file.clone()).collect();
        // A run that was killed left them, and whoever waits for them would take them for ours.
        remove_files(&ready_files);
        if args.reset {
            postgres::reset(context, &data_dir).await?;
            data_dir.remove_files()?;
        }
        Ok(Self { data_dir, lock, ready_files, address: free_address(args.port)? })
    }

    pub(super) fn public_url(&self) -> anyhow::Result<Url> {
        Ok(format!("http://{}", self.address).parse()?)
    }
}

/// Removes what may be there. What can't be removed stays, and tells of something that is no more.
pub(super) fn remove_files(paths: &[PathBuf]) {
    for path in paths {
        let _ = std::fs::remove_file(path);
    }
}

/// Checks that the port is free; with 0, picks one that is.
fn free_address(port: u16) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} is taken: stop what listens there, or choose another with --port (0 picks a free one)"
        ),
        _ => anyhow!(error).context(format!("cannot listen on port {port}: choose another with --port")),
    })?;
    Ok(listener.local_addr()?)
}
