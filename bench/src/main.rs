//! What the binaries take: time and memory.
//!
//! `bench/run` builds what is measured and starts this. Figures are ratios and percentiles of one run on one machine:
//! compare them with nothing else.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

mod corpus;
mod fixed_answer;
mod ingest;
mod issuer;
mod processes;
mod search;
mod server;
mod statistics;
mod triggers;

use anyhow::Result;
use clap::Parser;

#[derive(Parser)]
enum Benchmark {
    /// The MCP server beside its own SQL
    Search(search::Options),
    /// The command line's `ingest`: chunks a second, and memory against the number of documents
    Ingest(ingest::Options),
    /// The Cognito triggers: warm and cold invocations, and what is uploaded
    Triggers(triggers::Options),
}

#[tokio::main]
async fn main() -> Result<()> {
    match Benchmark::parse() {
        Benchmark::Search(options) => search::run(options).await,
        Benchmark::Ingest(options) => ingest::run(options).await,
        Benchmark::Triggers(options) => triggers::run(options).await,
    }
}
