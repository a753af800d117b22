//! The process that outlives its owner by just enough to stop Postgres.
//!
//! It is a shell script (`watchdog.sh`), because a library has no program of its own to run, and a shell is
//! everywhere. It ignores signals and sits in its own process group: Ctrl-C in a terminal reaches the owner alone,
//! and the owner's end, clean or by `kill -9`, closes the socket that the script reads.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::Error;
use crate::error::IoContext as _;
use crate::service_user::ServiceUser;

const SCRIPT: &str = include_str!("watchdog.sh");

const EXIT_STILL_USED: i32 = 10;
const EXIT_TOO_LATE: i32 = 11;
const EXIT_START_FAILED: i32 = 12;

/// What a watchdog is started with.
pub(crate) struct Orders<'a> {
    pub(crate) pg_ctl: &'a Path,
    pub(crate) data: &'a Path,
    pub(crate) users: &'a Path,
    /// The owner's entry, beside `users`.
    pub(crate) pending: &'a Path,
    /// The same, open and locked.
    pub(crate) entry: File,
    pub(crate) linger: Duration,
    pub(crate) start: Option<Start<'a>>,
}

/// What a watchdog needs to start Postgres, rather than to join a running one.
pub(crate) struct Start<'a> {
    pub(crate) options: &'a str,
    /// Postgres' log, open and locked.
    pub(crate) log: File,
    pub(crate) limit: Duration,
}

/// How a watchdog began.
pub(crate) enum Begun {
    /// The owner is entered and, if it was to be started, Postgres runs.
    Ready(Watchdog),
    /// The last owner has just left: this run of Postgres is being stopped.
    TooLate,
    /// Postgres did not start; its log says why.
    StartFailed,
}

/// How a watchdog ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Stopped,
    StillUsed,
    /// Neither: it was killed, or Postgres withstood.
    Failed,
}

/// A running watchdog; dropping it has it stop at once.
#[derive(Debug)]
pub(crate) struct Watchdog {
    child: Child,
    /// None once told to stop.
    socket: Option<UnixStream>,
}

impl Watchdog {
    pub(crate) fn begin(user: ServiceUser, orders: Orders<'_>) -> Result<Begun, Error> {
        let (socket, theirs) = UnixStream::pair().doing("open a socket for", Path::new("the watchdog"))?;
        let mut command = user.command("/bin/sh");
        command.args(["-c", SCRIPT, "autri-postgres-watchdog"]);
        command.args([orders.pg_ctl, orders.data, orders.users, orders.pending]);
        command.arg(format!("{}.{:03}", orders.linger.as_secs(), orders.linger.subsec_millis()));
        let limit = orders.start.as_ref().map_or(Duration::ZERO, |start| start.limit);
        command.arg(orders.start.as_ref().map_or("", |start| start.options)).arg(limit.as_secs().to_string());
        command.process_group(0).stdin(OwnedFd::from(theirs)).stdout(orders.entry);
        command.stderr(orders.start.map_or_else(Stdio::null, |start| Stdio::from(start.log)));
        let child = command.spawn().doing("run", Path::new("/bin/sh"))?;
        // The command holds the other end of the socket, the entry and the log: only the child may.
        drop(command);
        Self { child, socket: Some(socket) }.wait_until_ready()
    }

    fn wait_until_ready(mut self) -> Result<Begun, Error> {
        let mut answer = String::new();
        if let Some(socket) = &self.socket {
            // An error counts as no answer: the exit status tells more.
            let _ = BufReader::new(socket).read_line(&mut answer);
        }
        if answer == "ready\n" {
            return Ok(Begun::Ready(self));
        }
        let status = self.child.wait().doing("wait for", Path::new("the watchdog"))?;
        match status.code() {
            Some(EXIT_TOO_LATE) => Ok(Begun::TooLate),
            Some(EXIT_START_FAILED) => Ok(Begun::StartFailed),
            _ => Err(Error::PostgresFailed { action: "the watchdog", last_lines: status.to_string() }),
        }
    }

    /// Whether it was told to stop and has.
    pub(crate) fn is_finished(&self) -> bool {
        self.socket.is_none()
    }

    /// Leaves without lingering, stops Postgres if nobody else is in, and waits for that.
    pub(crate) fn finish(&mut self) -> Ended {
        if let Some(mut socket) = self.socket.take() {
            // Fails if the watchdog was killed; then its status says so.
            let _ = socket.write_all(b"stop\n");
        }
        match self.child.wait().ok().and_then(|status| status.code()) {
            Some(0) => Ended::Stopped,
            Some(EXIT_STILL_USED) => Ended::StillUsed,
            _ => Ended::Failed,
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.finish();
    }
}
