//! What one document may cost.

use std::time::{Duration, Instant};

use crate::parse::ParseError;

/// Bounds on one document; a document beyond one of them is refused as a whole, never cut short in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest file, in bytes.
    pub max_file_bytes: u64,
    /// Largest number of chunks of one document.
    pub max_chunks: usize,
    /// Longest time to parse one document. Checked between steps, so a step in progress may overrun it.
    pub max_parse_time: Duration,
}

impl Default for Limits {
    /// 10 MiB, 20,000 chunks, 20 seconds: ten times what the largest page of a big manual needs.
    fn default() -> Self {
        Self { max_file_bytes: 10 * 1024 * 1024, max_chunks: 20_000, max_parse_time: Duration::from_secs(20) }
    }
}

/// A moment after which parsing stops. Measured by the monotonic clock: parsing never spans a snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Self {
        Self { started: Instant::now(), limit }
    }

    pub(crate) fn check(&self) -> Result<(), ParseError> {
        if self.started.elapsed() > self.limit {
            return Err(ParseError::TookTooLong { limit_secs: self.limit.as_secs() });
        }
        Ok(())
    }
}
