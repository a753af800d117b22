//! Test collections in the layout of BEIR (Thakur et al. 2021): `corpus.jsonl`, `queries.jsonl`, `qrels/test.tsv`.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Judgements;

/// A document of the corpus.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BeirDocument {
    /// What the judgements call it.
    #[serde(rename = "_id")]
    pub id: String,
    /// May be empty.
    #[serde(default)]
    pub title: String,
    /// May be empty: a document can have a title alone.
    #[serde(default)]
    pub text: String,
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BeirQuery {
    /// What the judgements call it.
    #[serde(rename = "_id")]
    pub id: String,
    /// The question.
    pub text: String,
}

/// A collection: documents, and the questions that have judgements.
#[derive(Debug, Clone, Default)]
pub struct BeirCollection {
    /// The corpus, in the file's order.
    pub documents: Vec<BeirDocument>,
    /// The judged questions, in the file's order. Others tell nothing and are left out.
    pub queries: Vec<BeirQuery>,
    /// By the question's id.
    pub judgements: HashMap<String, Judgements>,
}

/// What is wrong with a collection.
#[derive(Debug, thiserror::Error)]
pub enum BeirError {
    /// Check the folder: it must hold `corpus.jsonl`, `queries.jsonl` and `qrels/test.tsv`.
    #[error("cannot read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Mend the line.
    #[error("{path}, line {line}: {reason}", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The files do not belong together.
    #[error("{path} judges the query {query:?}, which queries.jsonl does not have", path = path.display())]
    UnknownQuery {
        /// The file with the judgement.
        path: PathBuf,
        /// The query's id.
        query: String,
    },
    /// There is nothing to measure.
    #[error("{path} has no judgements", path = path.display())]
    NoJudgements {
        /// The file.
        path: PathBuf,
    },
}

impl BeirCollection {
    /// Reads a collection's folder.
    pub fn read(folder: &Path) -> Result<Self, BeirError> {
        let documents = read_json_lines(&folder.join("corpus.jsonl"))?;
        let mut queries: Vec<BeirQuery> = read_json_lines(&folder.join("queries.jsonl"))?;
        let path = folder.join("qrels").join("test.tsv");
        let judgements = read_judgements(&path)?;
        if judgements.is_empty() {
            return Err(BeirError::NoJudgements { path });
        }
        queries.retain(|query| judgements.contains_key(&query.id));
        let known: HashSet<&String> = queries.iter().map(|query| &query.id).collect();
        if let Some(query) = judgements.keys().filter(|id| !known.contains(id)).min() {
            return Err(BeirError::UnknownQuery { path, query: query.clone() });
        }
        Ok(Self { documents, queries, judgements })
    }
}

/// Each line with its number from 1, but empty ones.
fn lines(path: &Path) -> Result<impl Iterator<Item = Result<(usize, String), BeirError>>, BeirError> {
    let cannot_read = {
        let path = path.to_owned();
        move |source| BeirError::Read { path: path.clone(), source }
    };
    let file = File::open(path).map_err(&cannot_read)?;
    Ok((1..).zip(BufReader::new(file).lines()).filter_map(move |(number, line)| match line {
        Ok(line) if line.trim().is_empty() => None,
        Ok(line) => Some(Ok((number, line))),
        Err(source) => Some(Err(cannot_read(source))),
    }))
}

fn read_json_lines<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, BeirError> {
    let bad_line = |line, error: &serde_json::Error| BeirError::Line {
        path: path.to_owned(),
        line,
        reason: error.to_string(),
    };
    lines(path)?
        .map(|line| {
            line.and_then(|(number, line)| {
                serde_json::from_str(&line).map_err(|error| bad_line(number, &error))
            })
        })
        .collect()
}

/// Reads `query-id`, `corpus-id` and `score` between tabs, below a header line.
fn read_judgements(path: &Path) -> Result<HashMap<String, Judgements>, BeirError> {
    let mut judgements: HashMap<String, Judgements> = HashMap::new();
    for line in lines(path)? {
        let (number, line) = line?;
        let bad_line =
            |reason: &str| BeirError::Line { path: path.to_owned(), line: number, reason: reason.to_owned() };
        let mut fields = line.split('\t');
        let (Some(query), Some(document), Some(score), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(bad_line("expected query-id, corpus-id and score between tabs"));
        };
        if number == 1 && query == "query-id" {
            continue;
        }
        let score: i64 = score.trim().parse().map_err(|_| bad_line("the score is not a whole number"))?;
        // trec_eval takes a negative judgement for "not relevant".
        let gain = u32::try_from(score.max(0)).map_err(|_| bad_line("the score is too large"))?;
        judgements.entry(query.to_owned()).or_default().insert(document.to_owned(), gain);
    }
    Ok(judgements)
}

#[cfg(test)]
mod tests;
