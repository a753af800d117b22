//! Why there is no vector, by what to do about it.

use std::error::Error;
use std::path::PathBuf;

use super::install::InstallError;

/// Why there is no vector.
///
/// The texts are safe for a log: none has a key, or words of a question. Sources of [`EmbedError::Refused`] are a service's own
/// words, and there only where documents were embedded, which whoever runs that has anyway.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// Install the model (again), or search without vectors.
    #[error("no embedding model in {folder}", folder = folder.display())]
    NotInstalled {
        /// Where it was looked for.
        folder: PathBuf,
        /// What is missing or broken.
        #[source]
        source: InstallError,
    },
    /// The files are there and cannot be used: install the model again. Tried again on the next call.
    #[error("cannot load the embedding model from {folder}", folder = folder.display())]
    NotLoaded {
        /// The model's folder.
        folder: PathBuf,
        /// What the loader says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A bug: the model's work was stopped or panicked.
    #[error("embedding failed")]
    Failed(#[source] tokio::task::JoinError),
    /// No connection, no answer in time, or the service's own failure: try again later.
    #[error("{service} could not be reached, or did not answer in time")]
    Unreachable {
        /// Which one.
        service: String,
        /// What was seen of it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// More than the service takes: try again later, or have the quota raised.
    #[error("{service} takes no more requests at the moment")]
    Throttled {
        /// Which one.
        service: String,
    },
    /// The service will not do it, and would not if it were asked again: do what the reason says.
    #[error("{service} refused: {reason}")]
    Refused {
        /// Which one.
        service: String,
        /// What is wrong, and what to do about it.
        reason: String,
        /// What the service says.
        #[source]
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Something answers that does not speak as it should: is it the right address?
    #[error("{service} gave an answer that cannot be used: {what}")]
    BadAnswer {
        /// Which one.
        service: String,
        /// What is wrong with it.
        what: String,
    },
    /// The model makes other vectors than was said: set the dimensions that it has.
    #[error("{service} gave a vector of {found} dimensions instead of {expected}")]
    WrongDimensions {
        /// Which one.
        service: String,
        /// What was set.
        expected: usize,
        /// What the answer has.
        found: usize,
    },
    /// The embedder does not make the vectors that it was said to make: nothing of it can be stored.
    #[error("the model {model} gave {found} vectors for {expected} texts, or some of other dimensions")]
    WrongVectors {
        /// The model.
        model: String,
        /// Texts.
        expected: usize,
        /// Vectors.
        found: usize,
    },
    /// Not asked, because it failed a moment ago: try again later.
    #[error("{service} was not asked: it failed a moment ago")]
    Paused {
        /// Which one.
        service: String,
    },
}
