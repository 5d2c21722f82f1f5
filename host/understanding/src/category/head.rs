//! The second opinion of a model: a linear reading of what the caller's words mean as a whole, asked where the words one by
//! one leave a doubt.
//!
//! Whether a clinic offers what is asked for is no matter of meaning: labels that the clinic's lists tell apart
//! ([`LISTS_DECIDE`]) are one to it, and it moves them together.

use super::learner::{Example, fit};
use super::model::softmax;
use crate::meaning::LENGTH;

/// A verdict of the words alone that is surer than this stands: asking further would change next to none of them, and a
/// vector costs more than all the rest.
pub(super) const SURE: f32 = 0.95;
/// How much the second opinion weighs beside the words.
const SHARE: f32 = 0.6;
/// What differs by the clinic's lists alone.
const LISTS_DECIDE: [&str; 2] = ["target", "not_our_service"];
/// What a vector's numbers are multiplied by before they are fitted: they are small.
const SCALE: f32 = 20.0;
const L2: f32 = 4e-3;
const ITERATIONS: usize = 120;

/// Weights by label and number, biases by label.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Head {
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// A vector to learn from, and the place of its label.
pub(super) type Lesson<'a> = (&'a [f32; LENGTH], usize);

impl Head {
    /// Learns from vectors; every kind of call weighs as much as every other.
    pub fn fit(lessons: &[Lesson], labels: &[String]) -> Self {
        let is_listed = |label: &String| LISTS_DECIDE.contains(&label.as_str());
        let listed = labels.iter().position(is_listed);
        let mut kinds: Vec<usize> = Vec::with_capacity(labels.len());
        let mut count = 0;
        for (at, label) in labels.iter().enumerate() {
            match listed.filter(|first| is_listed(label) && *first < at) {
                Some(first) => kinds.push(kinds[first]),
                None => {
                    kinds.push(count);
                    count += 1;
                }
            }
        }
        let mut lessons_of = vec![0.0_f32; count];
        lessons.iter().for_each(|(_, label)| lessons_of[kinds[*label]] += 1.0);
        let balance = |kind: usize| lessons.len() as f32 / (count as f32 * lessons_of[kind].max(1.0));
        let mut mean = [0.0_f32; LENGTH];
        for (vector, ..) in lessons {
            mean.iter_mut().zip(*vector).for_each(|(m, v)| *m += v / lessons.len() as f32);
        }
        let example = |&(vector, label): &Lesson| Example {
            vector: (0..LENGTH).map(|n| (n as u32, SCALE * (vector[n] - mean[n]))).collect(),
            label: kinds[label],
            weight: balance(kinds[label]),
        };
        let examples: Vec<Example> = lessons.iter().map(example).collect();
        let fitted = fit(&examples, LENGTH, count, L2, ITERATIONS);
        let weights: Vec<f32> = kinds
            .iter()
            .flat_map(|&kind| (0..LENGTH).map(move |n| (n, kind)))
            .map(|(n, kind)| SHARE * SCALE * fitted.weights[n * count + kind])
            .collect();
        let moved = |label: usize| -> f32 { mean.iter().zip(&weights[label * LENGTH..]).map(|(m, w)| m * w).sum() };
        let bias = kinds.iter().enumerate().map(|(label, &kind)| SHARE * fitted.bias[kind] - moved(label)).collect();
        Self { weights, bias }
    }

    /// Adds what a vector says to the logits of the words.
    pub fn add(&self, vector: &[f32; LENGTH], logits: &mut [f32]) {
        for ((logit, weights), bias) in logits.iter_mut().zip(self.weights.chunks_exact(LENGTH)).zip(&self.bias) {
            *logit += bias + weights.iter().zip(vector).map(|(w, v)| w * v).sum::<f32>();
        }
    }

    /// Bytes of the file for so many labels.
    pub fn bytes(labels: usize) -> usize {
        labels * (LENGTH + 1) * 4
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        self.weights.iter().chain(&self.bias).for_each(|number| out.extend(number.to_le_bytes()));
    }

    /// Reads what [`Head::write`] wrote; `bytes` are as many as [`Head::bytes`] says.
    pub fn read(bytes: &[u8], labels: usize) -> Self {
        let mut weights: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
        let bias = weights.split_off(labels * LENGTH);
        Self { weights, bias }
    }
}

/// Whether the words alone are sure enough.
pub(super) fn is_sure(probabilities: &[f32]) -> bool {
    probabilities.iter().any(|p| *p >= SURE)
}

/// The probabilities of a call whose words say `words` (logits) and whose words and meaning say `both`.
pub(super) fn settled(words: &[f32], temperature: f32, both: &[f32], temperature_of_both: f32) -> Vec<f32> {
    let alone = softmax(words, temperature);
    if is_sure(&alone) { alone } else { softmax(both, temperature_of_both) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(at: usize, n: usize) -> [f32; LENGTH] {
        let mut vector = [0.05; LENGTH];
        vector[at] = 0.4 + 0.01 * (n % 7) as f32;
        vector
    }

    #[test]
    fn what_is_learned_is_kept_in_a_file() {
        let vectors: Vec<([f32; LENGTH], usize)> = (0..60).map(|n| (vector(n % 3, n), n % 3)).collect();
        let lessons: Vec<Lesson> = vectors.iter().map(|(v, label)| (v, *label)).collect();
        let head = Head::fit(&lessons, &["a", "b", "c"].map(str::to_owned));
        for label in 0..3 {
            let mut logits = [0.0; 3];
            head.add(&vector(label, 3), &mut logits);
            let best = (0..3).max_by(|a, b| logits[*a].total_cmp(&logits[*b]));
            assert_eq!(best, Some(label), "{logits:?}");
        }
        let mut bytes = Vec::new();
        head.write(&mut bytes);
        assert_eq!(bytes.len(), Head::bytes(3));
        assert_eq!(Head::read(&bytes, 3), head);
    }

    #[test]
    fn what_the_lists_decide_is_moved_together() {
        let labels = ["doctor", "not_our_service", "target"].map(str::to_owned);
        let vectors: Vec<([f32; LENGTH], usize)> = (0..60).map(|n| (vector(n % 3, n), n % 3)).collect();
        let lessons: Vec<Lesson> = vectors.iter().map(|(v, label)| (v, *label)).collect();
        let head = Head::fit(&lessons, &labels);
        for at in 0..3 {
            let mut logits = [0.0; 3];
            head.add(&vector(at, 3), &mut logits);
            assert_eq!(logits[1], logits[2]);
            assert_eq!(logits[0] > logits[1], at == 0, "{logits:?}");
        }
    }

    #[test]
    fn a_sure_verdict_of_the_words_stands() {
        assert_eq!(settled(&[9.0, 0.0], 1.0, &[0.0, 9.0], 1.0), softmax(&[9.0, 0.0], 1.0));
        assert_eq!(settled(&[1.0, 0.0], 1.0, &[0.0, 9.0], 2.0), softmax(&[0.0, 9.0], 2.0));
    }
}
