//! Why a call got its category: the caller's words whose features spoke most for it, merged into phrases.

use serde::{Deserialize, Serialize};

use super::CallText;
use super::features::Analysed;
use super::model::Model;

/// A stretch of the caller's words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// First character, counted in [`CallText::caller_text`].
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The turn it stands in (an index into [`CallText::turns`]).
    pub turn: usize,
    /// The words themselves.
    pub text: String,
    /// Its share of all that spoke for the category, 0 to 1.
    pub weight: f32,
}

/// Phrases shown, at most.
const PHRASES: usize = 3;

/// The strongest phrases for `label`, strongest first.
pub(super) fn of(model: &Model, call: &CallText, analysed: &Analysed, label: &str) -> Vec<Evidence> {
    let labels = &model.info().labels;
    let Some(target) = labels.iter().position(|l| l == label) else { return Vec::new() };
    // A feature speaks for the label by as much as it favours it over the average label.
    let mut values: Vec<(u32, f32)> = model.vector(analysed);
    values.sort_unstable_by_key(|v| v.0);
    let mut occurrences: std::collections::HashMap<u32, usize> = std::collections::HashMap::new();
    let placed = || analysed.features.iter().filter(|f| f.words.0 != u16::MAX);
    for feature in placed() {
        if let Some(row) = model.row_of(feature) {
            *occurrences.entry(row).or_default() += 1;
        }
    }
    let mut scores: Vec<Vec<f32>> = analysed.turns.iter().map(|t| vec![0.0; t.text.words.len()]).collect();
    for feature in placed() {
        let Some(row) = model.row_of(feature) else { continue };
        let Ok(at) = values.binary_search_by_key(&row, |v| v.0) else { continue };
        let weights = model.row(row);
        let mean = weights.iter().sum::<f32>() / weights.len() as f32;
        let (first, last) = (usize::from(feature.words.0), usize::from(feature.words.1));
        let share = values[at].1 * (weights[target] - mean) / occurrences[&row] as f32 / (last - first + 1) as f32;
        for score in scores[usize::from(feature.turn)].iter_mut().take(last + 1).skip(first) {
            *score += share;
        }
    }
    let mut offset = 0;
    let mut offsets = vec![None; call.turns.len()];
    for (index, turn) in call.caller_turns() {
        offsets[index] = Some(offset);
        offset += turn.text.chars().count() + 1;
    }
    let total: f32 = scores.iter().flatten().filter(|s| **s > 0.0).sum();
    let mut phrases = Vec::new();
    for (turn, scores) in analysed.turns.iter().zip(&scores) {
        let Some(offset) = offsets[turn.turn] else { continue };
        let top = scores.iter().copied().fold(0.0_f32, f32::max);
        for (first, last) in runs(scores, 0.25 * top) {
            let chars = turn.text.words[first].chars.start..turn.text.words[last].chars.end;
            let text: String = call.turns[turn.turn].text.chars().skip(chars.start).take(chars.len()).collect();
            let weight = scores[first..=last].iter().sum::<f32>() / total.max(1e-9);
            let (start, end) = (offset + chars.start, offset + chars.end);
            phrases.push(Evidence { start, end, turn: turn.turn, text, weight });
        }
    }
    phrases.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.start.cmp(&b.start)));
    phrases.truncate(PHRASES);
    let strongest = phrases.first().map_or(0.0, |p| p.weight);
    phrases.retain(|p| p.weight > 0.0 && p.weight >= 0.2 * strongest);
    phrases
}

/// Runs of words above `floor`, joined across one word below it.
fn runs(scores: &[f32], floor: f32) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    for (at, _) in scores.iter().enumerate().filter(|(_, s)| **s > floor.max(1e-6)) {
        match out.last_mut() {
            Some((_, last)) if at - *last <= 2 => *last = at,
            _ => out.push((at, at)),
        }
    }
    out
}
