//! What is wrong with a recording, and how to mend it.

use std::path::PathBuf;

/// A WAV could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WavError {
    /// The system would not give the file.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is there and cannot be understood.
    #[error("{name}: {problem}")]
    Unusable {
        /// The file, or "audio" where the bytes came from elsewhere.
        name: String,
        /// What is wrong.
        problem: Problem,
    },
    /// The file could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: hound::Error,
    },
}

/// What is wrong with the bytes of a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There are no bytes.
    #[error("the file is empty; record or copy it again")]
    Empty,
    /// It is sound, but not WAV.
    #[error("this is {kind}, not WAV; convert it: ffmpeg -i INPUT -ar 16000 -c:a pcm_s16le OUTPUT.wav")]
    OtherFormat {
        /// The format it looks like.
        kind: &'static str,
    },
    /// It does not begin like a WAV.
    #[error(
        "this is not a WAV file (it does not begin with RIFF … WAVE); if it is sound, convert it: \
         ffmpeg -i INPUT -ar 16000 -c:a pcm_s16le OUTPUT.wav"
    )]
    NotWav,
    /// The part that describes the samples is missing or cut.
    #[error("the header is damaged: {what}; let ffmpeg try: ffmpeg -i INPUT -ar 16000 -c:a pcm_s16le OUTPUT.wav")]
    Header {
        /// What is missing or impossible.
        what: String,
    },
    /// The samples are coded in a way that is not supported.
    #[error(
        "the samples are coded as {codec}, which is not supported; convert it: ffmpeg -i INPUT -ar 16000 -c:a pcm_s16le OUTPUT.wav"
    )]
    Codec {
        /// Name of the coding, or its number.
        codec: String,
    },
    /// The header is in order and no samples follow.
    #[error("there are no samples in it; was the recording stopped before it began?")]
    NoSamples,
}
