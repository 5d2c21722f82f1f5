//! Recordings, in and out.
//!
//! Reading is our own: `hound` knows neither A-law nor µ-law, which is how a PBX records, and gives up on a file whose
//! header promises more than the file holds, which is how a PBX leaves a recording when it is restarted. Writing is
//! `hound`'s.

mod error;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::path::Path;

pub use error::{Problem, WavError};
pub use write::{Writer, write};

use crate::Pcm;

/// A recording: one list of samples per channel, all equally long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// Samples per second.
    pub rate: u32,
    /// Channels, left first. At least one.
    pub channels: Vec<Vec<i16>>,
}

impl Recording {
    /// All channels in one, at equal parts.
    pub fn mono(&self) -> Pcm {
        let samples = match self.channels.as_slice() {
            [only] => only.clone(),
            all => {
                let count = all.len().max(1) as i32;
                let length = all.iter().map(Vec::len).max().unwrap_or(0);
                (0..length)
                    .map(|i| (all.iter().filter_map(|c| c.get(i)).map(|&s| i32::from(s)).sum::<i32>() / count) as i16)
                    .collect()
            }
        };
        Pcm { rate: self.rate, samples }
    }

    /// One channel, 0 for the left; empty where there is no such channel.
    pub fn channel(&self, index: usize) -> Pcm {
        Pcm { rate: self.rate, samples: self.channels.get(index).cloned().unwrap_or_default() }
    }

    /// Length in milliseconds.
    pub fn duration_ms(&self) -> u32 {
        let length = self.channels.iter().map(Vec::len).max().unwrap_or(0) as u64;
        u32::try_from(length * 1000 / u64::from(self.rate.max(1))).unwrap_or(u32::MAX)
    }
}

/// Reads a WAV file: any rate, mono to eight channels, PCM of 8 to 32 bits, float, A-law or µ-law. A file that ends early
/// gives what it holds.
pub fn read(path: impl AsRef<Path>) -> Result<Recording, WavError> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| WavError::Read { path: path.into(), source })?;
    read::recording(&bytes).map_err(|problem| WavError::Unusable { name: path.display().to_string(), problem })
}

/// Reads a WAV from memory; as [`read()`].
pub fn decode(bytes: &[u8]) -> Result<Recording, WavError> {
    read::recording(bytes).map_err(|problem| WavError::Unusable { name: "audio".into(), problem })
}
