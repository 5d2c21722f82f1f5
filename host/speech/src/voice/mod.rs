//! The mouth: text in, telephone sound out.
//!
//! - [`Voice`]: one engine that says text: [`Festival`], [`CommandVoice`] (espeak-ng, piper, RHVoice, anything that turns
//!   text on stdin into sound on stdout);
//! - [`Prompts`]: what was recorded by a person, which is always preferred to a synthesis;
//! - [`Mouth`]: puts them together: reads figures as words, splits into sentences, levels, trims, resamples, caches, and
//!   goes to the next engine when one fails.
//!
//! Invariants: no text reaches a log; text reaches an engine by stdin or a private file, never as code or an argument.

mod cache;
mod command;
mod festival;
mod finish;
mod mouth;
mod prompts;
mod pronounce;
mod sentence;

use std::path::PathBuf;
use std::sync::Arc;

use audio::Pcm;

use crate::SpeechError;
pub use command::CommandVoice;
pub use festival::Festival;
pub use mouth::Mouth;
pub use prompts::Prompts;

/// One engine that turns text into sound.
///
/// It gets text without figures (see [`crate::spoken::read_aloud`]), a sentence or so at a time.
pub trait Voice: Send + Sync {
    /// Name of engine, voice and version: sound in the cache is kept apart by it.
    fn id(&self) -> &str;

    /// Says `text`; blocks until all of it is there. Any rate, mono.
    ///
    /// # Errors
    /// [`SpeechError::VoiceMissing`] with the command that installs it, [`SpeechError::VoiceFailed`] otherwise.
    fn synthesise(&self, text: &str) -> Result<Pcm, SpeechError>;
}

/// Which engine speaks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Engine {
    /// festival if it is installed, espeak-ng behind it.
    #[default]
    Auto,
    /// Debian's festival with `festvox-ru`.
    Festival,
    /// espeak-ng.
    Espeak,
    /// A command line, as [`CommandVoice::parse`] understands it.
    Command(String),
}

/// What [`open`] opens.
#[derive(Debug, Clone, Default)]
pub struct VoiceChoice {
    /// The engine.
    pub engine: Engine,
    /// Folder with recorded prompts, see [`Prompts::open`].
    pub prompts_dir: Option<PathBuf>,
    /// Where sound is kept from one call to the next; created when missing.
    pub cache_dir: PathBuf,
}

/// Opens the voices of `choice`, in the order in which they are tried: recorded prompts, then engines.
///
/// # Errors
/// [`SpeechError::VoiceMissing`] when the engine asked for (or, for [`Engine::Auto`], every engine) is not installed; the
/// message names the command that installs it. A mistake in the folder of prompts or an unusable cache folder.
pub fn open(choice: &VoiceChoice) -> Result<Arc<Mouth>, SpeechError> {
    let voices: Vec<Arc<dyn Voice>> = match &choice.engine {
        Engine::Festival => vec![Arc::new(Festival::open()?)],
        Engine::Espeak => vec![Arc::new(CommandVoice::espeak()?)],
        Engine::Command(line) => vec![Arc::new(CommandVoice::parse(line)?)],
        Engine::Auto => match (Festival::open(), CommandVoice::espeak()) {
            (Ok(first), Ok(second)) => vec![Arc::new(first), Arc::new(second)],
            (Ok(only), Err(_)) => vec![Arc::new(only)],
            (Err(missing), Ok(only)) => {
                tracing::warn!(reason = %missing, "speaking with espeak-ng instead");
                vec![Arc::new(only)]
            }
            (Err(missing), Err(_)) => return Err(missing),
        },
    };
    let prompts = match &choice.prompts_dir {
        Some(dir) => Prompts::open(dir)?,
        None => Prompts::default(),
    };
    Ok(Arc::new(Mouth::new(voices, prompts, &choice.cache_dir)?))
}

/// Whether a program of that name is on the `PATH` (or is a path to a file itself).
fn is_installed(program: &str) -> bool {
    if program.contains('/') {
        return std::path::Path::new(program).is_file();
    }
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
