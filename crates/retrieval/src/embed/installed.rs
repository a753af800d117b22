//! A model that is installed in a folder, and loaded from there when it is first needed.

use std::error::Error;
use std::path::{Path, PathBuf};

use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use super::EmbedError;
use super::install::{InstalledModel, read_manifest};

/// What a model's loader, or the model itself, says.
pub(super) type ModelError = Box<dyn Error + Send + Sync>;

/// The model in a folder.
#[derive(Debug)]
pub(super) struct Installed<T> {
    folder: PathBuf,
    /// What the folder's manifest says.
    pub(super) manifest: InstalledModel,
    model: OnceCell<T>,
}

impl<T: Send + 'static> Installed<T> {
    /// Reads what the folder's manifest says, and not yet the model.
    pub(super) fn open(folder: &Path) -> Result<Self, EmbedError> {
        let not_installed = |source| EmbedError::NotInstalled { folder: folder.to_owned(), source };
        let manifest = read_manifest(folder).map_err(not_installed)?;
        Ok(Self { folder: folder.to_owned(), manifest, model: OnceCell::new() })
    }

    /// The model, which `load` makes of the folder and the manifest's dimensions unless it is there. A failure is not kept:
    /// the next call tries again.
    pub(super) async fn loaded(
        &self,
        load: impl FnOnce(&Path, usize) -> Result<T, ModelError> + Send + 'static,
    ) -> Result<&T, EmbedError> {
        let loading = async || {
            let (folder, dimensions) = (self.folder.clone(), self.manifest.dimensions);
            let loaded = spawn_blocking(move || load(&folder, dimensions)).await;
            loaded.map_err(EmbedError::Failed)?.map_err(|source| self.unusable(source))
        };
        self.model.get_or_try_init(loading).await
    }

    /// The error of a model that cannot be used.
    pub(super) fn unusable(&self, source: ModelError) -> EmbedError {
        EmbedError::NotLoaded { folder: self.folder.clone(), source }
    }
}
