//! The programs that this one starts: built by the cargo that runs this, or beside this program.

use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::environment::Environment;
use crate::{output, workspace};

const SERVER: &str = "autri-mcp-server";

/// The same selection of packages and features as this program was built with, so that both builds share every
/// dependency: cargo unites the features of the packages that are selected. The alias `cargo dev` makes the first one.
const FEATURES: &[&str] = if cfg!(feature = "aws") {
    &["--features", "autri-mcp-server/dev-auth"]
} else {
    &["--no-default-features", "--features", "autri-cli/dev-auth,autri-mcp-server/dev-auth"]
};

/// What `cargo run` tells the program that it runs. Whoever asks cargo to build something is not that program's
/// package, and build scripts that watch one of these would run again.
const OF_CARGO_RUN: &[&str] = &[
    "CARGO",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    "CARGO_PKG_AUTHORS",
    "CARGO_PKG_DESCRIPTION",
    "CARGO_PKG_HOMEPAGE",
    "CARGO_PKG_LICENSE",
    "CARGO_PKG_LICENSE_FILE",
    "CARGO_PKG_NAME",
    "CARGO_PKG_README",
    "CARGO_PKG_REPOSITORY",
    "CARGO_PKG_RUST_VERSION",
    "CARGO_PKG_VERSION",
    "CARGO_PKG_VERSION_MAJOR",
    "CARGO_PKG_VERSION_MINOR",
    "CARGO_PKG_VERSION_PATCH",
    "CARGO_PKG_VERSION_PRE",
];

/// Programs beside this one.
#[derive(Debug)]
pub(super) struct Programs {
    folder: PathBuf,
    names: Vec<&'static str>,
    /// The cargo that runs this, and the checkout; none where this was not started by cargo.
    build: Option<(PathBuf, PathBuf)>,
}

impl Programs {
    /// The server, and these others.
    ///
    /// # Errors
    /// When the system can't tell where this program is.
    pub(super) fn locate(others: &[&'static str], environment: &Environment) -> anyhow::Result<Self> {
        let mut folder = std::env::current_exe().context("cannot tell where this program is")?;
        folder.pop();
        let names = std::iter::once(SERVER).chain(others.iter().copied()).collect();
        Ok(Self { folder, names, build: environment.cargo.clone().zip(workspace::root(environment)) })
    }

    pub(super) fn server(&self) -> PathBuf {
        self.path(SERVER)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether all are there, though they may be out of date.
    pub(super) fn exist(&self) -> bool {
        self.find_missing().is_none()
    }

    fn find_missing(&self) -> Option<PathBuf> {
        self.names.iter().map(|name| self.path(name)).find(|path| !path.is_file())
    }

    /// Has cargo bring them up to date, where there is cargo and a checkout.
    ///
    /// # Errors
    /// When one does not build, or is not there.
    pub(super) async fn update(&self) -> anyhow::Result<()> {
        if let Some((cargo, root)) = &self.build {
            let command = build_command(cargo, root, &self.names, &self.folder)?;
            tokio::task::spawn_blocking(move || build(command)).await??;
        }
        if let Some(missing) = self.find_missing() {
            bail!("{} is missing: in a checkout, start with `cargo dev`, which builds it", missing.display());
        }
        Ok(())
    }
}

fn build_command(cargo: &Path, root: &Path, names: &[&str], folder: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(cargo);
    command.current_dir(root).stdin(Stdio::null()).arg("build").args(FEATURES);
    for name in names {
        command.args(["--bin", name]);
    }
    let (target_dir, profile) =
        target_and_profile(folder).context("this program is not in a target folder")?;
    command.args(["--profile", profile, "--target-dir"]).arg(target_dir);
    for variable in OF_CARGO_RUN {
        command.env_remove(variable);
    }
    Ok(command)
}

/// `…/target/debug` → `…/target`, `dev`.
fn target_and_profile(folder: &Path) -> Option<(&Path, &str)> {
    // The profile `dev` is the only one whose folder is called otherwise.
    let profile = match folder.file_name()?.to_str()? {
        "debug" => "dev",
        other => other,
    };
    Some((folder.parent()?, profile))
}

/// Runs cargo and passes on what it says, but for the last line of a build that went well.
fn build(mut command: Command) -> anyhow::Result<()> {
    if std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    let mut cargo = command.stderr(Stdio::piped()).spawn().context("cannot run cargo")?;
    if let Some(stderr) = cargo.stderr.take() {
        let lines = BufReader::new(stderr).lines().map_while(Result::ok);
        lines.filter(|line| !line.contains("Finished")).for_each(output::relayed);
    }
    let status = cargo.wait()?;
    if !status.success() {
        bail!("not everything was built: cargo ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_built_into_the_folder_that_this_one_is_in() {
        let parts = |path: &'static str| target_and_profile(Path::new(path));
        assert_eq!(parts("/w/target/debug"), Some((Path::new("/w/target"), "dev")));
        assert_eq!(parts("/w/target/release"), Some((Path::new("/w/target"), "release")));
        assert_eq!(
            parts("/w/target/aarch64-apple-darwin/debug"),
            Some((Path::new("/w/target/aarch64-apple-darwin"), "dev"))
        );
        assert_eq!(parts("/"), None);
    }

    #[test]
    fn one_build_makes_them_all() {
        let names = [SERVER, "pre-token-generation"];
        let (cargo, root) = (Path::new("cargo"), Path::new("/w"));
        let command = build_command(cargo, root, &names, Path::new("/w/target/debug")).expect("a command");
        let arguments: Vec<_> = command.get_args().filter_map(|argument| argument.to_str()).collect();
        for name in names {
            assert!(arguments.windows(2).any(|pair| pair == ["--bin", name]), "{arguments:?}");
        }
        assert!(arguments.windows(2).any(|pair| pair == ["--profile", "dev"]), "{arguments:?}");
        assert!(
            arguments.iter().any(|argument| argument.contains("autri-mcp-server/dev-auth")),
            "{arguments:?}"
        );
    }
}
