//! The triggers' process: read the settings, wire, serve. Without usable settings it ends, and nobody signs up.

use std::sync::Arc;

use autri_aws::{AwsConfig, Patience, TRIGGER_PATIENCE, TriggerDatabase};
use autri_domain::{Clock, SystemClock};
use autri_telemetry::JsonLines;
use lambda_runtime::{LambdaEvent, service_fn};
use post_confirmation::amazon::Amazon;
use post_confirmation::settings::Settings;
use post_confirmation::trigger::{FUNCTION, Trigger, handle};
use serde_json::Value;

fn main() -> anyhow::Result<()> {
    let settings = Settings::from_env()?;
    autri_telemetry::diagnostics::install_in_lambda(&settings.log).map_err(anyhow::Error::from_boxed)?;
    // Lambda gives an instance one event at a time.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(settings))
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // One for all clients: region and credentials are read once. Each connects at its first call.
    let aws = AwsConfig::from_env(Patience::Trigger).await;
    let trigger = Trigger {
        rules: settings.rules,
        database: TriggerDatabase::new(settings.database, FUNCTION).with_aws(aws.clone()),
        amazon: Amazon::new(aws, settings.allowlist_parameter, Arc::clone(&clock)),
        patience: TRIGGER_PATIENCE,
        clock,
        lines: JsonLines::stdout(),
    };
    let answering = service_fn(async |event: LambdaEvent<Value>| {
        handle(&trigger, event.payload, &event.context.request_id).await
    });
    lambda_runtime::run(answering).await.map_err(anyhow::Error::from_boxed)
}
