//! What can keep a call from being held at all. Troubles within a call never end here: they end at a person.

/// Why a call could not be held or written down.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The records could not be written.
    #[error("the call could not be written down: {0}")]
    Records(#[from] records::RecordsError),
    /// The recording could not be written.
    #[error("the recording could not be written: {0}")]
    Recording(#[from] audio::wav::WavError),
}
