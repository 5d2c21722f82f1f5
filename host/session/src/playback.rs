//! The robot's side of the line: prompts on their way from the mouth to the door, frame by frame.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use audio::Pcm;
use call::{Input, Millis, Token};
use lines::{FRAME_SAMPLES, LINE_RATE};
use speech::SpeechError;
use speech::voice::Mouth;
use tokio::runtime::Handle;

use crate::conversation::Spoken;
use crate::inbox::{Arrived, ToLoop};

/// Whole texts that were said of late, ready for the line: about nine minutes of speech. What is among them begins with
/// the next frame; nothing has to be read aloud, looked up or fetched by another thread.
const REMEMBERED_SAMPLES: usize = 4 << 20;

/// The voice that calls share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Voice {
    mouth: Arc<Mouth>,
    phrases: Arc<Mutex<Phrases>>,
}

/// A text in pieces, 8 kHz each.
type Pieces = Arc<[Arc<Pcm>]>;

#[derive(Default)]
struct Phrases {
    sounds: HashMap<String, Pieces>,
    order: VecDeque<String>,
    samples: usize,
}

impl Voice {
    pub(crate) fn new(mouth: Arc<Mouth>) -> Voice {
        Voice { mouth, phrases: Arc::default() }
    }

    /// At once, or not at all.
    fn ready(&self, what: &Spoken) -> Option<Pieces> {
        match what {
            Spoken::Recorded(name) => self.mouth.prompt(name).map(|sound| Pieces::from([for_line(sound)])),
            Spoken::Text(text) => self.phrases().sounds.get(text).cloned(),
        }
    }

    /// Say a text piece by piece; blocks. Every piece is given as soon as it is made; false stops.
    fn say(&self, text: &str, mut give: impl FnMut(Arc<Pcm>) -> bool) -> Result<(), SpeechError> {
        let mut pieces = Vec::new();
        for part in self.mouth.speak_parts(text) {
            let sound = for_line(self.mouth.speak(&part)?);
            pieces.push(Arc::clone(&sound));
            if !give(sound) {
                return Ok(());
            }
        }
        self.phrases().keep(text, pieces.into());
        Ok(())
    }

    /// All of a text, made beside whoever asks.
    pub(crate) async fn whole(&self, text: &str) -> Result<Vec<Arc<Pcm>>, SpeechError> {
        let (voice, text) = (self.clone(), text.to_owned());
        if let Some(pieces) = voice.ready(&Spoken::Text(text.clone())) {
            return Ok(pieces.to_vec());
        }
        let made = tokio::task::spawn_blocking(move || {
            let mut pieces = Vec::new();
            voice.say(&text, |piece| {
                pieces.push(piece);
                true
            })?;
            Ok(pieces)
        });
        made.await.unwrap_or(Err(SpeechError::Closed))
    }

    fn phrases(&self) -> std::sync::MutexGuard<'_, Phrases> {
        self.phrases.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Phrases {
    fn keep(&mut self, text: &str, pieces: Pieces) {
        let samples = |pieces: &Pieces| pieces.iter().map(|piece| piece.samples.len()).sum::<usize>();
        self.samples += samples(&pieces);
        match self.sounds.insert(text.to_owned(), pieces) {
            Some(old) => self.samples -= samples(&old),
            None => self.order.push_back(text.to_owned()),
        }
        while self.samples > REMEMBERED_SAMPLES {
            let Some(gone) = self.order.pop_front().and_then(|oldest| self.sounds.remove(&oldest)) else { break };
            self.samples -= samples(&gone);
        }
    }
}

fn for_line(sound: Arc<Pcm>) -> Arc<Pcm> {
    if sound.rate == LINE_RATE { sound } else { Arc::new(sound.resampled(LINE_RATE)) }
}

/// A piece of a prompt, from the thread that prepares it.
#[derive(Debug)]
pub(crate) struct Prepared {
    token: Token,
    piece: Piece,
}

#[derive(Debug)]
enum Piece {
    Sound(Arc<Pcm>),
    End,
    Failed,
}

/// What is playing, and what of it has come from the mouth.
pub(crate) struct Playback {
    voice: Voice,
    runtime: Handle,
    prepared: ToLoop,
    current: Option<Current>,
    comfort: Option<Pcm>,
    comfort_at: usize,
}

struct Current {
    token: Token,
    text: String,
    sound: Sound,
    complete: bool,
    failed: bool,
    began: Option<Millis>,
}

/// Pieces one after another, shared with every call that says the same.
#[derive(Default)]
pub(crate) struct Sound {
    pieces: VecDeque<Arc<Pcm>>,
    /// Samples of the first piece that were played.
    played: usize,
}

impl Sound {
    pub(crate) fn push(&mut self, piece: Arc<Pcm>) {
        if !piece.samples.is_empty() {
            self.pieces.push_back(piece);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The next frame, filled up with silence where the sound ends in it.
    pub(crate) fn frame(&mut self) -> [i16; FRAME_SAMPLES] {
        let mut frame = [0; FRAME_SAMPLES];
        let mut filled = 0;
        while filled < FRAME_SAMPLES {
            let Some(piece) = self.pieces.front() else { break };
            let left = &piece.samples[self.played..];
            let taken = left.len().min(FRAME_SAMPLES - filled);
            frame[filled..filled + taken].copy_from_slice(&left[..taken]);
            filled += taken;
            self.played += taken;
            if taken == left.len() {
                self.pieces.pop_front();
                self.played = 0;
            }
        }
        frame
    }
}

/// A prompt that is over: its text as a turn, and when it was heard.
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) from: Millis,
    pub(crate) token: Token,
}

/// What one frame brought.
#[derive(Default)]
pub(crate) struct Step {
    /// For the call core.
    pub(crate) inputs: Vec<Input>,
    /// The prompt that began.
    pub(crate) began: Option<String>,
    /// The prompt that ended.
    pub(crate) ended: Option<Heard>,
    /// It broke off: the voice failed in the middle of it.
    pub(crate) broken: bool,
}

impl Playback {
    /// Must be made on the runtime that is to do what takes time.
    pub(crate) fn new(voice: Voice, prepared: ToLoop) -> Playback {
        Playback { voice, runtime: Handle::current(), prepared, current: None, comfort: None, comfort_at: 0 }
    }

    /// Begin a prompt: at once if it is at hand; otherwise it is prepared beside the media loop, sentence by sentence.
    pub(crate) fn play(&mut self, token: Token, what: Spoken) {
        let text = match &what {
            Spoken::Text(text) => text.clone(),
            Spoken::Recorded(name) => format!("[{name}]"),
        };
        let mut current = Current { token, text, sound: Sound::default(), complete: false, failed: false, began: None };
        match (self.voice.ready(&what), what) {
            (Some(pieces), _) => {
                pieces.iter().for_each(|piece| current.sound.push(Arc::clone(piece)));
                current.complete = true;
            }
            (None, Spoken::Recorded(_)) => current.failed = true,
            (None, Spoken::Text(text)) => self.prepare(token, text),
        }
        self.current = Some(current);
    }

    fn prepare(&self, token: Token, text: String) {
        let (voice, prepared) = (self.voice.clone(), self.prepared.clone());
        self.runtime.spawn_blocking(move || {
            let send = |piece| prepared.send(Arrived::Sound(Prepared { token, piece })).is_ok();
            let last = match voice.say(&text, |sound| send(Piece::Sound(sound))) {
                Ok(()) => Piece::End,
                Err(error) => {
                    tracing::error!(%error, "a prompt could not be spoken");
                    Piece::Failed
                }
            };
            send(last);
        });
    }

    /// A piece came from the mouth.
    pub(crate) fn arrived(&mut self, prepared: Prepared) {
        let Some(current) = self.current.as_mut().filter(|current| current.token == prepared.token) else { return };
        match prepared.piece {
            Piece::Sound(sound) => current.sound.push(sound),
            Piece::End => current.complete = true,
            Piece::Failed => current.failed = true,
        }
    }

    /// Stop a prompt; what of it was heard is returned.
    pub(crate) fn stop(&mut self, token: Token) -> Option<Heard> {
        let current = self.current.take_if(|current| current.token == token)?;
        current.began.map(|from| Heard { text: current.text, from, token })
    }

    /// The call is over in the middle of a prompt.
    pub(crate) fn cut(&mut self) -> Option<Heard> {
        let token = self.current.as_ref()?.token;
        self.stop(token)
    }

    /// Turn the line-is-alive tone on or off.
    pub(crate) fn comfort(&mut self, on: bool) {
        self.comfort = on.then(|| audio::tone::comfort(2_000, LINE_RATE));
        self.comfort_at = 0;
    }

    /// Does the caller wait for the mouth?
    pub(crate) fn waits(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.sound.is_empty() && !current.complete && !current.failed)
    }

    /// The next 20 ms for the caller. `now` is the frame's end.
    pub(crate) fn frame(&mut self, now: Millis) -> ([i16; FRAME_SAMPLES], Step) {
        let mut step = Step::default();
        let Some(current) = &mut self.current else { return (self.comfort_frame(), step) };
        if current.sound.is_empty() && !current.complete && !current.failed {
            return (self.comfort_frame(), step);
        }
        if current.began.is_none() && !current.sound.is_empty() {
            current.began = Some(now);
            step.began = Some(current.text.clone());
            step.inputs.push(Input::PlaybackStarted { token: current.token });
        }
        let frame = current.sound.frame();
        if current.sound.is_empty() && (current.complete || current.failed) {
            let token = current.token;
            step.broken = current.failed;
            let failed = current.failed && current.began.is_none();
            step.inputs.push(if failed { Input::PlaybackFailed { token } } else { Input::PlaybackDone { token } });
            step.ended = self.stop(token);
        }
        (frame, step)
    }

    fn comfort_frame(&mut self) -> [i16; FRAME_SAMPLES] {
        let mut frame = [0; FRAME_SAMPLES];
        if let Some(tone) = self.comfort.as_ref().filter(|tone| !tone.samples.is_empty()) {
            for sample in &mut frame {
                *sample = tone.samples[self.comfort_at % tone.samples.len()];
                self.comfort_at += 1;
            }
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(length: usize, level: i16) -> Arc<Pcm> {
        Arc::new(Pcm::new(LINE_RATE, vec![level; length]))
    }

    #[test]
    fn pieces_are_played_without_a_gap() {
        let mut sound = Sound::default();
        for (length, level) in [(200, 1), (0, 9), (100, 2), (50, 3)] {
            sound.push(piece(length, level));
        }
        let first = sound.frame();
        assert_eq!(first, [1; FRAME_SAMPLES]);
        let second = sound.frame();
        assert_eq!((second[..40].to_vec(), second[40..140].to_vec()), (vec![1; 40], vec![2; 100]));
        assert_eq!(second[140..], [3; 20]);
        let third = sound.frame();
        assert_eq!((third[29], third[30]), (3, 0));
        assert!(sound.is_empty());
    }

    #[test]
    fn what_was_said_longest_ago_is_forgotten_first() {
        let mut phrases = Phrases::default();
        for number in 0..5 {
            phrases.keep(&number.to_string(), [piece(REMEMBERED_SAMPLES / 4, 1)].into());
        }
        phrases.keep("4", [piece(10, 1)].into());
        let kept: Vec<bool> = (0..5).map(|number| phrases.sounds.contains_key(&number.to_string())).collect();
        assert_eq!(kept, [false, true, true, true, true]);
        assert_eq!(phrases.samples, REMEMBERED_SAMPLES / 4 * 3 + 10);
    }
}
