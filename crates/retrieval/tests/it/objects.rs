//! Objects of a store in, as they change, go, and cannot be had.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use autri_retrieval::EmbedError;
use autri_retrieval::ingest::{
    IngestError, IngestReport, ListedObject, NotPruned, ObjectError, ObjectFolder, ObjectPage, ObjectStore,
    ObjectStoreError, Source, SourceError, ingest,
};

use crate::support::{Answering, Bench, MODEL, StandIn, options};

/// How many objects are on a page.
const PAGE: usize = 3;

/// A bucket in memory, which notes what is read.
#[derive(Debug, Default)]
struct Shelf {
    objects: Mutex<BTreeMap<String, String>>,
    reads: Mutex<Vec<String>>,
    /// The page that cannot be had, if there is one.
    broken_page: Option<usize>,
    /// What reading gives for an object whose text is this word.
    refuses: bool,
}

impl Shelf {
    fn with(objects: &[(&str, &str)]) -> Self {
        let objects = objects.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        Self { objects: Mutex::new(objects.collect()), ..Self::default() }
    }

    fn put(&self, key: &str, text: &str) {
        self.objects.lock().unwrap().insert(key.to_owned(), text.to_owned());
    }

    fn remove(&self, key: &str) {
        self.objects.lock().unwrap().remove(key);
    }

    fn take_reads(&self) -> Vec<String> {
        std::mem::take(&mut self.reads.lock().unwrap())
    }
}

#[async_trait]
impl ObjectStore for Shelf {
    async fn list(&self, prefix: &str, continuation: Option<&str>) -> Result<ObjectPage, ObjectStoreError> {
        let page: usize = continuation.map_or(0, |text| text.parse().unwrap());
        if self.broken_page == Some(page) {
            return Err("the store is away".into());
        }
        let objects = self.objects.lock().unwrap();
        let of_prefix: Vec<_> = objects.iter().filter(|(key, _)| key.starts_with(prefix)).collect();
        let objects = of_prefix.iter().skip(page * PAGE).take(PAGE).map(|(key, text)| ListedObject {
            key: (*key).clone(),
            // Opaque, and another one for another text.
            etag: format!("\"{text}\""),
            size: text.len() as u64,
            modified: None,
        });
        let is_last = (page + 1) * PAGE >= of_prefix.len();
        let continuation = (!is_last).then(|| (page + 1).to_string());
        Ok(ObjectPage { objects: objects.collect(), continuation })
    }

    async fn read(&self, object: &ListedObject, _: u64) -> Result<Vec<u8>, ObjectError> {
        self.reads.lock().unwrap().push(object.key.clone());
        let text = self.objects.lock().unwrap()[&object.key].clone();
        match text.as_str() {
            "forbidden" if self.refuses => Err(ObjectError::Object("not for you".into())),
            "deleted" if self.refuses => Err(ObjectError::Gone),
            "down" if self.refuses => Err(ObjectError::Store("nobody is there".into())),
            _ => Ok(text.into_bytes()),
        }
    }
}

/// The bucket's folder.
fn source(shelf: &Arc<Shelf>, location: &str) -> Source {
    let store: Arc<dyn ObjectStore> = Arc::clone(shelf) as _;
    let location = location.parse().unwrap();
    Source::default().with_objects(ObjectFolder { store, location, base_url: None })
}

async fn run(bench: &Bench, shelf: &Arc<Shelf>, location: &str, prune: bool) -> IngestReport {
    ingest(&bench.content, None, &source(shelf, location), &options(prune), &()).await.unwrap()
}

#[tokio::test]
async fn an_object_that_has_not_changed_is_not_read() {
    let bench = Bench::new("none", 0).await;
    let shelf = Arc::new(Shelf::with(&[
        ("docs/a.md", "one"),
        ("docs/b.md", "two"),
        ("docs/c.md", "three"),
        ("docs/d.html", "<p>four"),
        ("docs/logo.png", ""),
        ("other/e.md", "five"),
    ]));
    let report = run(&bench, &shelf, "s3://bucket/docs", false).await;
    assert_eq!((report.new, report.not_documents.get("png")), (4, Some(&1)));
    assert_eq!(shelf.take_reads().len(), 4);
    shelf.put("docs/b.md", "changed");
    let report = run(&bench, &shelf, "s3://bucket/docs", false).await;
    assert_eq!((report.updated, report.unchanged, report.unread), (1, 3, 3));
    assert_eq!(shelf.take_reads(), ["docs/b.md"]);
    assert_eq!(bench.search("changed").await, ["changed"]);
}

/// An `ETag` may change where the content does not: with KMS, with another number of parts.
#[tokio::test]
async fn an_object_that_only_seems_changed_is_read_once() {
    let bench = Bench::new("none", 0).await;
    let shelf = Arc::new(Shelf::with(&[("a.md", "the text")]));
    run(&bench, &shelf, "s3://bucket", false).await;
    shelf.put("a.md", "the text\u{200b}");
    let expected = [(1, 0), (1, 1)];
    for (unchanged, unread) in expected {
        let report = run(&bench, &shelf, "s3://bucket", false).await;
        assert_eq!((report.unchanged, report.unread, report.updated), (unchanged, unread, 0));
    }
}

#[tokio::test]
async fn buckets_and_folders_are_pruned_one_by_one() {
    let bench = Bench::new("none", 0).await;
    let one = Arc::new(Shelf::with(&[("docs/a.md", "a"), ("docs/b.md", "b"), ("docs-old/c.md", "c")]));
    let other = Arc::new(Shelf::with(&[("docs/a.md", "of the other")]));
    run(&bench, &one, "s3://one", false).await;
    run(&bench, &other, "s3://other", false).await;
    bench.write("s3:/one/docs/a.md", "a file of an odd name");
    bench.ingest(&["s3:"]).await;
    let keys = bench.keys().await;
    assert_eq!(keys.len(), 5, "{keys:?}");
    one.remove("docs/b.md");
    one.remove("docs-old/c.md");
    assert_eq!(run(&bench, &one, "s3://one/docs", true).await.pruned, 1);
    assert_eq!(bench.prune(&["s3:"]).await.pruned, 0);
    assert_eq!(run(&bench, &one, "s3://one", true).await.pruned, 1);
    assert_eq!(bench.keys().await, ["s3%3A/one/docs/a.md", "s3://one/docs/a.md", "s3://other/docs/a.md"]);
}

#[tokio::test]
async fn an_empty_bucket_is_not_the_end_of_everything() {
    let bench = Bench::new("none", 0).await;
    let shelf = Arc::new(Shelf::with(&[("docs/a.md", "a")]));
    run(&bench, &shelf, "s3://bucket", false).await;
    shelf.remove("docs/a.md");
    let report = run(&bench, &shelf, "s3://bucket", true).await;
    assert_eq!(report.not_pruned, [NotPruned::NothingFound { folder: "s3://bucket".to_owned() }]);
    shelf.put("docs/", "");
    let report = run(&bench, &shelf, "s3://bucket/docs", true).await;
    assert_eq!(report.not_pruned, [NotPruned::NothingFound { folder: "s3://bucket/docs".to_owned() }]);
    assert_eq!(bench.keys().await, ["s3://bucket/docs/a.md"]);
}

/// As of a path that does not exist: a folder of objects is there as long as one is in it.
#[tokio::test]
async fn a_place_where_nothing_is_is_an_error_and_prunes_nothing() {
    let bench = Bench::new("none", 0).await;
    let shelf = Arc::new(Shelf::with(&[("hand/a.md", "a"), ("hand-old/b.md", "b")]));
    run(&bench, &shelf, "s3://bucket", false).await;
    for (location, key) in
        [("s3://bucket/hnad", "hnad"), ("s3://bucket/han/", "han"), ("s3://bucket/hand//", "hand/")]
    {
        let ended = ingest(&bench.content, None, &source(&shelf, location), &options(true), &()).await;
        let Err(IngestError::Source { source: error @ SourceError::NoObjects { .. }, .. }) = ended else {
            panic!("{ended:?}")
        };
        let error = error.to_string();
        assert!(error.contains(&format!("s3://bucket/{key},")), "{error}");
        assert!(error.contains(&format!("s3://bucket/{key}/:")), "{error}");
    }
    assert_eq!(bench.keys().await.len(), 2);
}

#[tokio::test]
async fn a_single_object_is_taken() {
    let bench = Bench::new("none", 0).await;
    let shelf = Arc::new(Shelf::with(&[
        ("hand/d1.md", "one"),
        ("hand/d1.md.bak", "not a document"),
        ("hand/d2.md", "two"),
        ("hand/.d3.md", "hidden, and named itself"),
        ("both", "no document"),
        ("both/e.md", "a folder goes first"),
    ]));
    assert_eq!(run(&bench, &shelf, "s3://bucket/hand/d1.md", false).await.new, 1);
    assert_eq!(run(&bench, &shelf, "s3://bucket/hand/.d3.md", false).await.new, 1);
    assert_eq!(run(&bench, &shelf, "s3://bucket/both", false).await.new, 1);
    let keys = ["s3://bucket/both/e.md", "s3://bucket/hand/.d3.md", "s3://bucket/hand/d1.md"];
    assert_eq!(bench.keys().await, keys);
    let report = run(&bench, &shelf, "s3://bucket/hand/d1.md.bak", false).await;
    assert!(report.failures[0].reason.starts_with("not a document by its name"), "{report:?}");
}

/// `a.md/` had documents, and now there is an object `a.md`: nothing is known of the folder.
#[tokio::test]
async fn an_object_prunes_no_folder_of_its_name() {
    let bench = Bench::new("none", 0).await;
    let shelf = Arc::new(Shelf::with(&[("a.md/b.md", "b")]));
    run(&bench, &shelf, "s3://bucket/a.md", false).await;
    shelf.remove("a.md/b.md");
    shelf.put("a.md", "a");
    let report = run(&bench, &shelf, "s3://bucket/a.md", true).await;
    assert_eq!((report.new, report.pruned), (1, 0));
    assert_eq!(bench.keys().await, ["s3://bucket/a.md", "s3://bucket/a.md/b.md"]);
}

#[tokio::test]
async fn an_object_that_is_deleted_meanwhile_is_no_failure() {
    let bench = Bench::new("none", 0).await;
    let shelf = Arc::new(Shelf { refuses: true, ..Shelf::with(&[("a.md", "deleted"), ("b.md", "there")]) });
    let report = run(&bench, &shelf, "s3://bucket", false).await;
    assert_eq!((report.new, report.vanished, report.failed), (1, 1, 0));
    assert_eq!(report.vanished_names, ["s3://bucket/a.md"]);
}

#[tokio::test]
async fn a_list_that_is_not_whole_ends_the_run_and_prunes_nothing() {
    let bench = Bench::new("none", 0).await;
    let objects = [("a.md", "a"), ("b.md", "b"), ("c.md", "c"), ("d.md", "d"), ("e.md", "e")];
    run(&bench, &Arc::new(Shelf::with(&objects)), "s3://bucket", false).await;
    let broken = Arc::new(Shelf { broken_page: Some(1), ..Shelf::with(&objects[1..]) });
    let ended = ingest(&bench.content, None, &source(&broken, "s3://bucket"), &options(true), &()).await;
    let error = ended.unwrap_err();
    assert!(
        matches!(&error, IngestError::Source { source: SourceError::Objects { location, .. }, .. } if location == "s3://bucket/"),
        "{error:?}"
    );
    assert_eq!(bench.keys().await.len(), 5);
}

#[tokio::test]
async fn one_objects_failure_is_not_the_stores() {
    let bench = Bench::new("none", 0).await;
    let objects = [("a.md", "fine"), ("b.md", "forbidden"), ("c.md", "fine, too")];
    let shelf = Arc::new(Shelf { refuses: true, ..Shelf::with(&objects) });
    let report = run(&bench, &shelf, "s3://bucket", true).await;
    assert_eq!((report.new, report.failed), (2, 1));
    assert_eq!(
        (report.failures[0].name.as_str(), report.failures[0].reason.as_str()),
        ("s3://bucket/b.md", "not for you")
    );
    shelf.put("b.md", "down");
    let ended = ingest(&bench.content, None, &source(&shelf, "s3://bucket"), &options(true), &()).await;
    let error = ended.unwrap_err();
    assert!(matches!(&error, IngestError::Source { source: SourceError::Object { .. }, .. }), "{error:?}");
    assert_eq!(error.report().unwrap().failed, 0, "nobody asked for the others");
}

#[tokio::test]
async fn what_is_too_large_is_not_even_asked_for() {
    let bench = Bench::new("none", 0).await;
    let shelf = Arc::new(Shelf::with(&[("a.md", "0123456789"), ("b.md", "0123")]));
    let mut options = options(false);
    options.limits.max_file_bytes = 4;
    let report = ingest(&bench.content, None, &source(&shelf, "s3://bucket"), &options, &()).await.unwrap();
    assert_eq!((report.new, report.failures[0].reason.as_str()), (1, "larger than 4 bytes (10)"));
    assert_eq!(shelf.take_reads(), ["b.md"]);
}

/// Refuses texts with a word, or all.
#[derive(Debug)]
struct Choosy {
    word: &'static str,
}

#[async_trait]
impl Answering for Choosy {
    async fn answer(&self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, EmbedError> {
        if texts.iter().any(|text| text.contains(self.word)) {
            let (service, reason) = ("the service".to_owned(), "HTTP 400".to_owned());
            return Err(EmbedError::Refused { service, reason, source: None });
        }
        Ok(vec![Some(vec![1.0, 0.0, 0.0]); texts.len()])
    }
}

#[tokio::test]
async fn a_text_that_the_embedder_refuses_is_its_documents_failure() {
    let bench = Bench::new(MODEL, 3).await;
    let shelf = Arc::new(Shelf::with(&[("a.md", "fine"), ("b.md", "indecent"), ("c.md", "fine, too")]));
    let source = source(&shelf, "s3://bucket");
    let nothing =
        ingest(&bench.content, Some(&StandIn(Choosy { word: "" })), &source, &options(false), &()).await;
    let error = nothing.unwrap_err();
    assert!(matches!(error, IngestError::Embedder { .. }), "{error:?}");
    let choosy = StandIn(Choosy { word: "indecent" });
    let report = ingest(&bench.content, Some(&choosy), &source, &options(false), &()).await.unwrap();
    assert_eq!((report.new, report.failed), (2, 1));
    assert_eq!(report.failures[0].name, "s3://bucket/b.md");
}
