//! `autri model`: the embedding model.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::context::Context;
use crate::{model, output};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri model install
  autri model install --dir /srv/autri/model")]
pub(crate) struct ModelArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch the static model, once it has said where it comes from and what its licence says
    Install {
        /// The folder to make [default: in the user's cache]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

pub(crate) async fn run(args: ModelArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let Command::Install { dir } = args.command;
    let dir = std::path::absolute(dir.unwrap_or_else(|| model::default_dir(&context.environment)))?;
    let installed = if let Some(installed) = model::find_installed(&dir) {
        output::note("the model is installed already");
        installed
    } else {
        model::announce();
        model::install(&dir).await?
    };
    if context.json {
        let answer =
            json!({ "dir": dir, "model_id": installed.model_id, "dimensions": installed.dimensions });
        output::json(&answer)?;
    } else {
        output::line(dir.display());
        output::note("for the server: AUTRI_EMBEDDER=static, and AUTRI_MODEL_DIR with that folder");
    }
    Ok(ExitCode::SUCCESS)
}
