//! Sound as bytes, in the codecs that go over WebSockets.

use audio::g711;
use audio::resample::Stream;

use crate::door::LINE_RATE;

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// G.711 µ-law, 8 kHz.
    Ulaw,
    /// G.711 A-law, 8 kHz.
    Alaw,
    /// 16 bits little-endian at this rate.
    Linear(u32),
}

impl Format {
    /// By Asterisk's name.
    pub fn named(name: &str) -> Option<Format> {
        Some(match name {
            "ulaw" | "mulaw" => Format::Ulaw,
            "alaw" => Format::Alaw,
            "slin" => Format::Linear(8_000),
            "slin12" => Format::Linear(12_000),
            "slin16" => Format::Linear(16_000),
            "slin24" => Format::Linear(24_000),
            "slin32" => Format::Linear(32_000),
            "slin44" => Format::Linear(44_100),
            "slin48" => Format::Linear(48_000),
            "slin96" => Format::Linear(96_000),
            "slin192" => Format::Linear(192_000),
            _ => return None,
        })
    }
}

/// Both directions of one call's sound.
#[derive(Debug)]
pub(super) struct Codec {
    format: Format,
    from: Stream,
    to: Stream,
}

impl Codec {
    pub(super) fn new(format: Format) -> Codec {
        let rate = if let Format::Linear(rate) = format { rate } else { LINE_RATE };
        Codec { format, from: Stream::new(rate, LINE_RATE), to: Stream::new(LINE_RATE, rate) }
    }

    /// Samples of the line. Half a sample at the end is left out.
    pub(super) fn decode(&mut self, bytes: &[u8]) -> Vec<i16> {
        let samples = match self.format {
            Format::Ulaw => g711::ulaw_decode(bytes),
            Format::Alaw => g711::alaw_decode(bytes),
            Format::Linear(_) => bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect(),
        };
        self.from.push(&samples)
    }

    pub(super) fn encode(&mut self, samples: &[i16]) -> Vec<u8> {
        let samples = self.to.push(samples);
        match self.format {
            Format::Ulaw => g711::ulaw_encode(&samples),
            Format::Alaw => g711::alaw_encode(&samples),
            Format::Linear(_) => samples.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        }
    }
}
