//! How far a run is: a bar on a terminal, a line now and then in a task's log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use autri_retrieval::embed::Price;
use autri_retrieval::ingest::{IngestObserver, Outcome, SourceDocument, SourceSize};
use tokio::task::JoinHandle;

use crate::output::{self, counted};

/// How often a log gets a line.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// Counts documents as they are done.
#[derive(Debug)]
pub(super) struct ProgressObserver {
    price: Option<Price>,
    counting: output::Progress,
    counts: Arc<Counts>,
    /// Since the total is known.
    shown: OnceLock<Shown>,
}

#[derive(Debug)]
enum Shown {
    Bar(output::Progress),
    Log(JoinHandle<()>),
}

#[derive(Debug)]
struct Counts {
    started: OnceLock<Instant>,
    total: AtomicU64,
    documents: AtomicU64,
    chunks: AtomicU64,
}

impl ProgressObserver {
    /// `price`: what the run's vectors cost.
    pub(super) fn new(price: Option<Price>) -> Self {
        let counts = Counts {
            started: OnceLock::new(),
            total: AtomicU64::new(0),
            documents: AtomicU64::new(0),
            chunks: AtomicU64::new(0),
        };
        let (counting, counts) = (output::Progress::open_ended("Counting"), Arc::new(counts));
        Self { price, counting, counts, shown: OnceLock::new() }
    }
}

impl IngestObserver for ProgressObserver {
    fn counts(&self, so_far: SourceSize) {
        self.counting.at(so_far.documents);
    }

    fn begins(&self, size: SourceSize) {
        self.counting.end();
        self.counts.total.store(size.documents, Ordering::Relaxed);
        let _ = self.counts.started.set(Instant::now());
        if let Some(cost) = self.price.and_then(|price| cost(price, size)) {
            output::note(cost);
        }
        self.shown.get_or_init(|| {
            if output::Progress::is_shown() {
                return Shown::Bar(output::Progress::counting("Ingesting", size.documents));
            }
            output::note(format_args!("Ingesting {} …", counted(size.documents, "document")));
            Shown::Log(tokio::spawn(log(Arc::clone(&self.counts))))
        });
    }

    fn document(&self, _: &SourceDocument, outcome: &Outcome) {
        let done = self.counts.documents.fetch_add(1, Ordering::Relaxed) + 1;
        if let Outcome::New(stored) | Outcome::Updated(stored) = outcome {
            self.counts.chunks.fetch_add(stored.chunks, Ordering::Relaxed);
        }
        if let Some(Shown::Bar(bar)) = self.shown.get() {
            bar.at(done);
            bar.set_remark(pace(&self.counts, elapsed(&self.counts)));
        }
    }
}

impl Drop for ProgressObserver {
    fn drop(&mut self) {
        if let Some(Shown::Log(task)) = self.shown.get() {
            task.abort();
        }
    }
}

/// What the run may cost, as far as that is known before anything is read; none if there is nothing to embed.
fn cost(price: Price, size: SourceSize) -> Option<String> {
    let packed = (size.packed_documents > 0).then(|| {
        let (count, megabytes) = (size.packed_documents, size.packed_bytes.div_ceil(1_000_000));
        let files = if count == 1 { "file" } else { "files" };
        format!(
            "what the text of {count} PDF or Word {files} ({megabytes} MB) takes, which is not known before it is read"
        )
    });
    let text = (size.text_bytes > 0).then(|| price.estimate(size.text_bytes).to_string());
    let all = match (text, packed) {
        (Some(text), Some(packed)) => format!("{text}, and {packed}"),
        (Some(text), None) => text,
        (None, Some(packed)) => format!("{packed} ({price})"),
        (None, None) => return None,
    };
    Some(format!("embedding all of it would take {all}; what is stored as it is costs nothing"))
}

async fn log(counts: Arc<Counts>) {
    let mut ticks = tokio::time::interval(LOG_INTERVAL);
    // The first one is at once.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        output::note(line(&counts, elapsed(&counts)));
    }
}

fn elapsed(counts: &Counts) -> Duration {
    counts.started.get().map(Instant::elapsed).unwrap_or_default()
}

/// `1200 of 4800 documents, about 38s left, 512 chunks/s, 95 documents/s`.
fn line(counts: &Counts, elapsed: Duration) -> String {
    let [documents, total] = [&counts.documents, &counts.total].map(|count| count.load(Ordering::Relaxed));
    let done = format!("{documents} of {total} documents");
    let pace = pace(counts, elapsed);
    if pace.is_empty() { done } else { format!("{done}, {pace}") }
}

/// `about 38s left, 512 chunks/s, 95 documents/s`; nothing in the first second.
fn pace(counts: &Counts, elapsed: Duration) -> String {
    let [documents, total, chunks] =
        [&counts.documents, &counts.total, &counts.chunks].map(|count| count.load(Ordering::Relaxed));
    let rate = |count, what| output::rate(count, elapsed).map(|rate| format!("{rate} {what}/s"));
    let left = remaining(documents, total, elapsed)
        .filter(|_| elapsed >= Duration::from_secs(1))
        .map(|left| format!("about {} left", humantime::format_duration(left)));
    // What a person waits for first: a narrow terminal cuts the rest off.
    let parts = [left, rate(chunks, "chunks"), rate(documents, "documents")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// As long as the documents before took, in whole seconds.
fn remaining(done: u64, total: u64, elapsed: Duration) -> Option<Duration> {
    let per_document = elapsed.as_millis().checked_div(done.into())?;
    let millis = per_document.checked_mul(total.saturating_sub(done).into())?;
    Some(Duration::from_secs(u64::try_from(millis / 1_000).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(documents: u64, total: u64, chunks: u64) -> Counts {
        let [documents, total, chunks] = [documents, total, chunks].map(AtomicU64::new);
        Counts { started: OnceLock::new(), total, documents, chunks }
    }

    #[test]
    fn the_cost_is_of_what_is_known_to_be_text() {
        let price = Price { usd_per_million_tokens: Some(0.02) };
        let text = SourceSize { documents: 9, text_bytes: 4_800_000, ..SourceSize::default() };
        let packed = SourceSize { packed_documents: 12, packed_bytes: 33_400_000, ..SourceSize::default() };
        let both = SourceSize { documents: 21, text_bytes: text.text_bytes, ..packed };
        let estimate = "about 1.2 million tokens, US$0.02 at US$0.02 per million tokens";
        let unknown =
            "what the text of 12 PDF or Word files (34 MB) takes, which is not known before it is read";
        for (size, expected) in [
            (text, estimate.to_owned()),
            (both, format!("{estimate}, and {unknown}")),
            (packed, format!("{unknown} (US$0.02 per million tokens)")),
        ] {
            let expected =
                format!("embedding all of it would take {expected}; what is stored as it is costs nothing");
            assert_eq!(cost(price, size), Some(expected));
        }
        assert_eq!(cost(price, SourceSize::default()), None);
    }

    #[test]
    fn a_line_says_what_is_done_how_fast_and_what_remains() {
        assert_eq!(
            line(&counts(1_000, 5_000, 5_120), Duration::from_secs(10)),
            "1000 of 5000 documents, about 40s left, 512 chunks/s, 100 documents/s"
        );
    }

    #[test]
    fn nobody_knows_what_remains_before_the_first_document() {
        assert_eq!(line(&counts(0, 5_000, 0), Duration::from_secs(30)), "0 of 5000 documents");
        assert_eq!(
            line(&counts(5, 3, 0), Duration::from_secs(1)),
            "5 of 3 documents, about 0s left, 5 documents/s"
        );
    }
}
