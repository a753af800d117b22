//! From settings to a listening server, and its end.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use autri_audit_log::AuditLog;
use autri_domain::SystemClock;
use autri_retrieval::search::Retriever;
use autri_telemetry::RequestLog;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::app::{ConnectorShares, UnderWay};
use crate::config::Config;
use crate::stop::StopSignals;
use crate::{App, database, http, listen};

/// How long requests that are under way when the server is told to stop may go on. AgentCore and Kubernetes kill
/// what has not stopped within 30 s.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(25);

/// Serves until SIGTERM or SIGINT, then drains; a second one ends that at once.
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
fn app(config: Config) -> anyhow::Result<App> {
    let clock = Arc::new(SystemClock);
    let login = config.database.into_login();
    Ok(App {
        verifier: config.auth.into_verifier(clock.clone()),
        database: database::pool(login, config.database_max_connections, config.settings.call_timeout)?,
        shares: ConnectorShares::of_pool(config.database_max_connections),
        retriever: Retriever::new(config.embedder.open()?),
        audit: AuditLog::new(config.audit_key, config.argument_retention),
        request_log: RequestLog::stdout(),
        under_way: UnderWay::default(),
        clock,
        settings: config.settings,
    })
}

async fn serve(listener: TcpListener, app: Arc<App>) -> anyhow::Result<()> {
    let mut signals = StopSignals::listen()?;
    let (stopping, stop_requested) = oneshot::channel::<()>();
    let drained = async {
        // Nothing is sent: the sender's end is the request.
        let told_to_stop = async { drop(stop_requested.await) };
        listen::serve(listener, http::router(Arc::clone(&app)), told_to_stop).await;
        // Connections are gone, and some calls whose clients went away may not be: each still writes its row. One whose
        // question is being embedded holds no connection to the database by which that would know of it.
        app.under_way.ended().await;
        app.database.close().await;
    };
    let cut_off = async {
        signals.next().await;
        tracing::info!("draining");
        drop(stopping);
        tokio::select! {
            () = signals.next() => tracing::warn!("told to stop again: what was under way is cut off"),
            () = tokio::time::sleep(DRAIN_TIMEOUT) => {
                tracing::warn!("requests were still under way when the drain ended");
            }
        }
    };
    tokio::select! {
        () = drained => {}
        () = cut_off => {}
    }
    Ok(())
}
