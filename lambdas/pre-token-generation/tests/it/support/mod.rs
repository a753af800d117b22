//! A trigger with a database of its own.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use autri_aws::{DatabaseLocation, TRIGGER_PATIENCE, TriggerDatabase};
use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use autri_domain::{ConnectorId, ManualClock};
use autri_telemetry::JsonLines;
use pre_token_generation::failure::Failure;
use pre_token_generation::trigger::{FUNCTION, Trigger, handle};
use serde_json::Value;

/// When the trigger's clock stands: 2023-11-14T22:13:20Z.
pub(crate) const NOW: i64 = 1_700_000_000;

/// A client of the passthrough list, as the web app's.
pub(crate) const WEB_APP: &str = "web-app";

/// Where the claim stands in an answer.
pub(crate) const CLAIM: &str =
    "/response/claimsAndScopeOverrideDetails/accessTokenGeneration/claimsToAddOrOverride/connector_id";

/// A trigger, its database, and a tenant in it: `acme`, whose person is `ada` in the events' pool.
pub(crate) struct Setup {
    pub(crate) database: TestDatabase,
    pub(crate) acme: Tenant,
    pub(crate) trigger: Trigger,
    pub(crate) log: CapturedLines,
}

impl Setup {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let acme = Tenant::create(&database, "acme").await;
        let name = "UPDATE users SET user_pool_id = 'eu-central-1_EXAMPLE', user_name = 'ada' \
                    WHERE cognito_sub = 'acme-person'";
        database.admin_session().await.run(name).await;
        let log = CapturedLines::default();
        let trigger = trigger(DatabaseLocation::Url(database.url(roles::PRE_TOKEN)), &log);
        Self { database, acme, trigger, log }
    }

    pub(crate) async fn handle(&self, event: &Value) -> Result<Value, Failure> {
        handle(&self.trigger, event.clone(), "a-request").await
    }
}

pub(crate) fn trigger(location: DatabaseLocation, log: &CapturedLines) -> Trigger {
    Trigger {
        database: TriggerDatabase::new(location, FUNCTION),
        passthrough_clients: BTreeSet::from([WEB_APP.to_owned()]),
        patience: TRIGGER_PATIENCE,
        clock: Arc::new(ManualClock::at(NOW)),
        lines: JsonLines::to(log.clone()),
    }
}

/// An event of tests/events.
pub(crate) fn event(name: &str) -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/events/{name}.json"));
    serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap()
}

/// The event with other values at these places, which need not exist.
pub(crate) fn with(mut event: Value, changes: &[(&str, Value)]) -> Value {
    for (place, value) in changes {
        let mut at = &mut event;
        for name in place.split('/') {
            at = &mut at[name];
        }
        *at = value.clone();
    }
    event
}

/// The event without the value at this place.
pub(crate) fn without(mut event: Value, place: &str) -> Value {
    let (parent, name) = place.rsplit_once('/').unwrap_or(("", place));
    let parent =
        if parent.is_empty() { &mut event } else { event.pointer_mut(&format!("/{parent}")).unwrap() };
    parent.as_object_mut().unwrap().remove(name).unwrap();
    event
}

/// The answer to `event` that gives the token this connector, and changes nothing else.
pub(crate) fn granted(event: &Value, connector: ConnectorId) -> Value {
    let claim = CLAIM.trim_start_matches('/');
    with(event.clone(), &[(claim, Value::String(connector.to_string()))])
}

/// What was written to the log, shared by all clones.
#[derive(Debug, Clone, Default)]
pub(crate) struct CapturedLines(Arc<Mutex<Vec<u8>>>);

impl CapturedLines {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines since the last time.
    pub(crate) fn take(&self) -> Vec<Value> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Write for CapturedLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
