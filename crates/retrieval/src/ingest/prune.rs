//! Deleting what is gone from its source.

use std::collections::BTreeMap;

use autri_db::ingest::KnowledgeBaseContent;
use chrono::{DateTime, Utc};

use super::error::StopReason;
use super::feed::{Everything, Folder};
use super::{IngestObserver, IngestOptions, IngestReport, NotPruned, Prune};

/// How many keys are asked for at once.
const PAGE: u32 = 1_000;

/// Deletes documents that were not found; one that was found and failed is not gone. Of a folder that was not wholly listed,
/// or that has nothing in it, nothing is deleted; nor what was stored since `looked`, the database's time before the source
/// was looked through: another run found it then.
pub(super) async fn prune(
    content: &KnowledgeBaseContent,
    found: &Everything,
    looked: DateTime<Utc>,
    options: &IngestOptions,
    observer: &dyn IngestObserver,
    report: &mut IngestReport,
) -> Result<(), StopReason> {
    let mut kept = Vec::new();
    for (prefix, folder) in &found.folders {
        if let Some(reason) = reason_against(prefix, *folder) {
            report.not_pruned.push(reason);
            kept.push(prefix.as_str());
        }
    }
    let is_kept = |key: &str| kept.iter().any(|prefix| key.starts_with(prefix));
    for prefix in prefixes(&found.folders, options.prune) {
        if kept.contains(&prefix) {
            continue;
        }
        let mut after = prefix.to_owned();
        loop {
            let page = content.list_source_keys(&after, PAGE).await?;
            // Keys come in byte order: those with the prefix stand together.
            let of_folder = page.iter().take_while(|key| key.starts_with(prefix));
            for key in of_folder.filter(|key| !found.has(key) && !is_kept(key)) {
                if options.stop.is_cancelled() {
                    return Err(StopReason::Interrupted);
                }
                if content.delete_gone_document(key, looked).await? {
                    report.pruned += 1;
                    observer.pruned(key);
                }
            }
            match page.last() {
                Some(last) if last.starts_with(prefix) => after.clone_from(last),
                _ => break,
            }
        }
    }
    Ok(())
}

/// What the keys begin with that are looked at.
fn prefixes(folders: &BTreeMap<String, Folder>, prune: Prune) -> Vec<&str> {
    match prune {
        Prune::Nothing => Vec::new(),
        Prune::GivenFolders => folders.keys().map(String::as_str).collect(),
        Prune::Everything => vec![""],
    }
}

fn reason_against(prefix: &str, folder: Folder) -> Option<NotPruned> {
    let name = || prefix.trim_end_matches('/').to_owned();
    if !folder.is_listed {
        Some(NotPruned::NotListed { folder: name() })
    } else if !folder.has_documents {
        Some(NotPruned::NothingFound { folder: name() })
    } else {
        None
    }
}
