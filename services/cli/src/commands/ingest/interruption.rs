//! Being told to stop: by Ctrl-C at a terminal, by SIGTERM as a task.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::Context as _;
use autri_retrieval::ingest::CancellationToken;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::output;

/// By custom, a process that a signal ended has 128 and the signal's number:
/// <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02>.
const INTERRUPTED: u8 = 130;
const TERMINATED: u8 = 143;

/// Listens for the signals that end a run. The first stops it when the documents are done that are being embedded or
/// stored; a second one ends the process at once, which costs these documents alone.
#[derive(Debug)]
pub(super) struct Interruption {
    token: CancellationToken,
    /// Zero until there was a signal.
    code: Arc<AtomicU8>,
    listening: JoinHandle<()>,
}

impl Interruption {
    /// From now on these signals end nothing by themselves.
    ///
    /// # Errors
    /// When the system does not let us listen.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let (mut interrupt, mut terminate) =
            (listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?);
        let (token, code) = (CancellationToken::new(), Arc::new(AtomicU8::new(0)));
        let (stop, told) = (token.clone(), Arc::clone(&code));
        let listening = tokio::spawn(async move {
            loop {
                let code = tokio::select! {
                    _ = interrupt.recv() => INTERRUPTED,
                    _ = terminate.recv() => TERMINATED,
                };
                if stop.is_cancelled() {
                    std::process::exit(code.into());
                }
                told.store(code, Ordering::Relaxed);
                output::note(
                    "stopping when what is being embedded or stored is done; once more stops at once",
                );
                stop.cancel();
            }
        });
        Ok(Self { token, code, listening })
    }

    /// Is cancelled by the first signal.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// What the process ends with, if there was a signal.
    pub(super) fn exit_code(&self) -> Option<ExitCode> {
        let code = self.code.load(Ordering::Relaxed);
        (code != 0).then(|| code.into())
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
