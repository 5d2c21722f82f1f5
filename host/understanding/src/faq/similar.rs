//! A second opinion on a question that no topic settled: how much of its letters, by runs of three, an entry repeats in
//! its question or answer, each run weighted by how few of the clinic's entries contain it.

use std::collections::{HashMap, HashSet};

use crate::normalise::char_ngrams;

/// Share of a question's weight that one entry must repeat.
const ENOUGH: f32 = 0.5;

/// How far ahead of the next entry it must be.
const AHEAD: f32 = 0.2;

/// The letters of all entries.
#[derive(Debug, Clone, Default)]
pub(super) struct Letters {
    entries: Vec<HashSet<String>>,
    /// In how many entries each run of letters stands.
    counts: HashMap<String, usize>,
}

impl Letters {
    /// Reads the stems of each entry.
    pub fn new<'a>(entries: impl Iterator<Item = Vec<&'a String>>) -> Letters {
        let entries: Vec<HashSet<String>> =
            entries.map(|stems| stems.into_iter().flat_map(|s| runs(s)).collect()).collect();
        let mut counts = HashMap::new();
        for run in entries.iter().flatten() {
            *counts.entry(run.clone()).or_default() += 1;
        }
        Letters { entries, counts }
    }

    /// The entry that clearly repeats the most of `asked`, with the share it repeats.
    pub fn nearest(&self, asked: &[String]) -> Option<(usize, f32)> {
        let runs: Vec<String> = asked.iter().flat_map(|stem| runs(stem)).collect();
        let all: f32 = runs.iter().map(|run| self.weight(run)).sum();
        let share = |entry: &HashSet<String>| {
            let common: f32 = runs.iter().filter(|run| entry.contains(*run)).map(|run| self.weight(run)).sum();
            if all > 0.0 { common / all } else { 0.0 }
        };
        let mut shares: Vec<(usize, f32)> = self.entries.iter().map(share).enumerate().collect();
        shares.sort_by(|a, b| b.1.total_cmp(&a.1));
        let &(entry, best) = shares.first()?;
        let next = shares.get(1).map_or(0.0, |s| s.1);
        (best >= ENOUGH && best - next >= AHEAD).then_some((entry, best))
    }

    fn weight(&self, run: &str) -> f32 {
        let among = self.counts.get(run).copied().unwrap_or(0) as f32;
        ((self.entries.len() as f32 + 1.0) / (among + 1.0)).ln() + 0.2
    }
}

fn runs(stem: &str) -> Vec<String> {
    char_ngrams(stem, 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_that_repeats_most_is_nearest_unless_another_is_close() {
        let entries = [["намордник", "собак"], ["парковк", "машин"], ["парковк", "велосипед"]];
        let entries = entries.map(|stems| stems.map(String::from).to_vec());
        let letters = Letters::new(entries.iter().map(|stems| stems.iter().collect()));
        let nearest = |asked: &str| letters.nearest(&[asked.to_owned()]).map(|(entry, _)| entry);
        assert_eq!(nearest("намордничк"), Some(0));
        assert_eq!(nearest("парковк"), None);
        assert_eq!(nearest("кофейн"), None);
    }
}
