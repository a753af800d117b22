//! `autri model`: embedding models that run in process.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use autri_retrieval::embed::install::check_folder;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::context::Context;
use crate::model::{self, LocalModel};
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri model install
  autri model install transformer --dir /srv/autri/model")]
pub(crate) struct ModelArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fetch a model, once it has said where it comes from and what its licence says
    Install {
        /// Which one
        #[arg(value_enum, default_value = "static")]
        model: LocalModel,
        /// The folder to make [default: in the user's cache]
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

pub(crate) async fn run(args: ModelArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let Command::Install { model, dir } = args.command;
    let dir = std::path::absolute(dir.unwrap_or_else(|| model.default_dir(&context.environment)))?;
    let installed = match model::find_installed(&dir) {
        Some(other) if !model.is(&other) => bail!(
            "{} has another model, {}: choose another folder with --dir, or remove that one",
            dir.display(),
            other.model_id.escape_debug()
        ),
        Some(installed) => {
            output::note("the model is installed already");
            installed
        }
        None => {
            check_folder(&dir)?;
            model::announce(model);
            model::install(model, &dir).await?
        }
    };
    let kind = model.notice().kind;
    if context.json {
        let answer = json!({
            "dir": dir,
            "model_id": installed.model_id,
            "dimensions": installed.dimensions,
            "embedder": kind,
        });
        output::json(&answer)?;
    } else {
        output::line(dir.display());
        output::note(format_args!(
            "for the server: AUTRI_EMBEDDER={kind}, and AUTRI_MODEL_DIR with that folder"
        ));
        if model == LocalModel::Transformer {
            output::note("only builds with the feature `transformer` can use it: --features transformer");
        }
    }
    Ok(ExitCode::SUCCESS)
}
