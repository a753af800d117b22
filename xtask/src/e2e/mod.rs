//! Real clients, written by others, against the server that `cargo dev` starts; the conformance suites; tokens and sign-ups
//! on the whole chain that `cargo dev --cognito` starts; and, beside that chain, what is shipped.
//!
//! The suites are scripts in `e2e/`. Each prints a line a test in the Test Anything Protocol; this module installs what
//! they need into the target folder, starts and stops the servers, and counts.

mod documents;
mod install;
mod prerequisites;
mod processes;
mod programs;
mod server;
mod suites;
mod tap;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};

use crate::workspace;
use server::{Kind, ReadyFile, Server, Target};
use suites::Suite;
use tap::Tally;

/// Options of `cargo e2e`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run the suites whose name begins with this (repeatable)
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Name the suites, and run none
    #[arg(long)]
    list: bool,
    /// Test a server that runs already, by the ready file that `cargo dev --ready-file` wrote, with the suites that are for
    /// such a server. It has to serve e2e/fixtures/docs and target/e2e/docs
    #[arg(long, value_name = "READY_FILE")]
    against: Option<PathBuf>,
    /// Test what is shipped as well: the folder into which docker/build and deploy/build-lambdas have put it
    #[arg(long, value_name = "FOLDER")]
    artefacts: Option<PathBuf>,
    /// A database to use in place of the embedded Postgres; passed on to `cargo dev`
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

/// Where things are.
struct Layout {
    /// The checkout.
    root: PathBuf,
    /// `e2e/` in the checkout: scripts, fixtures, lock files.
    source: PathBuf,
    /// `target/e2e/`: everything that is installed or made.
    cache: PathBuf,
    /// What is shipped, as `--artefacts` names it.
    artefacts: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    if options.list {
        for suite in suites::ALL {
            println!("{}", suite.name);
        }
        return Ok(());
    }
    let started = Instant::now();
    let chosen = suites::choose(&options.only, options.artefacts.is_some())?;
    let artefacts = options.artefacts.as_deref().map(find_artefacts).transpose()?;
    prerequisites::check()?;
    let workspace = workspace::load()?;
    let layout = Layout {
        source: workspace.root.join("e2e"),
        root: workspace.root,
        cache: workspace.target.join("e2e"),
        artefacts,
    };
    install::all(&layout).context("install the clients")?;
    documents::write_long_document(&layout.cache)?;

    let mut tally = Tally::default();
    if let Some(file) = &options.against {
        let target = Target { ready: ReadyFile::read(file)?, printed: None };
        let (fit, other): (Vec<_>, Vec<_>) =
            chosen.into_iter().partition(|suite| suite.server == target.ready.kind);
        print_left_out(&other);
        programs::build_operator(&layout, target.ready.kind)?;
        run_suites(&layout, &fit, &target, &mut tally)?;
    } else {
        for kind in Kind::ALL {
            let suites: Vec<_> = chosen.iter().copied().filter(|suite| suite.server == kind).collect();
            if !suites.is_empty() {
                run_with_server(&layout, kind, &suites, options.database_url.as_deref(), &mut tally)?;
            }
        }
    }
    if tally.passed == 0 {
        bail!("no test ran");
    }
    println!("\n{:.0} s in all", started.elapsed().as_secs_f32());
    tally.print();
    ensure!(tally.failed == 0, "logs are in {}", layout.cache.join("logs").display());
    Ok(())
}

/// The folder, by a path that holds wherever a suite is run.
fn find_artefacts(folder: &Path) -> anyhow::Result<PathBuf> {
    folder.canonicalize().with_context(|| {
        format!(
            "find {}, into which docker/build and deploy/build-lambdas put what they make",
            folder.display()
        )
    })
}

fn run_with_server(
    layout: &Layout,
    kind: Kind,
    suites: &[&Suite],
    database_url: Option<&str>,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    programs::build_operator(layout, kind)?;
    programs::build_dev(layout)?;
    let server = Server::start(layout, kind, database_url)?;
    run_suites(layout, suites, &server.target, tally)?;
    let stopped = server.stop(database_url.is_none());
    tally.add(kind.name(), "stops cleanly on SIGTERM and leaves no process", stopped.err());
    Ok(())
}

fn run_suites(layout: &Layout, suites: &[&Suite], target: &Target, tally: &mut Tally) -> anyhow::Result<()> {
    for suite in suites {
        let started = Instant::now();
        suites::run(layout, suite, target, tally).with_context(|| format!("run the suite {}", suite.name))?;
        println!("{} took {:.1} s", suite.name, started.elapsed().as_secs_f32());
    }
    Ok(())
}

fn print_left_out(suites: &[&Suite]) {
    if !suites.is_empty() {
        let names: Vec<_> = suites.iter().map(|suite| suite.name).collect();
        println!("left out, because they are for another kind of server: {}", names.join(", "));
    }
}
