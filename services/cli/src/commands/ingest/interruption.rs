//! Being told to stop while documents are on their way.

use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use autri_retrieval::ingest::CancellationToken;
use tokio::task::JoinHandle;

use crate::output;
use crate::stop::{StopSignals, Told};

/// Listens for the signals that end a run. The first stops it when the documents are done that are being embedded or
/// stored; a second one ends the process at once, which costs these documents alone.
#[derive(Debug)]
pub(super) struct Interruption {
    token: CancellationToken,
    told: Arc<OnceLock<Told>>,
    listening: JoinHandle<()>,
}

impl Interruption {
    /// From now on these signals end nothing by themselves.
    ///
    /// # Errors
    /// When the system does not let us listen.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let mut signals = StopSignals::listen()?;
        let (token, told) = (CancellationToken::new(), Arc::new(OnceLock::new()));
        let (stop, first) = (token.clone(), Arc::clone(&told));
        let listening = tokio::spawn(async move {
            // Nobody else sets it.
            let _ = first.set(signals.told().await);
            output::note("stopping when what is being embedded or stored is done; once more stops at once");
            stop.cancel();
            signals.told().await.exit_now();
        });
        Ok(Self { token, told, listening })
    }

    /// Is cancelled by the first signal.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// What the process ends with, if there was a signal.
    pub(super) fn exit_code(&self) -> Option<ExitCode> {
        self.told.get().map(|told| told.exit_code())
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
