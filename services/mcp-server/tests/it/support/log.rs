//! The request log, kept for the test to read.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::Notify;

use super::soon;

/// What was written so far, shared by all clones.
#[derive(Debug, Clone, Default)]
pub(crate) struct CapturedLog(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    bytes: Mutex<Vec<u8>>,
    written: Notify,
}

impl CapturedLog {
    /// All that was written.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.bytes.lock().unwrap().clone()).unwrap()
    }

    /// The lines so far.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The only line since [`CapturedLog::clear`].
    pub(crate) fn only_line(&self) -> Value {
        let lines = self.lines();
        assert_eq!(lines.len(), 1, "{lines:#?}");
        lines.into_iter().next().unwrap()
    }

    /// Returns once there is a line.
    pub(crate) async fn has_line(&self) {
        // A permit is kept for whoever comes after the line.
        soon("a line in the request log", self.0.written.notified()).await;
    }

    pub(crate) fn clear(&self) {
        self.0.bytes.lock().unwrap().clear();
    }
}

impl Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.bytes.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.written.notify_one();
        Ok(())
    }
}
