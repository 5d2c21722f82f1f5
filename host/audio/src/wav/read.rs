//! RIFF, chunk by chunk.
//!
//! Formats: the `fmt ` chunk of "Multimedia Programming Interface and Data Specifications 1.0" (1991) and
//! `WAVE_FORMAT_EXTENSIBLE`; RF64 and the unknown lengths (0, 2³²−1) that streaming writers leave are taken as "to the end".

use super::{Problem, Recording};
use crate::{g711, mix};

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const ALAW: u16 = 6;
const ULAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;
/// The rest of the 16-byte sub-format of `WAVE_FORMAT_EXTENSIBLE`; the first two bytes are the format.
const SUBFORMAT_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
const MAX_CHANNELS: u16 = 8;
const RATES: std::ops::RangeInclusive<u32> = 1_000..=768_000;

pub(super) fn recording(bytes: &[u8]) -> Result<Recording, Problem> {
    if bytes.is_empty() {
        return Err(Problem::Empty);
    }
    let riff = bytes.starts_with(b"RIFF") || bytes.starts_with(b"RF64");
    if !riff || bytes.get(8..12) != Some(b"WAVE") {
        return Err(other_format(bytes).map_or(Problem::NotWav, |kind| Problem::OtherFormat { kind }));
    }
    let mut format = None;
    let mut at = 12;
    while let Some((id, size)) = chunk(bytes, at) {
        let body = &bytes[at + 8..];
        match &id {
            b"fmt " => format = Some(Format::parse(&body[..body.len().min(size)])?),
            b"data" => {
                let format = format.ok_or_else(|| header("the samples come before their description (`fmt `)"))?;
                return format.samples(&body[..data_length(body, size)]);
            }
            _ => {}
        }
        // Chunks begin at even places.
        at = at.saturating_add(8).saturating_add(size).saturating_add(size % 2);
    }
    Err(match format {
        Some(_) => Problem::NoSamples,
        None => header("there is no description of the samples (`fmt `)"),
    })
}

fn chunk(bytes: &[u8], at: usize) -> Option<([u8; 4], usize)> {
    let head = bytes.get(at..at.checked_add(8)?)?;
    Some((head[..4].try_into().ok()?, u32_at(head, 4)? as usize))
}

/// Length of the samples: as promised, or what is left where the promise was never made or not kept.
fn data_length(body: &[u8], promised: usize) -> usize {
    let unknown = promised == u32::MAX as usize || (promised == 0 && !chunks_follow(body));
    if unknown { body.len() } else { promised.min(body.len()) }
}

/// Is what follows a list of chunks to the end, rather than samples under a header that was never completed?
fn chunks_follow(mut body: &[u8]) -> bool {
    while !body.is_empty() {
        let Some((id, size)) = chunk(body, 0) else { return false };
        let next = size.saturating_add(8 + size % 2);
        if !id.iter().all(|b| b.is_ascii_graphic() || *b == b' ') || next > body.len() + 1 {
            return false;
        }
        body = &body[next.min(body.len())..];
    }
    true
}

struct Format {
    coding: Coding,
    channels: usize,
    rate: u32,
}

enum Coding {
    // Bytes of a sample. 8 bits are unsigned, the others signed and left-justified.
    Pcm(usize),
    Float(usize),
    ALaw,
    MuLaw,
}

impl Format {
    fn parse(fmt: &[u8]) -> Result<Format, Problem> {
        let field = |at| u16_at(fmt, at).ok_or_else(|| header("the description of the samples is cut short"));
        let mut tag = field(0)?;
        let channels = field(2)?;
        let rate = u32_at(fmt, 4).ok_or_else(|| header("the description of the samples is cut short"))?;
        let block = field(12)?;
        let bits = if fmt.len() >= 16 { field(14)? } else { 8 };
        if tag == EXTENSIBLE {
            tag = field(24)?;
            if fmt.get(26..40) != Some(&SUBFORMAT_TAIL) {
                return Err(Problem::Codec { codec: "an unknown extensible format".into() });
            }
        }
        if channels == 0 || channels > MAX_CHANNELS {
            return Err(header(&format!("{channels} channels, where 1 to {MAX_CHANNELS} are possible")));
        }
        if !RATES.contains(&rate) {
            return Err(header(&format!("{rate} samples per second, where 1000 to 768000 are possible")));
        }
        // Bits may be fewer than the bytes hold (12 in 16, 24 in 32): the container counts.
        let container = match (block / channels, block % channels) {
            (bytes, 0) if bytes > 0 => usize::from(bytes),
            _ => usize::from(bits.div_ceil(8)),
        };
        let coding = match (tag, container) {
            (PCM, 1..=4) if usize::from(bits) <= container * 8 && bits > 0 => Coding::Pcm(container),
            (FLOAT, 4 | 8) => Coding::Float(container),
            (ALAW, 1) => Coding::ALaw,
            (ULAW, 1) => Coding::MuLaw,
            (PCM | FLOAT | ALAW | ULAW, _) => {
                return Err(header(&format!("{bits} bits a sample in {container} bytes do not go with format {tag}")));
            }
            _ => return Err(Problem::Codec { codec: codec_name(tag) }),
        };
        Ok(Format { coding, channels: usize::from(channels), rate })
    }

    fn samples(&self, data: &[u8]) -> Result<Recording, Problem> {
        let interleaved: Vec<i16> = match self.coding {
            Coding::ALaw => g711::alaw_decode(data),
            Coding::MuLaw => g711::ulaw_decode(data),
            Coding::Pcm(1) => data.iter().map(|&b| (i16::from(b) - 128) << 8).collect(),
            // Little-endian: the last two bytes are the ones that matter.
            Coding::Pcm(bytes) => {
                data.chunks_exact(bytes).map(|s| i16::from_le_bytes([s[bytes - 2], s[bytes - 1]])).collect()
            }
            Coding::Float(bytes) => data.chunks_exact(bytes).map(float_sample).collect(),
        };
        let length = interleaved.len() / self.channels;
        if length == 0 {
            return Err(Problem::NoSamples);
        }
        let channels = (0..self.channels)
            .map(|channel| interleaved.iter().skip(channel).step_by(self.channels).take(length).copied().collect())
            .collect();
        Ok(Recording { rate: self.rate, channels })
    }
}

fn float_sample(bytes: &[u8]) -> i16 {
    let value = match *bytes {
        [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
        [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
        _ => 0.0,
    };
    mix::clip(value * 32_768.0)
}

fn header(what: &str) -> Problem {
    Problem::Header { what: what.into() }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Names of what a PBX or a phone may have written (registered in RFC 2361).
fn codec_name(tag: u16) -> String {
    match tag {
        0x0002 => "Microsoft ADPCM".into(),
        0x0011 => "IMA ADPCM".into(),
        0x0031 => "GSM 06.10 (Asterisk's wav49)".into(),
        0x0040 => "G.721 ADPCM".into(),
        0x0042 => "G.723.1".into(),
        0x0045 | 0x0064 => "G.726 ADPCM".into(),
        0x0050 | 0x0055 => "MP3".into(),
        0x0083 => "G.729".into(),
        0x00ff => "AAC".into(),
        other => format!("format 0x{other:04x}"),
    }
}

/// What the first bytes of other formats look like.
fn other_format(bytes: &[u8]) -> Option<&'static str> {
    const MAGIC: [(usize, &[u8], &str); 14] = [
        (0, b"ID3", "MP3"),
        (0, &[0xff, 0xfb], "MP3"),
        (0, &[0xff, 0xf3], "MP3"),
        (0, &[0xff, 0xf1], "AAC"),
        (0, b"OggS", "Ogg (Opus or Vorbis)"),
        (0, b"fLaC", "FLAC"),
        (0, b"#!AMR", "AMR"),
        (4, b"ftyp", "MP4/M4A"),
        (0, b"RIFX", "big-endian RIFX"),
        (0, b"FORM", "AIFF"),
        (0, b".snd", "Sun AU"),
        (0, b"caff", "Core Audio"),
        (0, &[0x1a, 0x45, 0xdf, 0xa3], "Matroska/WebM"),
        (0, &[0x30, 0x26, 0xb2, 0x75], "WMA"),
    ];
    MAGIC.iter().find(|(at, magic, _)| bytes.get(*at..).is_some_and(|b| b.starts_with(magic))).map(|m| m.2)
}
