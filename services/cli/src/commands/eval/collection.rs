//! A test collection into the knowledge base, and back from results to the collection's ids.

use std::sync::Arc;

use autri_db::ingest::KnowledgeBaseContent;
use autri_db::search::Hit;
use autri_retrieval::DocumentFormat;
use autri_retrieval::embed::Embedder;
use autri_retrieval::eval::beir::{BeirCollection, BeirDocument};
use autri_retrieval::ingest::{IngestOptions, Source, SourceContent, SourceDocument};
use chrono::{DateTime, Utc};

use crate::commands::ingest::ingest_source;
use crate::output;

/// Documents link to here, with their number in the corpus: so each result says which document it is of. The name is
/// one that nobody can have (RFC 2606).
const BASE_URL: &str = "https://beir.invalid/";

/// Ingests the corpus, each document as a plain text file would be.
pub(super) async fn ingest(
    content: &KnowledgeBaseContent,
    embedder: Option<&dyn Embedder>,
    collection: &BeirCollection,
    now: DateTime<Utc>,
) -> anyhow::Result<()> {
    let documents =
        (0_usize..).zip(&collection.documents).map(|(number, document)| to_source(number, document));
    let source = Source::from_documents(documents.collect());
    let report = ingest_source(content, embedder, &source, &IngestOptions::new(now)).await?;
    for name in &report.empty_names {
        output::note(format_args!("not ingested: document {name}: no text in it"));
    }
    for failure in &report.failures {
        output::note(format_args!("not ingested: document {}: {}", failure.name, failure.reason));
    }
    Ok(())
}

fn to_source(number: usize, document: &BeirDocument) -> SourceDocument {
    SourceDocument {
        key: format!("{number}/{}.txt", document.id),
        title: Some(document.title.clone()),
        format: DocumentFormat::PlainText,
        source_url: Some(format!("{BASE_URL}{number}")),
        modified: None,
        content: SourceContent::Bytes(Arc::from(text(document).into_bytes())),
    }
}

/// The title above the text, once: some collections repeat it there.
fn text(document: &BeirDocument) -> String {
    let (title, text) = (document.title.trim(), document.text.trim());
    if title.is_empty() || text.starts_with(title) { text.to_owned() } else { format!("{title}\n\n{text}") }
}

/// The documents of the hits in order, each once: a document is as good as its best chunk.
pub(super) fn ranking(collection: &BeirCollection, hits: &[Hit]) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let first = hits.iter().filter(|hit| seen.insert(hit.document_id));
    first.filter_map(|hit| document_of(collection, hit)).map(|document| document.id.clone()).collect()
}

fn document_of<'a>(collection: &'a BeirCollection, hit: &Hit) -> Option<&'a BeirDocument> {
    let number: usize = hit.source_url.as_deref()?.strip_prefix(BASE_URL)?.parse().ok()?;
    collection.documents.get(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_stands_above_the_text_once() {
        let document = |title: &str, body: &str| {
            text(&BeirDocument { id: "1".to_owned(), title: title.to_owned(), text: body.to_owned() })
        };
        assert_eq!(document("Title", "text"), "Title\n\ntext");
        assert_eq!(document("a title .", "a title . text"), "a title . text");
        assert_eq!(document("", "text"), "text");
        assert_eq!(document("Title", ""), "Title\n\n");
    }
}
