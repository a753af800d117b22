//! What can be known of a running Postgres from the outside: its log's lock and its `postmaster.pid`.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;

use nix::fcntl::OFlag;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::Error;
use crate::cluster::Durability;
use crate::error::IoContext as _;

/// A log longer than this is emptied before the next start.
const LONGEST_LOG_BYTES: u64 = 8 << 20;

/// Whether any process of Postgres lives.
pub(crate) enum Liveness {
    /// At least one does.
    Alive,
    /// None does; the log, open and locked, to be handed to the next one.
    Ended(File),
}

/// Looks at the lock on the log. Every process of Postgres inherits it as its standard error, and the kernel drops
/// it with the last of them, so that neither a reused process id nor a worker that outlived the postmaster deceives.
pub(crate) fn liveness(log: &Path) -> Result<Liveness, Error> {
    let file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(log);
    let file = file.doing("open", log)?;
    match file.try_lock() {
        Ok(()) => Ok(Liveness::Ended(file)),
        Err(TryLockError::WouldBlock) => Ok(Liveness::Alive),
        Err(TryLockError::Error(error)) => Err(error).doing("lock", log),
    }
}

/// Empties a log that has grown long; its bytes so far otherwise.
pub(crate) fn trim_log(log: &File, path: &Path) -> Result<u64, Error> {
    let length = log.metadata().doing("look at", path)?.len();
    if length <= LONGEST_LOG_BYTES {
        return Ok(length);
    }
    log.set_len(0).doing("empty", path)?;
    Ok(0)
}

/// What Postgres writes about itself into `postmaster.pid` (its source: `src/include/utils/pidfile.h`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: i32,
    pub(crate) port: Option<u16>,
    pub(crate) ready: bool,
}

impl PidFile {
    /// None if there is none, or not yet a whole one.
    pub(crate) fn read(data: &Path) -> Option<Self> {
        Self::parse(&read_regular(&data.join("postmaster.pid"))?)
    }

    /// The port, if Postgres says that it is ready and does listen: a killed one leaves its word behind.
    pub(crate) fn listening(&self) -> Option<u16> {
        let port = self.port.filter(|_| self.ready)?;
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok().then_some(port)
    }

    fn parse(text: &str) -> Option<Self> {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let pid = lines.first()?.parse().ok().filter(|pid| *pid > 0)?;
        let port = lines.get(3).and_then(|port| port.parse().ok());
        Some(Self { pid, port, ready: lines.get(7) == Some(&"ready") })
    }
}

/// A small text file in a folder that Postgres' user may write to: links and pipes, which could lead this process
/// astray, are not followed and not waited for.
pub(crate) fn read_regular(path: &Path) -> Option<String> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let mut text = String::new();
    file.take(4096).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Refuses to go on when someone started Postgres on `data` by hand, which the log's lock cannot tell; and removes a
/// stale `postmaster.pid` whose number another program has by now, over which Postgres itself would stumble.
pub(crate) fn refuse_foreign(data: &Path) -> Result<(), Error> {
    let Some(PidFile { pid, .. }) = PidFile::read(data) else { return Ok(()) };
    if kill(Pid::from_raw(pid), None).is_err() {
        return Ok(());
    }
    if may_be_postgres_on(pid, data) {
        return Err(Error::ForeignServer { pid, data: data.to_owned() });
    }
    let path = data.join("postmaster.pid");
    std::fs::remove_file(&path).doing("remove the stale", &path)
}

/// Every process of Postgres works in its data directory. Where that can't be seen, any living Postgres counts.
fn may_be_postgres_on(pid: i32, data: &Path) -> bool {
    match std::fs::read_link(format!("/proc/{pid}/cwd")) {
        Ok(cwd) => return std::fs::canonicalize(data).is_ok_and(|data| data == cwd),
        // A process that has ended, even if nobody has taken note of it yet, works nowhere.
        Err(error) if error.kind() == ErrorKind::NotFound && Path::new("/proc/self").exists() => {
            return false;
        }
        Err(_) => {}
    }
    // Each column by itself: BSD's ps takes everything behind a `=` as one column's header.
    let output = Command::new("ps").args(["-o", "stat=", "-o", "comm=", "-p", &pid.to_string()]).output();
    output.map_or(true, |output| is_living_postgres(&String::from_utf8_lossy(&output.stdout)))
}

/// By a line of ps with the process's state and its program, which macOS gives with its path.
fn is_living_postgres(line: &str) -> bool {
    let Some((state, program)) = line.trim().split_once(char::is_whitespace) else { return false };
    !state.starts_with('Z') && Path::new(program.trim_start()).file_name() == Some("postgres".as_ref())
}

/// A port on the loopback that is free now: `wanted` if possible, so that an address stays true over a restart.
pub(crate) fn free_port(wanted: Option<u16>) -> Result<u16, Error> {
    let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = wanted.and_then(|port| bind(port).ok()).map_or_else(|| bind(0), Ok);
    let address = listener.and_then(|listener| listener.local_addr());
    Ok(address.doing("find a free port on", Path::new("127.0.0.1"))?.port())
}

/// Whether Postgres' log tells that someone else took the port in between.
pub(crate) fn port_was_taken(log: &str) -> bool {
    log.contains("could not bind IPv4 address") || log.contains("could not create any TCP/IP sockets")
}

/// The settings, as `pg_ctl -o` takes them. They rule over the files in the data directory. No value may need quoting.
pub(crate) fn options(port: u16, durability: Durability) -> String {
    let port = format!("port={port}");
    let mut settings = vec![
        // Reached over TCP alone, by this machine alone.
        "listen_addresses=127.0.0.1",
        &port,
        "unix_socket_directories=",
        "shared_buffers=128MB",
        // Many test processes, each with a small pool.
        "max_connections=300",
        // Stretching slows down guessing of passwords that people think up. All logins here are random 32 bytes or
        // as good, and tests connect all the time: at the default 4096 rounds that is what they would wait for.
        "scram_iterations=1",
        // As on RDS; the machine's own zone would hide mistakes.
        "timezone=UTC",
        "log_timezone=UTC",
        // The log is what the watchdog passes as standard error; see `liveness`.
        "logging_collector=off",
        "log_destination=stderr",
    ];
    match durability {
        Durability::Durable => settings.push("fsync=on"),
        Durability::Throwaway => {
            settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"]);
        }
    }
    settings.iter().map(|setting| format!("-c {setting}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/data\n1763720000\n54321\n\n127.0.0.1\n  1234567         3\nready   \n";

    #[test]
    fn a_pid_file_is_read_at_every_stage() {
        assert_eq!(PidFile::parse(READY), Some(PidFile { pid: 4711, port: Some(54321), ready: true }));
        let starting = READY.replace("ready   ", "starting");
        assert_eq!(PidFile::parse(&starting), Some(PidFile { pid: 4711, port: Some(54321), ready: false }));
        assert_eq!(PidFile::parse("4711\n"), Some(PidFile { pid: 4711, port: None, ready: false }));
        for text in ["", "\n", "x\n", "-1\n", "0\n"] {
            assert_eq!(PidFile::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn only_an_open_port_is_listening() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let port = listener.local_addr().expect("address").port();
        let ready = PidFile { pid: 1, port: Some(port), ready: true };
        assert_eq!(ready.listening(), Some(port));
        assert_eq!(PidFile { ready: false, ..ready }.listening(), None);
        drop(listener);
        assert_eq!(ready.listening(), None);
    }

    #[test]
    fn a_process_is_postgres_by_the_name_of_its_program() {
        for line in ["Ss   postgres\n", "S    /Users/me/postgres/bin/postgres\n"] {
            assert!(is_living_postgres(line), "{line:?}");
        }
        for line in ["", "Z    postgres <defunct>\n", "S    /opt/postgres/bin/sleep\n", "R    sleep\n"] {
            assert!(!is_living_postgres(line), "{line:?}");
        }
    }

    #[test]
    fn links_are_not_followed() {
        let scratch = tempfile::tempdir().expect("scratch");
        std::fs::write(scratch.path().join("target"), READY).expect("written");
        let link = scratch.path().join("postmaster.pid");
        std::os::unix::fs::symlink(scratch.path().join("target"), link).expect("linked");
        assert_eq!(PidFile::read(scratch.path()), None);
    }

    #[test]
    fn the_lock_tells_who_lives() {
        let scratch = tempfile::tempdir().expect("scratch");
        let log = scratch.path().join("log");
        let first = liveness(&log).expect("looked");
        assert!(matches!(first, Liveness::Ended(_)));
        assert!(matches!(liveness(&log).expect("looked"), Liveness::Alive));
        drop(first);
        assert!(matches!(liveness(&log).expect("looked"), Liveness::Ended(_)));
    }

    #[test]
    fn a_stale_pid_file_of_another_program_is_removed() {
        let scratch = tempfile::tempdir().expect("scratch");
        let path = scratch.path().join("postmaster.pid");
        std::fs::write(&path, format!("{}\n/data\n", std::process::id())).expect("written");
        refuse_foreign(scratch.path()).expect("this test is no Postgres");
        assert!(!path.exists());
    }

    #[test]
    fn a_taken_port_is_not_offered() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
        let port = taken.local_addr().expect("address").port();
        assert_ne!(free_port(Some(port)).expect("another"), port);
        drop(taken);
        assert_eq!(free_port(Some(port)).expect("the same"), port);
    }

    #[test]
    fn options_survive_the_shell() {
        for durability in [Durability::Durable, Durability::Throwaway] {
            let options = options(5432, durability);
            assert!(options.chars().all(|c| c.is_ascii_alphanumeric() || " -=_.".contains(c)), "{options}");
        }
    }
}
