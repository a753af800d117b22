//! The trigger's process: read the settings, wire, serve. Without usable settings it ends, and there is no token.

use std::sync::Arc;

use autri_aws::{TRIGGER_PATIENCE, TriggerDatabase};
use autri_domain::SystemClock;
use autri_telemetry::JsonLines;
use lambda_runtime::{LambdaEvent, service_fn};
use pre_token_generation::settings::Settings;
use pre_token_generation::trigger::{FUNCTION, Trigger, handle};
use serde_json::Value;

fn main() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    autri_telemetry::diagnostics::install_in_lambda(&settings.log).map_err(anyhow::Error::from_boxed)?;
    // Lambda gives an instance one event at a time.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(settings))
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let trigger = Trigger {
        database: TriggerDatabase::new(settings.database, FUNCTION),
        passthrough_clients: settings.passthrough_clients,
        patience: TRIGGER_PATIENCE,
        clock: Arc::new(SystemClock),
        lines: JsonLines::stdout(),
    };
    let answering = service_fn(async |event: LambdaEvent<Value>| {
        // Boxed: the SDK's futures lie so deep in it that the compiler gives up on the runtime's around them.
        Box::pin(handle(&trigger, event.payload, &event.context.request_id)).await
    });
    lambda_runtime::run(answering).await.map_err(anyhow::Error::from_boxed)
}
