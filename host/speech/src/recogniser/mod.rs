//! Audio in, text out: one trait, several engines.
//!
//! - [`whisper`]: whisper.cpp, the usual one (cargo feature `whisper`);
//! - [`vosk`]: texts while the caller still speaks; its library is loaded at run time;
//! - [`guards`]: against words nobody said;
//! - [`windows`]: long recordings in pieces; [`turns`]: stereo recordings as a conversation.

pub mod guards;
mod open;
pub mod turns;
pub mod vosk;
#[cfg(feature = "whisper")]
pub mod whisper;
pub mod windows;

use std::sync::Arc;

use audio::Pcm;
use serde::{Deserialize, Serialize};

pub use open::{EngineChoice, EngineName, open};

use crate::{SpeechError, Vocabulary};

/// How to listen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listen {
    /// A caller's turn, or a recording.
    pub mode: Mode,
    /// Words and phrases that are likely to be said.
    pub hints: Vec<String>,
    /// One line on what the talk is about; engines that can take it are biased towards its words.
    pub prompt: Option<String>,
    /// The clinic's own words: a bias as well, and what was heard nearly right is mended by them ([`crate::Ears`] does it).
    pub vocabulary: Option<Arc<Vocabulary>>,
    /// Threads to compute a live turn on, for engines that can ([`Recogniser::most_threads`]); 0 is 1. [`crate::Ears`] gives
    /// what is free: with more than there are idle cores a turn takes longer, not shorter.
    pub threads: usize,
}

/// What is being listened to: the answer is wanted at once, or wanted exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// A turn of a live call: as fast as it goes.
    #[default]
    Live,
    /// A recording: as exactly as it goes, with word times.
    Recording,
}

/// What was heard. Times are milliseconds from the start of the audio given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Transcript {
    /// All segments, joined by spaces. Empty when nobody spoke.
    pub text: String,
    /// 0 to 1, mean over the words weighted by length; 0 when there is no text.
    pub confidence: f32,
    /// Phrases.
    pub segments: Vec<Segment>,
    /// Words, where the engine was asked for them or gives them anyway.
    pub words: Vec<Word>,
}

impl Transcript {
    /// The same with near misses of a vocabulary mended in its phrases. Words keep what the engine wrote: a mended one may
    /// have been two of them.
    pub fn repaired(mut self, vocabulary: &Vocabulary) -> Transcript {
        for segment in &mut self.segments {
            segment.text = vocabulary.repair(&segment.text);
        }
        if !self.segments.is_empty() {
            self.text = self.segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ");
        }
        self
    }
}

/// A phrase of a transcript.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// From the start of the audio.
    pub start_ms: u32,
    /// From the start of the audio.
    pub end_ms: u32,
    /// What was said.
    pub text: String,
    /// 0 to 1.
    pub confidence: f32,
}

/// A word of a transcript.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// The word with its punctuation, as the engine wrote it.
    pub text: String,
    /// From the start of the audio.
    pub start_ms: u32,
    /// From the start of the audio.
    pub end_ms: u32,
    /// 0 to 1.
    pub confidence: f32,
}

/// An engine that turns audio into text. Cheap to share; many threads may call it at once.
pub trait Recogniser: Send + Sync {
    /// Engine and model, `whisper-base`.
    fn id(&self) -> &str;

    /// The most threads from which a live turn gains; 1 for engines that have no others.
    fn most_threads(&self) -> usize {
        1
    }

    /// Hears a whole piece of audio. Blocking: seconds of work, so call it from a worker ([`crate::Ears`]).
    ///
    /// Silence, noise and tones give an empty transcript, not an error.
    fn transcribe(&self, audio: &Pcm, listen: &Listen) -> Result<Transcript, SpeechError>;

    /// Opens a stream that gives partial texts while the caller speaks; `None` where the engine cannot.
    fn stream(&self, listen: &Listen) -> Result<Option<Box<dyn RecogniserStream>>, SpeechError> {
        let _ = listen;
        Ok(None)
    }
}

/// Audio pushed piece by piece, as it arrives.
pub trait RecogniserStream: Send {
    /// Takes samples (mono, at `rate`), gives what was understood so far if that changed.
    fn push(&mut self, samples: &[i16], rate: u32) -> Result<Option<String>, SpeechError>;

    /// Ends the utterance and gives it in full; the stream is then ready for the next one.
    fn finish(&mut self) -> Result<Transcript, SpeechError>;
}
