//! The two emulators as processes: MiniStack, which signs tokens and runs our functions, and cognito-local, which fires the
//! trigger of a sign-up (MiniStack does not).

use std::fs::{self, DirBuilder, File};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use secrecy::SecretString;
use serde_json::json;

use super::super::leash::{Leashed, Program};
use super::api::Emulator;
use super::functions::POST_CONFIRMATION;
use super::install::Installation;
use super::kept::Kept;
use super::{CONFIRMATION_CODE, REGION};

/// Both, running.
#[derive(Debug)]
pub(super) struct Emulators {
    pub(super) processes: [Leashed; 2],
    pub(super) ministack: Emulator,
    pub(super) cognito_local: Emulator,
}

impl Emulators {
    /// Starts both on the ports of an earlier run, if they are free, and waits until they answer.
    pub(super) async fn start(
        installation: &Installation,
        folder: &Path,
        kept: &mut Kept,
        lock: &File,
    ) -> anyhow::Result<Self> {
        let ports = [free_port(&mut kept.ministack_port)?, free_port(&mut kept.cognito_local_port)?];
        let [ministack, cognito_local] = [Emulator::at(ports[0])?, Emulator::at(ports[1])?];
        let triggers = ministack.endpoint();
        let mut processes = [
            Leashed::spawn(ministack_program(installation, folder, ports[0], lock)?)?,
            Leashed::spawn(cognito_local_program(installation, folder, ports[1], triggers, lock)?)?,
        ];
        let [first, second] = &mut processes;
        let ready = [
            format!("{}/_ministack/ready", ministack.endpoint()),
            format!("{}/health", cognito_local.endpoint()),
        ];
        tokio::try_join!(first.wait_until_ready(&ready[0]), second.wait_until_ready(&ready[1]))?;
        Ok(Self { processes, ministack, cognito_local })
    }
}

fn ministack_program(
    installation: &Installation,
    folder: &Path,
    port: u16,
    lock: &File,
) -> anyhow::Result<Program> {
    let scratch = folder.join("tmp");
    // What an earlier run unpacked there.
    match fs::remove_dir_all(&scratch) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => create_private(&scratch)?,
    }
    let path = |folder: PathBuf| folder.into_os_string().into_string().ok().map(SecretString::from);
    let unicode = "the data folder has a name that is not Unicode";
    let state = path(folder.join("ministack")).context(unicode)?;
    let mut settings = vec![
        ("GATEWAY_PORT", port.to_string().into()),
        ("BIND_HOST", Ipv4Addr::LOCALHOST.to_string().into()),
        ("MINISTACK_REGION", REGION.into()),
        // As AWS: a trigger that fails means no token.
        ("MINISTACK_COGNITO_PRETOKEN_STRICT", "1".into()),
        ("PERSIST_STATE", "1".into()),
        ("STATE_DIR", state),
        ("TMPDIR", path(scratch).context(unicode)?),
        // Listeners of its own accord, on fixed ports.
        ("IOT_MTLS_ENABLED", "0".into()),
        ("SFTP_ENABLED", "0".into()),
        ("LOG_LEVEL", "WARNING".into()),
    ];
    settings.extend(nothing_inherited());
    Ok(Program {
        name: "MiniStack",
        path: installation.python(),
        // Isolated from the folder it runs in and from what is set for another Python.
        arguments: ["-I", "-m", "ministack"].map(Into::into).into(),
        folder: Some(folder.to_owned()),
        settings,
        output_log: folder.join("ministack.out.log"),
        diagnostics_log: folder.join("ministack.log"),
        lock: lock.try_clone()?,
    })
}

/// Its settings are a file in the folder that it runs in.
fn cognito_local_program(
    installation: &Installation,
    folder: &Path,
    port: u16,
    triggers: &str,
    lock: &File,
) -> anyhow::Result<Program> {
    let home = folder.join("cognito-local");
    create_private(&home.join(".cognito"))?;
    let config = json!({
        "LambdaClient": {
            "endpoint": triggers,
            "region": REGION,
            "credentials": { "accessKeyId": "local", "secretAccessKey": "local" },
        },
        "TriggerFunctions": { "PostConfirmation": POST_CONFIRMATION },
        "UserPoolDefaults": { "UsernameAttributes": ["email"] },
    });
    fs::write(home.join(".cognito/config.json"), serde_json::to_string_pretty(&config)?)?;
    let mut settings = vec![
        ("HOST", Ipv4Addr::LOCALHOST.to_string().into()),
        ("PORT", port.to_string().into()),
        // It sends no mail: this is the code of every sign-up.
        ("CODE", CONFIRMATION_CODE.into()),
    ];
    settings.extend(nothing_inherited());
    Ok(Program {
        name: "cognito-local",
        path: PathBuf::from("node"),
        arguments: vec![installation.cognito_local().into()],
        folder: Some(home),
        settings,
        output_log: folder.join("cognito-local.out.log"),
        diagnostics_log: folder.join("cognito-local.log"),
        lock: lock.try_clone()?,
    })
}

/// What whoever develops has set for other purposes, such as the real AWS, reaches neither the emulators nor the functions
/// that they start: an empty variable counts as none.
fn nothing_inherited() -> [(&'static str, SecretString); 9] {
    [
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_SESSION_TOKEN", ""),
        ("AWS_PROFILE", ""),
        ("AWS_ENDPOINT_URL", ""),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("COGNITO_USER_POOL_ID", ""),
        ("DATABASE_SECRET_ARN", ""),
        ("TRUSTED_IDPS", ""),
    ]
    .map(|(name, value)| (name, value.into()))
}

/// Takes the port that was used before if it is free, otherwise another.
fn free_port(port: &mut Option<u16>) -> anyhow::Result<u16> {
    let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let before = port.and_then(|port| listen(port).ok());
    let listener = before.map_or_else(|| listen(0), Ok).context("cannot listen on 127.0.0.1")?;
    let free = listener.local_addr()?.port();
    *port = Some(free);
    Ok(free)
}

/// Makes a folder that only its owner may look into, and those above it.
pub(super) fn create_private(folder: &Path) -> anyhow::Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot create {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_kept_while_it_is_free() {
        let mut port = None;
        let first = free_port(&mut port).expect("a port");
        assert_eq!((free_port(&mut port).expect("free again"), port), (first, Some(first)));
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).expect("free");
        assert_ne!(free_port(&mut port).expect("another"), first);
        assert_ne!(port, Some(first));
    }
}
