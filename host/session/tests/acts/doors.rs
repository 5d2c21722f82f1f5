//! A door by hand, a voice that beeps and ears that hear nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use audio::Pcm;
use lines::pacer::Hand;
use lines::{Door, FRAME_SAMPLES, Pace, Pacer, Quality, Received};
use session::Hearing;
use speech::recogniser::{Listen, Transcript};
use speech::voice::{Mouth, Prompts, Voice};
use speech::{Ears, Recogniser, SpeechError};
use tempfile::TempDir;

/// Half a second of a loud tone for every text.
pub struct Beeps;

/// Its frames on the line, with the little silence the mouth leaves about it.
pub const BEEP_FRAMES: usize = 31;

impl Voice for Beeps {
    fn id(&self) -> &str {
        "beeps"
    }

    fn synthesise(&self, _text: &str) -> Result<Pcm, SpeechError> {
        Ok(audio::tone::sines(&[(700.0, -12.0)], 500, 8_000))
    }
}

struct Deaf;

impl Recogniser for Deaf {
    fn id(&self) -> &str {
        "deaf"
    }

    fn transcribe(&self, _audio: &Pcm, _listen: &Listen) -> Result<Transcript, SpeechError> {
        Ok(Transcript::default())
    }
}

/// Everything spoken calls share, with a clock that is turned by hand.
pub fn hearing() -> (Hearing, Hand, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mouth = Mouth::new(vec![Arc::new(Beeps)], Prompts::default(), folder.path()).unwrap();
    let (pacer, hand) = Pacer::by_hand();
    let ears = Ears::new(Arc::new(Deaf), 1);
    (Hearing::with_pacer(ears, Arc::new(mouth), pacer), hand, folder)
}

/// The other end of a [`TestDoor`].
#[derive(Clone, Default)]
pub struct Far(Arc<Mutex<Ends>>);

#[derive(Default)]
pub struct Ends {
    /// The level this end speaks at.
    pub level: i16,
    pub keys: VecDeque<char>,
    pub gone: bool,
    pub held: bool,
    /// What it heard: the loudest sample of every frame.
    pub heard: Vec<i16>,
    pub pressed: String,
    pub flushed: usize,
    pub dropped: bool,
}

impl Far {
    pub fn with<T>(&self, what: impl FnOnce(&mut Ends) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn door(&self) -> Box<dyn Door> {
        Box::new(TestDoor(self.clone()))
    }

    /// What was heard since the last time this was asked.
    pub fn heard(&self) -> Vec<i16> {
        self.with(|ends| std::mem::take(&mut ends.heard))
    }
}

struct TestDoor(Far);

impl Door for TestDoor {
    fn pace(&self) -> Pace {
        Pace::RealTime
    }

    fn receive(&mut self) -> Option<Received> {
        self.0.with(|ends| {
            if ends.gone {
                return None;
            }
            Some(Received { audio: [ends.level; FRAME_SAMPLES], digits: ends.keys.drain(..).collect() })
        })
    }

    fn send(&mut self, frame: &[i16; FRAME_SAMPLES]) {
        let loudest = frame.iter().copied().max_by_key(|sample| sample.unsigned_abs()).unwrap_or(0);
        self.0.with(|ends| ends.heard.push(loudest));
    }

    fn send_digits(&mut self, digits: &str) {
        self.0.with(|ends| ends.pressed.push_str(digits));
    }

    fn flush(&mut self) {
        self.0.with(|ends| ends.flushed += 1);
    }

    fn held(&self) -> bool {
        self.0.with(|ends| ends.held)
    }

    fn quality(&self) -> Option<Quality> {
        Some(Quality { mos: 4.2, ..Quality::default() })
    }
}

impl Drop for TestDoor {
    fn drop(&mut self) {
        self.0.with(|ends| ends.dropped = true);
    }
}
