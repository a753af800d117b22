//! The diagnostics log: JSON lines on stderr in a deployment, readable lines on a terminal.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Installs the process's subscriber. `directives` is a filter such as `info` or `warn,autri_auth=debug`
/// (<https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/struct.EnvFilter.html#directives>).
///
/// # Errors
/// When the directives do not parse, or a subscriber is installed already.
pub fn install(directives: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(directives)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() { builder.compact().try_init() } else { builder.json().try_init() }
}
