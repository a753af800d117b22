//! Which embedder a binary was told to use.

use std::path::PathBuf;
use std::sync::Arc;

use super::{EmbedError, Embedder, StaticEmbedder};

/// The setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EmbedderChoice {
    /// Lexical search only.
    None,
    /// The static model in a folder.
    Static {
        /// As `install_from_wheel` leaves it.
        folder: PathBuf,
    },
}

impl EmbedderChoice {
    /// The embedder. Reads the model's manifest and not yet the model.
    ///
    /// # Errors
    /// [`EmbedError::NotInstalled`] when there is no model in the folder.
    pub fn open(&self) -> Result<Option<Arc<dyn Embedder>>, EmbedError> {
        match self {
            Self::None => Ok(None),
            Self::Static { folder } => Ok(Some(Arc::new(StaticEmbedder::open(folder)?))),
        }
    }
}
