//! What turns of callers look like, learnt from examples: complement naive Bayes over stems, pairs of stems and pieces of
//! words. Known phrases decide where they speak clearly; examples answer for wordings that no list foresaw.
//!
//! Learning is counting, done once when first asked for: a few hundred short lines (`models/lexicon/intent_examples.txt`).

use std::collections::HashMap;
use std::sync::LazyLock;

use super::IntentKind;
use crate::lexicon::text::Text;
use crate::normalise::char_ngrams;

/// Weight of a kind for a feature, and the kinds in the order of the weights.
struct Learnt {
    kinds: Vec<IntentKind>,
    weights: HashMap<String, Vec<f32>>,
}

/// The kinds with their probabilities, the likeliest first; empty when nothing of the text is known.
pub(super) fn opinion(text: &Text) -> Vec<(IntentKind, f32)> {
    let mut scores = vec![0.0; LEARNT.kinds.len()];
    let mut known = 0;
    let features = features(text);
    for weights in features.iter().filter_map(|feature| LEARNT.weights.get(feature)) {
        known += 1;
        scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += weight);
    }
    if 2 * known < features.len() {
        return Vec::new();
    }
    // Length makes naive Bayes too sure of itself; the root takes that back.
    let heat = (known as f32).sqrt();
    let best = scores.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f32> = scores.iter().map(|score| ((score - best) * 4.0 / heat).exp()).collect();
    let sum: f32 = powers.iter().sum();
    let mut out: Vec<(IntentKind, f32)> = LEARNT.kinds.iter().copied().zip(powers.iter().map(|p| p / sum)).collect();
    out.sort_by(|a, b| b.1.total_cmp(&a.1));
    out
}

/// Stems, neighbouring stems, and pieces of four letters of the words.
fn features(text: &Text) -> Vec<String> {
    let words: Vec<_> = text.words.iter().skip(text.opening.min(text.words.len().saturating_sub(1))).collect();
    let mut out: Vec<String> = words.iter().map(|w| w.stem.clone()).collect();
    out.extend(words.windows(2).map(|pair| format!("{} {}", pair[0].stem, pair[1].stem)));
    for word in &words {
        out.extend(char_ngrams(&word.text, 4).into_iter().map(|gram| format!("#{gram}")));
    }
    out.sort();
    out.dedup();
    out
}

static LEARNT: LazyLock<Learnt> = LazyLock::new(|| {
    let mut kinds: Vec<IntentKind> = Vec::new();
    let mut counts: HashMap<String, Vec<f32>> = HashMap::new();
    for (kind, said) in lines() {
        let at = kinds.iter().position(|k| *k == kind).unwrap_or_else(|| {
            kinds.push(kind);
            kinds.len() - 1
        });
        for feature in features(&Text::new(said)) {
            let row = counts.entry(feature).or_default();
            row.resize(row.len().max(at + 1), 0.0);
            row[at] += 1.0;
        }
    }
    let mut totals = vec![0.0_f32; kinds.len()];
    for row in counts.values_mut() {
        row.resize(kinds.len(), 0.0);
        totals.iter_mut().zip(row.iter()).for_each(|(total, count)| *total += count);
    }
    let (all, smooth, vocabulary) = (totals.iter().sum::<f32>(), 0.3, counts.len() as f32);
    let weigh = |row: &Vec<f32>| {
        let sum: f32 = row.iter().sum();
        let weight = |(count, total): (&f32, &f32)| {
            let own = (count + smooth) / (total + smooth * vocabulary);
            let others = (sum - count + smooth) / (all - total + smooth * vocabulary);
            (own / others).ln()
        };
        row.iter().zip(&totals).map(weight).collect()
    };
    let weights = counts.iter().map(|(feature, row)| (feature.clone(), weigh(row))).collect();
    Learnt { kinds, weights }
});

fn lines() -> impl Iterator<Item = (IntentKind, &'static str)> {
    include_str!("../../../../models/lexicon/intent_examples.txt").lines().filter_map(|line| {
        let (kind, said) = line.split_once('|').filter(|_| !line.starts_with('#'))?;
        Some((serde_json::from_value(kind.trim().into()).ok()?, said.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_examples_is_read() {
        let text = include_str!("../../../../models/lexicon/intent_examples.txt");
        let written = text.lines().filter(|line| line.contains('|') && !line.starts_with('#')).count();
        assert_eq!(lines().count(), written);
        assert!(LEARNT.kinds.len() >= 14, "{:?}", LEARNT.kinds);
    }

    #[test]
    fn new_wordings_are_understood_by_their_pieces() {
        let likeliest = |text: &str| opinion(&Text::new(text)).first().map(|(kind, _)| *kind);
        assert_eq!(likeliest("хочу услышать живых людей"), Some(IntentKind::Operator));
        assert_eq!(likeliest("анализики готовы?"), Some(IntentKind::Results));
        assert_eq!(likeliest("щшз"), None);
    }
}
