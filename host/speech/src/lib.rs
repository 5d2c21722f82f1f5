//! Ears and mouth: recognisers and voices behind two traits, and how Russian is read aloud.
//!
//! - [`recogniser`]: audio in, text out; whisper.cpp and Vosk behind one trait, and the guards against words nobody said;
//! - [`ears`]: a bounded pool of workers in which a live turn goes before batch work;
//! - [`vocabulary`]: a clinic's own words, which bias recognition and mend near misses;
//! - [`voice`]: text in, audio out; recorded prompts, festival, espeak-ng or any command;
//! - [`spoken`]: figures, dates, money and phone numbers in the words a Russian says;
//! - [`sentences`]: what a sentence means, as a vector, for those who compare meanings;
//! - [`models`]: where the weights come from, and whether they are here.
//!
//! Nothing here knows what a call is, and nothing is written to a log that a caller said.

pub mod ears;
mod error;
pub mod models;
pub mod recogniser;
pub mod sentences;
pub mod spoken;
pub mod vocabulary;
pub mod voice;

pub use ears::{BeingHeard, Ears, EarsOptions, Priority};
pub use error::SpeechError;
pub use recogniser::{Listen, Mode, Recogniser, RecogniserStream, Segment, Transcript, Word};
pub use vocabulary::Vocabulary;
