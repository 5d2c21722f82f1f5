//! Our sound, in packets: timestamps that keep time, packets of the agreed length, keys in place of sound.

use std::collections::VecDeque;
use std::time::Duration;

use lines::FRAME_SAMPLES;

use crate::codec::Encoder;
use crate::digits::{self, Dialler};
use crate::rtcp::SenderInfo;
use crate::rtp::{self, Packet};
use crate::{Codec, MediaError, Negotiated};

/// Makes packets of frames.
pub struct Sender {
    ssrc: u32,
    sequence: u16,
    /// The timestamp of the first sample.
    base: u32,
    form: Option<Form>,
    encoder: Option<(Codec, Encoder)>,
    /// Samples at 8 kHz since the beginning, those included that were never sent.
    samples: u64,
    began: Option<Duration>,
    /// Frames whose packet is not full yet.
    waiting: Vec<i16>,
    marker: bool,
    dialler: Dialler,
    /// Keys as tones, where they cannot travel as events.
    tones: VecDeque<i16>,
    payload: Vec<u8>,
    packet: Vec<u8>,
    info: SenderInfo,
    last: Option<Duration>,
}

/// How packets look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Form {
    codec: Codec,
    payload_type: u8,
    ptime_ms: u32,
    dtmf: Option<u8>,
    dtmf_clock: u32,
}

/// When our time is so far behind the clock, frames were left out and will not come.
const BEHIND: u64 = 8 * 200;

impl Sender {
    /// A sender whose numbers begin at random, as RFC 3550 wants them.
    pub fn new(ssrc: u32, sequence: u16, base: u32) -> Sender {
        Sender {
            ssrc,
            sequence,
            base,
            form: None,
            encoder: None,
            samples: 0,
            began: None,
            waiting: Vec::with_capacity(4 * FRAME_SAMPLES),
            marker: true,
            dialler: Dialler::new(8_000),
            tones: VecDeque::new(),
            payload: Vec::new(),
            packet: Vec::new(),
            info: SenderInfo::default(),
            last: None,
        }
    }

    /// Our number.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Sets how packets look from now on.
    pub fn agree(&mut self, agreed: &Negotiated) -> Result<(), MediaError> {
        let form = Form {
            codec: agreed.codec,
            payload_type: agreed.payload_type,
            ptime_ms: packet_ms(agreed.codec, agreed.ptime_ms),
            dtmf: agreed.dtmf,
            dtmf_clock: agreed.dtmf_clock.max(8_000),
        };
        if self.form == Some(form) {
            return Ok(());
        }
        if self.encoder.as_ref().is_none_or(|(codec, _)| *codec != form.codec) {
            self.encoder = Some((form.codec, Encoder::new(form.codec, &agreed.opus)?));
        }
        if self.form.is_none_or(|before| before.dtmf_clock != form.dtmf_clock) {
            self.dialler = Dialler::new(form.dtmf_clock);
        }
        self.form = Some(form);
        self.waiting.clear();
        Ok(())
    }

    /// Queues keys.
    pub fn press(&mut self, keys: &str) {
        self.dialler.press(keys);
    }

    /// What waits is not to be heard any more.
    pub fn flush(&mut self) {
        self.waiting.clear();
    }

    /// Counts of what was sent, with our time at a moment; none while nothing was sent lately.
    pub fn info(&self, now: Duration, within: Duration) -> Option<SenderInfo> {
        let last = self.last.filter(|&last| now.saturating_sub(last) <= within)?;
        let since = now.saturating_sub(last).as_micros() as u64;
        let clock = self.form.map_or(8_000, |form| form.codec.clock());
        let timestamp = self.stamp(clock).wrapping_add((since * u64::from(clock) / 1_000_000) as u32);
        Some(SenderInfo { timestamp, ..self.info })
    }

    /// Takes 20 ms; `send` gets whole packets.
    pub fn frame(&mut self, frame: &[i16; FRAME_SAMPLES], now: Duration, mut send: impl FnMut(&mut Vec<u8>)) {
        self.keep_time(now);
        let Some(form) = self.form else { return };
        self.last = Some(now);
        if let Some(number) = form.dtmf {
            let at = self.stamp(form.dtmf_clock);
            let mut dialler = std::mem::replace(&mut self.dialler, Dialler::new(form.dtmf_clock));
            let down = dialler.busy();
            let mut sounded = false;
            if down {
                dialler.frame(at, |press| {
                    sounded = true;
                    self.emit(number, press.marker, press.timestamp, &press.block.write(), &mut send);
                });
            }
            self.dialler = dialler;
            if sounded {
                // A key takes the place of sound; what waited for a full packet is too old after it.
                self.waiting.clear();
                self.samples += FRAME_SAMPLES as u64;
                self.marker = true;
                return;
            }
        }
        let toned = self.toned(frame, form.dtmf.is_none());
        self.waiting.extend_from_slice(&toned);
        self.samples += FRAME_SAMPLES as u64;
        let length = (8 * form.ptime_ms) as usize;
        while self.waiting.len() >= length {
            let stamp = self.stamp_before(form.codec.clock(), self.waiting.len());
            let mut payload = std::mem::take(&mut self.payload);
            payload.clear();
            if let Some((_, encoder)) = &mut self.encoder {
                encoder.encode(&self.waiting[..length], &mut payload);
            }
            self.waiting.drain(..length);
            if !payload.is_empty() {
                let marker = std::mem::take(&mut self.marker);
                self.emit(form.payload_type, marker, stamp, &payload, &mut send);
            }
            self.payload = payload;
        }
    }

    /// The frame, or the tone of a key in its place.
    fn toned(&mut self, frame: &[i16; FRAME_SAMPLES], allowed: bool) -> [i16; FRAME_SAMPLES] {
        if allowed
            && self.tones.is_empty()
            && let Some(key) = self.dialler.next_key().and_then(digits::key)
            && let Some(tone) = audio::tone::dtmf(key, 100, lines::LINE_RATE)
        {
            self.tones.extend(tone.samples);
            self.tones.extend([0; 3 * FRAME_SAMPLES]);
        }
        if self.tones.is_empty() {
            return *frame;
        }
        std::array::from_fn(|_| self.tones.pop_front().unwrap_or(0))
    }

    fn emit(&mut self, number: u8, marker: bool, timestamp: u32, payload: &[u8], send: &mut impl FnMut(&mut Vec<u8>)) {
        let packet =
            Packet { marker, payload_type: number, sequence: self.sequence, timestamp, ssrc: self.ssrc, payload };
        rtp::write(&packet, &mut self.packet);
        self.sequence = self.sequence.wrapping_add(1);
        self.info.packets = self.info.packets.wrapping_add(1);
        self.info.bytes = self.info.bytes.wrapping_add(payload.len() as u32);
        send(&mut self.packet);
    }

    /// Frames that were left out are time that passed all the same.
    fn keep_time(&mut self, now: Duration) {
        let began = *self.began.get_or_insert(now);
        let passed = now.saturating_sub(began).as_millis() as u64 * 8;
        if passed > self.samples + BEHIND {
            self.samples = passed / FRAME_SAMPLES as u64 * FRAME_SAMPLES as u64;
            self.waiting.clear();
            self.marker = true;
        }
    }

    fn stamp(&self, clock: u32) -> u32 {
        self.stamp_before(clock, 0)
    }

    fn stamp_before(&self, clock: u32, samples: usize) -> u32 {
        let ticks = (self.samples - (samples as u64).min(self.samples)) * u64::from(clock) / 8_000;
        self.base.wrapping_add(ticks as u32)
    }
}

/// How long a packet is: what the other side wants, as far as the codec can.
fn packet_ms(codec: Codec, wanted: u32) -> u32 {
    let wanted = wanted.clamp(10, 60) / 10 * 10;
    match (codec, wanted) {
        (Codec::Opus, 30) => 20,
        (Codec::Opus, 50) => 40,
        (_, wanted) => wanted,
    }
}
