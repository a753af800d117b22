//! The child process that parses, as it is shipped.

use std::num::NonZeroUsize;

use autri_retrieval::parsers::{DocumentInput, Parsers, WorkerCommand};
use autri_retrieval::{DocumentFormat, Limits};

#[tokio::test]
async fn it_prepares_what_this_process_would() {
    let worker = WorkerCommand::new(env!("CARGO_BIN_EXE_autri"), ["parse-worker"]);
    let children = Parsers::in_children(worker, NonZeroUsize::MIN);
    let document = |key: &str| DocumentInput {
        key: key.to_owned(),
        title: None,
        format: DocumentFormat::Markdown,
        source_url: None,
        bytes: b"# Guide\n\nHow to begin.\n".to_vec(),
    };
    // Keys that the tests' own worker hangs or dies on mean nothing to the one that is shipped.
    for key in ["guide.md", "hang", "abort"] {
        let prepared = children.prepare(document(key), Limits::default()).await.unwrap();
        assert_eq!(prepared, Parsers::in_process().prepare(document(key), Limits::default()).await.unwrap());
    }
}
