//! nDCG and recall as BEIR computes them (through `pytrec_eval`, that is `trec_eval`).

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

/// For one query: how relevant each judged document is. Documents that are not named were not judged, and count as
/// not relevant.
pub type Judgements = HashMap<String, u32>;

/// The means over all judged queries.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measure {
    /// nDCG of the first 10 results, from 0 to 1.
    pub ndcg_at_10: f64,
    /// Recall within the first 100 results, from 0 to 1.
    pub recall_at_100: f64,
    /// How many queries the means are over.
    pub queries: usize,
}

/// Normalised discounted cumulative gain of the first `k` documents of a ranking.
///
/// The gain is the judgement itself and the discount `log2(rank + 1)`; the ideal ranking is of all judged documents.
/// Without a relevant document it is 0.
fn ndcg_at(k: usize, ranking: &[String], judgements: &Judgements) -> f64 {
    let gain = |document: &String| judgements.get(document).copied().unwrap_or(0);
    let mut ideal: Vec<u32> = judgements.values().copied().collect();
    ideal.sort_unstable_by(|one, other| other.cmp(one));
    let ideal = discounted(ideal.into_iter().take(k));
    if ideal > 0.0 { discounted(ranking.iter().take(k).map(gain)) / ideal } else { 0.0 }
}

fn discounted(gains: impl Iterator<Item = u32>) -> f64 {
    (2_u32..).zip(gains).map(|(place, gain)| f64::from(gain) / f64::from(place).log2()).sum()
}

/// How many of the relevant documents are among the first `k` of a ranking, from 0 to 1. Without a relevant document
/// it is 0.
#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 documents")]
fn recall_at(k: usize, ranking: &[String], judgements: &Judgements) -> f64 {
    let is_relevant = |document: &&String| judgements.get(*document).is_some_and(|gain| *gain > 0);
    let relevant = judgements.values().filter(|gain| **gain > 0).count();
    let found = ranking.iter().take(k).filter(is_relevant).count();
    if relevant > 0 { found as f64 / relevant as f64 } else { 0.0 }
}

/// The means over all judged queries; one without a ranking counts as having found nothing.
///
/// As in BEIR, a document with the id of its query is left out of the ranking: some collections ask with their own
/// documents.
#[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^52 queries")]
pub fn evaluate<S: BuildHasher>(
    rankings: &HashMap<String, Vec<String>, S>,
    judged: &HashMap<String, Judgements, S>,
) -> Measure {
    if judged.is_empty() {
        return Measure::default();
    }
    let (mut ndcg, mut recall) = (0.0, 0.0);
    // In one order, whatever that of the map: the sum of many fractions depends on it.
    let in_order: BTreeMap<&String, &Judgements> = judged.iter().collect();
    for (query, judgements) in in_order {
        let ranking: Vec<String> = rankings
            .get(query)
            .into_iter()
            .flatten()
            .filter(|document| *document != query)
            .cloned()
            .collect();
        ndcg += ndcg_at(10, &ranking, judgements);
        recall += recall_at(100, &ranking, judgements);
    }
    let queries = judged.len();
    Measure { ndcg_at_10: ndcg / queries as f64, recall_at_100: recall / queries as f64, queries }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgements(pairs: &[(&str, u32)]) -> Judgements {
        pairs.iter().map(|(document, gain)| ((*document).to_owned(), *gain)).collect()
    }

    fn ranking(documents: &[&str]) -> Vec<String> {
        documents.iter().map(|document| (*document).to_owned()).collect()
    }

    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn the_means_are_the_same_to_the_last_bit() {
        // Each map has an order of its own.
        let means = || {
            let judged: HashMap<_, _> = (0..100)
                .map(|query| (query.to_string(), judgements(&[("a", query % 7 + 1), ("b", query % 3)])))
                .collect();
            let rankings: HashMap<_, _> =
                judged.keys().map(|query| (query.clone(), ranking(&["x", "a", "b"]))).collect();
            evaluate(&rankings, &judged).ndcg_at_10.to_bits()
        };
        let first = means();
        assert!((0..20).all(|_| means() == first));
    }

    #[test]
    fn ndcg_by_hand() {
        let judged = judgements(&[("a", 3), ("b", 2), ("c", 1), ("d", 0)]);
        assert_near(ndcg_at(10, &ranking(&["a", "b", "c"]), &judged), 1.0);
        // 2/log2(2) + 0 + 3/log2(4) = 3.5 over 3/1 + 2/log2(3) + 1/2 = 4.761859507142915.
        assert_near(ndcg_at(10, &ranking(&["b", "x", "a"]), &judged), 3.5 / 4.761_859_507_142_915);
        // Cut after one: 2 over 3.
        assert_near(ndcg_at(1, &ranking(&["b", "a"]), &judged), 2.0 / 3.0);
        assert_near(ndcg_at(10, &ranking(&["d", "x"]), &judged), 0.0);
        assert_near(ndcg_at(10, &[], &judged), 0.0);
        assert_near(ndcg_at(10, &ranking(&["d"]), &judgements(&[("d", 0)])), 0.0);
    }

    #[test]
    fn the_ideal_ranking_is_of_all_judged_documents() {
        // Ten relevant of twelve fit into the first ten: the ideal is cut there too.
        let all: Vec<String> = (0..12).map(|index| format!("d{index}")).collect();
        let judged: Judgements = all.iter().map(|document| (document.clone(), 1)).collect();
        assert_near(ndcg_at(10, &all, &judged), 1.0);
        // The first of two relevant ones: 1 over 1 + 1/log2(3).
        let two = judgements(&[("a", 1), ("b", 1)]);
        assert_near(ndcg_at(10, &ranking(&["a"]), &two), 1.0 / (1.0 + 1.0 / 3_f64.log2()));
    }

    #[test]
    fn recall_by_hand() {
        let judged = judgements(&[("a", 2), ("b", 1), ("c", 1), ("d", 0)]);
        assert_near(recall_at(100, &ranking(&["x", "b", "d", "a"]), &judged), 2.0 / 3.0);
        assert_near(recall_at(2, &ranking(&["x", "b", "d", "a"]), &judged), 1.0 / 3.0);
        assert_near(recall_at(100, &ranking(&["d"]), &judgements(&[("d", 0)])), 0.0);
    }

    #[test]
    fn means_are_over_judged_queries() {
        let judged = HashMap::from([
            ("q1".to_owned(), judgements(&[("a", 1)])),
            ("q2".to_owned(), judgements(&[("b", 1)])),
        ]);
        let rankings = HashMap::from([
            ("q1".to_owned(), ranking(&["q1", "a"])),
            ("unjudged".to_owned(), ranking(&["a"])),
        ]);
        let measure = evaluate(&rankings, &judged);
        assert_near(measure.ndcg_at_10, 0.5);
        assert_near(measure.recall_at_100, 0.5);
        assert_eq!(measure.queries, 2);
    }
}
