//! The binary's end while a thread of it hangs.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;

use autri_db::roles;
use autri_db::test_support::{Tenant, TestDatabase};
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use secrecy::ExposeSecret;
use serde_json::json;
use tempfile::TempDir;

use crate::process::{Process, send, token_of_today};
use crate::support::{Era, until};

const MODEL: &str = "static:endless";
const DIMENSIONS: u32 = 3;

/// An installed model with a file that never ends.
struct EndlessModel {
    folder: TempDir,
}

impl EndlessModel {
    fn install() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = json!({ "model_id": MODEL, "dimensions": DIMENSIONS, "files": [] }).to_string();
        for (name, content) in
            [("autri-model.json", &*manifest), ("config.json", ""), ("model.safetensors", "")]
        {
            fs::write(folder.path().join(name), content).unwrap();
        }
        mkfifo(&folder.path().join("tokenizer.json"), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        Self { folder }
    }

    fn path(&self) -> &str {
        self.folder.path().to_str().unwrap()
    }

    /// Returns when it is being read, with what keeps its reader waiting.
    async fn is_read(&self) -> File {
        let file = self.folder.path().join("tokenizer.json");
        let mut options = OpenOptions::new();
        // Fails as long as nobody reads: fifo(7).
        options.write(true).custom_flags(OFlag::O_NONBLOCK.bits());
        let mut writer = None;
        until("the model is read", async || {
            writer = options.open(&file).ok();
            writer.is_some()
        })
        .await;
        writer.unwrap()
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_server_and_no_thread_is_waited_for() {
    let database = TestDatabase::create().await;
    let acme = Tenant::create_with_model(&database, "acme", MODEL, DIMENSIONS).await;
    let model = EndlessModel::install();
    let mut process = Process::start_with(&[
        ("DATABASE_URL", database.url(roles::MCP).expose_secret()),
        ("AUTRI_EMBEDDER", "static"),
        ("AUTRI_MODEL_DIR", model.path()),
    ])
    .await;
    let call = Era::Modern
        .call("search", &json!({ "query": "granite" }))
        .token(&token_of_today(&acme))
        .header("host", "localhost");
    let _under_way = send(process.address, call).await;
    let _unread = model.is_read().await;

    process.signal(Signal::SIGTERM);
    process.diagnostic("draining");
    process.signal(Signal::SIGTERM);
    process.diagnostic("told to stop again: what was under way is cut off");
    assert_eq!(process.end().0, Some(0));
}
