//! The two emulators, installed once into the user's cache: MiniStack (Python) and cognito-local (Node).
//!
//! What is installed is pinned by the files beside this one, down to the checksum of every package. The folder's name is
//! made of those files, and it gets that name last: one that is there is whole.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};
use sha2::{Digest as _, Sha256};

use crate::output;

const REQUIREMENTS: &str = include_str!("requirements.txt");
const PACKAGE: &str = include_str!("package.json");
const PACKAGE_LOCK: &str = include_str!("package-lock.json");

/// Enough of a digest for a folder's name.
const NAME_BYTES: usize = 8;
const SCRATCH_PREFIX: &str = ".unfinished-";

const OLDEST_PYTHON: Version = Version { major: 3, minor: 10 };
const OLDEST_NODE: Version = Version { major: 20, minor: 0 };
const OLDEST_NPM: Version = Version { major: 9, minor: 0 };

/// Emulators that are there.
#[derive(Debug, Clone)]
pub(in crate::commands::dev) struct Installation {
    folder: PathBuf,
}

impl Installation {
    /// Finds the emulators in `cache`, or installs them from the package registries that pip and npm are set up with. Safe
    /// to call from several processes at once; one installs, the others wait for it. Blocks.
    ///
    /// # Errors
    /// When Python, Node or npm is missing or too old, or a package can't be had.
    pub(in crate::commands::dev) fn provide(cache: &Path) -> anyhow::Result<Self> {
        let python = get_version("python3", OLDEST_PYTHON)?;
        get_version("node", OLDEST_NODE)?;
        let emulators = cache.join("emulators");
        let found = Self { folder: emulators.join(name(python)) };
        if found.is_there() {
            return Ok(found);
        }
        get_version("npm", OLDEST_NPM)?;
        fs::create_dir_all(&emulators).with_context(|| format!("cannot create {}", emulators.display()))?;
        let lock = File::create(emulators.join("lock"))?;
        lock.lock().with_context(|| format!("cannot lock {}", emulators.display()))?;
        if !found.is_there() {
            sweep(&emulators)?;
            install(&emulators, &found.folder)
                .context("cannot install the emulators that `cargo dev --cognito` needs")?;
        }
        Ok(found)
    }

    /// A folder without its Python is one whose system has removed it since.
    fn is_there(&self) -> bool {
        self.python().is_file() && self.cognito_local().is_file()
    }

    /// The Python that MiniStack is installed for.
    pub(super) fn python(&self) -> PathBuf {
        self.folder.join("python/bin/python3")
    }

    /// The program of cognito-local, for Node.
    pub(super) fn cognito_local(&self) -> PathBuf {
        self.folder.join("node/node_modules/cognito-local/lib/bin/start.js")
    }
}

/// Of the files that pin everything, and of the Python that it is for.
fn name(python: Version) -> String {
    let mut digest = Sha256::new();
    for file in [REQUIREMENTS, PACKAGE, PACKAGE_LOCK] {
        digest.update(Sha256::digest(file));
    }
    let files = hex::encode(&digest.finalize()[..NAME_BYTES]);
    format!("{files}-python{}.{}", python.major, python.minor)
}

fn install(emulators: &Path, folder: &Path) -> anyhow::Result<()> {
    output::field("Emulators", "MiniStack and cognito-local, 75 MB to fetch, into");
    output::field("", folder.display());
    let scratch = tempfile::Builder::new().prefix(SCRATCH_PREFIX).tempdir_in(emulators)?;
    install_python(&scratch.path().join("python"))?;
    install_node(&scratch.path().join("node"))?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::rename(scratch.path(), folder)?;
    // It has another name now: nothing to clean up.
    let _ = scratch.keep();
    Ok(())
}

/// What installations that were interrupted have left.
fn sweep(emulators: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(emulators)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(SCRATCH_PREFIX.as_bytes()) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Wheels alone, so that no package runs code of its own while it is installed. Programs of a virtual environment name the
/// folder it was made in, which is not where this one will be: its Python is what is run later.
fn install_python(folder: &Path) -> anyhow::Result<()> {
    run("python3", &["-m".as_ref(), "venv".as_ref(), folder.as_ref()], None).context(
        "python3 cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)",
    )?;
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS)?;
    let options = "-m pip install --quiet --disable-pip-version-check --no-input --require-hashes --only-binary=:all: --requirement";
    let mut arguments: Vec<&OsStr> = options.split(' ').map(OsStr::new).collect();
    arguments.push(requirements.as_ref());
    run(folder.join("bin/python3"), &arguments, None).context("pip cannot install MiniStack")
}

/// No package's scripts are run.
fn install_node(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir(folder)?;
    fs::write(folder.join("package.json"), PACKAGE)?;
    fs::write(folder.join("package-lock.json"), PACKAGE_LOCK)?;
    let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"].map(OsStr::new);
    run("npm", &options, Some(folder)).context("npm cannot install cognito-local")
}

/// Runs a program; what it says is passed on when it fails.
fn run(program: impl AsRef<OsStr>, arguments: &[&OsStr], folder: Option<&Path>) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    if let Some(folder) = folder {
        command.current_dir(folder);
    }
    let ended = command.output()?;
    if !ended.status.success() {
        let said = [ended.stdout, ended.stderr].concat();
        bail!("{}\n{}", ended.status, String::from_utf8_lossy(&said).trim());
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: u32,
}

impl Version {
    /// Reads what programs print: `Python 3.11.7`, `v20.20.2`, `11.19.1`.
    fn parse(said: &str) -> Option<Self> {
        let number = said.split_whitespace().next_back()?.trim_start_matches('v');
        let mut parts = number.split('.').map(str::parse);
        Some(Self { major: parts.next()?.ok()?, minor: parts.next()?.ok()? })
    }
}

/// The program's version; an error if it is missing or too old.
fn get_version(program: &str, oldest: Version) -> anyhow::Result<Version> {
    let Version { major, minor } = oldest;
    let wanted = || format!("`cargo dev --cognito` needs {program} {major}.{minor} or later");
    let ended =
        Command::new(program).arg("--version").stdin(Stdio::null()).output().map_err(|error| match error
            .kind()
        {
            ErrorKind::NotFound => anyhow!("{}, and there is none on the search path", wanted()),
            _ => anyhow!(error).context(wanted()),
        })?;
    let said = String::from_utf8_lossy(&ended.stdout);
    match Version::parse(&said) {
        Some(version) if version >= oldest => Ok(version),
        Some(_) => bail!("{}, and this is {}", wanted(), said.trim()),
        None => bail!("{}, and it does not tell its version ({})", wanted(), ended.status),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_python_package_is_pinned_with_its_checksums() {
        let joined = REQUIREMENTS.replace("\\\n", "");
        let packages: Vec<_> =
            joined.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        assert!(packages.iter().any(|line| line.starts_with("ministack==")), "{packages:?}");
        assert!(packages.iter().any(|line| line.starts_with("cryptography==")), "{packages:?}");
        for package in packages {
            assert!(package.contains("==") && package.contains("--hash=sha256:"), "{package}");
        }
        assert!(!REQUIREMENTS.contains("://"), "a registry is the user's choice");
    }

    #[test]
    fn every_node_package_is_pinned_with_its_checksum() {
        let lock: Value = serde_json::from_str(PACKAGE_LOCK).expect("JSON");
        let wanted: Value = serde_json::from_str(PACKAGE).expect("JSON");
        let packages = lock["packages"].as_object().expect("packages");
        assert_eq!(packages[""]["dependencies"], wanted["dependencies"]);
        for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
            assert!(package["integrity"].as_str().is_some_and(|sum| sum.starts_with("sha512-")), "{name}");
            assert_eq!(package.get("resolved"), None, "{name}: a registry is the user's choice");
        }
    }

    #[test]
    fn versions_are_read_as_programs_print_them() {
        for said in ["Python 3.10.7\n", "v3.10.0", "3.10.2\n"] {
            assert_eq!(Version::parse(said), Some(OLDEST_PYTHON), "{said}");
        }
        assert!(Version::parse("Python 3.9.18") < Some(OLDEST_PYTHON));
        assert!(Version::parse("v22.1.0") > Some(OLDEST_NODE));
        assert_eq!(Version::parse("command not found"), None);
    }

    #[test]
    fn what_an_interrupted_installation_left_is_removed() {
        let emulators = tempfile::tempdir().expect("a folder");
        for folder in [".unfinished-a1/python", "0123456789abcdef/python"] {
            fs::create_dir_all(emulators.path().join(folder)).expect("made");
        }
        sweep(emulators.path()).expect("swept");
        let left: Vec<_> = fs::read_dir(emulators.path()).expect("read").flatten().collect();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].file_name(), "0123456789abcdef");
    }
}
