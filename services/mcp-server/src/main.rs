//! The MCP server's process: read the settings, wire, serve, drain.

use autri_mcp_server::{Config, serve};

fn main() -> anyhow::Result<()> {
    let config = Config::from_env()?;
    autri_telemetry::diagnostics::install(&config.log).map_err(anyhow::Error::from_boxed)?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve::run(config))
}
