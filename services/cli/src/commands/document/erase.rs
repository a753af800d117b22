//! Documents that go in numbers.

use autri_db::documents::{self, DocumentCounts};
use autri_db::{Database, DbError};
use autri_domain::KnowledgeBaseId;

use crate::output;

/// Deletes the documents of these knowledge bases whose keys begin with `prefix`: all, if it is empty. How many there were;
/// `expected` is for showing how far it is.
///
/// In pieces, each a transaction of its own. As one statement a large base would run into the time limit of statements, and
/// as often as one tried, it would begin anew.
pub(crate) async fn erase_documents(
    database: &Database,
    bases: &[KnowledgeBaseId],
    prefix: &str,
    expected: i64,
) -> Result<DocumentCounts, DbError> {
    let progress = (expected > 0).then(|| output::Progress::counting("Deleting", expected.unsigned_abs()));
    let mut deleted = DocumentCounts::default();
    for base in bases {
        loop {
            let some = documents::delete_some(database, *base, prefix).await?;
            if some.documents == 0 {
                break;
            }
            deleted.documents += some.documents;
            deleted.chunks += some.chunks;
            if let Some(progress) = &progress {
                progress.at(deleted.documents.unsigned_abs());
            }
        }
    }
    Ok(deleted)
}
