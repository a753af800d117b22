//! Metrics in `CloudWatch`'s embedded metric format: a line of the log that `CloudWatch` counts.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//! On Lambda, a line on stdout is enough: no call, no permission, nothing that could be away when it matters.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::JsonLines;

/// What a program counts about itself.
///
/// Every combination of dimensions is a metric that is paid for. So they are words of the program's own (`&'static str`),
/// never a client, a person or an error's text.
#[derive(Debug, Clone)]
pub struct Metrics {
    lines: JsonLines,
    namespace: &'static str,
    function: &'static str,
}

impl Metrics {
    /// Metrics of `function`, such as `pre-token-generation`, in `CloudWatch`'s `namespace`, such as `Autri`.
    #[must_use]
    pub fn new(lines: JsonLines, namespace: &'static str, function: &'static str) -> Self {
        Self { lines, namespace, function }
    }

    /// Counts one failure: `stage` says where (`event`, `database`, …), `reason` why, each in one word.
    ///
    /// It is counted twice, by function, stage and reason to look at, and by function alone to set an alarm on.
    pub fn failure(&self, at: DateTime<Utc>, stage: &'static str, reason: &'static str) {
        let line = FailureLine {
            aws: Metadata {
                timestamp: at.timestamp_millis(),
                cloud_watch_metrics: [Directive {
                    namespace: self.namespace,
                    dimensions: [&["function", "stage", "reason"], &["function"]],
                    metrics: [Definition { name: "Failures", unit: "Count" }],
                }],
            },
            function: self.function,
            stage,
            reason,
            failures: 1,
        };
        if let Err(error) = self.lines.write(&line) {
            tracing::error!(%error, stage, reason, "a metric could not be written");
        }
    }
}

#[derive(Serialize)]
struct FailureLine {
    #[serde(rename = "_aws")]
    aws: Metadata,
    function: &'static str,
    stage: &'static str,
    reason: &'static str,
    #[serde(rename = "Failures")]
    failures: u32,
}

/// The specification's names from here on.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    /// Milliseconds since 1970.
    timestamp: i64,
    cloud_watch_metrics: [Directive; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    /// Each set of them makes a metric of its own.
    dimensions: [&'static [&'static str]; 2],
    metrics: [Definition; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    unit: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_lines::captured::Captured;

    #[test]
    fn a_failure_is_one_line_in_the_embedded_metric_format() {
        let captured = Captured::default();
        let metrics = Metrics::new(captured.lines(), "Autri", "pre-token-generation");
        let at = DateTime::from_timestamp(1_700_000_000, 123_456_789).unwrap();
        metrics.failure(at, "database", "unavailable");
        assert_eq!(
            captured.text(),
            concat!(
                r#"{"_aws":{"Timestamp":1700000000123,"CloudWatchMetrics":[{"Namespace":"Autri","#,
                r#""Dimensions":[["function","stage","reason"],["function"]],"#,
                r#""Metrics":[{"Name":"Failures","Unit":"Count"}]}]},"#,
                r#""function":"pre-token-generation","stage":"database","reason":"unavailable","Failures":1}"#,
                "\n"
            )
        );
    }
}
