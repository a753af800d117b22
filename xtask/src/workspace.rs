//! The workspace as cargo describes it.

use std::path::PathBuf;

use anyhow::Context as _;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// A member of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the workspace, such as `crates/auth`.
    pub(crate) folder: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A dependency as the manifest declares it, whatever feature or platform it hangs on.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: DependencyKind,
}

/// The workspace's root, target folder and members.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// Asks cargo. Needs no network and no lock, since it resolves nothing.
pub(crate) fn load() -> anyhow::Result<Workspace> {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata")?;
    Ok(Workspace {
        root: metadata.workspace_root.clone().into(),
        target: metadata.target_directory.clone().into(),
        packages: packages(&metadata)?,
    })
}

fn packages(metadata: &Metadata) -> anyhow::Result<Vec<Package>> {
    let member = |package: &cargo_metadata::Package| {
        let folder = package.manifest_path.parent().context("a manifest has a folder")?;
        Ok(Package {
            name: package.name.to_string(),
            folder: folder.strip_prefix(&metadata.workspace_root)?.to_string(),
            dependencies: package.dependencies.iter().map(dependency).collect(),
        })
    };
    metadata.workspace_packages().into_iter().map(member).collect()
}

fn dependency(declared: &cargo_metadata::Dependency) -> Dependency {
    Dependency { name: declared.name.clone(), kind: declared.kind }
}
