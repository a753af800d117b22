//! `autri dev` (`cargo dev`): from nothing to a server that a client can be pointed at.

mod access;
mod banner;
mod cognito;
pub(crate) mod data_dir;
mod database;
mod demo;
mod documents;
mod foundation;
mod leash;
mod loopback;
mod place;
mod postgres;
mod programs;
mod ready;
mod server;
pub(crate) mod tokens;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Args;
use futures_util::future::select_all;

use self::access::Access;
use self::banner::Banner;
use self::data_dir::write_private;
use self::foundation::Foundation;
use self::leash::Leashed;
use self::place::remove_files;
use self::postgres::Postgres;
use self::ready::Ready;
use self::server::ServerOptions;
use crate::context::Context;
use crate::embedder::EmbedderKind;
use crate::output;
use crate::stop::StopSignals;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo dev
  cargo dev --docs ~/notes --docs handbook.md
  cargo dev --port 0 --ready-file /tmp/ready.json
  cargo dev --cognito
  DATABASE_URL=postgresql://postgres:postgres@127.0.0.1:5432/postgres cargo dev")]
pub(crate) struct DevArgs {
    /// Documents to search: a file or a folder; may be repeated [default: this project's own documentation]
    #[arg(long, value_name = "PATH")]
    docs: Vec<PathBuf>,
    /// The port on 127.0.0.1; 0 picks a free one
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    port: u16,
    /// Throw away the data folder's database and secrets first
    #[arg(long)]
    reset: bool,
    /// How the demo library's texts become vectors; it keeps what it was made with [default: static]
    #[arg(long, value_parser = EmbedderKind::parse_local())]
    embedder: Option<EmbedderKind>,
    /// Write the URL, the token and the ids there, as JSON, when the server answers
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// Tokens from a Cognito pool with our own triggers, by emulators (needs Python 3.10, Node 20, npm; 75 MB to fetch)
    #[arg(long)]
    cognito: bool,
}

/// Everything that runs.
struct Dev {
    postgres: Postgres,
    /// The server first; with `--cognito` the emulators.
    programs: Vec<Leashed>,
    ready_files: Vec<PathBuf>,
}

pub(crate) async fn run(args: DevArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let mut stop = StopSignals::listen()?;
    let started = tokio::select! {
        // What was started by then ends with its owners, which are dropped.
        _ = stop.told() => return Ok(ExitCode::SUCCESS),
        started = start(args, context) => started?,
    };
    started.run_until_stopped(&mut stop).await
}

async fn start(args: DevArgs, context: &Context) -> anyhow::Result<Dev> {
    let foundation = Foundation::lay(args, context).await?;
    let access = foundation.open(context).await?;
    let ready = foundation.ready(&access)?;
    let expires_at = access.token.expires_at;
    let requests_log = foundation.place.data_dir.requests_log();
    let dev = Dev::start(foundation, access, context).await?;
    dev.announce(&ready, expires_at, &requests_log, context)?;
    Ok(dev)
}

impl Dev {
    /// Starts the server, after which everything runs.
    async fn start(foundation: Foundation, access: Access, context: &Context) -> anyhow::Result<Self> {
        let public_url = foundation.place.public_url()?;
        let Foundation { place, database, programs, .. } = foundation;
        let Access { server_settings, cognito, .. } = access;
        let mut settings = server::settings(&place.data_dir, &database, &public_url, context)?;
        settings.extend(server_settings);
        let options = ServerOptions {
            program: programs.server(),
            address: place.address,
            settings,
            requests_log: place.data_dir.requests_log(),
            diagnostics_log: place.data_dir.server_log(),
            lock: place.lock,
        };
        let server = server::start(options).await?;
        let emulators = cognito.map(|cognito| cognito.emulators);
        let running = std::iter::once(server).chain(emulators.into_iter().flatten()).collect();
        Ok(Self { postgres: database.postgres, programs: running, ready_files: place.ready_files })
    }

    fn announce(
        &self,
        ready: &Ready,
        expires_at: DateTime<Utc>,
        requests_log: &Path,
        context: &Context,
    ) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(ready)?;
        for path in &self.ready_files {
            write_private(path, &text)?;
        }
        if context.json {
            output::line(text);
            return Ok(());
        }
        let banner = Banner {
            url: &ready.url,
            token: &ready.token,
            expires_at,
            requests_log,
            cognito: ready.cognito.as_ref(),
        };
        output::styled(banner.text());
        Ok(())
    }

    /// Waits until it is told to stop, or a program fails, and then stops everything in its order.
    async fn run_until_stopped(mut self, stop: &mut StopSignals) -> anyhow::Result<ExitCode> {
        let failures = self.programs.iter_mut().map(|program| Box::pin(program.failure()));
        let failure = tokio::select! {
            _ = stop.told() => None,
            (failure, failed, _) = select_all(failures) => Some((failure, failed)),
        };
        remove_files(&self.ready_files);
        let failure = failure.map(|(failure, failed)| {
            self.programs.remove(failed);
            failure
        });
        stop_all(failure, self.programs, self.postgres.stop()).await?;
        output::note("stopped");
        Ok(ExitCode::SUCCESS)
    }
}

/// Stops the programs and then the database, whatever fails.
///
/// # Errors
/// What failed first: the rest may follow from it.
async fn stop_all(
    failure: Option<anyhow::Error>,
    programs: Vec<Leashed>,
    database: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let mut stopped = failure.map_or(Ok(()), Err);
    for program in programs {
        stopped = stopped.and(program.stop().await);
    }
    stopped.and(database.await)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[tokio::test]
    async fn what_failed_first_is_told() {
        let database = || async { Err(anyhow!("the database")) };
        let error =
            stop_all(Some(anyhow!("the server")), Vec::new(), database()).await.expect_err("two failures");
        assert_eq!(error.to_string(), "the server");
        let error = stop_all(None, Vec::new(), database()).await.expect_err("one failure");
        assert_eq!(error.to_string(), "the database");
        stop_all(None, Vec::new(), async { Ok(()) }).await.expect("stopped");
    }
}
