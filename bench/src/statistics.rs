//! Percentiles.

use std::fmt;
use std::time::Duration;

/// Measured times.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    millis: Vec<f64>,
}

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.millis.push(latency.as_secs_f64() * 1e3);
    }

    pub(crate) fn median_ms(&self) -> f64 {
        self.percentile(50)
    }

    pub(crate) fn worst_ms(&self) -> f64 {
        self.percentile(100)
    }

    /// Nearest rank; `percent` from 1 to 100.
    fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.millis.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, p95, p99] = [50, 95, 99].map(|percent| self.percentile(percent));
        write!(f, "median {median:.2}  p95 {p95:.2}  p99 {p99:.2} ms ({} times)", self.millis.len())
    }
}
