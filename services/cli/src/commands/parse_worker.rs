//! `autri parse-worker`: the child process in which an ingest parses a document.
//!
//! For `autri ingest`, not for people. It runs before anything else is set up: no runtime, no environment, no database.

use std::process::ExitCode;

use autri_retrieval::parsers;

use crate::output;

pub(crate) fn run() -> ExitCode {
    match parsers::serve_worker() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::failure(&error.into()),
    }
}
