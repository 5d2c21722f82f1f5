//! How near a question and the entries are as whole sentences, where their meaning is asked for ([`crate::meaning`]).

use super::Entry;
use crate::meaning::LENGTH;

/// Sentences of one language are never further apart than this; from here on likeness tells something.
const STRANGERS: f32 = 0.8;
/// What is left between it and sameness.
const SPAN: f32 = 0.2;

/// Of every entry; nothing where meaning is not asked for.
#[derive(Debug, Default)]
pub(super) struct Meant {
    /// Likeness of the question and the title, about 0 to 1.
    pub title: Vec<f32>,
    /// Of the question, and title and answer together.
    pub answer: Vec<f32>,
}

impl Meant {
    /// For every entry.
    pub fn of(asked: Option<&[f32; LENGTH]>, entries: &[Entry]) -> Self {
        let vectors: Option<Vec<_>> = entries.iter().map(|entry| entry.vectors.as_deref()).collect();
        let (Some(asked), Some(vectors)) = (asked, vectors) else { return Self::default() };
        let near = |vector: &[f32; LENGTH]| {
            let cosine: f32 = asked.iter().zip(vector).map(|(a, b)| a * b).sum();
            (cosine - STRANGERS) / SPAN
        };
        Self {
            title: vectors.iter().map(|two| near(&two[0])).collect(),
            answer: vectors.iter().map(|two| near(&two[1])).collect(),
        }
    }

    /// The signs of an entry.
    pub fn of_entry(&self, at: usize) -> [f32; 5] {
        let (Some(&title), Some(&answer)) = (self.title.get(at), self.answer.get(at)) else { return [0.0; 5] };
        let (best_title, best_answer) = (greatest(&self.title), greatest(&self.answer));
        let nearest = title + answer >= greatest(&self.both());
        [title, answer, best_title - title, best_answer - answer, f32::from(u8::from(nearest))]
    }

    /// The signs of no entry: the nearest, and how far it is before the next.
    pub fn of_none(&self) -> [f32; 3] {
        if self.title.is_empty() {
            return [0.0; 3];
        }
        let mut both = self.both();
        both.sort_by(|a, b| b.total_cmp(a));
        let ahead = both[0] - both.get(1).copied().unwrap_or_default();
        [greatest(&self.title), greatest(&self.answer), ahead]
    }

    fn both(&self) -> Vec<f32> {
        self.title.iter().zip(&self.answer).map(|(title, answer)| title + answer).collect()
    }
}

fn greatest(of: &[f32]) -> f32 {
    of.iter().copied().fold(f32::MIN, f32::max)
}
