//! `autri document list`.

use std::process::ExitCode;

use autri_db::documents::{self, Document};
use autri_domain::KnowledgeBaseId;
use chrono::SecondsFormat;
use clap::Args;
use serde_json::json;

use super::{as_json, public_id, url};
use crate::context::Context;
use crate::output;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  autri document list --knowledge-base 0197f6a2-8c1e-7000-8000-000000000004 --limit 1000
  autri document list --knowledge-base 0197f6a2-8c1e-7000-8000-000000000004 --after handbook/vacation.md --json
If there are more, the last line says how to list them; with --json, `next_after` is the key to go on after.")]
pub(super) struct ListArgs {
    /// The knowledge base
    #[arg(long, value_name = "ID")]
    knowledge_base: KnowledgeBaseId,
    /// Only documents whose keys begin so
    #[arg(long, default_value = "", hide_default_value = true)]
    prefix: String,
    /// Only documents whose keys come after this one
    #[arg(long, value_name = "KEY", default_value = "", hide_default_value = true)]
    after: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

pub(super) async fn run(args: &ListArgs, context: &Context) -> anyhow::Result<ExitCode> {
    let database = context.database()?;
    super::expect_knowledge_base(&database, args.knowledge_base).await?;
    // One more tells whether there are more.
    let mut found =
        documents::list(&database, args.knowledge_base, &args.prefix, &args.after, args.limit + 1).await?;
    let has_more = found.len() > args.limit as usize;
    found.truncate(args.limit as usize);
    let next_after = found.last().filter(|_| has_more).map(|document| document.source_key.as_str());
    if context.json {
        let documents: Vec<_> = found.iter().map(as_json).collect();
        output::json(&json!({ "documents": documents, "next_after": next_after }))?;
    } else {
        let rows: Vec<_> = found.iter().map(row).collect();
        output::table(["ID", "KEY", "TITLE", "CHUNKS", "BYTES", "UPDATED", "URL"], &rows);
        if let Some(after) = next_after {
            match output::shell_word(after) {
                // With `=`, so that a key that begins with a hyphen is no option.
                Some(word) => output::note(format_args!("there are more: --after={word}")),
                None => {
                    output::note(
                        "there are more: the last key does not print; `next_after` of --json has it",
                    );
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(document: &Document) -> [String; 7] {
    [
        public_id(document),
        document.source_key.clone(),
        document.title.clone(),
        document.chunk_count.to_string(),
        document.byte_count.to_string(),
        document.updated_at.to_rfc3339_opts(SecondsFormat::Secs, true),
        url(document),
    ]
}
