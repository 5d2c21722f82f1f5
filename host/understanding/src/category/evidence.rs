//! Why a call got its category: the caller's words whose features spoke most for it, merged into phrases.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::features::{Analysed, Feature};
use super::model::{Known, Model, UNKNOWN};
use super::{CallText, Turn};

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
    /// From and to in the audio, in seconds from the start of the call, when it is known when the turn was spoken:
    /// by the times of its words ([`Verdict::place`](super::Verdict::place)), else by their share of the turn's letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<(f32, f32)>,
}

/// When a word was spoken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordTime {
    /// The word as heard.
    pub text: String,
    /// From the start of the call.
    pub start_ms: u64,
    /// From the start of the call.
    pub end_ms: u64,
}

/// Seconds of a stretch of a turn's letters, by their share of the turn.
pub(super) fn by_letters(turn: &Turn, chars: &Range<usize>) -> Option<(f32, f32)> {
    let length = turn.text.chars().count();
    if turn.end_ms <= turn.start_ms || length == 0 {
        return None;
    }
    let spoken = (turn.end_ms - turn.start_ms) as f32 / 1000.0;
    let at = |n: usize| turn.start_ms as f32 / 1000.0 + spoken * n.min(length) as f32 / length as f32;
    Some((at(chars.start), at(chars.end)))
}

/// Puts phrases where their words were spoken. `words` has the words of every turn of the call, none where not known.
pub(super) fn place(evidence: &mut [Evidence], call: &CallText, words: &[Vec<WordTime>]) {
    for found in evidence {
        let before: usize = call
            .caller_turns()
            .take_while(|(n, _)| *n < found.turn)
            .map(|(_, turn)| turn.text.chars().count() + 1)
            .sum();
        let (Some(turn), Some(times)) = (call.turns.get(found.turn), words.get(found.turn)) else { continue };
        let chars = found.start.saturating_sub(before)..found.end.saturating_sub(before);
        // The words of the turn and the words with times are the same ones, but may be cut otherwise: their letters
        // are counted through.
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
        let until = |at: usize| letters(&turn.text.chars().take(at).collect::<String>());
        let (from, to) = (until(chars.start), until(chars.end));
        let mut passed = 0;
        let mut span: Option<(u64, u64)> = None;
        for time in times {
            let next = passed + letters(&time.text);
            if next > from && passed < to {
                span = Some((span.map_or(time.start_ms, |s| s.0), time.end_ms));
            }
            passed = next;
        }
        if let Some((from, to)) = span {
            found.seconds = Some((from as f32 / 1000.0, to as f32 / 1000.0));
        }
    }
}

/// Phrases shown, at most.
const PHRASES: usize = 3;

/// The strongest phrases for `label`, strongest first.
pub(super) fn of(model: &Model, call: &CallText, analysed: &Analysed, known: &Known, label: &str) -> Vec<Evidence> {
    let labels = &model.info().labels;
    let Some(target) = labels.iter().position(|l| l == label) else { return Vec::new() };
    // A feature speaks for the label by as much as it favours it over the average label.
    let placed = |feature: &Feature| feature.words.0 != u16::MAX;
    let mut occurrences: Vec<u32> = vec![0; known.entries.len()];
    for (feature, &place) in analysed.features.iter().zip(&known.places) {
        if place != UNKNOWN && placed(feature) {
            occurrences[place as usize] += 1;
        }
    }
    let share = |(&(row, value), &times): (&(u32, f32), &u32)| {
        let weights = model.row(row);
        let mean = weights.iter().sum::<f32>() / weights.len() as f32;
        value * (weights[target] - mean) / times as f32
    };
    let shares: Vec<f32> = known.entries.iter().zip(&occurrences).map(share).collect();
    let mut scores: Vec<Vec<f32>> = analysed.turns.iter().map(|t| vec![0.0; t.text.words.len()]).collect();
    for (feature, &place) in analysed.features.iter().zip(&known.places) {
        if place == UNKNOWN || !placed(feature) {
            continue;
        }
        let (first, last) = (usize::from(feature.words.0), usize::from(feature.words.1));
        let share = shares[place as usize] / (last - first + 1) as f32;
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
            let seconds = by_letters(&call.turns[turn.turn], &chars);
            phrases.push(Evidence { start, end, turn: turn.turn, text, weight, seconds });
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
