//! What is remembered from run to run: the emulators' ports, and what was made in them.
//!
//! Ids and secrets that people have pasted somewhere go on working that way. The emulators keep what they are told in the
//! same folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::super::data_dir::write_private;

const FILE: &str = "kept.json";

/// What an earlier run has left; empty at first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) ministack_port: Option<u16>,
    pub(super) cognito_local_port: Option<u16>,
    pub(super) pool: Option<Pool>,
    pub(super) sign_up: Option<SignUpPool>,
}

/// The pool that signs tokens, at MiniStack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pool {
    pub(super) id: String,
    pub(super) machine_client_id: String,
    pub(super) machine_client_secret: String,
    pub(super) interactive_client_id: String,
    pub(super) web_client_id: String,
    /// The demo person, whose user name it is too.
    pub(super) person_sub: String,
}

/// The pool that people sign up to, at cognito-local.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SignUpPool {
    pub(super) id: String,
    pub(super) client_id: String,
}

impl Kept {
    /// What is kept in `folder`. A file that does not parse is none: what it told of is made anew.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = file(folder);
        match fs::read(&path) {
            Ok(text) => Ok(serde_json::from_slice(&text).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        write_private(&file(folder), &serde_json::to_string_pretty(self)?)
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_broken_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Kept::read(folder.path()).expect("none yet").ministack_port, None);
        let sign_up = SignUpPool { id: "local_1".to_owned(), client_id: "abc".to_owned() };
        let kept = Kept { ministack_port: Some(4571), sign_up: Some(sign_up.clone()), ..Kept::default() };
        kept.write(folder.path()).expect("written");
        let read = Kept::read(folder.path()).expect("read");
        assert_eq!((read.ministack_port, read.sign_up), (Some(4571), Some(sign_up)));
        fs::write(file(folder.path()), "{").expect("written");
        assert_eq!(Kept::read(folder.path()).expect("none").ministack_port, None);
    }
}
