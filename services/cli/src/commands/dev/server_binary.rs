//! The server's program: built by the cargo that runs this, or beside this program.

use std::io::{BufRead as _, BufReader, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::environment::Environment;
use crate::{output, workspace};

const PROGRAM: &str = "autri-mcp-server";

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

/// The server's program, beside this one.
#[derive(Debug)]
pub(super) struct ServerBinary {
    path: PathBuf,
    /// The cargo that runs this, and the checkout; none where this was not started by cargo.
    build: Option<(PathBuf, PathBuf)>,
}

impl ServerBinary {
    /// # Errors
    /// When the system can't tell where this program is.
    pub(super) fn locate(environment: &Environment) -> anyhow::Result<Self> {
        let this = std::env::current_exe().context("cannot tell where this program is")?;
        let build = environment.cargo.clone().zip(workspace::root(environment));
        Ok(Self { path: this.with_file_name(PROGRAM), build })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is one, which may be out of date.
    pub(super) fn exists(&self) -> bool {
        self.path.is_file()
    }

    /// Has cargo bring it up to date, where there is cargo and a checkout.
    ///
    /// # Errors
    /// When it does not build, or is not there.
    pub(super) async fn update(&self) -> anyhow::Result<()> {
        if let Some((cargo, root)) = &self.build {
            let command = build_command(cargo, root, &self.path)?;
            tokio::task::spawn_blocking(move || build(command)).await??;
        }
        if !self.exists() {
            bail!(
                "{} is missing: in a checkout, start with `cargo dev`, which builds it",
                self.path.display()
            );
        }
        Ok(())
    }
}

/// The same selection of packages and features as the alias `cargo dev` makes, so that both builds share every
/// dependency: cargo unites the features of the packages that are selected.
fn build_command(cargo: &Path, root: &Path, program: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(cargo);
    command.current_dir(root).stdin(Stdio::null());
    command.args(["build", "--bin", PROGRAM, "--features", "autri-mcp-server/dev-auth", "--profile"]);
    let (target_dir, profile) =
        target_and_profile(program).context("this program is not in a target folder")?;
    command.arg(profile).arg("--target-dir").arg(target_dir);
    for variable in OF_CARGO_RUN {
        command.env_remove(variable);
    }
    Ok(command)
}

/// `…/target/debug/autri-mcp-server` → `…/target`, `dev`.
fn target_and_profile(program: &Path) -> Option<(&Path, &str)> {
    let folder = program.parent()?;
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
        lines.filter(|line| !line.contains("Finished")).for_each(output::note);
    }
    let status = cargo.wait()?;
    if !status.success() {
        bail!("the server was not built: cargo ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_built_into_the_folder_that_this_program_is_in() {
        let parts = |path: &'static str| target_and_profile(Path::new(path));
        assert_eq!(parts("/w/target/debug/autri"), Some((Path::new("/w/target"), "dev")));
        assert_eq!(parts("/w/target/release/autri"), Some((Path::new("/w/target"), "release")));
        assert_eq!(
            parts("/w/target/aarch64-apple-darwin/debug/autri"),
            Some((Path::new("/w/target/aarch64-apple-darwin"), "dev"))
        );
        assert_eq!(parts("autri"), None);
    }
}
