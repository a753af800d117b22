//! What one document may cost.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::format::DocumentFormat;
use crate::parse::ParseError;

/// Bounds on one document; a document beyond one of them is refused as a whole, never cut short in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest file of text, in bytes.
    pub max_file_bytes: u64,
    /// Largest PDF or Word file, in bytes. Most of such a file is pictures and fonts, which are not looked at.
    pub max_packed_bytes: u64,
    /// The most that the text of a PDF or Word file may unpack to, in bytes.
    pub max_unpacked_bytes: u64,
    /// Largest number of pages of one document.
    pub max_pages: u32,
    /// Largest number of chunks of one document.
    pub max_chunks: usize,
    /// Longest time to parse one document. Checked between steps, so a step in progress may overrun it.
    pub max_parse_time: Duration,
}

impl Limits {
    /// Largest file of the format, in bytes.
    #[must_use]
    pub const fn file_bytes(&self, format: DocumentFormat) -> u64 {
        match format {
            DocumentFormat::Markdown | DocumentFormat::PlainText | DocumentFormat::Html => {
                self.max_file_bytes
            }
            DocumentFormat::Pdf | DocumentFormat::Docx => self.max_packed_bytes,
        }
    }
}

impl Default for Limits {
    /// 10 MiB of text, 50 MiB of PDF or Word (a thousand pages with pictures), 128 MiB unpacked, 10,000 pages, 20,000
    /// chunks, 20 seconds: ten times what the largest page of a big manual, and a large manual as one file, need.
    fn default() -> Self {
        Self {
            max_file_bytes: 10 * 1024 * 1024,
            max_packed_bytes: 50 * 1024 * 1024,
            max_unpacked_bytes: 128 * 1024 * 1024,
            max_pages: 10_000,
            max_chunks: 20_000,
            max_parse_time: Duration::from_secs(20),
        }
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
