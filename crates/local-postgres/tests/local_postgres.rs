//! Real clusters, real kills. The programs are fetched once into the customary cache.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use autri_local_postgres::{
    Cluster, ClusterOptions, Durability, Error, Installation, ResolveOptions, Silent, Step, StopOutcome,
    default_cache_dir,
};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, geteuid};
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

/// How long anything may take before the test fails; far more than it takes.
const PATIENCE: Duration = Duration::from_mins(1);

fn installation() -> &'static Installation {
    static INSTALLATION: OnceLock<Installation> = OnceLock::new();
    INSTALLATION.get_or_init(|| {
        let home = std::env::home_dir().expect("a home folder");
        let cache = default_cache_dir(None, Some(home.as_os_str())).expect("a cache folder");
        Installation::resolve(&ResolveOptions::new(cache), &Silent).expect("Postgres")
    })
}

/// A folder that Postgres' user can pass through, also when root runs the tests.
fn scratch() -> TempDir {
    let scratch = tempfile::tempdir().expect("scratch");
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o755)).expect("opened");
    scratch
}

fn options(dir: impl Into<PathBuf>) -> ClusterOptions {
    ClusterOptions { dir: dir.into(), durability: Durability::Throwaway, linger: Duration::ZERO }
}

fn start(dir: &Path) -> Cluster {
    Cluster::start(installation(), &options(dir), &Silent).expect("started")
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        // Between two looks, not instead of one.
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn connects(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Runs one statement as psql does, and returns its rows.
fn psql(url: &str, statement: &str) -> Result<String, String> {
    let output = Command::new(installation().bin_dir().join("psql"))
        .args([url, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement])
        .output()
        .expect("psql runs");
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn postmaster_pid(dir: &Path) -> Option<i32> {
    fs::read_to_string(dir.join("data/postmaster.pid")).ok()?.lines().next()?.parse().ok()
}

/// Whether no process of that Postgres is left, by the lock that all of them hold, and its port is closed.
fn is_gone(dir: &Path, port: u16) -> bool {
    let log = fs::File::open(dir.join("postgres.log")).expect("a log");
    log.try_lock().is_ok() && !connects(port)
}

/// Another process that owns a share, for killing.
struct Owner {
    child: Child,
    url: String,
    port: u16,
}

impl Owner {
    fn spawn(dir: &Path, linger_secs: u64) -> Self {
        installation();
        let mut child = Command::new(env!("CARGO_BIN_EXE_autri-local-postgres"))
            .arg(dir)
            .arg(linger_secs.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("spawned");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut url).expect("answered");
        let url = url.trim().to_owned();
        let port = url.split(':').next_back().and_then(|rest| rest.split('/').next()?.parse().ok());
        Self { child, port: port.unwrap_or_else(|| panic!("no port in {url:?}")), url }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("a pid"))
    }

    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Closes its input, upon which it stops properly.
    fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().expect("ended").success());
    }

    /// Its watchdog, as noted in its entry.
    fn watchdog(&self, dir: &Path) -> Pid {
        let own = format!("{}-", self.pid());
        let entries = fs::read_dir(dir.join("run/users")).expect("read").flatten();
        let mut own = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(&own));
        let entry = own.next().expect("an entry");
        Pid::from_raw(fs::read_to_string(entry.path()).expect("read").trim().parse().expect("a pid"))
    }
}

#[test]
fn a_first_start_makes_a_cluster_with_pgvector() {
    let scratch = scratch();
    let steps = std::sync::Mutex::new(Vec::new());
    let note = |step: Step<'_>| steps.lock().expect("locked").push(format!("{step:?}"));
    let cluster =
        Cluster::start(installation(), &options(scratch.path().join("new/pg")), &note).expect("started");
    assert_eq!(*steps.lock().expect("locked"), ["Initialising", "Starting"]);
    assert!(!cluster.joined());

    let url = cluster.admin_url();
    let url = url.expose_secret();
    psql(url, "create extension vector").expect("pgvector is there");
    let nearest = psql(url, "select '[1,2]'::vector <-> '[4,6]'::vector").expect("it computes");
    assert_eq!(nearest, "5");
    let major = psql(url, "select current_setting('server_version_num')::int / 10000").expect("a version");
    assert!(major.parse::<u32>().expect("a number") >= 16);
    let settings = "select string_agg(current_setting(s), ' ') from unnest(array['listen_addresses', 'fsync', \
                    'scram_iterations', 'timezone', 'unix_socket_directories']) s";
    assert_eq!(psql(url, settings).expect("settings"), "127.0.0.1 off 1 UTC");

    let port = cluster.port();
    let dir = cluster.dir().to_owned();
    assert_eq!(cluster.stop().expect("stopped"), StopOutcome::Stopped);
    assert!(is_gone(&dir, port));
}

#[test]
fn a_second_start_keeps_data_password_and_port() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let first = start(&dir);
    let url = first.admin_url();
    psql(url.expose_secret(), "create table kept as select 42 as answer").expect("written");
    first.stop().expect("stopped");

    let second = start(&dir);
    assert_eq!(second.admin_url().expose_secret(), url.expose_secret());
    assert_eq!(psql(url.expose_secret(), "select answer from kept").expect("read"), "42");
}

#[test]
fn only_the_password_lets_in() {
    let scratch = scratch();
    let cluster = start(&scratch.path().join("pg"));
    let port = cluster.port();
    let wrong = psql(&format!("postgresql://postgres:wrong@127.0.0.1:{port}/postgres"), "select 1");
    assert!(wrong.expect_err("refused").contains("password authentication failed"));

    let password = cluster.dir().join("password");
    let found = fs::metadata(&password).expect("kept");
    assert_eq!((found.mode() & 0o777, found.uid()), (0o600, geteuid().as_raw()));
    if geteuid().is_root() {
        let status = Command::new("cat").arg(&password).uid(65534).gid(65534).stderr(Stdio::null()).status();
        assert!(!status.expect("cat runs").success(), "Postgres' user can read the password");
    }
    let secrets = fs::read_to_string(&password).expect("read").trim().to_owned();
    assert_eq!(secrets.len(), 64);
    for entry in fs::read_dir(cluster.dir()).expect("read").flatten().filter(|e| e.path().is_file()) {
        let text = fs::read_to_string(entry.path()).expect("read");
        assert!(entry.path() == password || !text.contains(&secrets), "a copy in {}", entry.path().display());
    }
}

#[test]
fn processes_share_one_postgres_until_the_last_is_killed() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let first = Owner::spawn(&dir, 0);
    let second = Owner::spawn(&dir, 0);
    let here = start(&dir);
    assert!(here.joined());
    assert_eq!((&first.url, first.port), (&second.url, here.port()));
    let pid = postmaster_pid(&dir).expect("running");

    first.kill();
    psql(&second.url, "select 1").expect("the one that started it is gone, Postgres is not");
    assert_eq!(here.stop().expect("left"), StopOutcome::StillUsed);
    psql(&second.url, "select 1").expect("still used");
    assert_eq!(postmaster_pid(&dir), Some(pid));

    let port = second.port;
    second.kill();
    eventually("Postgres ends after kill -9 of its last owner", || is_gone(&dir, port));
    eventually("no entry is left", || !dir.join("run/users").exists());
}

#[test]
fn ctrl_c_reaches_the_owner_alone_and_postgres_ends_properly() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let scratch = scratch();
        let dir = scratch.path().join("pg");
        let mut owner = Owner::spawn(&dir, 0);
        killpg(owner.pid(), signal).expect("signalled");
        owner.child.wait().expect("ended");
        eventually("Postgres ends", || is_gone(&dir, owner.port));
        let log = fs::read_to_string(dir.join("postgres.log")).expect("a log");
        assert!(log.contains("received fast shutdown request"), "{signal}: {log}");
        assert!(log.contains("database system is shut down"), "{signal}: {log}");
    }
}

#[test]
fn signals_do_not_end_the_watchdog() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let owner = Owner::spawn(&dir, 0);
    let (watchdog, port) = (owner.watchdog(&dir), owner.port);
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        kill(watchdog, signal).expect("signalled");
    }
    psql(&owner.url, "select 1").expect("Postgres still runs");
    owner.kill();
    eventually("the watchdog was still there", || is_gone(&dir, port));
}

#[test]
fn a_panicking_owner_stops_postgres() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let panicking = dir.clone();
    let port = thread::spawn(move || {
        let cluster = start(&panicking);
        std::panic::panic_any(cluster.port());
    });
    let port = *port.join().expect_err("panicked").downcast::<u16>().expect("the port");
    assert!(is_gone(&dir, port));
}

#[test]
fn after_everything_was_killed_postgres_recovers() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let owner = Owner::spawn(&dir, 0);
    psql(&owner.url, "create table kept as select 42 as answer").expect("written");
    let (postmaster, port) = (postmaster_pid(&dir).expect("running"), owner.port);
    kill(owner.watchdog(&dir), Signal::SIGKILL).expect("killed");
    kill(Pid::from_raw(postmaster), Signal::SIGKILL).expect("killed");
    let url = owner.url.clone();
    owner.kill();
    eventually("all of Postgres is gone", || is_gone(&dir, port));
    assert_eq!(postmaster_pid(&dir), Some(postmaster), "its pid file is stale");

    let cluster = start(&dir);
    assert!(!cluster.joined());
    assert_eq!(psql(&url, "select answer from kept").expect("recovered"), "42");
    assert_eq!(cluster.stop().expect("the dead owner's entry does not count"), StopOutcome::Stopped);
}

#[test]
fn a_stale_pid_file_with_a_reused_number_does_not_stop_a_start() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    start(&dir).stop().expect("stopped");
    // A living process of the same user, which Postgres alone would take for a postmaster.
    let mut other = Command::new("sleep");
    other.arg("600");
    if geteuid().is_root() {
        other.uid(65534).gid(65534);
    }
    let mut other = other.spawn().expect("spawned");
    let path = dir.join("data/postmaster.pid");
    fs::write(&path, format!("{}\n{}\n1\n1\n\n127.0.0.1\n0 0\nready\n", other.id(), dir.display()))
        .expect("written");

    let started = Cluster::start(installation(), &options(&dir), &Silent);
    assert!(other.try_wait().expect("waited").is_none(), "the other process was left alone");
    other.kill().expect("killed");
    other.wait().expect("ended");
    assert!(connects(started.expect("started").port()));
}

#[test]
fn an_owner_killed_with_its_watchdog_does_not_keep_postgres_running() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let here = start(&dir);
    let other = Owner::spawn(&dir, 0);
    kill(other.watchdog(&dir), Signal::SIGKILL).expect("killed");
    other.kill();
    assert_eq!(here.stop().expect("stopped"), StopOutcome::Stopped);
}

#[test]
fn an_orphaned_postgres_is_taken_over() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let owner = Owner::spawn(&dir, 0);
    let pid = postmaster_pid(&dir);
    kill(owner.watchdog(&dir), Signal::SIGKILL).expect("killed");
    owner.kill();
    let cluster = start(&dir);
    assert!(cluster.joined());
    assert_eq!(postmaster_pid(&dir), pid);
    assert_eq!(cluster.stop().expect("stopped"), StopOutcome::Stopped);
}

#[test]
fn postgres_killed_under_its_owner_is_started_again_for_the_next() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let owner = Owner::spawn(&dir, 0);
    let postmaster = Pid::from_raw(postmaster_pid(&dir).expect("running"));
    kill(postmaster, Signal::SIGKILL).expect("killed");
    eventually("it is dead", || !connects(owner.port));
    let cluster = start(&dir);
    psql(&owner.url, "select 1").expect("the same place, so the first owner can go on");
    assert_eq!(cluster.stop().expect("left"), StopOutcome::StillUsed);
    let port = owner.port;
    owner.end();
    assert!(is_gone(&dir, port));
}

#[test]
fn a_half_made_cluster_is_made_again() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    start(&dir).stop().expect("stopped");
    // As a kill during initdb leaves it: a password, an unfinished directory, the copy of the password.
    fs::rename(dir.join("data"), dir.join(".initdb-killed")).expect("renamed");
    fs::write(dir.join(".initdb-password"), "secret").expect("written");
    let cluster = start(&dir);
    psql(cluster.admin_url().expose_secret(), "select 1").expect("a new one");
    let names = fs::read_dir(&dir).expect("read").flatten().map(|entry| entry.file_name());
    assert_eq!(names.filter(|name| name.to_string_lossy().starts_with('.')).count(), 0, "leftovers");
}

#[test]
fn a_killed_start_leaves_nothing_running() {
    let scratch = scratch();
    installation();
    // Killed at another moment each time, as its files appear: before, during and after initdb and the start.
    for seen in ["lock", "password", "data", "run/users", "data/postmaster.pid", "port"] {
        let dir = scratch.path().join(seen.replace('/', "-"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_autri-local-postgres"))
            .arg(&dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("spawned");
        eventually(seen, || dir.join(seen).exists());
        child.kill().expect("killed");
        child.wait().expect("ended");
        let cluster = start(&dir);
        let port = cluster.port();
        psql(cluster.admin_url().expose_secret(), "select 1").expect("usable");
        // The killed one's watchdog may still be in, and then is the last.
        cluster.stop().expect("left");
        eventually("Postgres ends", || is_gone(&dir, port));
    }
}

#[test]
fn coming_and_going_never_takes_postgres_from_an_owner() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    thread::scope(|scope| {
        for lane in 0..4 {
            let dir = &dir;
            scope.spawn(move || {
                for turn in 0..8 {
                    let owner = Owner::spawn(dir, 0);
                    psql(&owner.url, "select 1").expect("an owner's Postgres answers");
                    if (lane + turn) % 2 == 0 { owner.kill() } else { owner.end() }
                }
            });
        }
    });
    let port: u16 = fs::read_to_string(dir.join("port")).expect("kept").parse().expect("a port");
    eventually("Postgres ends with the last", || is_gone(&dir, port));
}

#[test]
fn a_lingering_postgres_is_joined_and_then_ends() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let first = Owner::spawn(&dir, 5);
    let pid = postmaster_pid(&dir);
    let port = first.port;
    first.kill();
    let second = Owner::spawn(&dir, 0);
    assert_eq!(postmaster_pid(&dir), pid, "joined");
    second.end();
    eventually("Postgres ends", || is_gone(&dir, port));
}

#[test]
fn stopping_does_not_linger() {
    let scratch = scratch();
    let mut options = options(scratch.path().join("pg"));
    options.linger = Duration::from_hours(1);
    let cluster = Cluster::start(installation(), &options, &Silent).expect("started");
    assert_eq!(cluster.stop().expect("stopped"), StopOutcome::Stopped);
}

#[test]
fn a_taken_port_is_left_for_another() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let first = start(&dir);
    let port = first.port();
    first.stop().expect("stopped");
    let _taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("bound");
    let second = start(&dir);
    assert_ne!(second.port(), port);
    psql(second.admin_url().expose_secret(), "select 1").expect("usable");
}

#[test]
fn a_postgres_started_by_hand_is_not_touched() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let cluster = start(&dir);
    let pid = postmaster_pid(&dir).expect("running");
    // Without its log, it looks like one that someone else started.
    fs::remove_file(dir.join("postgres.log")).expect("removed");
    let error = Cluster::start(installation(), &options(&dir), &Silent).expect_err("refused");
    assert!(matches!(&error, Error::ForeignServer { pid: found, .. } if *found == pid), "{error:?}");
    let error = Cluster::reset(installation(), &dir).expect_err("refused");
    assert!(matches!(error, Error::InUse { users: 1, .. }), "{error:?}");
    psql(cluster.admin_url().expose_secret(), "select 1").expect("unharmed");
    assert_eq!(cluster.stop().expect("stopped"), StopOutcome::Stopped);
}

#[test]
fn a_reset_makes_a_new_cluster() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    let first = start(&dir);
    let url = first.admin_url();
    psql(url.expose_secret(), "create table gone (x int)").expect("written");
    let error = Cluster::reset(installation(), &dir).expect_err("in use");
    assert!(matches!(error, Error::InUse { users: 1, .. }), "{error:?}");
    first.stop().expect("stopped");

    Cluster::reset(installation(), &dir).expect("reset");
    let second = start(&dir);
    assert_ne!(second.admin_url().expose_secret(), url.expose_secret());
    let tables = psql(second.admin_url().expose_secret(), "select to_regclass('gone') is null");
    assert_eq!(tables.expect("read"), "t");
}

#[test]
fn data_of_another_version_is_refused() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    start(&dir).stop().expect("stopped");
    fs::write(dir.join("data/PG_VERSION"), "15\n").expect("written");
    let error = Cluster::start(installation(), &options(&dir), &Silent).expect_err("refused");
    assert!(matches!(&error, Error::OtherVersion { found, .. } if found == "15"), "{error:?}");
}

#[test]
fn a_lost_password_is_told() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    start(&dir).stop().expect("stopped");
    fs::remove_file(dir.join("password")).expect("removed");
    let error = Cluster::start(installation(), &options(&dir), &Silent).expect_err("refused");
    assert!(matches!(error, Error::PasswordLost { .. }), "{error:?}");
}

#[test]
fn settings_that_postgres_refuses_are_quoted() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    start(&dir).stop().expect("stopped");
    fs::write(dir.join("data/postgresql.conf"), "no_such_setting = 1\n").expect("written");
    let error = Cluster::start(installation(), &options(&dir), &Silent).expect_err("refused");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
    assert!(!dir.join("run/users").exists(), "nobody is left in");
}

#[test]
fn a_place_closed_to_postgres_is_replaced_as_root_only() {
    let scratch = tempfile::tempdir().expect("scratch");
    fs::set_permissions(scratch.path(), Permissions::from_mode(0o700)).expect("closed");
    let wanted = scratch.path().join("a folder/pg");
    let cluster = start(&wanted);
    let dir = cluster.dir().to_owned();
    psql(cluster.admin_url().expose_secret(), "select 1").expect("usable");
    if geteuid().is_root() {
        assert_eq!(cluster.moved_from(), Some(wanted.as_path()));
        assert!(dir.starts_with("/var/tmp/autri/clusters"), "{}", dir.display());
    } else {
        assert_eq!(cluster.moved_from(), None);
        assert_eq!(dir, wanted);
    }
    assert!(start(&wanted).joined(), "the same wish leads to the same place");
    cluster.stop().expect("stopped");
    fs::remove_dir_all(dir).expect("removed");
}

#[test]
fn a_folder_that_others_may_write_to_is_refused() {
    let scratch = scratch();
    let dir = scratch.path().join("pg");
    fs::create_dir(&dir).expect("made");
    fs::set_permissions(&dir, Permissions::from_mode(0o777)).expect("opened");
    let error = Cluster::start(installation(), &options(&dir), &Silent).expect_err("refused");
    assert!(matches!(error, Error::UntrustedFolder { .. }), "{error:?}");
}
