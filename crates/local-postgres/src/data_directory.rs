//! The data directory: made whole or not at all.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use rand::TryRng as _;
use rand::rngs::SysRng;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{IoContext as _, last_lines};
use crate::service_user::ServiceUser;
use crate::{Error, Installation, folder};

/// A directory that `initdb` has not finished; a killed one's is swept.
const UNFINISHED_PREFIX: &str = ".initdb-";
const SUPERUSER: &str = "postgres";

/// Makes a cluster at `data`, below `dir`, and returns the superuser's password, which is kept in the file `password`.
pub(crate) fn create(
    installation: &Installation,
    dir: &Path,
    data: &Path,
    password_file: &Path,
) -> Result<SecretString, Error> {
    folder::sweep(dir, UNFINISHED_PREFIX);
    let user = ServiceUser::current();
    let password = random_password()?;
    write_private(dir, password_file, &password)?;

    // The name is new each time: a killed owner's initdb may still be writing to the last one.
    let unfinished = tempfile::Builder::new().prefix(UNFINISHED_PREFIX).tempdir_in(dir);
    let unfinished = unfinished.doing("create a folder in", dir)?;
    user.give(unfinished.path()).doing("give to Postgres' user", unfinished.path())?;
    // A copy that Postgres' user may read, for as long as initdb runs.
    let mut copy =
        tempfile::NamedTempFile::with_prefix_in(UNFINISHED_PREFIX, dir).doing("create a file in", dir)?;
    writeln!(copy, "{}", password.expose_secret()).doing("write", copy.path())?;
    user.give(copy.path()).doing("give to Postgres' user", copy.path())?;

    let mut initdb = user.command(installation.program("initdb"));
    initdb.args(["-U", SUPERUSER, "-A", "scram-sha-256", "-E", "UTF8", "--no-locale"]);
    // What a crash of the machine would lose is an empty cluster; see `postmaster::options` for the iterations.
    initdb.args(["--no-sync", "--no-instructions", "-c", "scram_iterations=1"]);
    initdb.arg("--pwfile").arg(copy.path()).arg("-D").arg(unfinished.path());
    let output = initdb.output().doing("run", &installation.program("initdb"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(Error::PostgresFailed { action: "initdb", last_lines: last_lines(&said) });
    }
    fs::rename(unfinished.path(), data).doing("move into place", data)?;
    // It has another name now: nothing to clean up.
    let _ = unfinished.keep();
    Ok(password)
}

/// Refuses data of another major version, with a clearer word than Postgres'.
pub(crate) fn check_version(installation: &Installation, dir: &Path, data: &Path) -> Result<(), Error> {
    let found = crate::postmaster::read_regular(&data.join("PG_VERSION")).unwrap_or_default();
    let (found, wanted) = (found.trim().to_owned(), installation.major());
    if found == wanted.to_string() {
        return Ok(());
    }
    Err(Error::OtherVersion { dir: dir.to_owned(), found, wanted })
}

/// The password of a cluster made earlier.
pub(crate) fn read_password(path: &Path) -> Result<SecretString, Error> {
    let text = fs::read_to_string(path).map_err(|_| Error::PasswordLost { path: path.to_owned() })?;
    Ok(SecretString::from(text.trim()))
}

/// 32 bytes from the operating system, as hex, so that it needs no escaping in a URL.
fn random_password() -> Result<SecretString, Error> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| Error::Io {
        action: "cannot get random bytes".to_owned(),
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(SecretString::from(hex::encode(bytes)))
}

/// Writes a file that only this process' user can read, whole or not at all.
fn write_private(dir: &Path, path: &Path, secret: &SecretString) -> Result<(), Error> {
    let mut file =
        tempfile::NamedTempFile::with_prefix_in(UNFINISHED_PREFIX, dir).doing("create a file in", dir)?;
    writeln!(file, "{}", secret.expose_secret()).doing("write", path)?;
    file.persist(path).map_err(|error| error.error).doing("write", path)?;
    Ok(())
}
