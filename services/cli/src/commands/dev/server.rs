//! The MCP server as a child process that does not outlive this one.
//!
//! Between the two stands a shell script (`server.sh`): it notices this process's end by a pipe, a `kill -9` included,
//! and it sits in a process group of its own, so that Ctrl-C in a terminal reaches this process alone.

use std::fs::{File, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::JoinHandle;

const SCRIPT: &str = include_str!("server.sh");

/// How long the server may take until it answers.
const READY_LIMIT: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(10);
/// What of its diagnostics is shown when it fails.
const LAST_LINES: usize = 10;

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

/// A running server. Dropped, it is told to stop, and not waited for.
#[derive(Debug)]
pub(super) struct Server {
    /// Open as long as the server is to run.
    _leash: ChildStdin,
    exit: JoinHandle<io::Result<ExitStatus>>,
    diagnostics_log: PathBuf,
}

impl Server {
    /// Starts the server and waits until it is ready to answer calls.
    ///
    /// # Errors
    /// When it ends before, with its last words; when it takes too long.
    pub(super) async fn start(options: ServerOptions) -> anyhow::Result<Self> {
        let address = options.address;
        let mut server = Self::spawn(options)?;
        tokio::select! {
            failure = server.failure() => Err(failure),
            ready = wait_until_ready(address) => ready.map(|()| server),
        }
    }

    fn spawn(options: ServerOptions) -> anyhow::Result<Self> {
        let ServerOptions { program, address, settings, requests_log, diagnostics_log, lock } = options;
        open_private(&requests_log, false)?;
        let diagnostics = open_private(&diagnostics_log, true)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "autri-dev-server"]).arg(requests_log).arg(program);
        command.envs(settings.iter().map(|(name, value)| (name, value.expose_secret())));
        command.env("AUTRI_BIND", address.to_string());
        // Where an error came from in the code would be all that fits into its last words.
        command.env("RUST_LIB_BACKTRACE", "0");
        command.process_group(0).stdin(Stdio::piped()).stdout(lock).stderr(diagnostics);
        let mut child = command.spawn().context("cannot run /bin/sh")?;
        // The command has the lock open: only the child may.
        drop(command);
        let leash = child.stdin.take().context("the server's leash")?;
        let exit = tokio::task::spawn_blocking(move || child.wait());
        Ok(Self { _leash: leash, exit, diagnostics_log })
    }

    /// Waits until the server ends by itself, which is always a failure, and tells how it ended.
    pub(super) async fn failure(&mut self) -> anyhow::Error {
        let status = match (&mut self.exit).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let said = last_lines(&self.diagnostics_log);
        anyhow::anyhow!("the server ended ({status}); its last words:\n{said}")
    }

    /// Has the server finish what it is doing, and waits until it has ended.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let Self { _leash: leash, exit, .. } = self;
        drop(leash);
        exit.await?.context("cannot wait for the server")?;
        Ok(())
    }
}

/// Asks `/readyz` until it answers 200.
async fn wait_until_ready(address: SocketAddr) -> anyhow::Result<()> {
    // Straight to the loopback, whatever proxy the environment names.
    let client = reqwest::Client::builder().no_proxy().timeout(READY_LIMIT).build()?;
    let url = format!("http://{address}/readyz");
    let began = Instant::now();
    loop {
        let last = match client.get(&url).send().await {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) => response.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        if began.elapsed() > READY_LIMIT {
            bail!("the server was not ready after {} s: {last}", READY_LIMIT.as_secs());
        }
        tokio::time::sleep(READY_POLL).await;
    }
}

/// Opens a log that only its owner may read.
fn open_private(path: &Path, empty: bool) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    if empty {
        options.write(true).truncate(true);
    } else {
        options.append(true);
    }
    options.open(path).with_context(|| format!("cannot open {}", path.display()))
}

fn last_lines(log: &Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return format!("none, see {}", log.display());
    }
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::net::Ipv4Addr;
    use std::os::unix::fs::PermissionsExt as _;

    use nix::errno::Errno;
    use nix::sys::signal::kill;
    use nix::sys::stat::Mode;
    use nix::unistd::{Pid, mkfifo};

    use super::*;

    /// Something that is run in the server's place. Its settings are `BIND` and `FOLDER`.
    fn spawn(folder: &Path, script: &str) -> Server {
        let program = folder.join("server");
        let lock = File::create(folder.join("lock")).expect("created");
        lock.lock().expect("free");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&program, Permissions::from_mode(0o700)).expect("executable");
        Server::spawn(ServerOptions {
            program,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            settings: vec![("FOLDER", folder.to_str().expect("UTF-8").into())],
            requests_log: folder.join("requests.log"),
            diagnostics_log: folder.join("server.log"),
            lock,
        })
        .expect("spawned")
    }

    /// Starts something that runs until it is told to stop, and gives its process id once it runs.
    fn spawn_patient(folder: &Path) -> (Server, Pid) {
        let pid = folder.join("pid");
        mkfifo(&pid, Mode::S_IRWXU).expect("a pipe");
        let server = spawn(folder, r#"echo $$ >"$FOLDER/pid"; while :; do sleep 0.01; done"#);
        let pid = fs::read_to_string(&pid).expect("written when it runs");
        (server, Pid::from_raw(pid.trim().parse().expect("a process id")))
    }

    #[tokio::test]
    async fn a_server_that_is_stopped_has_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, pid) = spawn_patient(folder.path());
        assert_eq!(kill(pid, None), Ok(()));
        server.stop().await.expect("stopped");
        assert_eq!(kill(pid, None), Err(Errno::ESRCH));
    }

    #[tokio::test]
    async fn a_server_ends_with_its_owner_and_then_the_data_folder_is_free() {
        let folder = tempfile::tempdir().expect("a folder");
        let (server, pid) = spawn_patient(folder.path());
        let lock = File::open(folder.path().join("lock")).expect("there");
        // As when the owner is killed: the pipe closes, and nobody waits.
        let Server { _leash: leash, exit, .. } = server;
        drop((leash, exit));
        tokio::task::spawn_blocking(move || lock.lock()).await.expect("waited").expect("free");
        assert_eq!(kill(pid, None), Err(Errno::ESRCH));
    }

    #[tokio::test]
    async fn a_server_that_fails_is_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut server =
            spawn(folder.path(), "echo 'a request'; echo 'the settings are not usable' >&2; exit 3");
        let failure = server.failure().await.to_string();
        assert!(failure.contains("exit status: 3") && failure.contains("not usable"), "{failure}");
        assert_eq!(fs::read_to_string(folder.path().join("requests.log")).expect("there"), "a request\n");
        for log in ["requests.log", "server.log"] {
            let mode = fs::metadata(folder.path().join(log)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{log}");
        }
    }
}
