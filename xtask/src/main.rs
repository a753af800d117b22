//! The workspace's own chores, run as `cargo xtask …`: what `cargo test` can't hold because it is about the workspace as
//! a whole, or needs other languages' tools.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command for people and for CI talks on the terminal"
)]

mod arch;
mod e2e;
mod sqlx_prepare;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of this workspace")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Check which crate may use which: the directions of docs/ARCHITECTURE.md
    Arch,
    /// Check the queries against the schema and renew .sqlx
    SqlxPrepare(sqlx_prepare::Options),
    /// Run real MCP clients and the conformance suites against a server started by `cargo dev`
    E2e(e2e::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Arch => arch::run(),
        Task::SqlxPrepare(options) => sqlx_prepare::run(&options),
        Task::E2e(options) => e2e::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
