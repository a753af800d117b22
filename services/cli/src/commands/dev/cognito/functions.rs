//! Our two triggers, as functions that MiniStack runs.

use std::io::{Cursor, Write as _};
use std::path::Path;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::api::Emulator;
use super::{ACCOUNT, REGION};

/// The names of the programs, of their packages and of the functions.
pub(in crate::commands::dev) const PRE_TOKEN: &str = "pre-token-generation";
pub(in crate::commands::dev) const POST_CONFIRMATION: &str = "post-confirmation";

/// As Cognito waits (<https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>).
const TIMEOUT_SECS: u32 = 5;

/// The function's ARN, which a pool names before the function is there.
pub(super) fn arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}

/// Makes the function anew: its program, and where the database listens, may have changed since the last run.
pub(super) async fn deploy(
    ministack: &Emulator,
    name: &str,
    program: &Path,
    settings: &[(&str, SecretString)],
) -> anyhow::Result<()> {
    let variables: Map<String, Value> =
        settings.iter().map(|(name, value)| ((*name).to_owned(), value.expose_secret().into())).collect();
    let function = json!({
        "FunctionName": name,
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        "Timeout": TIMEOUT_SECS,
        "Environment": { "Variables": variables },
        "Code": { "ZipFile": BASE64_STANDARD.encode(bundle(program)?) },
    });
    ministack
        .replace_function(name, &function)
        .await
        .with_context(|| format!("cannot make the function {name}"))
}

/// A bundle whose `bootstrap` becomes the program that cargo has built. That one is 70 MB in a debug build, and the emulator
/// would keep a copy of each that ever was.
fn bundle(program: &Path) -> anyhow::Result<Vec<u8>> {
    let path = program.to_str().context("the target folder has a name that is not Unicode")?;
    let mut bundle = ZipWriter::new(Cursor::new(Vec::new()));
    let options =
        SimpleFileOptions::default().compression_method(CompressionMethod::Stored).unix_permissions(0o755);
    bundle.start_file("bootstrap", options)?;
    write!(bundle, "#!/bin/sh\nexec {}\n", shlex::try_quote(path)?)?;
    Ok(bundle.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use zip::ZipArchive;

    use super::*;

    #[test]
    fn a_bundle_starts_the_program_wherever_it_is() {
        let bundle = bundle(Path::new("/home/it's me/target/debug/pre-token-generation")).expect("made");
        let mut bundle = ZipArchive::new(Cursor::new(bundle)).expect("a bundle");
        let mut file = bundle.by_name("bootstrap").expect("there");
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        let mut text = String::new();
        file.read_to_string(&mut text).expect("text");
        assert_eq!(text, "#!/bin/sh\nexec \"/home/it's me/target/debug/pre-token-generation\"\n");
    }
}
