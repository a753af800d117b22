//! The MCP server's process: read the settings, wire, serve, drain.

use std::time::Duration;

use autri_mcp_server::{Config, serve};

/// How long threads may go on after the drain that read a model, show passages or look a name up.
const BLOCKING_GRACE: Duration = Duration::from_secs(1);

fn main() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    autri_telemetry::diagnostics::install(&config.log).map_err(anyhow::Error::from_boxed)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(serve::run(config));
    // Dropped, it would wait for those threads however long they take.
    runtime.shutdown_timeout(BLOCKING_GRACE);
    ended
}
