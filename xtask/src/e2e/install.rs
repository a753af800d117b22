//! The clients, and what our own scripts for deploying need, installed from their registries as the lock files pin them, once
//! for a state of those files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use super::Layout;

/// Written last into an installation: what it was made from.
const STAMP: &str = ".installed-from";

impl Layout {
    /// The interpreter with the Python clients.
    pub(crate) fn python(&self) -> PathBuf {
        interpreter(&self.cache.join("python"))
    }

    /// The interpreter that the scripts in `deploy/` have in a workflow: with nothing but their own requirements.
    pub(crate) fn deploy_python(&self) -> PathBuf {
        interpreter(&self.cache.join("deploy-python"))
    }

    pub(crate) fn node_modules(&self) -> PathBuf {
        self.cache.join("node/node_modules")
    }

    /// The Node 22 that the conformance suites and the Inspector need, whatever the machine's own is.
    pub(crate) fn node(&self) -> PathBuf {
        self.node_modules().join(".bin/node")
    }
}

/// Installs whatever is not there yet, or was made from other lock files.
pub(crate) fn all(layout: &Layout) -> anyhow::Result<()> {
    python(&layout.cache.join("python"), &layout.source.join("python/requirements.txt"), &[])?;
    // These run with an account's credentials: nothing gets in that the file does not vouch for, byte by byte.
    let hashed = ["--require-hashes", "--only-binary", ":all:"];
    python(&layout.cache.join("deploy-python"), &layout.root.join("deploy/requirements.txt"), &hashed)?;
    node(layout)
}

fn interpreter(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

/// A virtual environment with `requirements` in it.
fn python(environment: &Path, requirements: &Path, options: &[&str]) -> anyhow::Result<()> {
    // An environment holds links to the interpreter that made it.
    let version = Command::new("python3").arg("--version").output().context("run python3 --version")?.stdout;
    let made_from = [version, read(requirements)?].concat();
    once(environment, &made_from, |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--requirement"];
        run(Command::new(interpreter(folder)).args(pip).arg(requirements).args(options))
    })
}

fn node(layout: &Layout) -> anyhow::Result<()> {
    let source = layout.source.join("node");
    let folder = layout.cache.join("node");
    let locks = ["package.json", "package-lock.json"];
    let contents = locks.iter().map(|lock| read(&source.join(lock))).collect::<anyhow::Result<Vec<_>>>()?;
    once(&folder, &contents.concat(), |folder| {
        for (lock, content) in locks.iter().zip(&contents) {
            fs::write(folder.join(lock), content)?;
        }
        // No package needs its install script, and none gets to run one. The packages that want Node 22 get it.
        let options = [
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--engine-strict=false",
            "--loglevel=error",
        ];
        run(Command::new("npm").args(options).current_dir(folder))?;
        ensure!(
            layout.node().exists(),
            "no Node 22 came with the packages: is this platform in e2e/node/package.json?"
        );
        Ok(())
    })?;
    // Beside the packages, because that is where Node looks for what a module imports.
    for entry in fs::read_dir(&source)? {
        let path = entry?.path();
        if let (Some(name), Some("mjs")) = (path.file_name(), path.extension().and_then(|it| it.to_str())) {
            fs::copy(&path, folder.join(name))?;
        }
    }
    Ok(())
}

/// Makes `folder` afresh with `make`, unless an earlier run finished it from the same `made_from`.
fn once(
    folder: &Path,
    made_from: &[u8],
    make: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let stamp = folder.join(STAMP);
    if fs::read(&stamp).is_ok_and(|found| found == made_from) {
        return Ok(());
    }
    println!("installing into {}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    make(folder)?;
    fs::write(stamp, made_from).map_err(Into::into)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("read {}", path.display()))
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("run {command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn an_installation_is_reused_until_its_lock_changes_and_repeated_after_a_failure() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("python");
        let mut made = 0;
        for (made_from, succeeds, made_after) in
            [("1", false, 1), ("1", true, 2), ("1", true, 2), ("2", true, 3), ("1", true, 4)]
        {
            let outcome = once(&folder, made_from.as_bytes(), |folder| {
                made += 1;
                assert!(!folder.join("left over").exists());
                fs::write(folder.join("left over"), "")?;
                if succeeds { Ok(()) } else { bail!("no network") }
            });
            assert_eq!((outcome.is_ok(), made), (succeeds, made_after));
        }
    }
}
