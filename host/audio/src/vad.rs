//! Is somebody speaking?
//!
//! Speech probability comes from `earshot` (a small recurrent network whose weights are inside the crate), and goes
//! through hysteresis: 0.7 to enter, 0.6 to stay. Alone it needs 0.8 to stay silent on noise, and then comes 100 ms later and
//! misses short words; so network tones, which sound like vowels to it, and noise are taken out by [`crate::tonality`].

use std::ops::Range;

use earshot::Detector;

use crate::resample::Stream;
use crate::tonality::{HOP, RATE, Tonality};
use crate::{FRAME_MS, Pcm, dtmf};

/// Follows one stream of audio.
pub struct Vad {
    to_16k: Stream,
    detector: Box<Detector>,
    tonality: Tonality,
    // A key of 50 ms is over before its tone is known to be steady.
    keys: dtmf::Detector,
    muted: u32,
    pending: Vec<i16>,
    speech: bool,
    // Looks that speak for changing `speech`.
    run: u32,
}

/// Probability that begins speech.
const ENTER: f32 = 0.7;
/// Probability that keeps it going.
const LEAVE: f32 = 0.6;
/// Looks of 16 ms that begin speech. A tone needs as long to be known for one.
const ONSET: u32 = 4;
/// Looks in a row without speech that end it; the endpointing of a turn is the caller's of this, and much longer.
const RELEASE: u32 = 3;
/// Looks after a key in which nothing is taken for a beginning of speech: its echo in the network's memory.
const AFTER_KEY: u32 = 6;

impl Vad {
    /// For a stream of a rate: 8 or 16 kHz on the telephone, any other is converted too.
    pub fn new(rate: u32) -> Vad {
        Vad {
            to_16k: Stream::new(rate, RATE),
            detector: Detector::default_boxed(),
            tonality: Tonality::new(),
            keys: dtmf::Detector::new(RATE),
            muted: 0,
            pending: Vec::with_capacity(2 * HOP),
            speech: false,
            run: 0,
        }
    }

    /// Takes the next samples (usually 20 ms, but any number) and says whether somebody speaks at their end.
    pub fn push(&mut self, samples: &[i16]) -> bool {
        self.pending.extend(self.to_16k.push(samples));
        let whole = self.pending.len() / HOP * HOP;
        for at in (0..whole).step_by(HOP) {
            let score = self.detector.predict_i16(&self.pending[at..at + HOP]);
            let tone = self.tonality.push(&self.pending[at..at + HOP]);
            let key = !self.keys.push(&self.pending[at..at + HOP]).is_empty() || self.keys.sounding();
            self.muted = if key { AFTER_KEY } else { self.muted.saturating_sub(1) };
            self.step(score, tone);
        }
        self.pending.drain(..whole);
        self.speech
    }

    /// Is somebody speaking, by the last [`Vad::push`]?
    pub fn speech(&self) -> bool {
        self.speech
    }

    fn step(&mut self, score: f32, tone: bool) {
        let hiss = self.tonality.hiss();
        if self.speech {
            self.run = if !tone && !hiss && score >= LEAVE { 0 } else { self.run + 1 };
            if self.run >= RELEASE {
                self.speech = false;
                self.run = 0;
            }
        } else if tone || self.muted > 0 {
            self.run = 0;
        } else if !self.tonality.suspected() && !hiss {
            // A single look that falls short (a stop consonant) puts the onset back by one, not to its beginning.
            self.run = if score >= ENTER { self.run + 1 } else { self.run.saturating_sub(1) };
            if self.run >= ONSET {
                self.speech = true;
                self.run = 0;
            }
        }
    }
}

impl std::fmt::Debug for Vad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vad").field("speech", &self.speech).field("tonality", &self.tonality).finish_non_exhaustive()
    }
}

/// How a recording is cut into pieces of speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentOptions {
    /// Shorter pieces are dropped: a click, a cough.
    pub min_speech_ms: u32,
    /// A shorter pause does not part two pieces.
    pub min_silence_ms: u32,
    /// Kept on either side of a piece, so that no first or last consonant is lost.
    pub pad_ms: u32,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        SegmentOptions { min_speech_ms: 100, min_silence_ms: 500, pad_ms: 300 }
    }
}

/// The pieces of a recording in which somebody speaks: milliseconds from its start, in order, not overlapping.
pub fn segments(pcm: &Pcm, options: &SegmentOptions) -> Vec<Range<u32>> {
    let length = pcm.duration_ms();
    let pcm = pcm.resampled(RATE);
    let mut vad = Vad::new(RATE);
    let mut pieces: Vec<Range<u32>> = Vec::new();
    let mut started: Option<u32> = None;
    // Speech is known for speech only after its onset; it began so much earlier.
    let onset_ms = ONSET * HOP as u32 * 1000 / RATE;
    for (i, frame) in pcm.samples.chunks((RATE * FRAME_MS / 1000) as usize).enumerate() {
        let now = (i as u32 + 1) * FRAME_MS;
        match (vad.push(frame), started) {
            (true, None) => started = Some(now.saturating_sub(onset_ms + FRAME_MS)),
            (false, Some(start)) => {
                pieces.push(start..now);
                started = None;
            }
            _ => {}
        }
    }
    pieces.extend(started.map(|start| start..length));
    join(pieces, length, options)
}

fn join(pieces: Vec<Range<u32>>, length: u32, options: &SegmentOptions) -> Vec<Range<u32>> {
    let mut joined: Vec<Range<u32>> = Vec::new();
    for piece in pieces {
        match joined.last_mut() {
            Some(last) if piece.start <= last.end + options.min_silence_ms => last.end = piece.end.max(last.end),
            _ => joined.push(piece),
        }
    }
    joined.retain(|piece| piece.end.saturating_sub(piece.start) >= options.min_speech_ms);
    let ends: Vec<u32> = joined.iter().map(|piece| piece.end).collect();
    let starts: Vec<u32> = joined.iter().map(|piece| piece.start).collect();
    for (i, piece) in joined.iter_mut().enumerate() {
        // Two neighbours share the pause between them, if it is shorter than both pads.
        let before = if i == 0 { 0 } else { (ends[i - 1] + starts[i]) / 2 };
        let after = starts.get(i + 1).map_or(length, |next| (ends[i] + next) / 2);
        piece.start = piece.start.saturating_sub(options.pad_ms).max(before);
        piece.end = (piece.end + options.pad_ms).min(after);
    }
    joined.retain(|piece| piece.start < piece.end);
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Noise;
    use crate::{line, tone};

    fn speaks(pcm: &Pcm) -> bool {
        let mut vad = Vad::new(pcm.rate);
        pcm.samples.chunks((pcm.rate * FRAME_MS / 1000) as usize).any(|frame| vad.push(frame))
    }

    #[test]
    fn silence_noise_and_tones_are_not_speech() {
        for rate in [8_000, 16_000] {
            let second = rate as usize;
            let mut noise = Noise::new(11);
            let sounds = [
                ("silence", Pcm::silence(5_000, rate)),
                ("white noise", Pcm::new(rate, noise.white(60 * second, -30.0))),
                ("loud white noise", Pcm::new(rate, noise.white(10 * second, -10.0))),
                ("pink noise", Pcm::new(rate, noise.pink(60 * second, -25.0))),
                ("loud pink noise", Pcm::new(rate, noise.pink(30 * second, -15.0))),
                ("ringing", tone::ringback(10_000, rate)),
                ("busy", tone::busy(10_000, rate)),
                ("comfort", tone::comfort(10_000, rate)),
                ("fax", tone::sines(&[(1_100.0, -12.0)], 3_000, rate)),
                ("modem", tone::sines(&[(2_100.0, -12.0)], 3_000, rate)),
            ];
            for (name, sound) in sounds {
                assert!(!speaks(&sound), "{name} at {rate}");
                assert!(!speaks(&line::telephone(&sound)), "{name} at {rate} by telephone");
                assert!(segments(&sound, &SegmentOptions::default()).is_empty(), "{name} at {rate} by segments");
            }
        }
    }

    #[test]
    fn keys_are_not_speech() {
        for on_ms in [50, 100, 300, 1_000] {
            let mut pcm = Pcm::silence(200, 8_000);
            for key in "1234567890*#".chars() {
                pcm.append(&tone::dtmf(key, on_ms, 8_000).expect("a key"));
                pcm.append(&Pcm::silence(80, 8_000));
            }
            assert!(!speaks(&pcm), "keys of {on_ms} ms");
            assert!(!speaks(&line::telephone(&pcm)), "keys of {on_ms} ms by telephone");
        }
    }

    #[test]
    fn pieces_are_joined_padded_and_kept_apart() {
        let options = SegmentOptions { min_speech_ms: 100, min_silence_ms: 300, pad_ms: 200 };
        let pieces = vec![100..400, 600..900, 1_250..1_300, 2_000..2_500, 2_850..2_990];
        assert_eq!(join(pieces, 3_000, &options), vec![0..1_100, 1_800..2_675, 2_675..3_000]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn any_samples_are_taken(samples in prop::collection::vec(any::<i16>(), 0..4_000), rate in 0u32..50_000) {
            Vad::new(rate).push(&samples);
            let pcm = Pcm::new(rate, samples);
            let mut last = 0;
            for piece in segments(&pcm, &SegmentOptions::default()) {
                prop_assert!(last <= piece.start && piece.start < piece.end && piece.end <= pcm.duration_ms());
                last = piece.end;
            }
        }
    }
}
