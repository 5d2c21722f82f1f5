//! Whisper by whisper.cpp, on the processor.
//!
//! Weights are shared, every turn at work has a state of its own (35 MB) and as many threads as it is given: ggml's wait
//! for each other by spinning, which shortens a turn on an idle machine and lengthens it many times on a busy one. What is
//! heard is the same to the letter with any number. The settings are those that measured best on human Russian telephone speech:
//!
//! - live: greedy, without timestamps, in a window of the speech and four seconds (a shorter one makes the decoder loop,
//!   the full thirty seconds cost six times as much); where that gives cause for doubt, once more with six seconds;
//! - recordings: beam search with word times over the full window (or six seconds more than a short one).
//!
//! Temperature fallback is off: it takes unbounded time and makes results differ between runs.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use audio::Pcm;
use audio::vad::{SegmentOptions, segments};
use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperSegment, WhisperState,
};

use super::guards::{self, Candidate, EXTRA_TOKENS, MAX_TOKENS_PER_SECOND};
use super::windows::{self, WINDOW_MS, Window};
use super::{Listen, Mode, Recogniser, Segment, Transcript, Word};
use crate::SpeechError;
use crate::models::fetch_command;

/// A Whisper model, ready to hear.
pub struct Whisper {
    id: String,
    context: WhisperContext,
    // States that are not at work. Never more than threads have called at once.
    idle: Mutex<Vec<WhisperState>>,
    live: FullParams<'static, 'static>,
    recording: FullParams<'static, 'static>,
}

const RATE: u32 = 16_000;
/// Encoder positions in a second.
const POSITIONS_PER_SECOND: u32 = 50;
/// Encoder positions of the full window of 30 s.
const ALL_POSITIONS: u32 = 1_500;
/// What the live window has beyond the speech.
const MARGIN_MS: u32 = 4_000;
/// And in the second attempt at a turn.
const SECOND_MARGIN_MS: u32 = 6_000;
/// Mean log-probability below which a turn is tried again: one in ten of those that were heard well, most of the others.
const DOUBT: f32 = -0.55;
/// What the window of a short recording has beyond the speech: 0.2 points of error for a third of the work.
const RECORDING_MARGIN_MS: u32 = 6_000;
/// A longer one takes the full window.
const SHORT_RECORDING_MS: u32 = 12_000;
/// Kept of a live turn before the first speech that is certain.
const LEAD_MS: u32 = 500;
/// whisper.cpp hears nothing in less than a second.
const SHORTEST_MS: u32 = 1_200;
/// From more a turn gains little: its decoder is a row of small steps.
const MOST_THREADS: usize = 4;
/// Tokens of a prompt; more would crowd out what was said.
const PROMPT_TOKENS: usize = 96;
/// And of a vocabulary; Whisper takes 223 in all.
const VOCABULARY_TOKENS: usize = 120;

impl Whisper {
    /// Loads a ggml model. `id` is what [`Recogniser::id`] gives.
    pub fn open(id: &str, path: &Path) -> Result<Whisper, SpeechError> {
        // Its lines would go to stderr, into the middle of a table.
        whisper_rs::install_logging_hooks();
        let broken = |reason: String| SpeechError::ModelBroken {
            engine: "whisper",
            path: path.into(),
            reason,
            command: format!("rm -r {} && {}", path.parent().unwrap_or(path).display(), fetch_command(id)),
        };
        let mut parameters = WhisperContextParameters::default();
        // Slower than ggml's own kernels on a processor.
        parameters.use_gpu(false).flash_attn(false);
        let context = WhisperContext::new_with_params(path, parameters).map_err(|e| broken(e.to_string()))?;
        if !context.is_multilingual() {
            return Err(broken("it knows English only".into()));
        }
        Ok(Whisper {
            id: id.into(),
            context,
            idle: Mutex::default(),
            live: parameters_for(Mode::Live),
            recording: parameters_for(Mode::Recording),
        })
    }

    fn hear_live(&self, audio: &Pcm, listen: &Listen) -> Result<Transcript, SpeechError> {
        let pieces = segments(audio, &SegmentOptions::default());
        let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else { return Ok(Transcript::default()) };
        if last.end - first.start > WINDOW_MS - LEAD_MS {
            return self.hear_windows(audio, listen);
        }
        // A turn was cut out by whoever knows when it began: its quiet first consonant is left in.
        let piece = first.start.saturating_sub(LEAD_MS)..last.end;
        let window = Window { pieces: Vec::from([piece]) };
        self.hear_window(audio, &window, listen)
    }

    fn hear_windows(&self, audio: &Pcm, listen: &Listen) -> Result<Transcript, SpeechError> {
        let windows = windows::plan(audio);
        let parts = windows.iter().map(|window| self.hear_window(audio, window, listen));
        Ok(windows::join(parts.collect::<Result<_, _>>()?))
    }

    fn hear_window(&self, audio: &Pcm, window: &Window, listen: &Listen) -> Result<Transcript, SpeechError> {
        let mut sound = window.cut(audio);
        let speech_ms = sound.duration_ms();
        if speech_ms < SHORTEST_MS {
            sound.append(&Pcm::silence(SHORTEST_MS - speech_ms, RATE));
        }
        let samples: Vec<f32> = sound.samples.iter().map(|&s| f32::from(s) / 32_768.0).collect();
        let prompt = self.prompt(listen);
        let transcript = match listen.mode {
            Mode::Live => self.hear_turn(&samples, speech_ms, &prompt, listen.threads)?,
            Mode::Recording => {
                let mut recording = self.recording.clone();
                if speech_ms <= SHORT_RECORDING_MS {
                    recording.set_audio_ctx(positions(speech_ms + RECORDING_MARGIN_MS));
                }
                self.decode(recording, &samples, speech_ms, &prompt, Mode::Recording)?.transcript
            }
        };
        Ok(window.place(transcript))
    }

    /// One pass of the encoder for a turn; one in ten gives cause for doubt and gets a second in a wider window, which is
    /// what cures loops, doubled phrases and most single words that were not believed.
    fn hear_turn(
        &self,
        samples: &[f32],
        speech_ms: u32,
        prompt: &[i32],
        threads: usize,
    ) -> Result<Transcript, SpeechError> {
        let within = |margin_ms| {
            let mut live = self.live.clone();
            live.set_n_threads(i32::try_from(threads).unwrap_or(1).max(1));
            live.set_audio_ctx(positions(speech_ms + margin_ms));
            live.set_max_tokens((MAX_TOKENS_PER_SECOND * speech_ms / 1_000 + EXTRA_TOKENS) as i32);
            self.decode(live, samples, speech_ms, prompt, Mode::Live)
        };
        let first = within(MARGIN_MS)?;
        if !first.doubtful {
            return Ok(first.transcript);
        }
        let second = within(SECOND_MARGIN_MS)?;
        let better = match (first.transcript.text.is_empty(), second.transcript.text.is_empty()) {
            (_, true) => false,
            (true, false) => true,
            // What was said once cannot be told from its loop by how sure the decoder was.
            _ => first.looped || second.mean_log_probability > first.mean_log_probability,
        };
        Ok(if better { second.transcript } else { first.transcript })
    }

    fn decode<'a>(
        &self,
        mut parameters: FullParams<'a, 'a>,
        samples: &[f32],
        speech_ms: u32,
        prompt: &'a [i32],
        mode: Mode,
    ) -> Result<Heard, SpeechError> {
        parameters.set_tokens(prompt);
        let mut state = self.state()?;
        let outcome = state.full(parameters, samples).map_err(failed);
        let heard = outcome.map(|()| self.read(&state, speech_ms, mode));
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(state);
        heard
    }

    fn state(&self) -> Result<WhisperState, SpeechError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.context.create_state().map_err(failed), Ok)
    }

    /// Vocabulary, prompt and hints as text that went before: the decoder continues in its words. What is nearest to the
    /// speech weighs most, so of the vocabulary only as much is taken as there is room for, and it stands first.
    fn prompt(&self, listen: &Listen) -> Vec<i32> {
        let mut near = listen.prompt.clone().unwrap_or_default();
        if !listen.hints.is_empty() {
            near = format!("{near} {}.", listen.hints.join(", "));
        }
        let mut near = self.tokens(&near);
        near.truncate(PROMPT_TOKENS);
        // In recordings mending by sound finds all but one in a hundred of these words; the list costs three quarters more time.
        let Some(vocabulary) = listen.vocabulary.as_ref().filter(|_| listen.mode == Mode::Live) else { return near };
        let mut tokens = self.tokens(&vocabulary.line());
        tokens.truncate(VOCABULARY_TOKENS);
        tokens.extend(near);
        tokens
    }

    fn tokens(&self, text: &str) -> Vec<i32> {
        let text = text.replace('\0', " ");
        if text.trim().is_empty() {
            return Vec::new();
        }
        // The room given is for the worst case of a token per byte.
        self.context.tokenize(text.trim(), text.len() + 1).unwrap_or_default()
    }

    fn read(&self, state: &WhisperState, speech_ms: u32, mode: Mode) -> Heard {
        let mut heard = Heard::default();
        let (mut sum, mut tokens) = (0.0, 0);
        let mut parts = Vec::new();
        for segment in state.as_iter() {
            let pieces = self.pieces(&segment);
            sum += pieces.iter().map(|piece| piece.log_probability).sum::<f32>();
            tokens += pieces.len();
            let (start_ms, end_ms) = match mode {
                Mode::Live => (0, speech_ms),
                Mode::Recording => (centiseconds(segment.start_timestamp()), centiseconds(segment.end_timestamp())),
            };
            let span = (start_ms.min(speech_ms), end_ms.min(speech_ms).max(start_ms.min(speech_ms)));
            let text = text(&pieces);
            heard.looped |= guards::loops(&text, span.1 - span.0);
            let part = read_segment(&pieces, &text, span, mode);
            // Words that are not believed are cause for doubt; a caption of a noise is none.
            heard.doubtful |= part.text.is_empty() && guards::says_something(&text);
            parts.push(part);
        }
        heard.mean_log_probability = sum / tokens.max(1) as f32;
        heard.doubtful |= heard.looped || (tokens > 0 && heard.mean_log_probability < DOUBT);
        heard.transcript = windows::join(parts);
        heard
    }

    /// Tokens of the text itself; languages, times and marks come after the end-of-text token.
    fn pieces(&self, segment: &WhisperSegment<'_>) -> Vec<Piece> {
        let end_of_text = self.context.token_eot();
        (0..segment.n_tokens())
            .filter_map(|at| segment.get_token(at))
            .filter(|token| token.token_id() < end_of_text)
            .map(|token| {
                let data = token.token_data();
                Piece {
                    bytes: token.to_bytes().unwrap_or_default().to_vec(),
                    log_probability: data.plog,
                    start_ms: centiseconds(data.t0),
                    end_ms: centiseconds(data.t1),
                }
            })
            .collect()
    }
}

fn text(pieces: &[Piece]) -> String {
    let bytes: Vec<u8> = pieces.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A phrase as far as it may be believed.
fn read_segment(pieces: &[Piece], text: &str, (start_ms, end_ms): (u32, u32), mode: Mode) -> Transcript {
    let mean = pieces.iter().map(|piece| piece.log_probability).sum::<f32>() / pieces.len().max(1) as f32;
    let candidate = Candidate { text, mean_log_probability: mean, tokens: pieces.len(), audio_ms: end_ms - start_ms };
    let Some(text) = guards::believe(&candidate) else { return Transcript::default() };
    let confidence = mean.exp().clamp(0.0, 1.0);
    let words = if mode == Mode::Recording { words(pieces, end_ms) } else { Vec::new() };
    // Words that a guard took out of the text are taken out here too.
    let words = words.into_iter().filter(|word| text.contains(&word.text)).collect();
    Transcript { text: text.clone(), confidence, segments: vec![Segment { start_ms, end_ms, text, confidence }], words }
}

impl Recogniser for Whisper {
    fn id(&self) -> &str {
        &self.id
    }

    fn most_threads(&self) -> usize {
        MOST_THREADS
    }

    fn transcribe(&self, audio: &Pcm, listen: &Listen) -> Result<Transcript, SpeechError> {
        let audio = audio.resampled(RATE);
        match listen.mode {
            Mode::Live => self.hear_live(&audio, listen),
            Mode::Recording => self.hear_windows(&audio, listen),
        }
    }
}

impl std::fmt::Debug for Whisper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Whisper").field("id", &self.id).finish_non_exhaustive()
    }
}

fn parameters_for(mode: Mode) -> FullParams<'static, 'static> {
    let strategy = match mode {
        Mode::Live => SamplingStrategy::Greedy { best_of: 1 },
        Mode::Recording => SamplingStrategy::BeamSearch { beam_size: 5, patience: -1.0 },
    };
    let live = mode == Mode::Live;
    let mut parameters = FullParams::new(strategy);
    // Every call of it leaks a C string, hence once and here.
    parameters.set_language(Some("ru"));
    parameters.set_n_threads(1);
    parameters.set_translate(false);
    parameters.set_no_context(true);
    parameters.set_no_timestamps(live);
    parameters.set_single_segment(live);
    parameters.set_token_timestamps(!live);
    parameters.set_temperature_inc(0.0);
    parameters.set_print_special(false);
    parameters.set_print_progress(false);
    parameters.set_print_realtime(false);
    parameters.set_print_timestamps(false);
    parameters
}

/// Encoder positions of a window.
fn positions(window_ms: u32) -> i32 {
    window_ms.div_ceil(1_000 / POSITIONS_PER_SECOND).min(ALL_POSITIONS) as i32
}

/// What came of one pass over a window.
#[derive(Default)]
struct Heard {
    transcript: Transcript,
    mean_log_probability: f32,
    /// A phrase over and over.
    looped: bool,
    /// Another attempt may do better.
    doubtful: bool,
}

/// A token: part of a word, and not always whole characters.
struct Piece {
    bytes: Vec<u8>,
    log_probability: f32,
    start_ms: u32,
    end_ms: u32,
}

/// Tokens that begin with a space begin a word.
fn words(pieces: &[Piece], speech_ms: u32) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let next = (at + 1..pieces.len()).find(|&i| pieces[i].bytes.first() == Some(&b' ')).unwrap_or(pieces.len());
        let word = &pieces[at..next];
        let bytes: Vec<u8> = word.iter().flat_map(|piece| piece.bytes.iter().copied()).collect();
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        let mean = word.iter().map(|piece| piece.log_probability).sum::<f32>() / word.len() as f32;
        let start_ms = word[0].start_ms.min(speech_ms);
        let end_ms = word[word.len() - 1].end_ms.clamp(start_ms, speech_ms.max(start_ms));
        if !text.is_empty() {
            words.push(Word { text, start_ms, end_ms, confidence: mean.exp().clamp(0.0, 1.0) });
        }
        at = next;
    }
    words
}

fn centiseconds(value: i64) -> u32 {
    u32::try_from(value.max(0) * 10).unwrap_or(u32::MAX)
}

fn failed(error: whisper_rs::WhisperError) -> SpeechError {
    SpeechError::RecognitionFailed { engine: "whisper", reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &[u8], start_ms: u32) -> Piece {
        Piece { bytes: text.to_vec(), log_probability: -0.1, start_ms, end_ms: start_ms + 100 }
    }

    #[test]
    fn tokens_become_words_even_where_they_split_a_letter() {
        let letters = "ко".as_bytes();
        let pieces = [
            piece(b" ", 0),
            piece(&letters[..3], 50),
            piece(&letters[3..], 100),
            piece("т".as_bytes(), 200),
            piece(" ест.".as_bytes(), 400),
        ];
        let words = words(&pieces, 450);
        let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["кот", "ест."]);
        assert_eq!((words[0].start_ms, words[0].end_ms, words[1].end_ms), (0, 300, 450));
    }

    #[test]
    fn a_file_that_is_no_model_is_named_with_the_command() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = Whisper::open("whisper-base", file.path()).expect_err("refused").to_string();
        assert!(error.contains("cannot be loaded") && error.contains("gudok models fetch whisper-base"), "{error}");
    }
}
