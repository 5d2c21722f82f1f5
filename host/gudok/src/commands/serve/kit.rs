//! Ears and voice of a server, kept while clinics change; a newcomer who has neither can still write to the robot.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use anyhow::{Result, bail};
use session::tagging::Tagger;
use speech::voice::{Mouth, Prompts};
use speech::{Ears, Listen, Recogniser, RecogniserStream, SpeechError, Transcript};

use crate::cli::Speech;
use crate::commands::transcribe;
use crate::place::Place;
use crate::{in_use, stage};

/// What every conversation here is heard, spoken and judged with.
pub struct Kit {
    /// Recognition.
    pub ears: Ears,
    /// Judges what calls are about.
    pub tagger: Arc<Tagger>,
    soon: Arc<Soon>,
    voice: String,
    /// Why nothing speaks here, looked for once.
    mute: OnceLock<Option<String>>,
}

impl Kit {
    /// Loads the recognition beside everything else.
    pub fn open(speech: &Speech, place: &Place) -> Result<Kit> {
        let soon = Arc::new(Soon::default());
        std::thread::spawn({
            let (soon, engine, place) = (Arc::clone(&soon), speech.engine, place.clone());
            move || soon.opened.set(transcribe::recogniser(engine, &place).map_err(|error| format!("{error:#}")))
        });
        let ears = transcribe::pool(Arc::clone(&soon) as Arc<dyn Recogniser>);
        Ok(Kit { ears, tagger: in_use::tagger(place)?, soon, voice: speech.voice.clone(), mute: OnceLock::new() })
    }

    /// A clinic's voice. Where telephones ring there must be one; elsewhere there may be none.
    pub fn mouth(&self, prompts: Option<&Path>, must: bool, place: &Place) -> Result<Arc<Mouth>> {
        match stage::mouth(&self.voice, prompts, place) {
            Err(error) if !must && is_missing(&error) => {
                let prompts = prompts.map(Prompts::open).transpose()?.unwrap_or_default();
                Ok(Arc::new(Mouth::new(Vec::new(), prompts, &place.cache.join("voice"))?))
            }
            mouth => mouth,
        }
    }

    /// Goes on only with ears: for servers whose telephones ring.
    pub async fn must_hear(&self) -> Result<()> {
        let soon = Arc::clone(&self.soon);
        let opened = tokio::task::spawn_blocking(move || soon.opened.wait().as_ref().err().cloned()).await?;
        match opened {
            None => Ok(()),
            Some(error) => bail!("{error}"),
        }
    }

    /// Why nobody can be talked to aloud; none: they can, or it is not known yet.
    pub fn voiceless(&self, place: &Place) -> Option<String> {
        if let Some(Err(error)) = self.soon.opened.get() {
            return Some(error.clone());
        }
        let look = || stage::mouth(&self.voice, None, place).err().map(|error| format!("{error:#}"));
        self.mute.get_or_init(look).clone()
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(SpeechError::VoiceMissing { .. }))
}

/// A recogniser that is being loaded; whoever is first waits for it.
#[derive(Default)]
struct Soon {
    opened: OnceLock<Result<Arc<dyn Recogniser>, String>>,
}

impl Soon {
    fn engine(&self) -> Result<&dyn Recogniser, SpeechError> {
        let failed = |reason: &String| SpeechError::RecognitionFailed { engine: "recognition", reason: reason.clone() };
        self.opened.wait().as_deref().map_err(failed)
    }
}

impl Recogniser for Soon {
    fn id(&self) -> &str {
        self.opened.wait().as_ref().map_or("none", |engine| engine.id())
    }

    fn transcribe(&self, audio: &audio::Pcm, listen: &Listen) -> Result<Transcript, SpeechError> {
        self.engine()?.transcribe(audio, listen)
    }

    fn stream(&self, listen: &Listen) -> Result<Option<Box<dyn RecogniserStream>>, SpeechError> {
        self.engine()?.stream(listen)
    }
}
