//! Why a run did not take place, or ended early.

use autri_db::DbError;

use super::IngestReport;
use super::objects::ObjectStoreError;
use crate::embed::EmbedError;
use crate::walk::WalkError;

/// Why not everything was ingested.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// Give the embedder of this model.
    #[error("the knowledge base has vectors of the model {model}, and there is no embedder to make them")]
    NoEmbedder {
        /// The knowledge base's model.
        model: String,
    },
    /// Give the embedder of the knowledge base's model, or choose another knowledge base.
    #[error(
        "the knowledge base has vectors of the model {expected}, and the embedder makes those of {found}: they cannot be mixed"
    )]
    OtherModel {
        /// The knowledge base's model.
        expected: String,
        /// The embedder's.
        found: String,
    },
    /// The model was made known to the database with other dimensions than it has.
    #[error(
        "vectors of the model {model} have {expected} dimensions in the database and {found} from the embedder"
    )]
    OtherDimensions {
        /// The model of both.
        model: String,
        /// What the database holds of it.
        expected: u32,
        /// What the embedder makes.
        found: usize,
    },
    /// Run it again when the source is well: it goes on where this run stopped.
    #[error(
        "the documents cannot all be listed or read; what was ingested by then is kept, and nothing pruned"
    )]
    Source {
        /// What was done by then.
        report: Box<IngestReport>,
        /// What failed.
        #[source]
        source: SourceError,
    },
    /// Run it again when the database is well: it goes on where this run stopped.
    #[error("the database failed; what was ingested by then is kept")]
    Database {
        /// What was done by then.
        report: Box<IngestReport>,
        /// What failed.
        #[source]
        source: DbError,
    },
    /// Mend the embedder and run it again: it goes on where this run stopped.
    #[error("the embedder failed; what was ingested by then is kept")]
    Embedder {
        /// What was done by then.
        report: Box<IngestReport>,
        /// What failed.
        #[source]
        source: EmbedError,
    },
}

/// Why a source cannot be looked through.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or folder that was there is gone.
    #[error(transparent)]
    Walk(#[from] WalkError),
    /// A store failed: its error says what to do.
    #[error("cannot list {location}")]
    Objects {
        /// Which folder.
        location: String,
        /// What the store says.
        #[source]
        source: ObjectStoreError,
    },
    /// Check the spelling: a folder of objects is there as long as one is in it.
    #[error(
        "there is no object {object}, and none in {folder}: is it spelt right? (`aws s3 ls` lists a bucket)"
    )]
    NoObjects {
        /// The location as an object's.
        object: String,
        /// The location as a folder's.
        folder: String,
    },
    /// A store failed: its error says what to do.
    #[error("cannot read {name}, nor any other object")]
    Object {
        /// The object that was asked for.
        name: String,
        /// What the store says.
        #[source]
        source: ObjectStoreError,
    },
    /// The program is ending, or a bug of ours.
    #[error("the search for files ended early")]
    Ended(#[source] tokio::task::JoinError),
}

impl IngestError {
    /// What was done before the run ended; `None` if it did not begin.
    #[must_use]
    pub fn report(&self) -> Option<&IngestReport> {
        match self {
            Self::Source { report, .. } | Self::Database { report, .. } | Self::Embedder { report, .. } => {
                Some(report)
            }
            Self::NoEmbedder { .. } | Self::OtherModel { .. } | Self::OtherDimensions { .. } => None,
        }
    }
}

/// Why a run ends before its work does.
#[derive(Debug)]
pub(super) enum StopReason {
    /// It was asked to.
    Interrupted,
    Source(SourceError),
    Database(DbError),
    Embedder(EmbedError),
}

impl StopReason {
    /// What comes of a run that ended for this reason.
    pub(super) fn outcome(self, report: IngestReport) -> Result<IngestReport, IngestError> {
        match self {
            Self::Interrupted => Ok(IngestReport { interrupted: true, ..report }),
            Self::Source(source) => Err(IngestError::Source { report: Box::new(report), source }),
            Self::Database(source) => Err(IngestError::Database { report: Box::new(report), source }),
            Self::Embedder(source) => Err(IngestError::Embedder { report: Box::new(report), source }),
        }
    }
}

impl From<SourceError> for StopReason {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<DbError> for StopReason {
    fn from(error: DbError) -> Self {
        Self::Database(error)
    }
}

impl From<EmbedError> for StopReason {
    fn from(error: EmbedError) -> Self {
        Self::Embedder(error)
    }
}
