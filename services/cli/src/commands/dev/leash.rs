//! A program as a child process that does not outlive this one.
//!
//! Between the two stands a shell script (`leash.sh`): it notices this process's end by a pipe, a `kill -9` included,
//! and it sits in a process group of its own, so that Ctrl-C in a terminal reaches this process alone.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::task::JoinHandle;

use super::loopback;

const SCRIPT: &str = include_str!("leash.sh");

/// How long a program may take until it answers.
const READY_LIMIT: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(10);
/// What of its diagnostics is shown when it fails.
const LAST_LINES: usize = 10;

/// How to run a program.
#[derive(Debug)]
pub(super) struct Program {
    /// What people call it, such as `the server`.
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// Where it runs, if not where this process does.
    pub(super) folder: Option<PathBuf>,
    /// What its environment has besides this process's.
    pub(super) settings: Vec<(&'static str, SecretString)>,
    /// What it writes to its standard output, of all runs.
    pub(super) output_log: PathBuf,
    /// What it writes to its standard error, of the last run.
    pub(super) diagnostics_log: PathBuf,
    /// The data folder's lock, for as long as the program runs.
    pub(super) lock: File,
}

/// A running program. Dropped, it is told to stop, and not waited for.
#[derive(Debug)]
pub(super) struct Leashed {
    name: &'static str,
    /// Open as long as the program is to run.
    leash: ChildStdin,
    exit: JoinHandle<io::Result<ExitStatus>>,
    diagnostics_log: PathBuf,
}

impl Leashed {
    pub(super) fn spawn(program: Program) -> anyhow::Result<Self> {
        let Program { name, path, arguments, folder, settings, output_log, diagnostics_log, lock } = program;
        open_private(&output_log, false)?;
        let diagnostics = open_private(&diagnostics_log, true)?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "autri-dev-leash"]).arg(output_log).arg(path).args(arguments);
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        command.envs(settings.iter().map(|(name, value)| (name, value.expose_secret())));
        command.process_group(0).stdin(Stdio::piped()).stdout(lock).stderr(diagnostics);
        let mut child = command.spawn().context("cannot run /bin/sh")?;
        // The command has the lock open: only the child may.
        drop(command);
        let leash = child.stdin.take().with_context(|| format!("the leash of {name}"))?;
        let exit = tokio::task::spawn_blocking(move || child.wait());
        Ok(Self { name, leash, exit, diagnostics_log })
    }

    /// Asks the URL until it answers 200.
    ///
    /// # Errors
    /// When the program ends before, with its last words; when it takes too long.
    pub(super) async fn wait_until_ready(&mut self, url: &str) -> anyhow::Result<()> {
        let name = self.name;
        tokio::select! {
            failure = self.failure() => Err(failure),
            ready = ask_until_ready(name, url) => ready,
        }
    }

    /// Waits until the program ends by itself, which is always a failure, and tells how it ended.
    pub(super) async fn failure(&mut self) -> anyhow::Error {
        let status = match (&mut self.exit).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        let said = last_lines(&self.diagnostics_log);
        anyhow::anyhow!("{} ended ({status}); its last words:\n{said}", self.name)
    }

    /// Has the program finish what it is doing, and waits until it has ended.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        let Self { name, leash, exit, .. } = self;
        drop(leash);
        exit.await?.with_context(|| format!("cannot wait for {name}"))?;
        Ok(())
    }
}

async fn ask_until_ready(name: &str, url: &str) -> anyhow::Result<()> {
    let client = loopback::client()?;
    let began = Instant::now();
    loop {
        let last = match client.get(url).timeout(READY_LIMIT).send().await {
            Ok(response) if response.status().is_success() => return Ok(()),
            Ok(response) => response.text().await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        if began.elapsed() > READY_LIMIT {
            bail!("{name} was not ready after {} s: {last}", READY_LIMIT.as_secs());
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
    use std::os::unix::fs::PermissionsExt as _;

    use nix::errno::Errno;
    use nix::sys::signal::kill;
    use nix::sys::stat::Mode;
    use nix::unistd::{Pid, mkfifo};

    use super::*;

    /// A script that is run as the program. Its setting is `FOLDER`.
    fn spawn(folder: &Path, script: &str) -> Leashed {
        let program = folder.join("program");
        let lock = File::create(folder.join("lock")).expect("created");
        lock.lock().expect("free");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&program, Permissions::from_mode(0o700)).expect("executable");
        Leashed::spawn(Program {
            name: "the program",
            path: program,
            arguments: vec!["an argument".into()],
            folder: None,
            settings: vec![("FOLDER", folder.to_str().expect("UTF-8").into())],
            output_log: folder.join("output.log"),
            diagnostics_log: folder.join("program.log"),
            lock,
        })
        .expect("spawned")
    }

    const PATIENCE: &str = "while :; do sleep 0.01; done";

    /// Starts something that runs until it is told to stop and writes a process id to `$FOLDER/pid`, which is the answer.
    fn spawn_patient(folder: &Path, script: &str) -> (Leashed, Pid) {
        let pid = folder.join("pid");
        mkfifo(&pid, Mode::S_IRWXU).expect("a pipe");
        let leashed = spawn(folder, script);
        let pid = fs::read_to_string(&pid).expect("written when it runs");
        (leashed, Pid::from_raw(pid.trim().parse().expect("a process id")))
    }

    fn itself() -> String {
        format!(r#"echo $$ >"$FOLDER/pid"; {PATIENCE}"#)
    }

    #[tokio::test]
    async fn a_program_that_is_stopped_has_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let (leashed, pid) = spawn_patient(folder.path(), &itself());
        assert_eq!(kill(pid, None), Ok(()));
        leashed.stop().await.expect("stopped");
        assert_eq!(kill(pid, None), Err(Errno::ESRCH));
    }

    #[tokio::test]
    async fn a_program_ends_with_its_owner_and_then_the_data_folder_is_free() {
        let folder = tempfile::tempdir().expect("a folder");
        let (leashed, pid) = spawn_patient(folder.path(), &itself());
        let lock = File::open(folder.path().join("lock")).expect("there");
        // As when the owner is killed: the pipe closes, and nobody waits.
        let Leashed { leash, exit, .. } = leashed;
        drop((leash, exit));
        tokio::task::spawn_blocking(move || lock.lock()).await.expect("waited").expect("free");
        assert_eq!(kill(pid, None), Err(Errno::ESRCH));
    }

    #[tokio::test]
    async fn what_a_program_has_started_ends_with_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let alive = folder.path().join("alive");
        mkfifo(&alive, Mode::S_IRWXU).expect("a pipe");
        // The child holds the pipe's other end for as long as it lives.
        let child = r#"(echo here >&4; while :; do sleep 0.01; done) 4>"$FOLDER/alive" &"#;
        let leashed = spawn(folder.path(), &format!("{child}\n{PATIENCE}"));
        let mut alive = io::BufReader::new(File::open(alive).expect("a child"));
        let mut line = String::new();
        io::BufRead::read_line(&mut alive, &mut line).expect("read");
        assert_eq!(line, "here\n");
        leashed.stop().await.expect("stopped");
        let rest = tokio::task::spawn_blocking(move || io::Read::read_to_end(&mut alive, &mut Vec::new()));
        assert_eq!(rest.await.expect("waited").expect("closed by its end"), 0);
    }

    #[tokio::test]
    async fn a_program_that_fails_is_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut leashed =
            spawn(folder.path(), r#"echo "$1"; echo 'the settings are not usable' >&2; exit 3"#);
        let failure = leashed.failure().await.to_string();
        assert!(failure.contains("exit status: 3") && failure.contains("not usable"), "{failure}");
        assert_eq!(fs::read_to_string(folder.path().join("output.log")).expect("there"), "an argument\n");
        for log in ["output.log", "program.log"] {
            let mode = fs::metadata(folder.path().join(log)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{log}");
        }
    }
}
