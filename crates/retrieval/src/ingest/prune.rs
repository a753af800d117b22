//! Deleting what is gone from its source.

use std::collections::HashSet;

use autri_db::DbError;
use autri_db::ingest::KnowledgeBaseContent;

use super::source::SourceFolder;
use super::{IngestObserver, IngestReport, NotPruned, Source};

/// How many keys are asked for at once.
const PAGE: u32 = 1_000;

/// Deletes the documents whose keys begin with the name of a given folder and that were not found in it. A document that
/// was found and failed is not gone.
pub(super) async fn prune(
    content: &KnowledgeBaseContent,
    source: &Source,
    observer: &dyn IngestObserver,
    report: &mut IngestReport,
) -> Result<(), DbError> {
    let found: HashSet<&str> = source.documents().iter().map(|document| document.key.as_str()).collect();
    let found = |key: &str| found.contains(key);
    for name in folder_names(source) {
        if let Some(reason) = reason_against(source, name) {
            report.not_pruned.push(reason);
            continue;
        }
        let prefix = format!("{name}/");
        let mut after = prefix.clone();
        loop {
            let page = content.list_source_keys(&after, PAGE).await?;
            // Keys come in byte order: those with the prefix stand together.
            let of_folder = page.iter().take_while(|key| key.starts_with(&prefix));
            for key in of_folder.filter(|key| !found(key)) {
                if content.delete_document(key).await? {
                    report.pruned += 1;
                    observer.pruned(key);
                }
            }
            match page.last() {
                Some(last) if last.starts_with(&prefix) => after.clone_from(last),
                _ => break,
            }
        }
    }
    Ok(())
}

/// Two folders of one name are one to the keys.
fn folder_names(source: &Source) -> Vec<&str> {
    let mut names: Vec<_> = source.folders().iter().map(|folder| folder.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn reason_against(source: &Source, name: &str) -> Option<NotPruned> {
    let of_name = || source.folders().iter().filter(|folder| folder.name == name);
    let folder = || name.to_owned();
    if of_name().any(|folder| !folder.is_listed) {
        Some(NotPruned::NotListed { folder: folder() })
    } else if !of_name().all(|folder: &SourceFolder| folder.has_documents) {
        Some(NotPruned::NothingFound { folder: folder() })
    } else {
        None
    }
}
