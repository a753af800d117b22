//! `autri`: the operator's and the developer's command line.
//!
//! Owns: what a person types and reads. Must not: hold SQL (that is `autri-db`), serve requests (`autri dev` starts the
//! server as a process of its own), or read the environment outside [`environment`] and clap's declared variables.

mod advice;
#[cfg(feature = "aws")]
mod aws_step;
mod cli;
#[cfg(feature = "aws")]
mod cognito;
mod commands;
mod context;
mod database_args;
mod embedder;
mod environment;
mod model;
mod output;
mod person;
mod stop;
mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use crate::cli::Cli;

/// How long work on blocking threads may go on after the command is done: stopping is its owner's business.
const BLOCKING_GRACE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let cli = Cli::of_process();
    if cli.is_parse_worker() {
        return commands::parse_worker::run();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::failure(&error.into()),
    };
    let result = runtime.block_on(cli.run());
    runtime.shutdown_timeout(BLOCKING_GRACE);
    result.unwrap_or_else(|error| output::failure(&error))
}
