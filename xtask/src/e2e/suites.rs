//! The suites, which server each is for, and how one is run.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::Layout;
use super::server::{Kind, Target};
use super::tap::{self, Tally, Verdict};

/// A suite that has not ended by then hangs.
const TIME_LIMIT: Duration = Duration::from_mins(5);
/// The same for a suite of what is shipped, which may be run by an emulator of another processor.
const SHIPPED_TIME_LIMIT: Duration = Duration::from_mins(15);

/// A client, a run of a conformance suite, or what is tried on the whole chain.
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) server: Kind,
    script: Script,
    arguments: &'static [&'static str],
    /// Whether it is about what is shipped, and so needs the folder of `--artefacts`.
    of_artefacts: bool,
    time_limit: Duration,
}

enum Script {
    /// In `e2e/python`, run by the environment with the Python clients.
    Python(&'static str),
    /// In `e2e/node`, copied beside its packages.
    Node(&'static str),
    /// `e2e/conformance/run.mjs`.
    Conformance,
}

impl Suite {
    const fn new(server: Kind, name: &'static str, script: Script) -> Self {
        Self { name, server, script, arguments: &[], of_artefacts: false, time_limit: TIME_LIMIT }
    }

    /// A suite against `cargo dev`.
    const fn plain(name: &'static str, script: Script, arguments: &'static [&'static str]) -> Self {
        Self { arguments, ..Self::new(Kind::Plain, name, script) }
    }

    /// A suite against `cargo dev --cognito`.
    const fn cognito(name: &'static str, script: Script) -> Self {
        Self::new(Kind::Cognito, name, script)
    }

    /// A suite of what is shipped, beside `cargo dev --cognito`.
    const fn shipped(name: &'static str, script: Script) -> Self {
        Self { of_artefacts: true, time_limit: SHIPPED_TIME_LIMIT, ..Self::cognito(name, script) }
    }
}

pub(crate) const ALL: &[Suite] = &[
    Suite::plain("curl", Script::Python("client_curl.py"), &[]),
    Suite::plain("python-auto", Script::Python("client_sdk.py"), &["--mode", "auto"]),
    Suite::plain("python-legacy", Script::Python("client_sdk.py"), &["--mode", "legacy"]),
    Suite::plain("typescript-v1", Script::Node("client_v1.mjs"), &[]),
    Suite::plain("typescript-v2-auto", Script::Node("client_v2.mjs"), &["auto"]),
    Suite::plain("typescript-v2-legacy", Script::Node("client_v2.mjs"), &["legacy"]),
    Suite::plain("inspector-modern", Script::Python("client_inspector.py"), &["--era", "modern"]),
    Suite::plain("inspector-legacy", Script::Python("client_inspector.py"), &["--era", "legacy"]),
    Suite::plain("mcp-remote", Script::Python("client_mcp_remote.py"), &[]),
    Suite::plain("printed-lines", Script::Python("printed_lines.py"), &[]),
    Suite::plain("conformance-stable-2025-11-25", Script::Conformance, &["stable-2025-11-25"]),
    Suite::plain("conformance-2025-11-25", Script::Conformance, &["2025-11-25"]),
    Suite::plain("conformance-2026-07-28", Script::Conformance, &["2026-07-28"]),
    Suite::cognito("cognito-tokens", Script::Python("cognito_tokens.py")),
    Suite::cognito("cognito-sign-up", Script::Python("cognito_sign_up.py")),
    Suite::cognito("connect-by-hand", Script::Python("connect_by_hand.py")),
    Suite::cognito("s3-ingest", Script::Python("s3_ingest.py")),
    Suite::cognito("agent-runtime", Script::Python("agent_runtime.py")),
    Suite::shipped("released-image", Script::Python("released_image.py")),
    Suite::shipped("released-cli", Script::Python("released_cli.py")),
    Suite::shipped("lambda-deploy", Script::Python("lambda_deploy.py")),
];

/// The suites whose names begin with one of `prefixes`; all if there is none. Those of what is shipped are among all only
/// with artefacts, and an error if they are asked for without.
pub(crate) fn choose(prefixes: &[String], with_artefacts: bool) -> anyhow::Result<Vec<&'static Suite>> {
    if let Some(unknown) =
        prefixes.iter().find(|prefix| ALL.iter().all(|suite| !suite.name.starts_with(*prefix)))
    {
        let names: Vec<&str> = ALL.iter().map(|suite| suite.name).collect();
        bail!("no suite begins with {unknown:?}; there are {}", names.join(", "));
    }
    let possible = |suite: &&Suite| with_artefacts || !suite.of_artefacts;
    if prefixes.is_empty() {
        return Ok(ALL.iter().filter(possible).collect());
    }
    let chosen: Vec<_> =
        ALL.iter().filter(|suite| prefixes.iter().any(|prefix| suite.name.starts_with(prefix))).collect();
    if let Some(suite) = chosen.iter().find(|suite| !possible(suite)) {
        bail!(
            "{} tests what docker/build and deploy/build-lambdas have made: name their folder by --artefacts",
            suite.name
        );
    }
    Ok(chosen)
}

/// Runs a suite and counts its tests. A suite that ends badly without saying which test failed is a failed test.
pub(crate) fn run(layout: &Layout, suite: &Suite, target: &Target, tally: &mut Tally) -> anyhow::Result<()> {
    let log = layout.cache.join("logs").join(format!("{}.log", suite.name));
    for folder in ["logs", "home"] {
        fs::create_dir_all(layout.cache.join(folder))?;
    }
    let mut child = command(layout, suite, target)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log)?)
        .spawn()
        .context("start the script")?;
    let (failed_before, total_before) = (tally.failed, tally.total());
    let finished = follow(&mut child, suite, tally);
    if finished.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    let verdict = finished.and_then(|()| {
        ensure!(tally.total() > total_before, "printed no test");
        ensure!(status.success() == (tally.failed == failed_before), "ended with {status}");
        Ok(())
    });
    if let Err(failure) = verdict {
        tally.add(suite.name, "runs to its end", Some(failure));
        print!("{}", String::from_utf8_lossy(&fs::read(&log)?));
    }
    Ok(())
}

fn command(layout: &Layout, suite: &Suite, target: &Target) -> Command {
    let modules = layout.node_modules();
    let (program, script) = match suite.script {
        Script::Python(name) => (layout.python(), layout.source.join("python").join(name)),
        Script::Node(name) => (layout.node(), layout.cache.join("node").join(name)),
        Script::Conformance => (layout.node(), layout.source.join("conformance/run.mjs")),
    };
    let mut command = Command::new(program);
    command
        .arg(script)
        .args(suite.arguments)
        .env("AUTRI_URL", &target.ready.url)
        .env("AUTRI_TOKEN", &target.ready.token)
        .env("AUTRI_READY_FILE", &target.ready.path)
        .env("AUTRI_EXPECTATIONS", layout.source.join("expectations.json"))
        .env("AUTRI_NODE", layout.node())
        .env("AUTRI_NODE_MODULES", &modules)
        .env(
            "AUTRI_INSPECTOR",
            modules.join("@modelcontextprotocol/inspector/clients/launcher/build/index.js"),
        )
        .env("AUTRI_MCP_REMOTE", modules.join("mcp-remote/dist/proxy.js"))
        .env("AUTRI_PROGRAM", layout.program())
        .env("AUTRI_DEPLOY_PYTHON", layout.deploy_python())
        .env("AUTRI_RESULTS", layout.cache.join("conformance"))
        // mcp-remote and the Inspector keep state at home; tests shall neither find nor leave any.
        .env("HOME", layout.cache.join("home"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1,localhost");
    match &target.printed {
        Some(path) => command.env("AUTRI_PRINTED", path),
        None => command.env_remove("AUTRI_PRINTED"),
    };
    match &layout.artefacts {
        Some(path) => command.env("AUTRI_ARTEFACTS", path),
        None => command.env_remove("AUTRI_ARTEFACTS"),
    };
    command
}

/// Counts the tests as they are printed, and passes on what is said about a failed one and what is noted for the reader.
fn follow(child: &mut Child, suite: &Suite, tally: &mut Tally) -> anyhow::Result<()> {
    let deadline = Instant::now() + suite.time_limit;
    let stdout = child.stdout.take().context("the script's output is piped")?;
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || BufReader::new(stdout).lines().try_for_each(|line| sender.send(line)));
    let mut explaining = false;
    loop {
        let line = match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => line.context("read the script's output")?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => bail!("not finished after {} s", suite.time_limit.as_secs()),
        };
        if let Some(test) = tap::parse(&line) {
            tally.count(suite.name, &test);
            explaining = test.verdict == Verdict::Failed;
        } else if explaining {
            println!("    {}", line.trim_start_matches("# "));
        } else if let Some(note) = tap::note(&line) {
            println!("note     {}: {note}", suite.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the suites that are chosen, or the error.
    fn names(prefixes: &[&str], with_artefacts: bool) -> Result<Vec<&'static str>, String> {
        let prefixes: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
        let chosen = choose(&prefixes, with_artefacts).map_err(|error| error.to_string())?;
        Ok(chosen.iter().map(|suite| suite.name).collect())
    }

    #[test]
    fn suites_are_chosen_by_the_beginning_of_their_names() {
        for with_artefacts in [false, true] {
            assert_eq!(names(&["python"], with_artefacts).unwrap(), ["python-auto", "python-legacy"]);
            assert_eq!(names(&["mcp-remote", "curl"], with_artefacts).unwrap(), ["curl", "mcp-remote"]);
            assert!(names(&["curl", "nothing"], with_artefacts).unwrap_err().contains("nothing"));
        }
    }

    #[test]
    fn what_is_shipped_is_tested_only_with_artefacts() {
        let shipped = ["released-image", "released-cli", "lambda-deploy"];
        assert_eq!(names(&[], true).unwrap().len(), ALL.len());
        let without = names(&[], false).unwrap();
        assert_eq!(without.len(), ALL.len() - shipped.len());
        assert!(shipped.iter().all(|name| !without.contains(name)));
        assert_eq!(names(&shipped, true).unwrap(), shipped);
        for asked in ["released-image", "lambda", ""] {
            let error = names(&["curl", asked], false).unwrap_err();
            assert!(error.contains("--artefacts"), "{asked:?}: {error}");
        }
    }

    #[test]
    fn a_suite_is_for_one_server() {
        let (plain, cognito): (Vec<_>, Vec<_>) = ALL.iter().partition(|suite| suite.server == Kind::Plain);
        assert_eq!((plain.len(), cognito.len()), (13, 8));
    }
}
