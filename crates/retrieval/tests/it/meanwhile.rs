//! What happens while a run goes on. Told to stop, it ends soon, whatever it waits for, and loses nothing that was paid
//! for; and another run may write beside it.

use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use autri_db::ingest::KnowledgeBaseContent;
use autri_retrieval::ingest::{
    CancellationToken, IngestError, IngestObserver, IngestOptions, IngestReport, ListedObject, ObjectError,
    ObjectFolder, ObjectPage, ObjectStore, ObjectStoreError, Source, SourceContent, SourceDocument, ingest,
};
use autri_retrieval::parsers::{Parsers, WorkerCommand};
use autri_retrieval::{DocumentFormat, EmbedError};
use tokio::time::timeout;

use crate::support::{Answering, Bench, CountingEmbedder, MODEL, StandIn, Witness, options};

/// After this long a run hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Stops the run when it is asked for a page too many, or to read, and then never answers.
#[derive(Debug)]
struct Stalling {
    stop: CancellationToken,
    /// How many pages are still given.
    pages: AtomicUsize,
    reads: AtomicUsize,
}

/// What each of its objects is said to have, in bytes: so much that there is room for one of them alone.
const LARGE: u64 = 64 * 1024 * 1024;

impl Stalling {
    fn new(stop: &CancellationToken, pages: usize) -> Arc<Self> {
        Arc::new(Self { stop: stop.clone(), pages: AtomicUsize::new(pages), reads: AtomicUsize::new(0) })
    }

    async fn stall(&self) {
        self.stop.cancel();
        std::future::pending::<()>().await;
    }

    async fn run(self: Arc<Self>, bench: &Bench, mut options: IngestOptions) -> IngestReport {
        options.limits.max_file_bytes = 2 * LARGE;
        let location = "s3://bucket".parse().unwrap();
        let source = Source::default().with_objects(ObjectFolder { store: self, location, base_url: None });
        let run = ingest(&bench.content, None, &source, &options, &());
        timeout(PATIENCE, run).await.expect("it ends").unwrap()
    }
}

#[async_trait]
impl ObjectStore for Stalling {
    async fn list(&self, _: &str, _: Option<&str>) -> Result<ObjectPage, ObjectStoreError> {
        if self.pages.load(Ordering::Relaxed) == 0 {
            self.stall().await;
        }
        self.pages.fetch_sub(1, Ordering::Relaxed);
        let object = |key: &str| ListedObject {
            key: key.to_owned(),
            etag: "\"1\"".to_owned(),
            size: LARGE,
            modified: None,
        };
        Ok(ObjectPage { objects: ["a.md", "b.md", "c.md"].map(object).into(), continuation: None })
    }

    async fn read(&self, _: &ListedObject, _: u64) -> Result<Vec<u8>, ObjectError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.stall().await;
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn a_page_that_does_not_come_is_not_waited_for() {
    let bench = Bench::new("none", 0).await;
    for (pages, what) in [(0, "counting"), (1, "looking for documents")] {
        let options = options(true);
        let report = Stalling::new(&options.stop, pages).run(&bench, options).await;
        assert_eq!((report.interrupted, report.documents()), (true, 0), "{what}");
    }
}

#[tokio::test]
async fn documents_that_wait_or_are_being_read_are_left_to_the_next_run() {
    let bench = Bench::new("none", 0).await;
    let options = IngestOptions { concurrency: NonZeroUsize::new(8).unwrap(), ..options(false) };
    let store = Stalling::new(&options.stop, 2);
    let report = Arc::clone(&store).run(&bench, options).await;
    assert_eq!((report.interrupted, report.documents()), (true, 0));
    assert_eq!(store.reads.load(Ordering::Relaxed), 1, "the others waited, and did not begin");
}

fn text(key: &str) -> SourceDocument {
    SourceDocument {
        key: key.to_owned(),
        title: None,
        format: DocumentFormat::Markdown,
        source_url: None,
        modified: None,
        content: SourceContent::Bytes(b"text".as_slice().into()),
    }
}

#[tokio::test]
async fn a_document_that_is_being_parsed_is_left_to_the_next_run() {
    let bench = Bench::new("none", 0).await;
    let both = NonZeroUsize::new(2).unwrap();
    let worker = WorkerCommand::new(env!("CARGO_BIN_EXE_autri-test-worker"), [""; 0]);
    let options =
        IngestOptions { parsers: Parsers::in_children(worker, both), concurrency: both, ..options(false) };
    let stop = options.stop.clone();
    let observer = Witness { then: Some(Box::new(move || stop.cancel())), ..Witness::default() };
    // The child hangs at the one; the run is stopped when the other is stored.
    let source = Source::from_documents(vec![text("hang"), text("a.md")]);
    let report = ingest(&bench.content, None, &source, &options, &observer).await.unwrap();
    assert_eq!((report.interrupted, report.new, report.failed), (true, 1, 0));
}

/// Does something before it answers.
#[derive(Debug)]
enum Busy {
    /// Stops the run.
    Stops(CancellationToken),
    /// Has another run store a document.
    Stores(KnowledgeBaseContent),
    Answers,
}

#[async_trait]
impl Answering for Busy {
    async fn answer(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        match self {
            Self::Stops(stop) => {
                stop.cancel();
                // The run hears of it before it has the vectors.
                tokio::task::yield_now().await;
            }
            Self::Stores(content) => {
                let source = Source::from_documents(vec![text("docs/meanwhile.md")]);
                let report = ingest(content, Some(&StandIn(Self::Answers)), &source, &options(false), &())
                    .await
                    .unwrap();
                assert_eq!(report.new, 1);
            }
            Self::Answers => {}
        }
        Ok(vec![Some(vec![1.0, 0.0, 0.0]); texts.len()])
    }
}

#[tokio::test]
async fn what_is_being_embedded_is_paid_for_and_stored() {
    let bench = Bench::new(MODEL, 3).await;
    for name in ["docs/a.md", "docs/b.md"] {
        bench.write(name, name);
    }
    let options = options(false);
    let embedder = StandIn(Busy::Stops(options.stop.clone()));
    let report =
        ingest(&bench.content, Some(&embedder), &bench.find(&["docs"]), &options, &()).await.unwrap();
    assert_eq!((report.interrupted, report.new, report.embedded_chunks), (true, 1, 1));
    assert_eq!(bench.keys().await, ["docs/a.md"]);
}

/// Stops the run when a document was pruned.
struct StopsAtPruned(CancellationToken);

impl IngestObserver for StopsAtPruned {
    fn pruned(&self, _: &str) {
        self.0.cancel();
    }
}

#[tokio::test]
async fn pruning_stops_between_two_documents() {
    let bench = Bench::new("none", 0).await;
    let files = ["docs/a.md", "docs/b.md", "docs/c.md"].map(|name| bench.write(name, name));
    bench.ingest(&["docs"]).await;
    for gone in &files[..2] {
        fs::remove_file(gone).unwrap();
    }
    let options = options(true);
    let observer = StopsAtPruned(options.stop.clone());
    let report = ingest(&bench.content, None, &bench.find(&["docs"]), &options, &observer).await.unwrap();
    assert_eq!((report.interrupted, report.pruned), (true, 1));
    assert_eq!(bench.prune(&["docs"]).await.pruned, 1, "the next run goes on");
}

#[tokio::test]
async fn what_another_run_stored_meanwhile_is_not_pruned() {
    let bench = Bench::new(MODEL, 3).await;
    let gone = bench.write("docs/gone.md", "gone");
    bench.write("docs/kept.md", "kept");
    bench.ingest_embedded(&["docs"], &CountingEmbedder::default()).await;
    fs::remove_file(gone).unwrap();
    bench.write("docs/kept.md", "changed");
    let embedder = StandIn(Busy::Stores(bench.content.clone()));
    let source = bench.find(&["docs"]);
    let report = ingest(&bench.content, Some(&embedder), &source, &options(true), &()).await.unwrap();
    assert_eq!((report.updated, report.pruned), (1, 1));
    assert_eq!(bench.keys().await, ["docs/kept.md", "docs/meanwhile.md"]);
    let next =
        ingest(&bench.content, Some(&StandIn(Busy::Answers)), &source, &options(true), &()).await.unwrap();
    assert_eq!(
        (next.unchanged, next.pruned),
        (1, 1),
        "the next run looks anew, and the file was never there"
    );
}

/// A store whose only object has lost its text. Asked for it, it has another run store a later version, if it is given one.
#[derive(Debug)]
struct Emptied(Option<KnowledgeBaseContent>);

#[async_trait]
impl ObjectStore for Emptied {
    async fn list(&self, _: &str, _: Option<&str>) -> Result<ObjectPage, ObjectStoreError> {
        let object =
            ListedObject { key: "a.md".to_owned(), etag: "\"2\"".to_owned(), size: 0, modified: None };
        Ok(ObjectPage { objects: vec![object], continuation: None })
    }

    async fn read(&self, _: &ListedObject, _: u64) -> Result<Vec<u8>, ObjectError> {
        if let Some(content) = &self.0 {
            let later = SourceContent::Bytes(b"later".as_slice().into());
            let source =
                Source::from_documents(vec![SourceDocument { content: later, ..text("s3://bucket/a.md") }]);
            assert_eq!(ingest(content, None, &source, &options(false), &()).await.unwrap().updated, 1);
        }
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn an_emptied_document_is_deleted_unless_another_run_stored_it_anew() {
    let bench = Bench::new("none", 0).await;
    for (meanwhile, left) in [(None, 0), (Some(bench.content.clone()), 1)] {
        let stored = Source::from_documents(vec![text("s3://bucket/a.md")]);
        ingest(&bench.content, None, &stored, &options(false), &()).await.unwrap();
        let location = "s3://bucket".parse().unwrap();
        let folder = ObjectFolder { store: Arc::new(Emptied(meanwhile)), location, base_url: None };
        let emptied = Source::default().with_objects(folder);
        let report = ingest(&bench.content, None, &emptied, &options(false), &()).await.unwrap();
        assert_eq!(report.empty, 1);
        assert_eq!(bench.keys().await.len(), left);
    }
}

/// Gives a vector too few, or one that is too short.
#[derive(Debug)]
struct Careless {
    loses: usize,
    dimensions: usize,
}

#[async_trait]
impl Answering for Careless {
    async fn answer(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        Ok(vec![Some(vec![1.0; self.dimensions]); texts.len() - self.loses])
    }
}

#[tokio::test]
async fn vectors_that_were_not_asked_for_are_not_stored() {
    let bench = Bench::new(MODEL, 3).await;
    bench.write("docs/a.md", "a");
    for (loses, dimensions) in [(1, 3), (0, 2)] {
        let embedder = StandIn(Careless { loses, dimensions });
        let error = ingest(&bench.content, Some(&embedder), &bench.find(&["docs"]), &options(false), &())
            .await
            .unwrap_err();
        let is_told = matches!(&error, IngestError::Embedder { source: EmbedError::WrongVectors { .. }, .. });
        assert!(is_told, "{error:?}");
        assert_eq!(bench.keys().await, [""; 0]);
    }
}
