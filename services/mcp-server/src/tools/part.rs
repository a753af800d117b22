//! A document in parts: a long one is more than a client takes at once.

use autri_db::content::{self, DocumentSummary};
use autri_db::{DbError, ScopedTx};

use super::budget;

/// How many chunks are read for one part: more than fit into a result.
const CHUNKS: u32 = 64;

/// What one result has of a document's text.
#[derive(Debug)]
pub(crate) struct Part {
    /// Nothing where the document ends before the part begins.
    pub(crate) text: String,
    /// The passage that the next part begins with, if there is one.
    pub(crate) next: Option<u32>,
}

/// A document's text from a passage on, as far as a result goes that has `beside` bytes of something else.
pub(crate) async fn part(
    tx: &mut ScopedTx,
    document: &DocumentSummary,
    from: u32,
    beside: usize,
) -> Result<Part, DbError> {
    let mut chunks = content::list_chunks(tx, document.id, from, CHUNKS).await?;
    chunks.truncate(budget::fitting_beside(beside, &chunks, |chunk| chunk.body.len()));
    let next = from + u32::try_from(chunks.len()).unwrap_or(u32::MAX);
    let is_more = !chunks.is_empty() && next < document.chunk_count.unsigned_abs();
    let text = chunks.iter().map(|chunk| chunk.body.as_str()).collect();
    Ok(Part { text, next: is_more.then_some(next) })
}
