//! The binary itself: its settings, its one line at the start, and its end.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};

use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_domain::{Clock, SystemClock};
use axum::routing::get;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    Ask, Era, ISSUER, KID, PATIENCE, claims, signer, soon, until, until_waiting_for_a_lock,
};

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autri-mcp-server"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The key server of the issuer, on loopback. Returns its URL.
async fn key_server() -> String {
    let document = json!({ "keys": [signer(0).jwk(KID)] });
    let router = axum::Router::new().route("/jwks.json", get(async move || axum::Json(document)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/jwks.json")
}

/// A token that is valid by the clock on the wall.
pub(crate) fn token_of_today(tenant: &Tenant) -> String {
    let now = SystemClock.now().timestamp();
    let mut claims = claims(tenant.machine, &tenant.machine_client(), &tenant.machine_client());
    for (name, value) in [("auth_time", now - 10), ("iat", now - 10), ("exp", now + 3600)] {
        claims[name] = json!(value);
    }
    signer(0).token(&claims)
}

/// A running server, killed if the test fails before it ended by itself.
pub(crate) struct Process {
    child: Child,
    diagnostics: BufReader<ChildStderr>,
    pub(crate) address: SocketAddr,
    /// Dropped with the value, which calls the watchdog off.
    _ended: Sender<()>,
}

/// Kills a process that does not end, so that whoever reads from it goes on, and fails.
fn watch(child: &Child) -> Sender<()> {
    let (ended, wait) = channel();
    let pid = pid(child);
    std::thread::spawn(move || {
        if wait.recv_timeout(PATIENCE * 2) == Err(RecvTimeoutError::Timeout) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    });
    ended
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap())
}

impl Process {
    /// Returns when it listens.
    async fn start(database: &TestDatabase) -> Self {
        Self::start_with(&[("DATABASE_URL", database.url(roles::MCP).expose_secret())]).await
    }

    /// With these settings, which say where the database is.
    pub(crate) async fn start_with(settings: &[(&str, &str)]) -> Self {
        let mut child = binary()
            .envs(settings.iter().copied())
            .env("AGENTCORE_AUTH", "cognito")
            .env("COGNITO_ISSUER", ISSUER)
            .env("COGNITO_JWKS_URL", key_server().await)
            .env("AUTRI_AUDIT_KEY", "0123456789abcdef0123456789abcdef")
            .env("AUTRI_PUBLIC_URL", "https://mcp.example.com")
            .env("AUTRI_BIND", "127.0.0.1:0")
            .env("AUTRI_CALL_TIMEOUT_SECS", "300")
            .spawn()
            .unwrap();
        let diagnostics = BufReader::new(child.stderr.take().unwrap());
        let ended = watch(&child);
        let mut process = Self { child, diagnostics, address: ([0; 4], 0).into(), _ended: ended };
        let line = process.diagnostic("listening");
        process.address = line["fields"]["address"].as_str().unwrap().parse().unwrap();
        process
    }

    /// Reads the diagnostics up to the line with this message.
    pub(crate) fn diagnostic(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.diagnostics.read_line(&mut line).unwrap() > 0, "ended before {message:?}");
            let line: Value = serde_json::from_str(&line).unwrap();
            if line["fields"]["message"] == message {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(pid(&self.child), signal).unwrap();
    }

    /// Waits for its end. Returns the exit code and the request log.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<Value>) {
        let mut log = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut log).unwrap();
        let code = self.child.wait().unwrap().code();
        (code, log.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    /// Waits for its end. Returns the exit code and the rest of the diagnostics.
    pub(crate) fn end_with_its_diagnostics(mut self) -> (Option<i32>, String) {
        let mut diagnostics = String::new();
        self.diagnostics.read_to_string(&mut diagnostics).unwrap();
        (self.child.wait().unwrap().code(), diagnostics)
    }

    /// The most memory that it has had so far: proc(5).
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Waits for its end. Returns the exit code, and the rest of the diagnostics with the request log.
    #[cfg(feature = "aws")]
    pub(crate) fn end_with_all_that_was_written(mut self) -> (Option<i32>, String) {
        let mut written = String::new();
        self.diagnostics.read_to_string(&mut written).unwrap();
        self.child.stdout.take().unwrap().read_to_string(&mut written).unwrap();
        (self.child.wait().unwrap().code(), written)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Of no effect on one that was waited for.
        let _ = self.child.kill();
    }
}

/// Sends a request on a connection of its own.
pub(crate) async fn send(address: SocketAddr, ask: Ask) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&ask.header("connection", "close").to_bytes()).await.unwrap();
    stream
}

pub(crate) async fn answer(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_finishes_what_it_began() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let database = TestDatabase::create().await;
        let acme = Tenant::create(&database, "acme").await;
        let mut process = Process::start(&database).await;
        let call = Era::Modern
            .call("list_documents", &json!({}))
            .token(&token_of_today(&acme))
            .header("host", "localhost");
        let mut admin = database.admin_session().await;
        admin.run("BEGIN; LOCK TABLE mcp_audit_log IN ACCESS EXCLUSIVE MODE").await;
        let under_way = send(process.address, call).await;
        until_waiting_for_a_lock(&mut admin, 1).await;

        process.signal(signal);
        process.diagnostic("draining");
        until("new connections are refused", async || TcpStream::connect(process.address).await.is_err())
            .await;
        admin.run("ROLLBACK").await;

        let answer = answer(under_way).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.contains(r#""structuredContent":{"documents":[]}"#), "{answer}");
        let (code, log) = process.end();
        assert_eq!(code, Some(0));
        assert_eq!(log.len(), 1);
        assert_eq!((&log[0]["status"], &log[0]["tool"]), (&json!(200), &json!("list_documents")));
    }
}

/// The call of a client that went away is under way like any other: its row is written before the process ends.
#[tokio::test]
async fn a_server_that_is_told_to_stop_waits_for_rows_that_nobody_waits_for() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create(&database, "acme").await;
    let mut process = Process::start(&database).await;
    let call = Era::Modern
        .call("list_documents", &json!({}))
        .token(&token_of_today(&acme))
        .header("host", "localhost");
    let mut admin = database.admin_session().await;
    admin.run("BEGIN; LOCK TABLE mcp_audit_log IN ACCESS EXCLUSIVE MODE").await;
    let under_way = send(process.address, call).await;
    until_waiting_for_a_lock(&mut admin, 1).await;
    drop(under_way);
    process.signal(Signal::SIGTERM);
    process.diagnostic("draining");
    until("new connections are refused", async || TcpStream::connect(process.address).await.is_err()).await;
    admin.run("ROLLBACK").await;
    let (code, log) = process.end();
    assert_eq!(code, Some(0));
    assert_eq!((log.len(), &log[0]["status"]), (1, &json!(499)));
    assert_eq!(admin.number("SELECT count(*) FROM mcp_audit_log WHERE status = 'ok'").await, 1);
}

/// Started by an orchestrator, before its first request: nothing to drain.
#[tokio::test]
async fn an_idle_server_stops_at_once_and_has_connected_to_nobody() {
    let database = TestDatabase::create().await;
    let mut process = Process::start(&database).await;
    let alive = answer(send(process.address, Ask::get("/healthz")).await).await;
    assert!(alive.starts_with("HTTP/1.1 200 OK\r\n"), "{alive}");
    let mut admin = database.admin_session().await;
    let connected =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'autri_mcp'";
    assert_eq!(admin.number(connected).await, 0);
    process.signal(Signal::SIGTERM);
    process.diagnostic("draining");
    assert_eq!(process.end().0, Some(0));
}

/// The exit code and what is said on stderr.
fn refused(settings: &[(&str, &str)]) -> String {
    let output = binary().envs(settings.iter().copied()).output().unwrap();
    assert!(!output.status.success(), "{settings:?} were taken");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty(), "nothing but request lines goes to stdout");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn all_that_is_missing_is_named_at_once() {
    let said = refused(&[]);
    for name in ["AGENTCORE_AUTH", "DATABASE_URL", "AUTRI_AUDIT_KEY", "AUTRI_PUBLIC_URL"] {
        assert!(said.contains(&format!("{name}: is missing")), "{said} lacks {name}");
    }
    assert!(refused(&[("AGENTCORE_AUTH", "cognito")]).contains("COGNITO_ISSUER: is missing"));
}

#[test]
fn what_is_no_text_is_not_taken_for_a_setting_that_is_not_set() {
    let output = binary().env("AUTRI_ALLOWED_HOSTS", OsStr::from_bytes(b"\xff")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("AUTRI_ALLOWED_HOSTS: is not UTF-8"), "{said}");
}

#[test]
fn no_value_turns_authentication_off() {
    for value in ["none", "off", "false", "0", "disabled", "COGNITO", "cognito,none", ""] {
        let said = refused(&[
            ("AGENTCORE_AUTH", value),
            ("COGNITO_ISSUER", ISSUER),
            ("DATABASE_URL", "postgres://autri_mcp@127.0.0.1:1/autri"),
            ("AUTRI_AUDIT_KEY", "0123456789abcdef0123456789abcdef"),
            ("AUTRI_PUBLIC_URL", "https://mcp.example.com"),
            ("AUTRI_BIND", "127.0.0.1:0"),
        ]);
        assert!(said.contains("AGENTCORE_AUTH: is"), "{value}: {said}");
        assert_eq!(said.lines().filter(|line| line.starts_with("  ")).count(), 1, "{value}: {said}");
    }
}

/// In a build for deployment, tokens signed with a shared secret are not a mode that is switched off: there is none.
#[cfg(not(feature = "dev-auth"))]
#[test]
fn development_tokens_are_unknown_to_this_build() {
    let said = refused(&[
        ("AGENTCORE_AUTH", "hs256-dev"),
        ("AUTRI_DEV_JWT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("DATABASE_URL", "postgres://autri_mcp@127.0.0.1:1/autri"),
        ("AUTRI_AUDIT_KEY", "0123456789abcdef0123456789abcdef"),
        ("AUTRI_PUBLIC_URL", "http://127.0.0.1:8000"),
        ("AUTRI_BIND", "127.0.0.1:0"),
    ]);
    assert!(said.contains("AGENTCORE_AUTH: is not a known value; it must be `cognito`"), "{said}");
}
