//! Where the logs and metrics go: JSON, one object a line.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

/// A writer that takes whole lines. Clones share it, so that what several of them write does not mingle.
#[derive(Clone)]
pub struct JsonLines {
    sink: Arc<Mutex<dyn Write + Send>>,
}

impl JsonLines {
    /// Lines on stdout.
    #[must_use]
    pub fn stdout() -> Self {
        Self::to(io::stdout())
    }

    /// Lines to any writer.
    pub fn to(sink: impl Write + Send + 'static) -> Self {
        Self { sink: Arc::new(Mutex::new(sink)) }
    }

    /// Writes one line and flushes it: a process that is frozen after its answer keeps nothing back.
    ///
    /// # Errors
    /// Those of the writer. The caller says in the diagnostics which line is missing.
    pub fn write(&self, line: &impl Serialize) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(&bytes)?;
        sink.flush()
    }
}

impl fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod captured {
    //! What was written, for tests to compare.

    use super::{Arc, JsonLines, Mutex, Write, io};

    /// What was written so far, shared by all clones.
    #[derive(Clone, Default)]
    pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Captured {
        pub(crate) fn lines(&self) -> JsonLines {
            JsonLines::to(self.clone())
        }

        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}
