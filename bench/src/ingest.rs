//! Ingest as a process: chunks a second, chunks a second of processor time, and memory against the number of documents.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_retrieval::embed::EmbedderChoice;
use clap::Args;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use url::Url;

use crate::corpus;
use crate::processes::Usage;

/// How often processes are looked at: what a short-lived one takes in between is missed.
const LOOK_EVERY: Duration = Duration::from_millis(50);

#[derive(Args)]
pub(crate) struct Options {
    /// The command line's release build
    #[arg(long)]
    autri: PathBuf,
    /// A static model; without one, nothing is embedded
    #[arg(long)]
    model_dir: Option<PathBuf>,
    /// How many documents, after a run of a tenth of them
    #[arg(long, default_value_t = 2_000)]
    documents: usize,
    /// How many sections a document has at most, of about a kilobyte each
    #[arg(long, default_value_t = 40)]
    sections: u64,
}

pub(crate) async fn run(options: Options) -> Result<()> {
    let embedder = match &options.model_dir {
        Some(folder) => EmbedderChoice::Static { folder: folder.clone() }.open()?,
        None => None,
    };
    let (model, dimensions) = match &embedder {
        Some(embedder) => (embedder.model_id().to_owned(), u32::try_from(embedder.dimensions())?),
        None => ("none".to_owned(), 0),
    };
    println!("ingest, model {model}");
    let few = measure(&options, &model, dimensions, options.documents / 10).await?;
    let many = measure(&options, &model, dimensions, options.documents).await?;
    println!("  peak memory, ten times the documents  {:.2} times as much", many / few);
    Ok(())
}

/// Ingests so many documents into a database of their own, and returns the command's peak memory in megabytes.
#[expect(clippy::cast_precision_loss, reason = "counts are small")]
async fn measure(options: &Options, model: &str, dimensions: u32, documents: usize) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    write(folder.path(), documents, options.sections)?;
    let database = TestDatabase::create().await;
    Tenant::create_with_model(&database, "bench", model, dimensions).await;
    let url = database.url(roles::ADMIN);
    let name = Url::parse(url.expose_secret())?.path().trim_start_matches('/').to_owned();

    let mut command = Command::new(&options.autri);
    command.args(["--json", "ingest"]).arg(folder.path()).env("DATABASE_URL", url.expose_secret());
    if let Some(model_dir) = &options.model_dir {
        command.env("AUTRI_MODEL_DIR", model_dir);
    }
    let started = Instant::now();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
    let id = child.id().context("it has ended")?;
    let mut stdout = child.stdout.take().context("it is piped")?;
    let mut usage = Usage::default();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            _ = looks.tick() => usage.look(id, &name),
        }
    };
    let elapsed = started.elapsed().as_secs_f64();
    let mut answer = Vec::new();
    stdout.read_to_end(&mut answer).await?;
    ensure!(status.success(), "autri ended with {status}: {}", String::from_utf8_lossy(&answer));
    let report: Value = serde_json::from_slice(&answer)?;
    let chunks = report["chunks"].as_u64().context("the number of chunks")? as f64;
    ensure!(report["new"].as_u64() == u64::try_from(documents).ok(), "not all are new: {report}");

    let (own, children, of_database) = (usage.command_secs(), usage.children_secs(), usage.database_secs());
    let peak = usage.peak_kb as f64 / 1024.0;
    println!("  {documents} documents, {chunks} chunks in {elapsed:.1} s");
    println!("    chunks a second                     {:.0}", chunks / elapsed);
    println!("    chunks a second a core              {:.0}", chunks / (own + children));
    println!("    with the database's part            {:.0}", chunks / (own + children + of_database));
    println!("    seconds: command, parsers, database {own:.1}, {children:.1}, {of_database:.1}");
    println!(
        "    peak memory: command, one parser    {peak:.0}, {:.0} MB",
        usage.child_peak_kb as f64 / 1024.0
    );
    Ok(peak)
}

fn write(folder: &Path, documents: usize, sections: u64) -> Result<()> {
    for file in corpus::files(documents, sections) {
        let path = folder.join(&file.path);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(path, file.text)?;
    }
    Ok(())
}
