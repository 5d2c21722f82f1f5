//! What a text means, as a vector: texts that say the same in other words lie close together.
//!
//! The model behind it is large and not everybody has it, so it is given from outside, and all that uses it does without.

use std::fmt;
use std::sync::Arc;

/// Numbers of a vector.
pub const LENGTH: usize = 384;

/// What gives a text its vector.
type Asked = dyn Fn(&str) -> [f32; LENGTH] + Send + Sync;

/// Gives vectors of length one; the same text always has the same one.
#[derive(Clone)]
pub struct Meaning {
    text: Arc<Asked>,
    question: Arc<Asked>,
}

impl Meaning {
    /// By a function that any thread may call.
    pub fn new(vector: impl Fn(&str) -> [f32; LENGTH] + Send + Sync + 'static) -> Self {
        let text: Arc<Asked> = Arc::new(vector);
        Self { question: Arc::clone(&text), text }
    }

    /// With a reading of its own for questions to a clinic and the entries of its list.
    pub fn for_questions(self, vector: impl Fn(&str) -> [f32; LENGTH] + Send + Sync + 'static) -> Self {
        Self { question: Arc::new(vector), ..self }
    }

    /// The vector of a text.
    pub fn vector(&self, text: &str) -> [f32; LENGTH] {
        (self.text)(text)
    }

    /// The vector of a question to a clinic, or of an entry of its list; to be compared with such alone.
    pub fn question(&self, text: &str) -> [f32; LENGTH] {
        (self.question)(text)
    }

    /// The vectors of many texts, by as many threads as there are processors.
    pub fn vectors(&self, texts: &[String]) -> Vec<[f32; LENGTH]> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = texts.len().div_ceil(threads).max(1);
        std::thread::scope(|scope| {
            let parts = texts.chunks(share);
            let running: Vec<_> = parts
                .map(|part| scope.spawn(|| part.iter().map(|text| self.vector(text)).collect::<Vec<_>>()))
                .collect();
            running.into_iter().flat_map(|part| part.join().expect("invariant: a vector does not panic")).collect()
        })
    }
}

impl fmt::Debug for Meaning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meaning")
    }
}
