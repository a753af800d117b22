//! Being told to stop: by Ctrl-C at a terminal, by SIGTERM as a task, by the terminal's end.

use std::fs;
use std::process::ExitCode;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end a process, from the moment on at which they are listened to: then they end nothing by themselves.
#[derive(Debug)]
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    /// None for a process that is to outlive its terminal.
    hang_up: Option<Signal>,
}

impl StopSignals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not let us.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let hang_up = (!ignores_hang_up(&status)).then(|| listen(SignalKind::hangup())).transpose()?;
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            hang_up,
        })
    }

    /// Waits for the next.
    pub(crate) async fn told(&mut self) -> Told {
        let hang_up = async {
            match &mut self.hang_up {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hang_up => Told(129),
            _ = self.interrupt.recv() => Told(130),
            _ = self.terminate.recv() => Told(143),
        }
    }
}

/// Whether the process was started so that its terminal's end is nothing to it, as `nohup` does: listening would undo that.
/// What Linux says of it: <https://man7.org/linux/man-pages/man5/proc_pid_status.5.html>, `SigIgn`; elsewhere nobody knows.
fn ignores_hang_up(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is that of the signal 1, SIGHUP.
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
}

/// Which signal it was, as what the process ends with: by custom, 128 and the signal's number
/// (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html#tag_19_08_02>).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told(u8);

impl Told {
    /// For a process that has cleared away what it had to.
    pub(crate) fn exit_code(self) -> ExitCode {
        self.0.into()
    }

    /// Ends the process as it stands.
    pub(crate) fn exit_now(self) -> ! {
        std::process::exit(self.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_be_meant_to_outlive_its_terminal() {
        for (mask, ignored) in
            [("0000000000000001", true), ("0000000000001003", true), ("0000000000001000", false)]
        {
            assert_eq!(
                ignores_hang_up(&format!("Name:\tautri\nSigIgn:\t{mask}\nSigCgt:\t0000000000000001\n")),
                ignored
            );
        }
        assert!(!ignores_hang_up(""));
    }
}
