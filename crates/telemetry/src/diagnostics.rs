//! The diagnostics log: JSON lines on stderr in a deployment, readable lines on a terminal.

use std::io::IsTerminal;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// What `lambda_runtime` says on its own account and must not, or need not: at `trace` it writes every event in full, with
/// people's addresses and what their clients sent; and it repeats a handler's error, which the handler has logged. (A panic
/// is on stderr by the panic hook already.)
const LAMBDA_DIRECTIVES: &str =
    "lambda_runtime::layers::api_response=error,lambda_runtime::layers::panic=off";

/// Installs the subscriber of a Lambda function: as [`install`], less what `lambda_runtime` must not write.
///
/// # Errors
/// As [`install`].
pub fn install_in_lambda(directives: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    install(&format!("{directives},{LAMBDA_DIRECTIVES}"))
}

/// Installs the process's subscriber. `directives` is a filter such as `info` or `warn,autri_auth=debug`: levels, of all or of
/// one target (<https://docs.rs/tracing-subscriber/latest/tracing_subscriber/filter/targets/struct.Targets.html>). A filter by
/// spans and fields would bring a regular-expression engine into every binary.
///
/// # Errors
/// When the directives do not parse, or a subscriber is installed already.
pub fn install(directives: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter: Targets = directives.parse()?;
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if std::io::stderr().is_terminal() { lines.compact().boxed() } else { lines.json().boxed() };
    Ok(tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?)
}
