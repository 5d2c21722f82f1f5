//! Samples: codecs, resampling, voice activity, tones, mixing, WAV.
//!
//! - [`g711`]: A-law and µ-law, what a telephone line carries;
//! - [`resample`]: between rates, live (1 ms of delay) or for files (cleaner, whole recordings);
//! - [`vad`]: is somebody speaking; [`tonality`]: is this a tone of the telephone network instead;
//! - [`tone`]: the tones we make, [`dtmf`]: the keys a caller presses, heard in the audio itself;
//! - [`Latest`]: the last so many samples in one piece;
//! - [`mix`]: gain, levels, mixing; [`line`](mod@line): what a telephone line does to a voice;
//! - [`wav`]: recordings, in and out.
//!
//! Samples are `i16` everywhere, mono unless a type says otherwise. Nothing here knows the clock, a socket or a call;
//! files are touched by [`wav`] alone. No sample, however odd, makes anything here panic.

pub mod dtmf;
pub mod g711;
mod latest;
pub mod line;
pub mod mix;
mod pcm;
pub mod resample;
pub mod tonality;
pub mod tone;
pub mod vad;
pub mod wav;

#[cfg(test)]
mod testing;

pub use latest::Latest;
pub use line::telephone;
pub use pcm::Pcm;

/// Length of a frame on the telephone, milliseconds.
pub const FRAME_MS: u32 = 20;

/// Rate of a telephone line, samples per second.
pub const TELEPHONE_RATE: u32 = 8_000;
