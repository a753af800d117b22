//! A running cluster, shared by its owners, gone with the last of them.
//!
//! # What is in its folder
//! | | |
//! |---|---|
//! | `lock` | one process at a time starts, joins or resets |
//! | `data/` | Postgres' data directory; appears when `initdb` is done |
//! | `password` | the superuser's, mode 0600 |
//! | `port` | the last port, taken again if it is free |
//! | `postgres.log` | the log; its file lock is held by every process of Postgres |
//! | `run/users/` | one entry for each owner; the folder is there as long as Postgres may be joined |
//!
//! # How it ends
//! Each owner has a watchdog, a small shell process that notices the owner's end, however it came: it takes the
//! owner's entry out and removes `run/users`, which succeeds only for the last one, and then stops Postgres. Who
//! comes at that very moment cannot enter any more, waits for the end, and starts Postgres anew.
//!
//! Owner and watchdog killed at once leave an entry whose file lock is free; the next owner takes it out. Everything
//! killed at once leaves data that Postgres recovers by itself.
//!
//! As root, Postgres and the watchdogs run as `nobody`, and only `data/` and `run/` are theirs; nothing in them is
//! followed, removed or overwritten with root's rights by a name that they could have turned into a link.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use rand::TryRng as _;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{IoContext as _, last_lines};
use crate::postmaster::{self, Liveness, PidFile};
use crate::service_user::ServiceUser;
use crate::watchdog::{Begun, Ended, Orders, Start, Watchdog};
use crate::{Error, Installation, Progress, Step, data_directory, folder};

/// How long a start may take, with the recovery after a crash.
const START_LIMIT: Duration = Duration::from_mins(2);
/// How long a stop may take.
const STOP_LIMIT: Duration = Duration::from_mins(1);
/// How often a state is looked at again.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// How often another port is tried when someone takes it in between.
const PORT_ATTEMPTS: u32 = 10;

/// Whether data outlives a crash of the machine. A killed process loses nothing either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As in production (`fsync=on`).
    Durable,
    /// For tests: nothing waits for the disk.
    Throwaway,
}

/// Which cluster, and how to run it.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The cluster's folder, made if need be. Owners that name the same folder share one Postgres.
    pub dir: PathBuf,
    /// For the owner who starts Postgres; who joins takes it as it runs.
    pub durability: Durability,
    /// How long Postgres stays after an owner's process ended without [`Cluster::stop`], so that the next test
    /// process finds it running. Zero for none.
    pub linger: Duration,
}

/// What stopping did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopOutcome {
    /// Postgres has ended.
    Stopped,
    /// Others use it; it ends with the last of them.
    StillUsed,
}

/// An owner's share in a running cluster. Dropping it is [`Cluster::stop`] without an answer: it blocks for as long.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    asked_for: PathBuf,
    port: u16,
    password: SecretString,
    joined: bool,
    watchdog: Watchdog,
}

impl Cluster {
    /// Starts Postgres in the folder, making the cluster first if there is none, or joins it if it runs already.
    ///
    /// # Errors
    /// [`Error::UntrustedFolder`], [`Error::UnusablePath`], [`Error::OtherVersion`], [`Error::PasswordLost`],
    /// [`Error::ForeignServer`], [`Error::PostgresFailed`], [`Error::TimedOut`], [`Error::Io`].
    pub fn start(
        installation: &Installation,
        options: &ClusterOptions,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let folder = ClusterFolder::open(&options.dir)?;
        let _lock = folder.lock()?;
        let starter = Starter { installation, options, folder: &folder, progress };
        starter.run()
    }

    /// Throws the cluster away, with all its data. Does nothing if there is none.
    ///
    /// # Errors
    /// [`Error::InUse`] if anyone uses it, [`Error::TimedOut`], [`Error::UntrustedFolder`], [`Error::Io`].
    pub fn reset(installation: &Installation, dir: &Path) -> Result<(), Error> {
        let folder = ClusterFolder::open(dir)?;
        let _lock = folder.lock()?;
        let users = folder.sweep_users();
        if users > 0 {
            return Err(Error::InUse { dir: folder.dir, users });
        }
        folder.halt(installation)?;
        if folder.data().exists() {
            postmaster::refuse_foreign(&folder.data())?;
            fs::remove_dir_all(folder.data()).doing("remove", &folder.data())?;
        }
        for path in [folder.password(), folder.port_file()] {
            if path.exists() {
                fs::remove_file(&path).doing("remove", &path)?;
            }
        }
        Ok(())
    }

    /// Where the superuser `postgres` connects to the database `postgres`, over TCP on the loopback. There is no TLS
    /// to negotiate, so the URL says so.
    pub fn admin_url(&self) -> SecretString {
        let (password, port) = (self.password.expose_secret(), self.port);
        SecretString::from(format!(
            "postgresql://postgres:{password}@127.0.0.1:{port}/postgres?sslmode=disable"
        ))
    }

    /// The TCP port on 127.0.0.1. Stays the same over restarts unless something else has taken it.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the cluster really is.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The folder that was asked for, if the cluster had to be put elsewhere: as root, Postgres runs as another user,
    /// who cannot reach every place.
    pub fn moved_from(&self) -> Option<&Path> {
        (self.dir != self.asked_for).then_some(&self.asked_for)
    }

    /// Postgres' log. May contain statements with their data.
    fn log_file(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// Whether Postgres was running already.
    pub fn joined(&self) -> bool {
        self.joined
    }

    /// Gives the share up and, if it was the last, stops Postgres (fast mode: open connections are cut, nothing
    /// committed is lost) and waits until it has ended.
    ///
    /// # Errors
    /// [`Error::TimedOut`] if Postgres withstood.
    pub fn stop(mut self) -> Result<StopOutcome, Error> {
        match self.end() {
            Ended::Stopped => Ok(StopOutcome::Stopped),
            Ended::StillUsed => Ok(StopOutcome::StillUsed),
            Ended::Failed => Err(timed_out("stopping Postgres", STOP_LIMIT, &self.log_file())),
        }
    }

    fn end(&mut self) -> Ended {
        // An owner killed together with its watchdog must not keep Postgres running: the script cannot see that. Not
        // while another process starts: it does the same.
        if self.dir.exists()
            && let Ok(folder) = ClusterFolder::open(&self.asked_for)
            && let Ok(Some(_lock)) = folder.try_lock()
        {
            folder.sweep_users();
        }
        self.watchdog.finish()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.watchdog.is_finished() {
            self.end();
        }
    }
}

/// The paths of a cluster; see the module's table.
struct ClusterFolder {
    dir: PathBuf,
    asked_for: PathBuf,
    user: ServiceUser,
}

impl ClusterFolder {
    fn open(wanted: &Path) -> Result<Self, Error> {
        let user = ServiceUser::current();
        let asked_for = std::path::absolute(wanted).doing("resolve", wanted)?;
        let dir = folder::reachable(&asked_for, "clusters")?;
        folder::check_plain(&dir)?;
        // Postgres' user passes through, and sees nothing but what is its own.
        folder::ensure(&dir, if user.is_another() { 0o711 } else { 0o700 })?;
        let folder = Self { dir, asked_for, user };
        folder.make_run_dir()?;
        Ok(folder)
    }

    /// The one folder, besides the data, that Postgres' user writes to.
    fn make_run_dir(&self) -> Result<(), Error> {
        let run = self.run_dir();
        if !run.is_dir() {
            folder::ensure(&run, 0o700)?;
        }
        self.user.give(&run).doing("give to Postgres' user", &run)
    }

    fn lock(&self) -> Result<File, Error> {
        let (path, file) = self.lock_file()?;
        file.lock().doing("lock", &path)?;
        Ok(file)
    }

    fn try_lock(&self) -> Result<Option<File>, Error> {
        let (_, file) = self.lock_file()?;
        Ok(file.try_lock().is_ok().then_some(file))
    }

    fn lock_file(&self) -> Result<(PathBuf, File), Error> {
        let path = self.dir.join("lock");
        let file =
            OpenOptions::new().create(true).append(true).mode(0o600).open(&path).doing("open", &path)?;
        Ok((path, file))
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    fn password(&self) -> PathBuf {
        self.dir.join("password")
    }

    fn port_file(&self) -> PathBuf {
        self.dir.join("port")
    }

    fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    fn run_dir(&self) -> PathBuf {
        self.dir.join("run")
    }

    fn users_dir(&self) -> PathBuf {
        self.run_dir().join("users")
    }

    fn last_port(&self) -> Option<u16> {
        fs::read_to_string(self.port_file()).ok()?.trim().parse().ok()
    }

    /// A new entry for an owner, locked, not yet among the users: its watchdog moves it there.
    fn new_entry(&self) -> Result<(PathBuf, File), Error> {
        let mut id = [0; 8];
        SysRng.try_fill_bytes(&mut id).map_err(|error| Error::Io {
            action: "cannot get random bytes".to_owned(),
            source: std::io::Error::other(error.to_string()),
        })?;
        let path = self.run_dir().join(format!("{}-{}", std::process::id(), hex::encode(id)));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.doing("create", &path)?;
        file.lock().doing("lock", &path)?;
        Ok((path, file))
    }

    /// Takes out the entries that nobody holds any more, which takes killing a watchdog; how many are left.
    fn sweep_users(&self) -> usize {
        let mut users = 0;
        for dir in [self.run_dir(), self.users_dir()] {
            for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let path = entry.path();
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    continue;
                }
                if is_held(&path) {
                    users += 1;
                } else {
                    // By its owner, for a name in its folder may lead anywhere.
                    let _ = self.user.command("rm").arg("-f").arg(&path).status();
                }
            }
        }
        users
    }

    /// Stops a Postgres that nobody uses, if one still runs, and returns the log, locked.
    fn halt(&self, installation: &Installation) -> Result<File, Error> {
        let mut mode = Some("fast");
        let began = Instant::now();
        loop {
            match postmaster::liveness(&self.log())? {
                Liveness::Ended(log) => return Ok(log),
                Liveness::Alive if began.elapsed() > STOP_LIMIT => {
                    return Err(timed_out("stopping Postgres", STOP_LIMIT, &self.log()));
                }
                Liveness::Alive => {}
            }
            if let Some(mode) = mode.take() {
                let mut pg_ctl = self.user.command(installation.program("pg_ctl"));
                // Fails if it has just ended, which the lock will tell.
                let _ = pg_ctl.args(["stop", "-s", "-W", "-m", mode, "-D"]).arg(self.data()).output();
            } else if mode.is_none() && began.elapsed() > STOP_LIMIT / 2 {
                mode = Some("immediate");
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

/// Whether a living owner or watchdog has the entry's lock.
fn is_held(entry: &Path) -> bool {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(entry) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// One call of [`Cluster::start`], which holds the folder's lock.
struct Starter<'a> {
    installation: &'a Installation,
    options: &'a ClusterOptions,
    folder: &'a ClusterFolder,
    progress: &'a dyn Progress,
}

impl Starter<'_> {
    /// Every turn either succeeds or has found the state to be another than it seemed: others come and go meanwhile.
    fn run(&self) -> Result<Cluster, Error> {
        let began = Instant::now();
        let mut ports_taken = 0;
        while began.elapsed() < START_LIMIT {
            self.folder.sweep_users();
            let outcome = match postmaster::liveness(&self.folder.log())? {
                Liveness::Alive => self.join()?,
                Liveness::Ended(log) => self.start(log, &mut ports_taken)?,
            };
            if let Some(cluster) = outcome {
                return Ok(cluster);
            }
        }
        Err(timed_out("starting Postgres", START_LIMIT, &self.folder.log()))
    }

    /// Enters a running Postgres; none if it has ended or is being stopped, and then it has ended.
    fn join(&self) -> Result<Option<Cluster>, Error> {
        let Begun::Ready(watchdog) = self.begin(None)? else {
            self.folder.halt(self.installation)?;
            return Ok(None);
        };
        // Whoever started it may have died over it; its watchdog goes on.
        let began = Instant::now();
        while began.elapsed() < START_LIMIT {
            if let Some(port) = PidFile::read(&self.folder.data()).and_then(|file| file.listening()) {
                let password = data_directory::read_password(&self.folder.password())?;
                return Ok(Some(self.cluster(port, password, watchdog, true)));
            }
            if let Liveness::Ended(_) = postmaster::liveness(&self.folder.log())? {
                return Ok(None);
            }
            thread::sleep(POLL_INTERVAL);
        }
        Err(timed_out("starting Postgres", START_LIMIT, &self.folder.log()))
    }

    /// Starts Postgres, which does not run; none if something came in between and it is to be tried again.
    fn start(&self, log: File, ports_taken: &mut u32) -> Result<Option<Cluster>, Error> {
        let folder = self.folder;
        let password = self.prepare_data()?;
        let log_before = postmaster::trim_log(&log, &folder.log())?;
        let port = postmaster::free_port(folder.last_port())?;
        let options = postmaster::options(port, self.options.durability);
        self.progress.report(Step::Starting);
        match self.begin(Some(Start { options: &options, log, limit: START_LIMIT }))? {
            Begun::Ready(watchdog) => {
                // Only a convenience: without it the next port is another.
                let _ = fs::write(folder.port_file(), port.to_string());
                Ok(Some(self.cluster(port, password, watchdog, false)))
            }
            Begun::TooLate => Ok(None),
            Begun::StartFailed => {
                let said = read_from(&folder.log(), log_before)?;
                *ports_taken += 1;
                if postmaster::port_was_taken(&said) && *ports_taken < PORT_ATTEMPTS {
                    return Ok(None);
                }
                let last_lines = last_lines(said.as_bytes());
                Err(Error::PostgresFailed { action: "starting Postgres", last_lines })
            }
        }
    }

    fn prepare_data(&self) -> Result<SecretString, Error> {
        let ClusterFolder { dir, .. } = self.folder;
        let (data, password) = (self.folder.data(), self.folder.password());
        if data.exists() {
            data_directory::check_version(self.installation, dir, &data)?;
            postmaster::refuse_foreign(&data)?;
            return data_directory::read_password(&password);
        }
        self.progress.report(Step::Initialising);
        data_directory::create(self.installation, dir, &data, &password)
    }

    fn begin(&self, start: Option<Start<'_>>) -> Result<Begun, Error> {
        let (pending, entry) = self.folder.new_entry()?;
        let orders = Orders {
            pg_ctl: &self.installation.program("pg_ctl"),
            data: &self.folder.data(),
            users: &self.folder.users_dir(),
            pending: &pending,
            entry,
            linger: self.options.linger,
            start,
        };
        Watchdog::begin(self.folder.user, orders)
    }

    fn cluster(&self, port: u16, password: SecretString, watchdog: Watchdog, joined: bool) -> Cluster {
        let ClusterFolder { dir, asked_for, .. } = self.folder;
        Cluster { dir: dir.clone(), asked_for: asked_for.clone(), port, password, joined, watchdog }
    }
}

fn timed_out(action: &'static str, limit: Duration, log: &Path) -> Error {
    Error::TimedOut { action, limit_secs: limit.as_secs(), log: log.to_owned() }
}

/// The file's text from `offset` (bytes) on, at most a megabyte.
fn read_from(path: &Path, offset: u64) -> Result<String, Error> {
    let file = File::open(path).doing("open", path)?;
    let length = file.metadata().doing("look at", path)?.len().saturating_sub(offset).min(1 << 20);
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, offset).doing("read", path)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
