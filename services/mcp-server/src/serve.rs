//! From settings to a listening server, and its end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use autri_audit_log::AuditLog;
use autri_domain::SystemClock;
use autri_retrieval::search::Retriever;
use autri_telemetry::RequestLog;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::UnderWay;
use crate::config::Config;
use crate::{App, database, http, listen};

/// How long requests that are under way when the server is told to stop may go on. AgentCore and Kubernetes kill
/// what has not stopped within 30 s.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// Serves until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// When the address is taken, or a setting turns out to be unusable.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let bind = config.bind;
    let app = Arc::new(app(config)?);
    let listener = TcpListener::bind(bind).await.with_context(|| format!("cannot listen on {bind}"))?;
    tracing::info!(address = %listener.local_addr().unwrap_or(bind), "listening");
    serve(listener, app).await
}

/// Wires what the settings ask for. Connects nowhere and fetches nothing.
///
/// # Errors
/// When a setting turns out to be unusable.
pub fn app(config: Config) -> anyhow::Result<App> {
    let clock = Arc::new(SystemClock);
    let login = config.database.into_login();
    Ok(App {
        verifier: config.auth.into_verifier(clock.clone()),
        database: database::pool(login, config.database_max_connections, config.settings.call_timeout)?,
        retriever: Retriever::new(config.embedder.open()?),
        audit: AuditLog::new(config.audit_key, config.argument_retention),
        request_log: RequestLog::stdout(),
        under_way: UnderWay::default(),
        clock,
        settings: config.settings,
    })
}

async fn serve(listener: TcpListener, app: Arc<App>) -> anyhow::Result<()> {
    let (stopping, mut stop_requested) = tokio::sync::watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let told_to_stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("draining");
        stopping.send_replace(true);
    };
    let drained = async {
        listen::serve(listener, http::router(Arc::clone(&app)), told_to_stop).await;
        // Connections are gone, and some calls whose clients went away may not be: each still writes its row. One whose
        // question is being embedded holds no connection to the database by which that would know of it.
        app.under_way.ended().await;
        app.database.close().await;
    };
    tokio::select! {
        () = drained => {}
        () = async {
            // An error means that the sender is gone, which is the end too.
            let _ = stop_requested.wait_for(|stop| *stop).await;
            tokio::time::sleep(DRAIN_TIMEOUT).await;
        } => tracing::warn!("requests were still under way when the drain ended"),
    }
    Ok(())
}
