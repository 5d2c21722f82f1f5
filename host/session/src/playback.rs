//! The robot's side of the line: prompts on their way from the mouth to the door, frame by frame.

use std::collections::VecDeque;
use std::sync::Arc;

use audio::Pcm;
use call::{Input, Millis, Token};
use lines::{FRAME_SAMPLES, LINE_RATE};
use speech::voice::Mouth;
use tokio::sync::mpsc;

use crate::conversation::Spoken;

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
    mouth: Arc<Mouth>,
    prepared: mpsc::UnboundedSender<Prepared>,
    current: Option<Current>,
    comfort: Option<Pcm>,
    comfort_at: usize,
}

struct Current {
    token: Token,
    text: String,
    samples: VecDeque<i16>,
    complete: bool,
    failed: bool,
    began: Option<Millis>,
}

/// A prompt that is over: its text as a turn, and when it was heard.
pub(crate) struct Heard {
    pub(crate) text: String,
    pub(crate) from: Millis,
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
}

impl Playback {
    pub(crate) fn new(mouth: Arc<Mouth>) -> (Playback, mpsc::UnboundedReceiver<Prepared>) {
        let (prepared, arriving) = mpsc::unbounded_channel();
        (Playback { mouth, prepared, current: None, comfort: None, comfort_at: 0 }, arriving)
    }

    /// Begin a prompt. It is prepared beside the media loop, sentence by sentence.
    pub(crate) fn play(&mut self, token: Token, what: Spoken) {
        let text = match &what {
            Spoken::Text(text) => text.clone(),
            Spoken::Recorded(name) => format!("[{name}]"),
        };
        self.current =
            Some(Current { token, text, samples: VecDeque::new(), complete: false, failed: false, began: None });
        let (mouth, prepared) = (Arc::clone(&self.mouth), self.prepared.clone());
        tokio::task::spawn_blocking(move || {
            let send = |piece| prepared.send(Prepared { token, piece }).is_ok();
            let failed = match what {
                Spoken::Recorded(name) => match mouth.prompt(&name) {
                    Some(sound) => !send(Piece::Sound(sound)),
                    None => true,
                },
                Spoken::Text(text) => mouth.speak_parts(&text).iter().any(|part| match mouth.speak(part) {
                    Ok(sound) => !send(Piece::Sound(sound)),
                    Err(error) => {
                        tracing::error!(%error, "a prompt could not be spoken");
                        true
                    }
                }),
            };
            send(if failed { Piece::Failed } else { Piece::End });
        });
    }

    /// A piece came from the mouth.
    pub(crate) fn arrived(&mut self, prepared: Prepared) {
        let Some(current) = self.current.as_mut().filter(|current| current.token == prepared.token) else { return };
        match prepared.piece {
            Piece::Sound(sound) => current.samples.extend(&sound.resampled(LINE_RATE).samples),
            Piece::End => current.complete = true,
            Piece::Failed => current.failed = true,
        }
    }

    /// Stop a prompt; what of it was heard is returned.
    pub(crate) fn stop(&mut self, token: Token) -> Option<Heard> {
        let current = self.current.take_if(|current| current.token == token)?;
        current.began.map(|from| Heard { text: current.text, from })
    }

    /// The call is over in the middle of a prompt.
    pub(crate) fn cut(&mut self) -> Option<Heard> {
        let token = self.current.as_ref()?.token;
        self.stop(token)
    }

    /// Turn the line-is-alive tone on or off.
    pub(crate) fn comfort(&mut self, on: bool) {
        self.comfort = on.then(|| audio::tone::comfort(1_000, LINE_RATE));
        self.comfort_at = 0;
    }

    /// Does the caller wait for the mouth?
    pub(crate) fn waits(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.samples.is_empty() && !current.complete && !current.failed)
    }

    /// The next 20 ms for the caller. `now` is the frame's end.
    pub(crate) fn frame(&mut self, now: Millis) -> ([i16; FRAME_SAMPLES], Step) {
        let mut frame = [0; FRAME_SAMPLES];
        let mut step = Step::default();
        let Some(current) = &mut self.current else {
            self.comfort_frame(&mut frame);
            return (frame, step);
        };
        if current.samples.is_empty() && !current.complete && !current.failed {
            self.comfort_frame(&mut frame);
            return (frame, step);
        }
        if current.began.is_none() && !current.samples.is_empty() {
            current.began = Some(now);
            step.began = Some(current.text.clone());
            step.inputs.push(Input::PlaybackStarted { token: current.token });
        }
        for (out, sample) in frame.iter_mut().zip(std::iter::from_fn(|| current.samples.pop_front())) {
            *out = sample;
        }
        if current.samples.is_empty() && (current.complete || current.failed) {
            let token = current.token;
            let failed = current.failed && current.began.is_none();
            step.inputs.push(if failed { Input::PlaybackFailed { token } } else { Input::PlaybackDone { token } });
            step.ended = self.stop(token);
        }
        (frame, step)
    }

    fn comfort_frame(&mut self, frame: &mut [i16; FRAME_SAMPLES]) {
        let Some(tone) = self.comfort.as_ref().filter(|tone| !tone.samples.is_empty()) else { return };
        for sample in frame {
            *sample = tone.samples[self.comfort_at % tone.samples.len()];
            self.comfort_at += 1;
        }
    }
}
