//! Times, as the logs write them.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serializer;

pub(crate) fn rfc3339_millis<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
}
