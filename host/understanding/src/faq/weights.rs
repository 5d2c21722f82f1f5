//! What each sign counts, learned from labelled questions: a softmax over a clinic's entries and "not in the list".
//!
//! The weights are `data/faq_weights.txt`, and `data/faq_weights_meaning.txt` where meaning is compared; the example
//! `faq_fit` remakes them from `tests/data`.

use std::sync::LazyLock;

use super::Matcher;
use super::signs::names;

/// A weight for every sign.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights(pub(super) Vec<f32>);

/// A question with the number of its entry; none where the list has no answer.
pub struct Example {
    candidates: Vec<Vec<f32>>,
    truth: usize,
}

impl Example {
    /// A question as asked of a list, with the entry that answers.
    pub fn new(matcher: &Matcher, text: &str, answer: Option<usize>) -> Self {
        let candidates = matcher.candidates(text);
        let truth = answer.unwrap_or(candidates.len() - 1);
        Self { candidates, truth }
    }
}

impl Weights {
    /// Those this program ships with.
    pub(super) fn embedded() -> &'static Weights {
        static WEIGHTS: LazyLock<Weights> =
            LazyLock::new(|| Weights::parse(include_str!("../../data/faq_weights.txt")));
        &WEIGHTS
    }

    /// Those for questions whose meaning is compared, too.
    pub(super) fn with_meaning() -> &'static Weights {
        static WEIGHTS: LazyLock<Weights> =
            LazyLock::new(|| Weights::parse(include_str!("../../data/faq_weights_meaning.txt")));
        &WEIGHTS
    }

    /// Lines `weight name`; a sign that no line names weighs nothing.
    pub fn parse(text: &str) -> Weights {
        let line = |line: &str| line.split_once(' ').map(|(weight, name)| (name.to_owned(), weight.parse::<f32>()));
        let read: Vec<(String, f32)> =
            text.lines().filter_map(line).filter_map(|(name, weight)| Some((name, weight.ok()?))).collect();
        let weight = |name: &String| read.iter().find(|(read, _)| read == name).map_or(0.0, |(_, weight)| *weight);
        Weights(names().iter().map(weight).collect())
    }

    /// The file's text.
    pub fn to_text(&self) -> String {
        names().iter().zip(&self.0).map(|(name, weight)| format!("{weight:.3} {name}\n")).collect()
    }

    /// Fits weights by full gradients (Adam; Kingma, Ba 2015) with `l2` on the squares; the same examples give the same
    /// weights.
    pub fn fit(examples: &[&Example], l2: f64) -> Weights {
        let size = names().len();
        let (mut at, mut mean, mut square) = (vec![0.0_f64; size], vec![0.0_f64; size], vec![0.0_f64; size]);
        for step in 1..=600_i32 {
            let mut gradient: Vec<f64> = at.iter().map(|w| l2 * w).collect();
            let weights: Vec<f32> = at.iter().map(|w| *w as f32).collect();
            for Example { candidates, truth } in examples {
                let chances = softmax(candidates, &weights);
                for (n, (candidate, chance)) in candidates.iter().zip(&chances).enumerate() {
                    let off = f64::from(*chance - f32::from(u8::from(n == *truth))) / examples.len() as f64;
                    for (g, sign) in gradient.iter_mut().zip(candidate).filter(|(_, sign)| **sign != 0.0) {
                        *g += off * f64::from(*sign);
                    }
                }
            }
            let rate = 0.08 * (1.0 - f64::from(step) / 700.0);
            for n in 0..size {
                mean[n] = 0.9 * mean[n] + 0.1 * gradient[n];
                square[n] = 0.99 * square[n] + 0.01 * gradient[n] * gradient[n];
                let (m, s) = (mean[n] / (1.0 - 0.9_f64.powi(step)), square[n] / (1.0 - 0.99_f64.powi(step)));
                at[n] -= rate * m / (s.sqrt() + 1e-6);
            }
        }
        Weights(at.into_iter().map(|w| w as f32).collect())
    }
}

/// The chance of every candidate.
pub(super) fn softmax(candidates: &[Vec<f32>], weights: &[f32]) -> Vec<f32> {
    let score = |signs: &Vec<f32>| signs.iter().zip(weights).map(|(s, w)| s * w).sum::<f32>();
    let scores: Vec<f32> = candidates.iter().map(score).collect();
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f32> = scores.iter().map(|s| (s - top).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::FaqEntry;

    #[test]
    fn weights_survive_their_file_and_fitting_learns() {
        let entry = |id: &str, question: &str| FaqEntry { id: id.into(), question: question.into(), answer: "".into() };
        let matcher = Matcher::new(&[entry("hours", "Режим работы"), entry("park", "Парковка")]);
        let example = |text, answer| Example::new(&matcher, text, answer);
        let examples =
            [example("до скольки вы", Some(0)), example("машину где поставить", Some(1)), example("какой корм", None)];
        let fitted = Weights::fit(&examples.iter().collect::<Vec<_>>(), 1e-3);
        assert!(softmax(&matcher.candidates("куда машину деть"), &fitted.0)[1] > 0.5);
        let read = Weights::parse(&fitted.to_text());
        assert!(read.0.iter().zip(&fitted.0).all(|(a, b)| (a - b).abs() < 1e-3));
    }
}
