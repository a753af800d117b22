//! `autri dev` (`cargo dev`): from nothing to a server that a client can be pointed at.

mod banner;
pub(crate) mod data_dir;
mod demo;
mod documents;
mod postgres;
mod server;
mod server_binary;
mod stop;
pub(crate) mod tokens;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use autri_db::connectors::Connector;
use autri_db::tenancy::Library;
use autri_db::{Database, roles};
use autri_domain::{ConnectorId, KnowledgeBaseId, LibraryId};
use autri_retrieval::embed::EmbedderChoice;
use chrono::{DateTime, Utc};
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use url::Url;

use self::banner::Banner;
use self::data_dir::{DataDir, KeptToken, Secret, write_private};
use self::demo::Demo;
use self::postgres::Postgres;
use self::server::{Server, ServerOptions};
use self::server_binary::ServerBinary;
use self::stop::StopSignals;
use self::tokens::{Bearer, TTL_SECS, Tokens};
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
}

/// What `--ready-file` and `--json` tell.
#[derive(Debug, Serialize)]
struct Ready {
    url: String,
    token: String,
    connector_id: ConnectorId,
    library_id: LibraryId,
    knowledge_base_id: KnowledgeBaseId,
    database_url: String,
}

/// Everything that runs.
struct Dev {
    postgres: Postgres,
    server: Server,
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

    let program = ServerBinary::locate(&context.environment)?;
    if !program.exists() {
        program.update().await?;
    }
    // When there is one, cargo has seldom much to do.
    let wanted = args.embedder;
    let (database, ()) =
        tokio::try_join!(DemoDatabase::prepare(context, &data_dir, docs, wanted), program.update())?;
    let DemoDatabase { postgres, demo, embedder } = database;

    let public_url: Url = format!("http://{address}").parse()?;
    let options = ServerOptions {
        program: program.path().to_owned(),
        address,
        settings: settings(context, &data_dir, &postgres, &public_url, &embedder)?,
        requests_log: data_dir.requests_log(),
        diagnostics_log: data_dir.server_log(),
        lock,
    };
    let token = provide_token(&data_dir, &demo, context)?;
    let server = Server::start(options).await?;
    let dev = Dev { postgres, server, ready_files };
    let ready = Ready {
        url: connector_url(&public_url, demo.connector.id),
        token: token.token,
        connector_id: demo.connector.id,
        library_id: demo.library.id,
        knowledge_base_id: demo.knowledge_base.id,
        database_url: dev.postgres.url(roles::ADMIN).expose_secret().to_owned(),
    };
    dev.announce(&ready, token.expires_at, &data_dir, context)?;
    Ok(dev)
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
        };
        output::line(banner.text());
        Ok(())
    }

    /// Waits until it is told to stop, or the server fails, and then stops everything in its order.
    async fn run_until_stopped(mut self, stop: &mut StopSignals) -> anyhow::Result<ExitCode> {
        let failure = tokio::select! {
            () = stop.requested() => None,
            failure = self.server.failure() => Some(failure),
        };
        remove_files(&self.ready_files);
        let stopped = match failure {
            None => self.server.stop().await,
            Some(failure) => Err(failure),
        };
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

/// The token of an earlier run while it lasts, so that what people have pasted somewhere goes on working.
fn provide_token(data_dir: &DataDir, demo: &Demo, context: &Context) -> anyhow::Result<KeptToken> {
    let tokens = Tokens::new(data_dir.secret(Secret::Jwt)?, context.clock.clone())?;
    let Connector { id, oauth_client_id, .. } = &demo.connector;
    let bearer = Bearer { connector_id: *id, client_id: oauth_client_id.clone(), subject: None };
    if let Some(kept) = data_dir.find_token()?
        && tokens.lasts(&kept.token, &bearer)
    {
        return Ok(kept);
    }
    let expires_at = context.clock.now() + Duration::from_secs(TTL_SECS.into());
    let made = KeptToken { token: tokens.mint(&bearer, TTL_SECS), expires_at };
    data_dir.keep_token(&made)?;
    Ok(made)
}

/// The server's settings, as `docs/configuration.md` has them.
fn settings(
    context: &Context,
    data_dir: &DataDir,
    postgres: &Postgres,
    public_url: &Url,
    embedder: &EmbedderChoice,
) -> anyhow::Result<Vec<(&'static str, SecretString)>> {
    let mut settings = vec![
        ("AGENTCORE_AUTH", "hs256-dev".into()),
        ("AUTRI_DEV_JWT_SECRET", data_dir.secret(Secret::Jwt)?),
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
