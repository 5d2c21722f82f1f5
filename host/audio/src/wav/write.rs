//! Writing: at once, or as the call goes on.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use super::WavError;

/// Samples of each channel that are written at once; half a second of a telephone.
const PIECE: usize = 4_096;

/// Writes a recording of 16-bit PCM; shorter channels are filled up with silence.
pub fn write(path: impl AsRef<Path>, rate: u32, channels: &[&[i16]]) -> Result<(), WavError> {
    let mut writer = Writer::create(path, rate, channels.len().max(1) as u16)?;
    writer.push(channels)?;
    writer.finish()
}

/// Writes a recording while it happens. The header is brought up to date every second, so that a process that dies leaves
/// a file that can be played, and at most a second is missing.
pub struct Writer {
    path: PathBuf,
    // `None` after `finish`.
    file: Option<hound::WavWriter<BufWriter<File>>>,
    channels: usize,
    rate: u32,
    written: u64,
    unsaved: usize,
}

impl Writer {
    /// Begins a file, replacing one of that name. Two channels are usual: the caller left, the desk right.
    pub fn create(path: impl AsRef<Path>, rate: u32, channels: u16) -> Result<Writer, WavError> {
        let path = path.as_ref().to_path_buf();
        let spec = hound::WavSpec {
            channels: channels.max(1),
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = hound::WavWriter::create(&path, spec).map_err(|source| at(&path, source))?;
        file.flush().map_err(|source| at(&path, source))?;
        Ok(Writer { path, file: Some(file), channels: usize::from(spec.channels), rate, written: 0, unsaved: 0 })
    }

    /// Adds the same stretch of time to every channel: as long as the longest given, the others filled up with silence.
    pub fn push(&mut self, channels: &[&[i16]]) -> Result<(), WavError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        let length = channels.iter().take(self.channels).map(|c| c.len()).max().unwrap_or(0);
        // In pieces: sample by sample a recording would cost more than its call.
        for from in (0..length).step_by(PIECE) {
            let piece = from..length.min(from + PIECE);
            let mut at_once = file.get_i16_writer((piece.len() * self.channels) as u32);
            for i in piece {
                for channel in 0..self.channels {
                    at_once.write_sample(channels.get(channel).and_then(|c| c.get(i)).copied().unwrap_or(0));
                }
            }
            at_once.flush().map_err(|source| at(&self.path, source))?;
        }
        self.written += length as u64;
        self.unsaved += length;
        if self.unsaved >= self.rate as usize {
            self.unsaved = 0;
            file.flush().map_err(|source| at(&self.path, source))?;
        }
        Ok(())
    }

    /// Length so far, milliseconds.
    pub fn duration_ms(&self) -> u64 {
        self.written * 1000 / u64::from(self.rate.max(1))
    }

    /// Completes the file and sees to it that it is on the disk.
    pub fn finish(mut self) -> Result<(), WavError> {
        if let Some(file) = self.file.take() {
            file.finalize().map_err(|source| at(&self.path, source))?;
            File::open(&self.path)
                .and_then(|file| file.sync_all())
                .map_err(|e| at(&self.path, hound::Error::IoError(e)))?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("path", &self.path).field("written", &self.written).finish_non_exhaustive()
    }
}

fn at(path: &Path, source: hound::Error) -> WavError {
    WavError::Write { path: path.into(), source }
}
