//! Recorded prompts, engines and cache put together.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use audio::{Pcm, TELEPHONE_RATE};

use super::cache::{Cache, Key};
use super::finish::finish;
use super::{Prompts, Voice, sentence};
use crate::SpeechError;
use crate::spoken::read_aloud;

/// Size of the cache on disk unless [`Mouth::with_cache_limit`] says otherwise: about nine hours of speech.
const CACHE_BYTES: u64 = 512 << 20;
/// Silence between two parts, beside what each of them ends with.
const PAUSE_MS: u32 = 130;
/// An engine that failed twice running is not asked for this long, so that callers do not wait for it in vain.
const REST: Duration = Duration::from_secs(30);

/// Says texts at 8 kHz: from a recording, from the cache, or by the first engine that can.
///
/// Many threads may call it; a text that several want at the same moment is synthesised once.
pub struct Mouth {
    voices: Vec<Speaking>,
    prompts: Prompts,
    cache: Cache,
    /// A lock for each text being made now.
    making: Mutex<HashMap<Key, Arc<Mutex<()>>>>,
}

struct Speaking {
    voice: Arc<dyn Voice>,
    failures: Mutex<(u32, Option<Instant>)>,
}

impl Mouth {
    /// A mouth with `voices` in the order in which they are tried, and its cache in `cache_dir`.
    ///
    /// # Errors
    /// [`SpeechError::Io`] when the folder cannot be made.
    pub fn new(voices: Vec<Arc<dyn Voice>>, prompts: Prompts, cache_dir: &Path) -> Result<Mouth, SpeechError> {
        let voices = voices.into_iter().map(|voice| Speaking { voice, failures: Mutex::default() }).collect();
        Ok(Mouth { voices, prompts, cache: Cache::open(cache_dir, CACHE_BYTES)?, making: Mutex::default() })
    }

    /// The same mouth with another limit to its cache on disk, bytes.
    ///
    /// # Errors
    /// [`SpeechError::Io`] when the folder cannot be made.
    pub fn with_cache_limit(self, cache_dir: &Path, bytes: u64) -> Result<Mouth, SpeechError> {
        Ok(Mouth { cache: Cache::open(cache_dir, bytes)?, ..self })
    }

    /// Ids of the engines, in the order in which they are tried.
    pub fn voices(&self) -> Vec<&str> {
        self.voices.iter().map(|v| v.voice.id()).collect()
    }

    /// The recorded prompt with that id.
    pub fn prompt(&self, id: &str) -> Option<Arc<Pcm>> {
        self.prompts.by_id(id)
    }

    /// The parts in which `text` is best said one after another, figures already in words: play the first while the
    /// second is made. Each goes to [`Mouth::speak`]. A text that was recorded as a whole is one part.
    pub fn speak_parts(&self, text: &str) -> Vec<String> {
        let said = read_aloud(text);
        if self.prompts.by_text(&said).is_some() {
            return vec![said];
        }
        sentence::split(&said)
    }

    /// Says all of `text`: 8 kHz mono, one loudness, no silence at the ends. Blocks. No words, no sound: an empty `Pcm`.
    ///
    /// # Errors
    /// What the last engine said when none could say it; [`SpeechError::VoiceMissing`] without any engine.
    pub fn speak(&self, text: &str) -> Result<Arc<Pcm>, SpeechError> {
        let parts = self.speak_parts(text);
        if let [only] = parts.as_slice() {
            return self.part(only);
        }
        let mut whole = Pcm::new(TELEPHONE_RATE, Vec::new());
        for part in &parts {
            if !whole.samples.is_empty() {
                whole.append(&Pcm::silence(PAUSE_MS, TELEPHONE_RATE));
            }
            whole.append(&*self.part(part)?);
        }
        Ok(Arc::new(whole))
    }

    fn part(&self, text: &str) -> Result<Arc<Pcm>, SpeechError> {
        if let Some(recorded) = self.prompts.by_text(text) {
            return Ok(recorded);
        }
        let mut error = SpeechError::VoiceMissing {
            engine: "voice".to_owned(),
            hint: "no engine is installed; run `apt-get install festival festvox-ru`".to_owned(),
        };
        // Engines that failed of late come last, as better than silence.
        let (ready, resting): (Vec<&Speaking>, Vec<&Speaking>) = self.voices.iter().partition(|v| !v.rests());
        for (index, speaking) in ready.iter().chain(&resting).enumerate() {
            match self.made_once(speaking, text) {
                Ok(sound) => return Ok(sound),
                Err(failure) => {
                    if index + 1 < self.voices.len() {
                        tracing::warn!(voice = speaking.voice.id(), error = %failure, "voice failed, the next one speaks");
                    }
                    error = failure;
                }
            }
        }
        Err(error)
    }

    /// From the cache, or made while everyone else who wants the same waits for it.
    fn made_once(&self, speaking: &Speaking, text: &str) -> Result<Arc<Pcm>, SpeechError> {
        let key = Key::of(speaking.voice.id(), text);
        if let Some(sound) = self.cache.get(&key) {
            return Ok(sound);
        }
        let lock = Arc::clone(self.making().entry(key.clone()).or_default());
        let made = {
            let _mine = lock.lock().unwrap_or_else(PoisonError::into_inner);
            match self.cache.get(&key) {
                Some(sound) => Ok(sound),
                None => self.make(speaking, text, &key),
            }
        };
        self.making().remove(&key);
        made
    }

    fn make(&self, speaking: &Speaking, text: &str, key: &Key) -> Result<Arc<Pcm>, SpeechError> {
        let made = speaking.voice.synthesise(text).and_then(|sound| {
            let sound = finish(&sound);
            if sound.samples.is_empty() {
                let engine = speaking.voice.id().to_owned();
                return Err(SpeechError::VoiceFailed { engine, reason: "it gave nothing but silence".to_owned() });
            }
            Ok(Arc::new(sound))
        });
        speaking.remember(made.is_ok());
        if let Ok(sound) = &made {
            self.cache.put(key, sound);
        }
        made
    }

    fn making(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Mutex<()>>>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Speaking {
    fn rests(&self) -> bool {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.0 >= 2 && failures.1.is_some_and(|since| since.elapsed() < REST)
    }

    fn remember(&self, good: bool) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = if good { (0, None) } else { (failures.0.saturating_add(1), Some(Instant::now())) };
    }
}
