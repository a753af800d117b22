//! `autri org export`: all that an org has, as JSON lines.

use std::ffi::OsString;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use autri_db::Database;
use autri_db::export::OrgExport;
use autri_domain::OrgId;
use clap::Args;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::context::Context;
use crate::output;
use crate::stop::StopSignals;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri org export 0197f6a2-8c1e-7000-8000-000000000001 --output acme.jsonl
  autri org export 0197f6a2-8c1e-7000-8000-000000000001 | gzip > acme.jsonl.gz
Each line is one JSON object with a `type`. All are of the moment at which the command began. The last has the type `end`:
without it, the export is not whole. Vectors are left out, for they can be made again, and so are secrets, which are not here.")]
pub(super) struct ExportArgs {
    /// The org
    #[arg(value_name = "ID")]
    org: OrgId,
    /// Write to this file, which nobody else may read, instead of stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over the file if there is one
    #[arg(long, requires = "output")]
    force: bool,
}

pub(super) async fn run(args: &ExportArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    let Some(path) = &args.output else {
        let mut stdout = BufWriter::new(output::stream());
        export(&database, args.org, &mut stdout).await?;
        return Ok(ExitCode::SUCCESS);
    };
    let exists = || format!("{} exists; --force writes over it", path.display());
    match fs::symlink_metadata(path) {
        // It would be replaced, not written to: a pipe's reader would wait for ever, and a device would be gone.
        Ok(found) if !found.is_file() => bail!("{} is no regular file; name another", path.display()),
        Ok(_) if !args.force => bail!(exists()),
        _ => {}
    }
    // Before there is a file, so that none is left when the process is told to end.
    let mut stop = StopSignals::listen()?;
    let mut writer = BufWriter::new(part_of(path)?);
    let records = tokio::select! {
        records = export(&database, args.org, &mut writer) => records?,
        told = stop.told() => {
            output::note("stopped; nothing was exported");
            return Ok(told.exit_code());
        }
    };
    let file = writer.into_inner().context("the export could not be written")?;
    file.as_file().sync_all().context("the export could not be written")?;
    if args.force {
        file.persist(path).with_context(|| format!("{} cannot be replaced", path.display()))?;
    } else {
        file.persist_noclobber(path).with_context(exists)?;
    }
    if context.json {
        output::json(&json!({ "org_id": args.org, "file": path, "record_count": records }))?;
    } else {
        output::line(format_args!("{} in {}", output::counted(records, "record"), path.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// A file beside it, `NAME.part-…`, readable by its owner alone, that gets its name when it is whole and goes otherwise.
fn part_of(path: &Path) -> anyhow::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
    let mut prefix = OsString::from(name);
    prefix.push(".part-");
    let part = tempfile::Builder::new().prefix(&prefix).tempfile_in(folder);
    part.with_context(|| format!("no file can be made in {}", folder.display()))
}

/// Writes all records; how many.
async fn export(database: &Database, org: OrgId, writer: &mut impl Write) -> anyhow::Result<u64> {
    let export = OrgExport::begin(database, org).await?;
    let mut export = export.with_context(|| format!("there is no org {org}; see `autri org list`"))?;
    let mut records = 0;
    while let Some(page) = export.next_page().await? {
        for record in &page {
            write_line(writer, record).context("the export could not be written, and is not whole")?;
        }
        records += page.len() as u64;
    }
    writer.flush().context("the export could not be written, and is not whole")?;
    Ok(records)
}

fn write_line(writer: &mut impl Write, record: &impl serde::Serialize) -> std::io::Result<()> {
    writeln!(writer, "{}", output::json_line(record)?)
}
