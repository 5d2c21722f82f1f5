//! What is near by sense: how well the words of a question and those of the entries mean the same, where no list of
//! words brings them together ([`crate::lexicon::senses`]).

use super::Entry;
use super::likeness::likeness;
use super::topics::Reading;
use crate::lexicon::senses::{Sense, mean, rarity};

/// How near a question and an entry are, each number from 0 to 1 and every word counted by its rarity.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Near {
    /// Of the question's words, in the title.
    pub title: f32,
    /// Of the question's words, in title or answer.
    pub answer: f32,
    /// Of the title's words, in the question.
    pub asked: f32,
    /// Of the means of all words, question and title.
    pub mean_title: f32,
    /// Of the means of all words, question and answer.
    pub mean_answer: f32,
    /// Of the question's words by which no topic was found, in title or answer.
    pub own_words: f32,
}

impl Near {
    /// For every entry.
    pub fn of(asked: &Reading, entries: &[Entry]) -> Vec<Near> {
        entries.iter().map(|entry| Near::to(asked, entry)).collect()
    }

    fn to(asked: &Reading, entry: &Entry) -> Near {
        let (title, answer) = (&entry.question, &entry.answer);
        let (mut in_title, mut in_both, mut all) = (0.0, 0.0, 0.0);
        let (mut own, mut own_all) = (0.0, 0.0);
        for (word, sense) in asked.stems.iter().zip(&asked.senses) {
            let weight = rarity(sense.as_ref());
            let title = nearest(word, sense.as_ref(), title);
            let both = title.max(nearest(word, sense.as_ref(), answer));
            in_title += weight * title;
            in_both += weight * both;
            all += weight;
            if asked.own.contains(word) {
                own += weight * both;
                own_all += weight;
            }
        }
        let (mut of_title, mut title_all) = (0.0, 0.0);
        for (word, sense) in title.stems.iter().zip(&title.senses) {
            let weight = rarity(sense.as_ref());
            of_title += weight * nearest(word, sense.as_ref(), asked);
            title_all += weight;
        }
        let share = |of: f32, all: f32| if all > 0.0 { of / all } else { 0.0 };
        let means = [asked, title, answer].map(|reading| mean(&reading.senses));
        Near {
            title: share(in_title, all),
            answer: share(in_both, all),
            asked: share(of_title, title_all),
            mean_title: likeness_of_means(&means[0], &means[1]),
            mean_answer: likeness_of_means(&means[0], &means[2]),
            own_words: share(own, own_all),
        }
    }

    /// The greatest of each.
    pub fn best(near: &[Near]) -> Near {
        near.iter().fold(Near::default(), |best, n| Near {
            title: best.title.max(n.title),
            answer: best.answer.max(n.answer),
            asked: best.asked.max(n.asked),
            mean_title: best.mean_title.max(n.mean_title),
            mean_answer: best.mean_answer.max(n.mean_answer),
            own_words: best.own_words.max(n.own_words),
        })
    }

    /// All of it in one number.
    pub fn all(&self) -> f32 {
        self.title + self.answer + self.asked + self.mean_title
    }
}

/// Words that have little in common count as strangers: from here on senses begin to be near.
const STRANGERS: f32 = 0.25;

fn nearest(word: &str, sense: Option<&Sense>, among: &Reading) -> f32 {
    let near = |(other, of): (&String, &Option<Sense>)| {
        let by_letters = if other == word { 1.0 } else { likeness(other, word) };
        let by_sense = match (sense, of) {
            (Some(a), Some(b)) => ((a.cosine(b) - STRANGERS) / (1.0 - STRANGERS)).max(0.0),
            _ => 0.0,
        };
        by_letters.max(by_sense)
    };
    among.stems.iter().zip(&among.senses).map(near).fold(0.0, f32::max)
}

fn likeness_of_means(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { (dot(a, b) / lengths).max(0.0) } else { 0.0 }
}
