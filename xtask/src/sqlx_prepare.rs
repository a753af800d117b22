//! `cargo xtask sqlx-prepare`: checks every query against the real schema, and renews `.sqlx` (or compares with it).
//!
//! Does what `cargo sqlx prepare` does, without a database at hand and without another tool to install: a scratch database
//! on the local Postgres gets the roles and migrations by `psql`, and the macros write what they learn of each query.
//! Not through `autri-db`, which would not compile while its queries are stale.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use autri_local_postgres::{
    Cluster, ClusterOptions, Durability, Installation, ResolveOptions, Silent, default_cache_dir,
};
use clap::Args;
use secrecy::ExposeSecret;

use crate::workspace;

const SCRATCH: &str = "autri_sqlx_prepare";

/// What sqlx's own migrator makes before the first migration, which grants rights on it.
const MIGRATIONS_TABLE: &str = "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL, \
     installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL, checksum bytea NOT NULL, \
     execution_time bigint NOT NULL)";

#[derive(Args)]
pub(crate) struct Options {
    /// Change nothing; fail if .sqlx is not what the queries and the schema make it
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let workspace::Workspace { root, target, .. } = workspace::load()?;
    let scratch = ScratchDatabase::make(&root, target.join("sqlx-prepare"))?;
    let fresh = tempfile::tempdir()?;
    check_queries(&root, &scratch.url, fresh.path())?;
    let (wanted, kept) = (read_cache(fresh.path())?, read_cache(&root.join(".sqlx"))?);
    if wanted == kept {
        println!(".sqlx is current: {} queries", wanted.len());
        return Ok(());
    }
    if options.check {
        bail!(".sqlx is stale: run `cargo xtask sqlx-prepare` and commit the result");
    }
    replace_cache(&root.join(".sqlx"), &wanted, &kept)?;
    println!(".sqlx renewed: {} queries", wanted.len());
    Ok(())
}

struct ScratchDatabase {
    url: String,
    _cluster: Cluster,
}

impl ScratchDatabase {
    /// Its cluster's files are in `dir`.
    fn make(root: &Path, dir: PathBuf) -> Result<Self> {
        let installation = Installation::resolve(&ResolveOptions::new(cache_dir()?), &Silent)?;
        let options = ClusterOptions { dir, durability: Durability::Throwaway, linger: Duration::ZERO };
        let cluster = Cluster::start(&installation, &options, &Silent)?;
        let admin_url = cluster.admin_url().expose_secret().to_owned();
        let psql = Psql { program: installation.bin_dir().join("psql") };
        psql.execute(&admin_url, &[&format!("DROP DATABASE IF EXISTS {SCRATCH} WITH (FORCE)")])?;
        psql.files(&admin_url, &[], &[root.join("crates/db/bootstrap/roles.sql")])?;
        psql.execute(&admin_url, &[&format!("CREATE DATABASE {SCRATCH} OWNER autri_migrate")])?;
        let url = admin_url.replace("/postgres?", &format!("/{SCRATCH}?"));
        psql.execute(&url, &["CREATE EXTENSION vector"])?;
        let mut migrations: Vec<PathBuf> =
            fs::read_dir(root.join("migrations"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        migrations.sort();
        psql.files(&url, &["SET ROLE autri_migrate", MIGRATIONS_TABLE], &migrations)?;
        Ok(Self { url, _cluster: cluster })
    }
}

struct Psql {
    program: PathBuf,
}

impl Psql {
    fn execute(&self, url: &str, statements: &[&str]) -> Result<()> {
        self.files(url, statements, &[])
    }

    /// Statements and then files, in one session.
    fn files(&self, url: &str, statements: &[&str], files: &[PathBuf]) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url]);
        command.env("PGOPTIONS", "-c client_min_messages=warning");
        for statement in statements {
            command.args(["--command", statement]);
        }
        for file in files {
            command.arg("--file").arg(file);
        }
        let status = command.status().with_context(|| format!("cannot run {}", self.program.display()))?;
        if !status.success() {
            bail!("psql failed: {status}");
        }
        Ok(())
    }
}

/// Compiles the crate with the queries, which makes each of them be described by the database and written to `cache`.
#[expect(clippy::disallowed_methods, reason = "a file's own time, for cargo to compare")]
fn check_queries(root: &Path, url: &str, cache: &Path) -> Result<()> {
    // Macros run only when the crate is compiled anew.
    let source = fs::File::options().append(true).open(root.join("crates/db/src/lib.rs"))?;
    source.set_modified(SystemTime::now())?;
    let status = Command::new("cargo")
        .current_dir(root)
        .args(["check", "--quiet", "--package", "autri-db"])
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", cache)
        .env("DATABASE_URL", url)
        .status()?;
    if !status.success() {
        bail!("a query does not fit the schema");
    }
    Ok(())
}

fn read_cache(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut queries = BTreeMap::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        queries.insert(entry.file_name().to_string_lossy().into_owned(), fs::read_to_string(entry.path())?);
    }
    Ok(queries)
}

fn replace_cache(
    folder: &Path,
    wanted: &BTreeMap<String, String>,
    kept: &BTreeMap<String, String>,
) -> Result<()> {
    for name in kept.keys().filter(|name| !wanted.contains_key(*name)) {
        fs::remove_file(folder.join(name))?;
    }
    for (name, text) in wanted {
        fs::write(folder.join(name), text)?;
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "where programs are cached is all that this tool takes from the environment"
)]
fn cache_dir() -> Result<PathBuf> {
    let (xdg_cache_home, home) = (std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"));
    default_cache_dir(xdg_cache_home.as_deref(), home.as_deref())
        .context("neither XDG_CACHE_HOME nor HOME is set")
}
