//! Where this checkout is, and the data folder of `autri dev` in it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use crate::environment::Environment;

/// The data folder's name in the root of the checkout, or in the current folder outside of one.
const DATA_DIR: &str = ".autri";

/// A running `autri dev` keeps what others need to know of it in this file of its data folder.
pub(crate) const READY_FILE: &str = "ready.json";

/// The root of this project's checkout: cargo names the package's folder, otherwise the current folder lies in it. None
/// outside of a checkout.
pub(crate) fn root(environment: &Environment) -> Option<PathBuf> {
    let start = environment.manifest_dir.clone().or_else(|| std::env::current_dir().ok())?;
    start.ancestors().find(|folder| is_root(folder)).map(Path::to_owned)
}

/// No other project has both of these.
fn is_root(folder: &Path) -> bool {
    folder.join("services/cli/Cargo.toml").is_file() && folder.join("Cargo.lock").is_file()
}

/// Where `autri dev` keeps its data unless told otherwise.
pub(crate) fn default_data_dir(environment: &Environment) -> PathBuf {
    root(environment).unwrap_or_default().join(DATA_DIR)
}

/// Where fetched things are kept that all checkouts share: `autri` in the user's cache folder (XDG Base Directory
/// Specification), in the current folder's `.autri` where there is no home.
pub(crate) fn user_cache(environment: &Environment) -> PathBuf {
    let absolute = |folder: Option<&OsString>| folder.map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(environment.xdg_cache_home.as_ref())
        .or_else(|| absolute(environment.home.as_ref()).map(|home| home.join(".cache")))
        .map_or_else(|| PathBuf::from(DATA_DIR), |cache| cache.join("autri"))
}

/// The database of the `autri dev` that runs with this data folder, as `autri_admin`.
pub(crate) fn dev_database(data_dir: &Path) -> Option<SecretString> {
    #[derive(Deserialize)]
    struct Ready {
        database_url: String,
    }
    let text = std::fs::read(data_dir.join(READY_FILE)).ok()?;
    let ready: Ready = serde_json::from_slice(&text).ok()?;
    Some(ready.database_url.into())
}
