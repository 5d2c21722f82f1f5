//! Codecs at the house's rate: 8 kHz in, 8 kHz out, whatever is on the wire.

use audio::resample::Stream;
use audio_codec::g722::{G722Decoder, G722Encoder};
use audio_codec::{Decoder as _, Encoder as _};
use opus_rs::{Application, OpusDecoder, OpusEncoder};

use crate::{Codec, MediaError, OpusSettings};

/// The house's rate.
const HOUSE: u32 = 8_000;

/// Makes payloads of samples.
pub struct Encoder(Coding);

enum Coding {
    Pcma,
    Pcmu,
    G722 { up: Stream, codec: Box<G722Encoder> },
    Opus { up: Stream, codec: Box<OpusEncoder> },
}

/// Opus at 16 kHz is SILK wideband: it carries all that 8 kHz in holds at half the cost of 48 kHz.
const OPUS_RATE: u32 = 16_000;
/// Bits a second; speech is transparent to the ear at that rate.
const OPUS_BITS: i32 = 24_000;
/// Of ten; the level below which the encoder begins to save on pitch search.
const OPUS_COMPLEXITY: i32 = 3;
/// Percent of packets that redundancy is made for, where the other side uses it.
const OPUS_LOSS: i32 = 5;
/// A packet may say 120 ms.
const OPUS_LONGEST_MS: usize = 120;

impl Encoder {
    /// A fresh encoder; `opus` is how the other side wants Opus, where that is the codec.
    pub fn new(codec: Codec, opus: &OpusSettings) -> Result<Encoder, MediaError> {
        Ok(Encoder(match codec {
            Codec::Pcma => Coding::Pcma,
            Codec::Pcmu => Coding::Pcmu,
            Codec::G722 => Coding::G722 { up: Stream::new(HOUSE, 16_000), codec: Box::new(G722Encoder::new()) },
            Codec::Opus => {
                let mut codec = OpusEncoder::new(OPUS_RATE as i32, 1, Application::Voip).map_err(opus_error)?;
                codec.bitrate_bps = opus.max_average_bitrate.map_or(OPUS_BITS, |most| OPUS_BITS.min(most as i32));
                codec.use_cbr = opus.constant_rate;
                codec.complexity = OPUS_COMPLEXITY;
                codec.use_inband_fec = opus.inband_fec;
                codec.packet_loss_perc = if opus.inband_fec { OPUS_LOSS } else { 0 };
                Coding::Opus { up: Stream::new(HOUSE, OPUS_RATE), codec: Box::new(codec) }
            }
        }))
    }

    /// Appends the payload of samples; 10 to 60 ms of them, which is one packet.
    pub fn encode(&mut self, samples: &[i16], out: &mut Vec<u8>) {
        match &mut self.0 {
            Coding::Pcma => out.extend(audio::g711::alaw_encode(samples)),
            Coding::Pcmu => out.extend(audio::g711::ulaw_encode(samples)),
            Coding::G722 { up, codec } => out.extend(codec.encode(&up.push(samples))),
            Coding::Opus { up, codec } => {
                let samples = up.push(samples);
                let mut packet = [0; 1_275];
                if let Ok(bytes) = codec.encode_i16(&samples, samples.len(), &mut packet) {
                    out.extend_from_slice(&packet[..bytes.min(packet.len())]);
                }
            }
        }
    }
}

/// Makes samples of payloads.
pub struct Decoder(Decoding);

enum Decoding {
    Pcma,
    Pcmu,
    G722 { down: Stream, codec: Box<G722Decoder> },
    Opus { codec: Box<OpusDecoder> },
}

impl Decoder {
    /// A fresh decoder.
    pub fn new(codec: Codec) -> Result<Decoder, MediaError> {
        Ok(Decoder(match codec {
            Codec::Pcma => Decoding::Pcma,
            Codec::Pcmu => Decoding::Pcmu,
            Codec::G722 => Decoding::G722 { down: Stream::new(16_000, HOUSE), codec: Box::new(G722Decoder::new()) },
            // Opus decodes to any of its rates by itself.
            Codec::Opus => Decoding::Opus { codec: Box::new(OpusDecoder::new(HOUSE as i32, 1).map_err(opus_error)?) },
        }))
    }

    /// The samples of a payload. Nothing comes of a payload that is no good.
    pub fn decode(&mut self, payload: &[u8]) -> Vec<i16> {
        match &mut self.0 {
            Decoding::Pcma => audio::g711::alaw_decode(payload),
            Decoding::Pcmu => audio::g711::ulaw_decode(payload),
            Decoding::G722 { down, codec } => down.push(&codec.decode(payload)),
            Decoding::Opus { codec } => {
                let longest = HOUSE as usize * OPUS_LONGEST_MS / 1_000;
                let mut samples = vec![0.0; longest];
                let decoded = codec.decode(payload, longest, &mut samples).unwrap_or(0);
                to_house(&samples[..decoded.min(longest)])
            }
        }
    }

    /// What a lost packet held, from the redundancy in the one after it; nothing where the codec has no such thing.
    pub fn recover(&mut self, next: &[u8], samples: usize) -> Vec<i16> {
        match &mut self.0 {
            Decoding::Opus { codec } => {
                let mut recovered = vec![0.0; samples];
                let count = codec.decode_fec(next, samples, &mut recovered).unwrap_or(0);
                to_house(&recovered[..count.min(samples)])
            }
            _ => Vec::new(),
        }
    }
}

/// How many ticks of its clock a payload lasts, without decoding it; 0 where it says nothing sensible.
pub fn duration(codec: Codec, payload: &[u8]) -> u32 {
    match codec {
        // One byte a tick; G.722 holds two samples in a byte, and its clock is half its rate.
        Codec::Pcma | Codec::Pcmu | Codec::G722 => payload.len() as u32,
        Codec::Opus => opus_duration(payload),
    }
}

/// RFC 6716, 3.1 and 3.2: the first byte says how long a frame is, and how many there are.
fn opus_duration(payload: &[u8]) -> u32 {
    let Some(&toc) = payload.first() else { return 0 };
    let configuration = toc >> 3;
    let frame = match configuration {
        0..=11 => [480, 960, 1_920, 2_880][usize::from(configuration & 3)],
        12..=15 => [480, 960][usize::from(configuration & 1)],
        _ => [120, 240, 480, 960][usize::from(configuration & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => payload.get(1).map_or(0, |&count| u32::from(count & 0x3f)),
    };
    let duration = frame * frames;
    if duration > 5_760 { 0 } else { duration }
}

fn to_house(samples: &[f32]) -> Vec<i16> {
    samples.iter().map(|&sample| (sample * 32_768.0).clamp(-32_768.0, 32_767.0) as i16).collect()
}

fn opus_error(cause: &'static str) -> MediaError {
    MediaError::Codec { codec: Codec::Opus.name(), cause: cause.to_owned() }
}
