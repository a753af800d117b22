//! The servers under test: `cargo dev` and `cargo dev --cognito`, as a person would start them, with a fresh data folder.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::Layout;
use super::processes::{self, Process};

/// Long enough for the first run of all, which downloads Postgres and a model.
const START_LIMIT: Duration = Duration::from_mins(10);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// From Postgres' removing its `postmaster.pid`, for which `cargo dev` waits, to its last instruction.
const END_LIMIT: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);

/// Whose tokens a server takes, and so what runs beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `cargo dev`: tokens that it makes itself.
    Plain,
    /// `cargo dev --cognito`: those of an emulated Cognito, with our own functions in it.
    Cognito,
}

impl Kind {
    /// In the order in which they are started: one after the other, so that a small machine has room for each.
    pub(crate) const ALL: [Self; 2] = [Self::Plain, Self::Cognito];

    /// Under which its own tests are counted and its logs are kept.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Plain => "server",
            Self::Cognito => "server-cognito",
        }
    }

    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &[],
            Self::Cognito => &["--cognito"],
        }
    }

    /// What the command line of a process has that must run, and be gone afterwards. Without these, nothing would show that
    /// they end.
    const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["autri-mcp-server"],
            Self::Cognito => &[
                "autri-mcp-server",
                "ministack",
                "cognito-local",
                "pre-token-generation",
                "post-confirmation",
            ],
        }
    }
}

/// What `cargo dev --ready-file` tells: the part of it that the suites need by itself.
pub(crate) struct ReadyFile {
    pub(crate) path: PathBuf,
    pub(crate) url: String,
    pub(crate) token: String,
    pub(crate) kind: Kind,
}

impl ReadyFile {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let path = path.canonicalize().with_context(|| format!("find {}", path.display()))?;
        let content = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let values: serde_json::Value =
            serde_json::from_slice(&content).context("read the ready file as JSON")?;
        let value = |key: &str| {
            values[key].as_str().map(str::to_owned).with_context(|| format!("the ready file has no {key}"))
        };
        let kind = if values.get("token_endpoint").is_some() { Kind::Cognito } else { Kind::Plain };
        Ok(Self { url: value("url")?, token: value("token")?, path, kind })
    }

    /// Where the server listens.
    fn address(&self) -> anyhow::Result<&str> {
        let rest =
            self.url.strip_prefix("http://").with_context(|| format!("not plain http: {}", self.url))?;
        Ok(rest.split('/').next().unwrap_or(rest))
    }
}

/// What the suites are run against.
pub(crate) struct Target {
    pub(crate) ready: ReadyFile,
    /// The standard output of the `cargo dev` that serves: lines to paste. None if others started it.
    pub(crate) printed: Option<PathBuf>,
}

/// A running `cargo dev`. Dropped without [`Server::stop`], it is stopped without being judged.
pub(crate) struct Server {
    pub(crate) target: Target,
    child: Child,
    /// What it had started by the time it was ready.
    started: Vec<Process>,
    data: TempDir,
    log: PathBuf,
}

impl Server {
    /// Starts, and waits until the server answers.
    pub(crate) fn start(layout: &Layout, kind: Kind, database_url: Option<&str>) -> anyhow::Result<Self> {
        let logs = layout.cache.join("logs");
        let log = logs.join(format!("{}.log", kind.name()));
        let printed = logs.join(format!("{}.stdout", kind.name()));
        fs::create_dir_all(logs)?;
        // Open to others, because for root Postgres runs as another user, who has to reach its part.
        let open = fs::Permissions::from_mode(0o755);
        let data = tempfile::Builder::new().prefix("autri-e2e-").permissions(open).tempdir()?;
        let ready_path = data.path().join("ready.json");
        let mut command = Command::new("cargo");
        command
            .arg("dev")
            .args(kind.arguments())
            .args(["--port", "0", "--data-dir"])
            .arg(data.path().join("data"))
            .arg("--docs")
            .arg(layout.source.join("fixtures/docs"))
            .arg("--docs")
            .arg(layout.cache.join("docs"))
            .arg("--ready-file")
            .arg(&ready_path)
            .current_dir(&layout.root)
            .stdin(Stdio::null())
            .stdout(File::create(&printed)?)
            .stderr(File::create(&log)?);
        match database_url {
            Some(url) => command.env("DATABASE_URL", url),
            None => command.env_remove("DATABASE_URL"),
        };
        let words = [&["cargo", "dev"], kind.arguments()].concat().join(" ");
        println!("starting {words}; its messages go to {}", log.display());
        let started = Instant::now();
        let child = command.spawn().context("start cargo dev")?;
        let mut starting = Starting { child: Some(child) };
        let ready = starting.wait_for(&ready_path, &log)?;
        println!("serving {} after {:.1} s", ready.url, started.elapsed().as_secs_f32());
        let child = starting.child.take().context("the server was started")?;
        let target = Target { ready, printed: Some(printed) };
        // Whole before anything can fail, so that it is stopped then.
        let mut server = Self { target, child, started: Vec::new(), data, log };
        server.started = processes::descendants(pid(&server.child)?, processes::all()?);
        Ok(server)
    }

    /// Asks the server to end, and fails unless it does so in good order and takes everything along that it has started.
    ///
    /// With `embedded`, there must have been a Postgres in the data folder.
    pub(crate) fn stop(mut self, embedded: bool) -> anyhow::Result<()> {
        let postgres = postmaster(self.data.path())?;
        ensure!(
            postgres.is_some() || !embedded,
            "found no postmaster.pid under {}, so nothing shows whether Postgres ends",
            self.data.path().display()
        );
        let running = self.running()?;
        signal(&self.child, Signal::SIGTERM)?;
        let status = wait(&mut self.child, STOP_LIMIT)?;
        let Some(status) = status else { bail!("still runs {} s after SIGTERM", STOP_LIMIT.as_secs()) };
        ensure!(status.success(), "ended with {status}; see {}", self.log.display());
        if let Some((pid_file, pid)) = postgres {
            ensure!(!pid_file.exists(), "its Postgres left {}: it was not shut down", pid_file.display());
            ensure!(ends(pid, END_LIMIT), "its Postgres, process {pid}, still runs");
        }
        for process in running {
            ensure!(ends(process.pid, END_LIMIT), "{process} still runs");
        }
        // What had lost its parent before, and so was not among those.
        let data = self.data.path().display().to_string();
        if let Some(process) = processes::all()?.into_iter().find(|it| it.command.contains(&data)) {
            bail!("{process} still runs");
        }
        let address = self.target.ready.address()?;
        ensure!(TcpStream::connect(address).is_err(), "something still listens on {address}");
        Ok(())
    }

    /// What it has started and what runs, also if its parent has ended; fails if too little was there.
    fn running(&self) -> anyhow::Result<Vec<Process>> {
        for program in self.target.ready.kind.programs() {
            ensure!(
                self.started.iter().any(|process| process.command.contains(program)),
                "{program} did not run, so nothing shows whether it ends"
            );
        }
        let all = processes::all()?;
        let orphans: Vec<_> =
            all.iter().filter(|it| self.started.iter().any(|early| early.is(it))).cloned().collect();
        Ok([processes::descendants(pid(&self.child)?, all), orphans].concat())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A server that has not said yet that it is ready; ended if it is given up.
struct Starting {
    child: Option<Child>,
}

impl Starting {
    fn wait_for(&mut self, ready: &Path, log: &Path) -> anyhow::Result<ReadyFile> {
        let child = self.child.as_mut().context("the server was started")?;
        let deadline = Instant::now() + START_LIMIT;
        while Instant::now() < deadline {
            if ready.exists() {
                return ReadyFile::read(ready);
            }
            if let Some(status) = child.try_wait()? {
                bail!("cargo dev ended with {status}:\n{}", fs::read_to_string(log)?);
            }
            thread::sleep(POLL);
        }
        bail!("cargo dev was not ready after {} s:\n{}", START_LIMIT.as_secs(), fs::read_to_string(log)?)
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            end(child);
        }
    }
}

/// The first `postmaster.pid` under `folder`, and the process that it names.
fn postmaster(folder: &Path) -> anyhow::Result<Option<(PathBuf, Pid)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        // Postgres removes temporary folders while we look.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("look into {}", folder.display())),
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if path.file_name() == Some(OsStr::new("postmaster.pid")) {
            let content = fs::read_to_string(&path)?;
            let pid = content.lines().next().and_then(|line| line.trim().parse().ok());
            return Ok(Some((path, Pid::from_raw(pid.context("postmaster.pid begins with a process id")?))));
        }
        if entry.file_type()?.is_dir()
            && let Some(found) = postmaster(&path)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Waits until the process has ended.
fn ends(pid: Pid, limit: Duration) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if has_ended(pid) {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(POLL);
    }
}

/// Whether the process has ended. A zombie has: Postgres' parent is the first process of the machine or container, which
/// may take its time, or for ever, to notice.
fn has_ended(pid: Pid) -> bool {
    // `4711 (name) Z …`, on Linux.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let is_zombie = stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('Z'));
    is_zombie || kill(pid, None) == Err(Errno::ESRCH)
}

/// `cargo run` becomes the program that it runs (exec), so this is the server's own process.
fn pid(child: &Child) -> anyhow::Result<Pid> {
    Ok(Pid::from_raw(child.id().try_into()?))
}

fn signal(child: &Child, signal: Signal) -> anyhow::Result<()> {
    kill(pid(child)?, signal).context("signal the server")
}

fn wait(child: &mut Child, limit: Duration) -> anyhow::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(POLL);
    }
    Ok(None)
}

/// Ends a server that nobody judges any more: politely first, so that it can stop its Postgres.
fn end(child: &mut Child) {
    if !matches!(child.try_wait(), Ok(None)) {
        return;
    }
    let ended = signal(child, Signal::SIGTERM).and_then(|()| wait(child, STOP_LIMIT));
    if !matches!(ended, Ok(Some(_))) {
        eprintln!("the server did not end; killing it");
        child.kill().and_then(|()| child.wait()).map_or_else(|error| eprintln!("kill: {error}"), |_| ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_file_gives_the_url_and_the_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ready.json");
        fs::write(&path, r#"{"url": "http://127.0.0.1:1/c/x/mcp", "token": "t", "connector_id": "x"}"#)
            .unwrap();
        let ready = ReadyFile::read(&path).unwrap();
        assert_eq!((ready.url.as_str(), ready.token.as_str()), ("http://127.0.0.1:1/c/x/mcp", "t"));
        assert_eq!((ready.address().unwrap(), ready.kind), ("127.0.0.1:1", Kind::Plain));
        fs::write(&path, r#"{"url": "u", "token": "t", "token_endpoint": "http://127.0.0.1:2/"}"#).unwrap();
        assert_eq!(ReadyFile::read(&path).unwrap().kind, Kind::Cognito);
        fs::write(&path, r#"{"url": "http://127.0.0.1:1/mcp"}"#).unwrap();
        assert!(ReadyFile::read(&path).is_err_and(|error| error.to_string().contains("token")));
    }

    #[test]
    fn a_process_that_nobody_has_waited_for_has_ended() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        assert!(!ends(pid, Duration::ZERO));
        drop(child.stdin.take());
        // Only Linux tells a zombie from the living; elsewhere init is quick.
        assert_eq!(ends(pid, END_LIMIT), Path::new("/proc/self/stat").exists());
        child.wait().unwrap();
        assert!(ends(pid, Duration::ZERO));
    }

    #[test]
    fn the_postmaster_is_found_wherever_it_lies() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(postmaster(folder.path()).unwrap(), None);
        let data = folder.path().join("data/postgres");
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("postmaster.pid"), "4711\n/data\n").unwrap();
        assert_eq!(
            postmaster(folder.path()).unwrap(),
            Some((data.join("postmaster.pid"), Pid::from_raw(4711)))
        );
        fs::write(data.join("postmaster.pid"), "").unwrap();
        assert!(postmaster(folder.path()).is_err());
    }
}
