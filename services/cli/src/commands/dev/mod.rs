//! `autri dev` (`cargo dev`): from nothing to a server that a client can be pointed at.

mod access;
mod banner;
mod cognito;
pub(crate) mod data_dir;
mod demo;
mod documents;
mod leash;
mod postgres;
mod programs;
mod ready;
mod server;
mod stop;
pub(crate) mod tokens;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use autri_db::tenancy::Library;
use autri_db::{Database, roles};
use autri_retrieval::embed::EmbedderChoice;
use chrono::{DateTime, Utc};
use clap::Args;
use futures_util::future::select_all;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use self::access::Access;
use self::banner::Banner;
use self::cognito::{Ground, Installation, POST_CONFIRMATION, PRE_TOKEN};
use self::data_dir::{DataDir, Secret, write_private};
use self::demo::Demo;
use self::leash::Leashed;
use self::postgres::Postgres;
use self::programs::Programs;
use self::ready::Ready;
use self::server::ServerOptions;
use self::stop::StopSignals;
use super::connector::connector_url;
use crate::context::{Context, connect};
use crate::embedder::{self, EmbedderKind};
use crate::workspace::{self, READY_FILE};
use crate::{model, output};

/// A few clients at once: all of them share the one process here.
const SERVER_CONNECTIONS: u32 = 8;
const BEGIN_ANEW: &str = "`cargo dev --reset` makes it anew";

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
    /// Where the database, the secrets and the logs are kept [default: .autri in the checkout]
    #[arg(long, value_name = "PATH")]
    data_dir: Option<PathBuf>,
    /// Throw away the data folder's database and secrets first
    #[arg(long)]
    reset: bool,
    /// How the demo library's texts become vectors; it keeps what it was made with [default: static]
    #[arg(long, value_enum)]
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
        () = stop.requested() => return Ok(ExitCode::SUCCESS),
        started = start(args, context) => started?,
    };
    started.run_until_stopped(&mut stop).await
}

async fn start(args: DevArgs, context: &Context) -> anyhow::Result<Dev> {
    if args.cognito && workspace::root(&context.environment).is_none() {
        bail!("--cognito runs triggers that are built from a checkout: start `cargo dev --cognito` in one");
    }
    let docs = documents::paths(&args.docs, &context.environment)?;
    let data_dir = args.data_dir.unwrap_or_else(|| workspace::default_data_dir(&context.environment));
    let data_dir = DataDir::create(&data_dir)?;
    let lock = data_dir.lock().await?;
    let ready_files: Vec<_> =
        std::iter::once(data_dir.path().join(READY_FILE)).chain(args.ready_file).collect();
    // A run that was killed left them, and whoever waits for them would take them for ours.
    remove_files(&ready_files);
    if args.reset {
        postgres::reset(context, &data_dir).await?;
        data_dir.remove_files()?;
    }
    let address = free_address(args.port)?;

    let triggers: &[&str] = if args.cognito { &[PRE_TOKEN, POST_CONFIRMATION] } else { &[] };
    let programs = Programs::locate(triggers, &context.environment)?;
    if !programs.exist() {
        programs.update().await?;
    }
    // When there are some, cargo has seldom much to do.
    let (database, installation, ()) = tokio::try_join!(
        DemoDatabase::prepare(context, &data_dir, docs, args.embedder),
        provide_emulators(args.cognito, context),
        programs.update(),
    )?;
    let DemoDatabase { postgres, demo, embedder } = database;

    let public_url: Url = format!("http://{address}").parse()?;
    let access = match &installation {
        None => Access::with_development_tokens(&data_dir, &demo, context)?,
        Some(installation) => {
            let ground = Ground {
                installation,
                data_dir: &data_dir,
                lock: &lock,
                postgres: &postgres,
                programs: &programs,
                library: demo.library.id,
                embedding_model: &demo.library.embedding_model,
            };
            Access::with_cognito(&ground, context).await?
        }
    };
    let mut settings = settings(context, &data_dir, &postgres, &public_url, &embedder)?;
    settings.extend(access.server_settings);
    let options = ServerOptions {
        program: programs.server(),
        address,
        settings,
        requests_log: data_dir.requests_log(),
        diagnostics_log: data_dir.server_log(),
        lock,
    };
    let server = server::start(options).await?;
    let ready = Ready {
        url: connector_url(&public_url, access.connector),
        token: access.token.token,
        connector_id: access.connector,
        library_id: demo.library.id,
        knowledge_base_id: demo.knowledge_base.id,
        database_url: postgres.url(roles::ADMIN).expose_secret().to_owned(),
        cognito: access.cognito.as_ref().map(|cognito| cognito.ready(&public_url)),
    };
    let emulators = access.cognito.map(|cognito| cognito.emulators);
    let programs = std::iter::once(server).chain(emulators.into_iter().flatten()).collect();
    let dev = Dev { postgres, programs, ready_files };
    dev.announce(&ready, access.token.expires_at, &data_dir, context)?;
    Ok(dev)
}

/// The emulators, if they are asked for, installed first if need be.
async fn provide_emulators(asked_for: bool, context: &Context) -> anyhow::Result<Option<Installation>> {
    if !asked_for {
        return Ok(None);
    }
    let cache = workspace::user_cache(&context.environment);
    Ok(Some(tokio::task::spawn_blocking(move || Installation::provide(&cache)).await??))
}

/// A database with the demo and its documents in it.
struct DemoDatabase {
    postgres: Postgres,
    demo: Demo,
    embedder: EmbedderChoice,
}

impl DemoDatabase {
    async fn prepare(
        context: &Context,
        data_dir: &DataDir,
        docs: Vec<PathBuf>,
        wanted: Option<EmbedderKind>,
    ) -> anyhow::Result<Self> {
        let postgres = Postgres::start(context, data_dir).await?;
        postgres.prepare().await?;
        let database = connect(postgres.url(roles::ADMIN))?;
        let (library, embedder) = provide_library(&database, wanted, context).await?;
        let demo = Demo::complete(&database, library).await?;
        documents::ingest(&database, demo.knowledge_base.id, docs, &embedder, context).await?;
        database.close().await;
        Ok(Self { postgres, demo, embedder })
    }
}

impl Dev {
    fn announce(
        &self,
        ready: &Ready,
        expires_at: DateTime<Utc>,
        data_dir: &DataDir,
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
            requests_log: &data_dir.requests_log(),
            cognito: ready.cognito.as_ref(),
        };
        output::line(banner.text());
        Ok(())
    }

    /// Waits until it is told to stop, or a program fails, and then stops everything in its order.
    async fn run_until_stopped(mut self, stop: &mut StopSignals) -> anyhow::Result<ExitCode> {
        let failures = self.programs.iter_mut().map(|program| Box::pin(program.failure()));
        let failure = tokio::select! {
            () = stop.requested() => None,
            (failure, failed, _) = select_all(failures) => Some((failure, failed)),
        };
        remove_files(&self.ready_files);
        let mut stopped = match failure {
            None => Ok(()),
            Some((failure, failed)) => {
                self.programs.remove(failed);
                Err(failure)
            }
        };
        for program in self.programs {
            stopped = stopped.and(program.stop().await);
        }
        self.postgres.stop().await?;
        if stopped.is_ok() {
            output::note("stopped");
        }
        stopped.map(|()| ExitCode::SUCCESS)
    }
}

/// Removes what may be there. What can't be removed stays, and tells of something that is no more.
fn remove_files(paths: &[PathBuf]) {
    for path in paths {
        let _ = std::fs::remove_file(path);
    }
}

/// The library of an earlier run with the model that it was made with, else a new one with the model that is wanted.
async fn provide_library(
    database: &Database,
    wanted: Option<EmbedderKind>,
    context: &Context,
) -> anyhow::Result<(Library, EmbedderChoice)> {
    let model_dir = model::default_dir(&context.environment);
    if let Some(library) = demo::find_library(database).await? {
        let choice = model_of(&library, wanted, model_dir).await?;
        return Ok((library, choice));
    }
    let choice = match wanted {
        Some(EmbedderKind::None) => EmbedderChoice::None,
        Some(EmbedderKind::Static) | None => model_or_none(model_dir).await,
    };
    let model_id = embedder::register_model(database, &choice).await?;
    Ok((demo::make_library(database, &model_id).await?, choice))
}

/// The static model, fetched if need be; none, having said so, if it can't be had.
async fn model_or_none(dir: PathBuf) -> EmbedderChoice {
    match model::provide(&dir).await {
        Ok(_) => EmbedderChoice::Static { folder: dir },
        Err(error) => {
            output::field("", format_args!("it can't be had: {error:#}"));
            output::field(
                "",
                format_args!(
                    "going on without it: the demo library is searched by words alone; {BEGIN_ANEW}"
                ),
            );
            EmbedderChoice::None
        }
    }
}

/// The model that the library was made with. It can't have another: vectors of two models cannot be compared.
async fn model_of(
    library: &Library,
    wanted: Option<EmbedderKind>,
    dir: PathBuf,
) -> anyhow::Result<EmbedderChoice> {
    let model_id = &library.embedding_model;
    let has_none = model_id == EmbedderKind::None.as_str();
    if wanted.is_some_and(|wanted| (wanted == EmbedderKind::None) != has_none) {
        output::field("Model", format_args!("still {model_id}, as the demo library was made; {BEGIN_ANEW}"));
    }
    if has_none {
        return Ok(EmbedderChoice::None);
    }
    let installed = model::provide(&dir).await;
    let installed =
        installed.with_context(|| format!("the demo library needs its model {model_id}; {BEGIN_ANEW}"))?;
    if installed.model_id != *model_id {
        bail!(
            "the demo library was made with the model {model_id}, and this is {}; {BEGIN_ANEW}",
            installed.model_id
        );
    }
    Ok(EmbedderChoice::Static { folder: dir })
}

/// The server's settings but for its tokens', as `docs/configuration.md` has them.
fn settings(
    context: &Context,
    data_dir: &DataDir,
    postgres: &Postgres,
    public_url: &Url,
    embedder: &EmbedderChoice,
) -> anyhow::Result<Vec<(&'static str, SecretString)>> {
    let mut settings = vec![
        ("AUTRI_AUDIT_KEY", data_dir.secret(Secret::Audit)?),
        ("AUTRI_LOG", context.environment.server_log.as_deref().unwrap_or("warn").into()),
        ("AUTRI_PUBLIC_URL", public_url.as_str().into()),
        ("DATABASE_URL", postgres.url(roles::MCP)),
        ("DATABASE_MAX_CONNECTIONS", SERVER_CONNECTIONS.to_string().into()),
    ];
    match embedder {
        EmbedderChoice::None => settings.push(("AUTRI_EMBEDDER", "none".into())),
        EmbedderChoice::Static { folder } => {
            let folder = folder.to_str().context("the model's folder has a name that is not Unicode")?;
            settings.extend([("AUTRI_EMBEDDER", "static".into()), ("AUTRI_MODEL_DIR", folder.into())]);
        }
    }
    Ok(settings)
}

/// Checks that the port is free; with 0, picks one that is.
fn free_address(port: u16) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} is taken: stop what listens there, or choose another with --port (0 picks a free one)"
        ),
        _ => anyhow!(error).context(format!("cannot listen on port {port}: choose another with --port")),
    })?;
    Ok(listener.local_addr()?)
}
