//! What can keep a call from being held at all. Troubles within a call never end here: they end at a person.

/// Why a call could not be held or written down.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The records could not be written.
    #[error("the call could not be written down: {0}")]
    Records(#[from] records::RecordsError),
    /// The media loop panicked, or its clock was stopped; the call is closed in the records.
    #[error("the call's media loop broke off; the log says why")]
    Broken,
    /// Work that was put off cannot be done; what is wrong with it.
    #[error("the recording cannot be written down: {0}")]
    Job(String),
    /// The recording could not be heard.
    #[error("the recording could not be heard: {0}")]
    Speech(#[from] speech::SpeechError),
    /// The recording could not be written or read.
    #[error("the recording: {0}")]
    Recording(#[from] audio::wav::WavError),
}
