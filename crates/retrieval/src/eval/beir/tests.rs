use std::fs;

use super::*;

fn collection(corpus: &str, queries: &str, qrels: &str) -> Result<BeirCollection, BeirError> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("qrels")).unwrap();
    fs::write(folder.path().join("corpus.jsonl"), corpus).unwrap();
    fs::write(folder.path().join("queries.jsonl"), queries).unwrap();
    fs::write(folder.path().join("qrels/test.tsv"), qrels).unwrap();
    BeirCollection::read(folder.path())
}

const CORPUS: &str =
    "{\"_id\":\"d1\",\"title\":\"T\",\"text\":\"x\",\"metadata\":{}}\n\n{\"_id\":\"d2\",\"text\":\"y\"}\n";
const QUERIES: &str = "{\"_id\":\"q1\",\"text\":\"?\"}\n{\"_id\":\"q2\",\"text\":\"unjudged\"}\n";

#[test]
fn a_collection_is_read() {
    let found = collection(CORPUS, QUERIES, "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t-1\n").unwrap();
    assert_eq!(found.documents.len(), 2);
    assert_eq!(found.documents[1].title, "");
    assert_eq!(found.queries, [BeirQuery { id: "q1".into(), text: "?".into() }]);
    assert_eq!(found.judgements["q1"], HashMap::from([("d1".to_owned(), 2), ("d2".to_owned(), 0)]));
}

#[test]
fn errors_name_the_file_and_the_line() {
    for (corpus, qrels, expected) in [
        ("{\"_id\":\"d1\"}\n{oops\n", "q1\td1\t1\n", "corpus.jsonl, line 2: "),
        ("{\"text\":\"no id\"}\n", "q1\td1\t1\n", "corpus.jsonl, line 1: missing field `_id`"),
        (CORPUS, "query-id\tcorpus-id\tscore\nq1 d1 1\n", "test.tsv, line 2: expected query-id"),
        (CORPUS, "q1\td1\thigh\n", "test.tsv, line 1: the score is not"),
        (CORPUS, "q9\td1\t1\n", "judges the query \"q9\""),
        (CORPUS, "query-id\tcorpus-id\tscore\n", "has no judgements"),
    ] {
        let error = collection(corpus, QUERIES, qrels).unwrap_err().to_string();
        assert!(error.contains(expected), "{error} should contain {expected}");
    }
}

#[test]
fn of_several_unknown_queries_the_first_is_named() {
    let judgements: Vec<String> = (10..60).map(|query| format!("q{query}\td1\t1\n")).collect();
    let error = collection(CORPUS, QUERIES, &judgements.concat()).unwrap_err();
    assert!(matches!(&error, BeirError::UnknownQuery { query, .. } if query == "q10"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = BeirCollection::read(folder.path()).unwrap_err();
    assert!(error.to_string().ends_with("corpus.jsonl"), "{error}");
}
