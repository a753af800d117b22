//! `autri-local-postgres DIR [LINGER_SECS]`: a Postgres with pgvector in `DIR` for as long as this runs.
//!
//! Prints the administrator's URL and ends, with Postgres, at the end of its input or on Ctrl-C.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use autri_local_postgres::{
    Cluster, ClusterOptions, Durability, Installation, ResolveOptions, Silent, default_cache_dir,
};
use secrecy::ExposeSecret as _;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error}");
            let causes = std::iter::successors(error.source(), |error| error.source());
            for cause in causes {
                let _ = writeln!(std::io::stderr(), "caused by: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let dir: PathBuf = arguments.next().ok_or("usage: autri-local-postgres DIR [LINGER_SECS]")?.into();
    let linger = arguments.next().map_or(Ok(0), |secs| secs.to_string_lossy().parse())?;
    let home = std::env::home_dir();
    let cache_dir = default_cache_dir(None, home.as_ref().map(|home| -> &OsStr { home.as_os_str() }));
    let resolve = ResolveOptions::new(cache_dir.ok_or("no home folder for the cache")?);
    let installation = Installation::resolve(&resolve, &Silent)?;
    let options =
        ClusterOptions { dir, durability: Durability::Durable, linger: Duration::from_secs(linger) };
    let cluster = Cluster::start(&installation, &options, &Silent)?;
    writeln!(std::io::stdout(), "{}", cluster.admin_url().expose_secret())?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    cluster.stop()?;
    Ok(())
}
