//! The judged queries, asked leg by leg as the server asks them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use autri_db::search::{Hit, MAX_CANDIDATES, search};
use autri_db::{Database, ScopedTx};
use autri_domain::Principal;
use autri_retrieval::embed::Embedder;
use autri_retrieval::eval::beir::BeirCollection;
use autri_retrieval::eval::{Half, Measure, evaluate};
use autri_retrieval::query::{MAX_QUERY_CHARS, QueryError};
use autri_retrieval::search::{Leg, Retriever};
use serde_json::{Value, json};

use super::collection::ranking;
use crate::output;

const LEGS: [(Leg, &str); 3] = [(Leg::Lexical, "lexical"), (Leg::Vector, "vector"), (Leg::Hybrid, "hybrid")];

/// How one leg did.
#[derive(Debug)]
pub(super) struct LegResult {
    pub(super) name: &'static str,
    pub(super) measure: Measure,
    /// Of the questions to tune on, and of those held out.
    pub(super) halves: [(Half, Measure); 2],
    /// Of all queries, in milliseconds: from the question to its results, the scope's transaction included.
    pub(super) median_ms: f64,
    pub(super) p95_ms: f64,
}

/// Asks all queries by each leg; without an embedder by words alone. `lexical_weight` is the words' share of the hybrid score,
/// in place of the embedder's.
pub(super) async fn measure_legs(
    database: &Database,
    principal: &Principal,
    embedder: Option<Arc<dyn Embedder>>,
    collection: &BeirCollection,
    lexical_weight: Option<f64>,
) -> anyhow::Result<Vec<LegResult>> {
    let legs = if embedder.is_some() { &LEGS[..] } else { &LEGS[..1] };
    let retriever = Retriever::new(embedder);
    let progress = output::Progress::counting("Searching", (legs.len() * collection.queries.len()) as u64);
    let mut results = Vec::new();
    let mut done = 0;
    for (leg, name) in legs {
        let mut rankings = HashMap::new();
        let mut times_ms = Vec::new();
        for query in &collection.queries {
            let started = Instant::now();
            let weight = lexical_weight.filter(|_| *leg == Leg::Hybrid);
            let hits = ask(database, principal, &retriever, beginning(&query.text), *leg, weight).await?;
            times_ms.push(started.elapsed().as_secs_f64() * 1e3);
            rankings.insert(query.id.clone(), ranking(collection, &hits));
            done += 1;
            progress.at(done);
        }
        let measure = evaluate(&rankings, &collection.judgements);
        let halves = [Half::Tune, Half::HeldOut]
            .map(|half| (half, evaluate(&rankings, &half.judgements(&collection.judgements))));
        times_ms.sort_by(f64::total_cmp);
        let (median_ms, p95_ms) = (percentile(&times_ms, 50), percentile(&times_ms, 95));
        results.push(LegResult { name, measure, halves, median_ms, p95_ms });
    }
    Ok(results)
}

async fn ask(
    database: &Database,
    principal: &Principal,
    retriever: &Retriever,
    query: &str,
    leg: Leg,
    lexical_weight: Option<f64>,
) -> anyhow::Result<Vec<Hit>> {
    let mut tx = ScopedTx::enter(database, principal).await?.context("the evaluation's connector is gone")?;
    let question = match retriever.question(tx.scope(), query, leg).await {
        Ok(question) => question,
        // A client would get this as an answer; it finds nothing.
        Err(
            QueryError::Empty
            | QueryError::OnlyExclusions
            | QueryError::TooLong
            | QueryError::TooManyOperators,
        ) => return Ok(Vec::new()),
    };
    if let Some(note) = question.note {
        anyhow::bail!("a query was {note}");
    }
    let mut request = question.request;
    request.limit = MAX_CANDIDATES;
    if let (Some(vector), Some(weight)) = (&mut request.vector, lexical_weight) {
        vector.lexical_weight = weight;
    }
    let hits = search(&mut tx, &request).await?;
    tx.commit().await?;
    Ok(hits)
}

/// What a client can ask of a query that is longer.
fn beginning(query: &str) -> &str {
    query.char_indices().nth(MAX_QUERY_CHARS).map_or(query, |(end, _)| &query[..end])
}

/// By the nearest-rank method; 0 of nothing.
fn percentile(sorted: &[f64], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// Both halves beside the whole, if `split`.
pub(super) fn as_json(legs: &[LegResult], split: bool) -> Value {
    let leg = |leg: &LegResult| {
        let mut result = measure_as_json(&leg.measure);
        result["ms_per_query"] = rounded(leg.median_ms).into();
        result["p95_ms_per_query"] = rounded(leg.p95_ms).into();
        for (half, measure) in leg.halves.iter().filter(|_| split) {
            result[half_name(*half)] = measure_as_json(measure);
        }
        result
    };
    legs.iter().map(|result| (result.name.to_owned(), leg(result))).collect::<serde_json::Map<_, _>>().into()
}

fn measure_as_json(measure: &Measure) -> Value {
    json!({
        "ndcg@10": rounded(measure.ndcg_at_10),
        "recall@100": rounded(measure.recall_at_100),
        "queries": measure.queries,
    })
}

pub(super) const fn half_name(half: Half) -> &'static str {
    match half {
        Half::Tune => "tune",
        Half::HeldOut => "held_out",
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_by_nearest_rank() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert!((percentile(&values, 50) - 10.0).abs() < f64::EPSILON);
        assert!((percentile(&values, 95) - 19.0).abs() < f64::EPSILON);
        assert!((percentile(&[7.0], 95) - 7.0).abs() < f64::EPSILON);
        assert!(percentile(&[], 50).abs() < f64::EPSILON);
    }

    #[test]
    fn long_queries_are_cut_to_what_can_be_asked() {
        let long = "é".repeat(MAX_QUERY_CHARS + 1);
        assert_eq!(beginning(&long).chars().count(), MAX_QUERY_CHARS);
        assert_eq!(beginning("short"), "short");
    }
}
