//! From packets that come when they like to 20 ms of sound whenever it is asked for.
//!
//! Packets wait in the order of their timestamps. A cursor says which timestamp is to be heard next; sound is made up while
//! nothing is there, and the time that was made up is set off against what turns out to be missing: a lost packet costs no
//! delay, a late one makes the delay as long as it was late. How long before its time each packet came (its *slack*) is
//! watched: when even the latest ones come far too early, pitch periods are taken out; when several come too late, some are
//! put in. That follows jitter and the drift of clocks alike.
//!
//! - `conceal`: sound in place of what was lost; `stretch`: shorter and longer; `comfort`: the noise of silence

mod comfort;
mod conceal;
mod slack;
mod stretch;

use std::collections::VecDeque;
use std::time::Duration;

use lines::FRAME_SAMPLES;

use crate::Codec;
use crate::codec::{self, Decoder};
use comfort::Comfort;
use conceal::Concealer;
use slack::Slack;

/// How much delay there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delay {
    /// How long the first packet of a sound waits for those that were sent before it, or will be late.
    pub first: Duration,
    /// More than this is thrown away at once.
    pub most: Duration,
}

impl Default for Delay {
    fn default() -> Self {
        Delay { first: Duration::from_millis(20), most: Duration::from_millis(300) }
    }
}

/// A packet of sound.
#[derive(Debug, Clone, Copy)]
pub struct Arrived<'a> {
    /// Its number.
    pub sequence: u16,
    /// Its time, in the clock of the sound.
    pub timestamp: u32,
    /// The sound.
    pub sound: Sound,
    /// The bytes.
    pub payload: &'a [u8],
    /// When it came.
    pub at: Duration,
}

/// What a packet holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Sound, by a codec.
    Coded(Codec),
    /// Silence follows, with noise of this level.
    Comfort,
}

/// What became of the packets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heard {
    /// Packets that came after their time, or twice.
    pub discarded: u64,
    /// Samples that were made up.
    pub concealed: u64,
    /// Samples taken out or put in to change the delay.
    pub stretched: u64,
}

/// Orders, decodes, conceals.
pub struct Playout {
    delay: Delay,
    packets: Vec<Waiting>,
    decoders: Vec<(Codec, Decoder)>,
    /// Ticks a second of the sound that is playing.
    clock: u32,
    /// Timestamp to be heard next; none while nothing plays.
    cursor: Option<i64>,
    /// Newest timestamp, unfolded, with its packet's number and its end.
    newest: Option<(i64, u16, i64)>,
    jumped: Option<(u16, u32)>,
    /// Decoded, not given out.
    ready: VecDeque<i16>,
    concealer: Concealer,
    /// Ticks made up since the cursor last moved.
    made_up: i64,
    comfort: Option<Comfort>,
    slack: Slack,
    next_frame: Duration,
    heard: Heard,
}

struct Waiting {
    timestamp: i64,
    duration: i64,
    sound: Sound,
    payload: Vec<u8>,
    at: Duration,
}

/// Nothing for so long, and what comes next begins anew.
const GIVEN_UP: i64 = 120;
/// A timestamp this far from the last ones means that the sender's clock was set anew, milliseconds.
const JUMP: i64 = 2_000;
/// A packet that waited for its turn so long, while nothing is there to be heard before it, waits for nothing.
const WAITED: Duration = Duration::from_millis(200);
/// Milliseconds of sound that stay when a heap of late packets is thrown away.
const KEPT: i64 = 60;

impl Playout {
    /// Nothing has come yet.
    pub fn new(delay: Delay) -> Playout {
        Playout {
            delay,
            packets: Vec::new(),
            decoders: Vec::new(),
            clock: Codec::Pcma.clock(),
            cursor: None,
            newest: None,
            jumped: None,
            ready: VecDeque::with_capacity(4 * FRAME_SAMPLES),
            concealer: Concealer::new(),
            made_up: 0,
            comfort: None,
            slack: Slack::default(),
            next_frame: Duration::ZERO,
            heard: Heard::default(),
        }
    }

    /// What became of the packets so far.
    pub fn heard(&self) -> Heard {
        self.heard
    }

    /// Milliseconds between a packet's coming and its being heard, as it is now.
    pub fn delay_ms(&self) -> f64 {
        self.slack.typical().max(0.0) + 20.0
    }

    /// Another sender, or another stream of the same: what waits is forgotten, what is decoded is still heard.
    pub fn restart(&mut self) {
        self.packets.clear();
        self.give_up();
    }

    /// The caller presses a key, or is on hold: a voice that breaks off here is not carried on.
    pub fn hush(&mut self) {
        self.concealer.hush();
    }

    /// Takes a packet.
    pub fn insert(&mut self, packet: Arrived<'_>) {
        let (clock, duration) = match packet.sound {
            Sound::Coded(codec) => (codec.clock(), i64::from(codec::duration(codec, packet.payload))),
            Sound::Comfort => (self.clock, 0),
        };
        if packet.sound != Sound::Comfort && duration == 0 {
            return;
        }
        if clock != self.clock {
            self.restart();
            self.newest = None;
            self.clock = clock;
        }
        let Some(timestamp) = self.unfold(&packet, duration) else { return };
        if let Some(cursor) = self.cursor {
            self.slack.came(self.slack_of(timestamp - cursor, packet.at), packet.at);
            if timestamp + duration <= cursor && packet.sound != Sound::Comfort {
                self.heard.discarded += 1;
                return;
            }
        }
        let at = self.packets.partition_point(|waiting| waiting.timestamp < timestamp);
        if self.packets.get(at).is_some_and(|waiting| waiting.timestamp == timestamp) {
            self.heard.discarded += 1;
            return;
        }
        let payload = packet.payload.to_vec();
        self.packets.insert(at, Waiting { timestamp, duration, sound: packet.sound, payload, at: packet.at });
        self.bound();
    }

    /// The next 20 ms.
    pub fn frame(&mut self, now: Duration) -> [i16; FRAME_SAMPLES] {
        self.next_frame = now + Duration::from_millis(20);
        if self.cursor.is_none()
            && let Some(first) = self.packets.first()
            && now >= first.at + self.delay.first
        {
            self.cursor = Some(first.timestamp);
            self.slack.restart();
            self.made_up = 0;
        }
        let correction = self.slack.correction(now);
        let wanted = if correction == 0.0 { FRAME_SAMPLES } else { FRAME_SAMPLES + stretch::WANTED };
        while self.ready.len() < wanted && self.play_next(now, self.ready.len() < FRAME_SAMPLES) {}
        self.stretch(correction, now);
        if self.ready.len() < FRAME_SAMPLES {
            self.make_up(FRAME_SAMPLES - self.ready.len());
        }
        let mut frame = [0; FRAME_SAMPLES];
        for (out, sample) in frame.iter_mut().zip(self.ready.drain(..FRAME_SAMPLES)) {
            *out = sample;
        }
        frame
    }

    /// Decodes the packet at the cursor, or makes up what is missing before it. False where there is nothing to do.
    fn play_next(&mut self, now: Duration, needed: bool) -> bool {
        let Some(cursor) = self.cursor else { return false };
        let Some(first) = self.packets.first() else { return false };
        let gap = first.timestamp - cursor;
        let missing = gap - self.made_up;
        if missing > self.ticks(2) && now < first.at + WAITED {
            if !needed {
                return false;
            }
            // Lost, or not said. Opus may have said it twice.
            let samples = self.samples(missing).min(FRAME_SAMPLES - self.ready.len());
            if self.comfort.is_none() && self.made_up == 0 && self.recover(gap) {
                return true;
            }
            self.make_up(samples.max(1));
            return true;
        }
        let packet = self.packets.remove(0);
        match packet.sound {
            Sound::Comfort => {
                self.comfort = Some(Comfort::new(&packet.payload));
                self.cursor = Some(packet.timestamp.max(cursor));
                self.made_up = (self.made_up - gap.max(0)).max(0);
            }
            Sound::Coded(codec) => {
                self.comfort = None;
                let mut samples = self.decode(codec, &packet.payload);
                // What overlaps was heard already.
                let heard = self.samples((-gap).max(0)).min(samples.len());
                self.concealer.hear(&mut samples[heard..]);
                self.ready.extend(&samples[heard..]);
                self.cursor = Some(cursor.max(packet.timestamp + packet.duration));
                // What was made up beyond the gap was waiting: the delay is so much longer now.
                let waited = (self.made_up - gap.max(0)).max(0);
                self.slack.grown(waited as f64 * 1_000.0 / f64::from(self.clock));
                self.made_up = 0;
            }
        }
        true
    }

    /// Fills in what is not there.
    fn make_up(&mut self, count: usize) {
        if let Some(comfort) = &mut self.comfort {
            comfort.fill(count, &mut self.ready);
        } else if self.cursor.is_some() {
            self.concealer.conceal(count, &mut self.ready);
            self.heard.concealed += count as u64;
        } else {
            self.ready.extend(std::iter::repeat_n(0, count));
            return;
        }
        self.made_up += count as i64 * i64::from(self.clock) / 8_000;
        if self.comfort.is_none() && self.packets.is_empty() && self.made_up > self.ticks(GIVEN_UP) {
            self.give_up();
        }
    }

    /// The one packet that is missing before the first that waits, out of the latter's redundancy.
    fn recover(&mut self, gap: i64) -> bool {
        let Some(first) = self.packets.first() else { return false };
        let Sound::Coded(codec) = first.sound else { return false };
        if codec != Codec::Opus || gap > first.duration {
            return false;
        }
        let payload = first.payload.clone();
        let samples = self.samples(gap);
        let Some(decoder) = self.decoder(codec) else { return false };
        let mut recovered = decoder.recover(&payload, samples);
        if recovered.is_empty() {
            return false;
        }
        self.concealer.hear(&mut recovered);
        self.ready.extend(&recovered);
        self.cursor = self.cursor.map(|cursor| cursor + gap);
        true
    }

    fn decode(&mut self, codec: Codec, payload: &[u8]) -> Vec<i16> {
        self.decoder(codec).map(|decoder| decoder.decode(payload)).unwrap_or_default()
    }

    fn decoder(&mut self, codec: Codec) -> Option<&mut Decoder> {
        let at = match self.decoders.iter().position(|(known, _)| *known == codec) {
            Some(at) => at,
            None => {
                self.decoders.push((codec, Decoder::new(codec).ok()?));
                self.decoders.len() - 1
            }
        };
        Some(&mut self.decoders[at].1)
    }

    fn stretch(&mut self, correction: f64, now: Duration) {
        if correction == 0.0 {
            return;
        }
        let must = self.slack.overdue();
        let (samples, change) = if correction > 0.0 {
            let samples = stretch::shorten(&mut self.ready, must);
            (samples, -(samples as f64))
        } else {
            let samples = stretch::lengthen(&mut self.ready, must);
            (samples, samples as f64)
        };
        if samples > 0 {
            self.heard.stretched += samples as u64;
            self.slack.corrected(change / 8.0, now);
        }
    }

    /// How long before its time a packet came, milliseconds: negative where the frame that wanted it is gone.
    fn slack_of(&self, ahead: i64, at: Duration) -> f64 {
        // Time that was made up has passed already.
        let ahead = if ahead < 0 { ahead } else { (ahead - self.made_up).max(0) };
        let ahead_ms = ahead as f64 * 1_000.0 / f64::from(self.clock) + self.ready.len() as f64 / 8.0;
        let frames = (ahead_ms / 20.0).floor() * 20.0;
        (self.next_frame.as_secs_f64() - at.as_secs_f64()) * 1_000.0 + frames
    }

    /// A timestamp without the fold at 2^32; nothing where it makes no sense yet.
    fn unfold(&mut self, packet: &Arrived<'_>, duration: i64) -> Option<i64> {
        let timestamp = match self.newest {
            None => i64::from(packet.timestamp),
            Some((newest, sequence, end)) => {
                let ahead = i64::from(packet.timestamp.wrapping_sub(newest as u32) as i32);
                let next = packet.sequence == sequence.wrapping_add(1);
                if ahead.abs() <= self.ticks(JUMP) {
                    newest + ahead
                } else if self.packets.is_empty() && (self.cursor.is_none() || self.comfort.is_some()) {
                    // After a silence any time is as good as another.
                    self.give_up();
                    i64::from(packet.timestamp)
                } else if next && self.cursor.is_some() {
                    // The same stream by a clock that was set anew: it goes on where it was.
                    self.rebase(end - i64::from(packet.timestamp));
                    i64::from(packet.timestamp)
                } else {
                    // Another stream, if the next packet agrees.
                    let expected = self.jumped.is_some_and(|(sequence, timestamp)| {
                        packet.sequence == sequence.wrapping_add(1)
                            && i64::from(packet.timestamp.wrapping_sub(timestamp) as i32).abs() <= self.ticks(JUMP)
                    });
                    self.jumped = Some((packet.sequence, packet.timestamp));
                    if !expected {
                        self.heard.discarded += 1;
                        return None;
                    }
                    self.restart();
                    i64::from(packet.timestamp)
                }
            }
        };
        let newer =
            self.newest.is_none_or(|(newest, ..)| timestamp >= newest || (newest - timestamp) > self.ticks(JUMP));
        if newer {
            self.newest = Some((timestamp, packet.sequence, timestamp + duration));
        }
        Some(timestamp)
    }

    /// Moves everything that is known into the time of a clock that was set anew.
    fn rebase(&mut self, by: i64) {
        for packet in &mut self.packets {
            packet.timestamp -= by;
        }
        self.cursor = self.cursor.map(|cursor| cursor - by);
        self.newest = None;
    }

    /// Throws the oldest away where more waits than anybody should.
    fn bound(&mut self) {
        let (Some(first), Some(last)) = (self.packets.first(), self.packets.last()) else { return };
        let end = last.timestamp + last.duration;
        if end - first.timestamp <= self.ticks(self.delay.most.as_millis() as i64) {
            return;
        }
        let from = end - self.ticks(KEPT);
        let before = self.packets.len();
        self.packets.retain(|packet| packet.timestamp >= from);
        self.heard.discarded += (before - self.packets.len()) as u64;
        if self.cursor.is_some() {
            self.cursor = self.packets.first().map(|packet| packet.timestamp);
            self.made_up = 0;
            self.slack.restart();
        }
    }

    fn give_up(&mut self) {
        self.cursor = None;
        self.made_up = 0;
        self.comfort = None;
        self.jumped = None;
    }

    fn ticks(&self, ms: i64) -> i64 {
        ms * i64::from(self.clock) / 1_000
    }

    fn samples(&self, ticks: i64) -> usize {
        (ticks.max(0) * 8_000 / i64::from(self.clock.max(1))) as usize
    }
}

#[cfg(test)]
mod tests;
