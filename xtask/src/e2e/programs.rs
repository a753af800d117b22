//! Our own programs, built in the open, so that the wait for a ready file is about the server alone.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use cargo_metadata::Message;

use super::Layout;
use super::server::Kind;

/// As the aliases in `.cargo/config.toml` have them; two selections of features, and so two programs of one name.
const DEV: &[&str] = &["--bin", "autri", "--no-default-features", "--features", "autri-cli/dev-auth"];
const OPERATOR: &[&str] = &["--bin", "autri"];

impl Layout {
    /// The command line as an operator has it, where no other build puts its own.
    pub(crate) fn program(&self) -> PathBuf {
        self.cache.join("bin/autri")
    }
}

/// Builds what `cargo dev` runs. It has cargo build the server, and the functions, by itself.
pub(crate) fn build_dev(layout: &Layout) -> anyhow::Result<()> {
    cargo_build(&layout.root, DEV).map(|_| ())
}

/// Builds the command line that the suites for a server use, if they use it.
pub(crate) fn build_operator(layout: &Layout, kind: Kind) -> anyhow::Result<()> {
    match kind {
        Kind::Plain => Ok(()),
        Kind::Cognito => {
            let built = cargo_build(&layout.root, OPERATOR)?;
            fs::create_dir_all(layout.cache.join("bin"))?;
            copy_program(&built, &layout.program())
        }
    }
}

/// As a new file: macOS kills a program whose signed file was written over.
fn copy_program(built: &Path, program: &Path) -> anyhow::Result<()> {
    match fs::remove_file(program) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    fs::copy(built, program).with_context(|| format!("copy {}", built.display()))?;
    Ok(())
}

/// Builds a program; gives the path where it is.
fn cargo_build(root: &Path, arguments: &[&str]) -> anyhow::Result<PathBuf> {
    let output = Command::new("cargo")
        .args(["build", "--message-format", "json-render-diagnostics"])
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("run cargo")?;
    ensure!(output.status.success(), "cargo build ended with {}", output.status);
    find_executable(&output.stdout)?.context("cargo did not say where the program is")
}

/// The last executable that cargo tells of.
fn find_executable(messages: &[u8]) -> anyhow::Result<Option<PathBuf>> {
    let mut found = None;
    for message in Message::parse_stream(messages) {
        if let Message::CompilerArtifact(artifact) = message?
            && let Some(path) = artifact.executable
        {
            found = Some(path.into_std_path_buf());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_aliases_select_the_same() {
        let aliases = include_str!("../../../.cargo/config.toml");
        for (alias, selected) in [("dev", DEV), ("autri", OPERATOR)] {
            let prefix = format!("{alias} = ");
            let line = aliases.lines().find(|line| line.starts_with(&prefix)).unwrap();
            assert!(line.contains(&format!(" {} --", selected.join(" "))), "{line}");
        }
    }

    #[test]
    fn cargo_tells_where_the_program_is() {
        let artifact = |executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"p 0.1.0","manifest_path":"/p/Cargo.toml",
                "target":{{"kind":["bin"],"crate_types":["bin"],"name":"p","src_path":"/p/main.rs","edition":"2024","doc":true,"doctest":false,"test":true}},
                "profile":{{"opt_level":"0","debuginfo":2,"debug_assertions":true,"overflow_checks":true,"test":false}},
                "features":[],"filenames":[],"executable":{executable},"fresh":true}}"#
            )
            .replace('\n', " ")
        };
        for (executable, found) in [("null", None), (r#""/target/debug/p""#, Some("/target/debug/p"))] {
            let messages =
                format!("{}\n{{\"reason\":\"build-finished\",\"success\":true}}\n", artifact(executable));
            assert_eq!(find_executable(messages.as_bytes()).unwrap(), found.map(PathBuf::from));
        }
    }
}
