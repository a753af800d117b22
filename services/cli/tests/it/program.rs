//! Running `autri`.

use std::io::Read as _;
use std::process::{Child, Command, Output, Stdio};

use autri_db::roles;
use autri_db::test_support::TestDatabase;
use secrecy::ExposeSecret as _;
use serde_json::Value;

/// `autri` with an environment of its own: what the machine's says must not matter.
pub(crate) struct Program {
    command: Command,
}

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// `autri ARGUMENTS…`, without a database.
pub(crate) fn autri<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_autri"));
    // Not in the checkout, where a running `cargo dev` could be found.
    command.env_clear().current_dir(std::env::temp_dir()).args(arguments);
    Program { command }
}

/// `autri ARGUMENTS… --json` as the operator of this database.
pub(crate) fn autri_json<'a>(
    database: &TestDatabase,
    arguments: impl IntoIterator<Item = &'a str>,
) -> Program {
    autri(arguments.into_iter().chain(["--json"])).logged_in_as(database, roles::ADMIN)
}

impl Program {
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Started as by `nohup`, to which the terminal's end is nothing.
    pub(crate) fn ignoring_hang_up(self) -> Self {
        self.behind("sh", &["-c", r#"trap "" HUP; exec "$0" "$@""#])
    }

    /// Started as at a terminal, even if these tests are run by `nohup`: what is ignored is inherited. Where nobody knows what
    /// is ignored, `autri` listens anyway.
    pub(crate) fn hearing_hang_up(self) -> Self {
        if cfg!(target_os = "linux") { self.behind("env", &["--default-signal=HUP"]) } else { self }
    }

    /// Run by another program, whose last argument it is.
    fn behind(self, program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).arg(env!("CARGO_BIN_EXE_autri")).args(self.command.get_args());
        command.env_clear().current_dir(std::env::temp_dir());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Self { command }
    }

    pub(crate) fn logged_in_as(self, database: &TestDatabase, role: &str) -> Self {
        self.env("DATABASE_URL", database.url(role).expose_secret())
    }

    pub(crate) fn run(mut self) -> Ended {
        Ended::of(self.command.output().expect("the program to run"))
    }

    /// Begins it, and does not wait.
    pub(crate) fn start(mut self) -> Running {
        let command = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(command.spawn().expect("the program to run"))
    }

    /// Its answer, which must be a success.
    #[track_caller]
    pub(crate) fn answer(self) -> String {
        let ended = self.run();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    }

    /// Its answer, which must be a success and JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.answer()).expect("JSON")
    }

    /// What it says, which must be a failure (exit code 1) and nothing on stdout.
    #[track_caller]
    pub(crate) fn failure(self) -> String {
        let ended = self.run();
        assert_eq!((ended.code, &*ended.stdout), (Some(1), ""), "{ended:?}");
        ended.stderr
    }
}

/// A program that runs.
pub(crate) struct Running(Child);

impl Running {
    /// Sends it a signal, by its name without `SIG`.
    pub(crate) fn tell(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.0.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    }

    /// Waits until it has said this on stderr. What it has said by then is not among what it says in the end.
    pub(crate) fn wait_until_it_says(&mut self, text: &str) {
        let (stderr, mut said) = (self.0.stderr.as_mut().expect("a pipe"), Vec::new());
        // One at a time: nothing that comes later is taken.
        let mut byte = [0];
        while !String::from_utf8_lossy(&said).contains(text) {
            stderr.read_exact(&mut byte).unwrap_or_else(|_| panic!("{:?}", String::from_utf8_lossy(&said)));
            said.extend(byte);
        }
    }

    /// Waits for its end.
    pub(crate) fn end(self) -> Ended {
        Ended::of(self.0.wait_with_output().expect("the program to end"))
    }
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// The text at `key`.
#[track_caller]
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text at {key} in {value}"))
}
