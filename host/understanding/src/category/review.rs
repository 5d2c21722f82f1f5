//! Which calls a person should look at first: those that teach the model most, spread over the categories, with some
//! taken blindly so that sure mistakes come to light too.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Verdict;
use super::noise::Random;

/// A call that waits for a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// Call id.
    pub id: String,
    /// All categories with their probabilities, likeliest first, as [`Verdict::scores`].
    pub scores: Vec<(String, f32)>,
}

impl Waiting {
    /// A call with the verdict it got.
    pub fn new(id: &str, verdict: &Verdict) -> Self {
        Self { id: id.to_owned(), scores: verdict.scores.clone() }
    }
}

/// Why a call stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The model wavers: the answer teaches it.
    Doubt,
    /// Drawn by lot.
    Chance,
}

/// A place in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pick {
    /// Index into the calls given.
    pub index: usize,
    /// Why it stands here.
    pub why: Why,
    /// What a look teaches, 0 (nothing) to 1.
    pub value: f32,
}

/// How the queue is put together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QueueOptions {
    /// Of every ten places, how many are drawn by lot.
    pub by_lot: usize,
    /// Of every ten places, how many one category (the likeliest of a call) may take by doubt.
    pub per_category: usize,
    /// Start of the lots; a new one each day shows other calls.
    pub seed: u64,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { by_lot: 1, per_category: 3, seed: 17 }
    }
}

/// What a look at a call teaches: the mean of closeness (of the two likeliest categories) and of spread (entropy over
/// all, by its greatest value).
pub fn value(scores: &[(String, f32)]) -> f32 {
    if scores.len() < 2 {
        return 0.0;
    }
    let mut best: Vec<f32> = scores.iter().map(|s| s.1.clamp(0.0, 1.0)).collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let entropy: f32 = best.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum();
    (0.5 * (1.0 - (best[0] - best[1])) + 0.5 * entropy / (best.len() as f32).ln()).clamp(0.0, 1.0)
}

/// All calls in the order in which to look at them.
pub fn order(waiting: &[Waiting], options: &QueueOptions) -> Vec<Pick> {
    let values: Vec<f32> = waiting.iter().map(|w| value(&w.scores)).collect();
    let mut by_value: Vec<usize> = (0..waiting.len()).collect();
    by_value.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then_with(|| waiting[a].id.cmp(&waiting[b].id)));
    let mut lots: Vec<usize> = (0..waiting.len()).collect();
    // By id first, so that the lots do not depend on the order in which calls were given.
    lots.sort_by(|&a, &b| waiting[a].id.cmp(&waiting[b].id));
    let mut random = Random(options.seed);
    for at in (1..lots.len()).rev() {
        lots.swap(at, random.below(at + 1));
    }
    let mut taken = vec![false; waiting.len()];
    let mut out: Vec<Pick> = Vec::with_capacity(waiting.len());
    while out.len() < waiting.len() {
        let block = out.len() + 10;
        let mut by_category: BTreeMap<&str, usize> = BTreeMap::new();
        let mut put = |index: usize, why: Why, taken: &mut Vec<bool>| {
            taken[index] = true;
            out.push(Pick { index, why, value: values[index] });
            out.len()
        };
        let by_doubt = 10 - options.by_lot.min(10);
        let mut length = block - 10;
        // The cap first; what it leaves free is filled by value alone.
        for capped in [true, false] {
            for &index in &by_value {
                if length >= block - 10 + by_doubt {
                    break;
                }
                let likeliest = waiting[index].scores.first().map_or("", |s| s.0.as_str());
                let used = by_category.entry(likeliest).or_default();
                if taken[index] || capped && *used >= options.per_category {
                    continue;
                }
                *used += 1;
                length = put(index, Why::Doubt, &mut taken);
            }
        }
        for &index in &lots {
            if length >= block {
                break;
            }
            if !taken[index] {
                length = put(index, Why::Chance, &mut taken);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(n: usize, label: &str, first: f32) -> Waiting {
        let scores = vec![(label.to_owned(), first), ("other".to_owned(), 1.0 - first)];
        Waiting { id: format!("{n:03}"), scores }
    }

    fn sample() -> Vec<Waiting> {
        // Sixty close calls of one category, twenty less close of another, twenty sure ones.
        (0..60)
            .map(|n| waiting(n, "target", 0.51 + n as f32 / 1000.0))
            .chain((60..80).map(|n| waiting(n, "doctor", 0.7)))
            .chain((80..100).map(|n| waiting(n, "no_topic", 0.99)))
            .collect()
    }

    #[test]
    fn every_call_comes_once_and_one_category_does_not_fill_the_page() {
        let calls = sample();
        let picks = order(&calls, &QueueOptions::default());
        let mut indices: Vec<usize> = picks.iter().map(|p| p.index).collect();
        let page: Vec<&str> = indices[..9].iter().map(|&i| calls[i].scores[0].0.as_str()).collect();
        assert_eq!(page.iter().filter(|l| **l == "target").count(), 3);
        assert_eq!(picks.iter().take(20).filter(|p| p.why == Why::Chance).count(), 2);
        indices.sort_unstable();
        assert_eq!(indices, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn doubt_is_worth_more_than_certainty_and_lots_follow_the_seed() {
        assert!(value(&waiting(0, "a", 0.5).scores) > 0.99);
        assert!(value(&waiting(0, "a", 0.99).scores) < 0.1);
        let calls = sample();
        let drawn = |seed| -> Vec<usize> {
            let picks = order(&calls, &QueueOptions { seed, ..QueueOptions::default() });
            picks.into_iter().filter(|p| p.why == Why::Chance).map(|p| p.index).take(3).collect()
        };
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert!(order(&[], &QueueOptions::default()).is_empty());
    }
}
