//! What can go wrong with ears and mouth.

use std::path::PathBuf;

/// Every message names the thing, what is wrong with it, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    /// The model of an engine is not in the store.
    #[error("{engine}: no model at {}; run `{command}`", path.display())]
    ModelMissing {
        /// Engine that wanted it: `whisper`, `vosk`.
        engine: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// The command that gets it.
        command: String,
    },
    /// The model is there and cannot be used.
    #[error("{engine}: the model at {} cannot be loaded: {reason}; run `{command}`", path.display())]
    ModelBroken {
        /// Engine that tried it.
        engine: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the engine said.
        reason: String,
        /// The command that gets it anew.
        command: String,
    },
    /// The engine's native library is not here or cannot be loaded.
    #[error("{engine}: the library {} cannot be loaded ({reason}); run `{command}`", path.display())]
    LibraryMissing {
        /// Engine: `vosk`.
        engine: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// What the loader said.
        reason: String,
        /// The command that gets it.
        command: String,
    },
    /// This program was built without the engine.
    #[error("{engine}: this program was built without it; build with `--features {feature}`")]
    EngineAbsent {
        /// Engine.
        engine: &'static str,
        /// Cargo feature that brings it.
        feature: &'static str,
    },
    /// The engine failed while hearing.
    #[error("{engine} failed: {reason}")]
    RecognitionFailed {
        /// Engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
    /// A live turn was not heard within its time.
    #[error("hearing took longer than {limit_ms} ms; add workers or take a smaller model")]
    HearingTimeout {
        /// The limit that passed.
        limit_ms: u64,
    },
    /// Batch work was refused because enough of it is waiting.
    #[error("{waiting} recordings are already waiting to be heard; try again later")]
    QueueFull {
        /// Length of the queue.
        waiting: usize,
    },
    /// The pool of workers is shutting down.
    #[error("the ears are closed: the program is shutting down")]
    Closed,
    /// No such voice on this machine.
    #[error("{engine}: {hint}")]
    VoiceMissing {
        /// Voice engine: `festival`, `espeak-ng`, a command.
        engine: String,
        /// What is missing and the command that installs it.
        hint: String,
    },
    /// The voice was there and did not speak.
    #[error("{engine} did not speak: {reason}")]
    VoiceFailed {
        /// Voice engine.
        engine: String,
        /// What it said, without the text it was given.
        reason: String,
    },
    /// The model manifest has a mistake.
    #[error("model manifest: {0}")]
    Manifest(String),
    /// No model of that name is known.
    #[error("there is no model `{id}`; known are: {known}")]
    UnknownModel {
        /// What was asked for.
        id: String,
        /// What there is.
        known: String,
    },
    /// A model could not be fetched.
    #[error("{id}: {reason}")]
    FetchFailed {
        /// Model.
        id: String,
        /// What went wrong and how to mend it.
        reason: String,
    },
    /// A file came with other contents than the manifest says.
    #[error(
        "{id}: {file} has sha256 {found}, and {expected} was expected; it was removed, so run `gudok models fetch {id}` \
         again, and if this repeats, do not use the file"
    )]
    HashDiffers {
        /// Model.
        id: String,
        /// File.
        file: String,
        /// Hash in the manifest (or of the first fetch).
        expected: String,
        /// Hash of what came.
        found: String,
    },
    /// A WAV or other audio could not be read.
    #[error(transparent)]
    Audio(#[from] audio::wav::WavError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl SpeechError {
    /// For `map_err`: an input/output error with the path it happened at.
    pub fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> SpeechError {
        let path = path.into();
        move |source| SpeechError::Io { path, source }
    }
}
