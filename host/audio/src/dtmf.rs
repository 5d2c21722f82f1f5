//! The keys a caller presses, heard in the audio itself.
//!
//! For lines that do not carry keys as events (RFC 4733). Eight Goertzel filters over 102 samples at 8 kHz (12.75 ms), two
//! equal blocks in a row make a digit, two blocks without it end it: the arrangement of ITU-T Q.24 and of the well-known
//! free detectors. Thresholds are those of Q.24: at most 8 dB between the tones where the line damps the upper one, 4 dB
//! where the lower one; a digit of 40 ms is heard.

use crate::TELEPHONE_RATE;
use crate::resample::Stream;
use crate::tone::{COLUMNS, KEYS, ROWS};

/// Listens for keys in a stream of samples.
#[derive(Debug)]
pub struct Detector {
    to_8k: Stream,
    block: Vec<f32>,
    last: Option<char>,
    current: Option<char>,
    misses: u8,
}

/// Samples of a block: the filters are then 78 Hz wide, which parts the rows and tolerates 1.5 % of deviation.
const BLOCK: usize = 102;
/// Mean square below which nothing is looked for: -40 dBFS.
const MIN_POWER: f32 = 1.0e5;
/// A tone must exceed the others of its group by 8 dB.
const RELATIVE_PEAK: f32 = 6.3;
/// Lower tone louder than the upper one by at most 8 dB …
const NORMAL_TWIST: f32 = 6.3;
/// … and the upper than the lower by 4 dB.
const REVERSE_TWIST: f32 = 2.5;
/// Share of the block's energy that must be in the two tones; voices are never so pure.
const PURITY: f32 = 0.82;

impl Detector {
    /// A detector for a stream of a rate.
    pub fn new(rate: u32) -> Detector {
        Detector {
            to_8k: Stream::new(rate, TELEPHONE_RATE),
            block: Vec::with_capacity(BLOCK),
            last: None,
            current: None,
            misses: 0,
        }
    }

    /// Takes the next samples and gives the keys that were recognised in them, each once, at its beginning.
    pub fn push(&mut self, samples: &[i16]) -> Vec<char> {
        let mut keys = Vec::new();
        for sample in self.to_8k.push(samples) {
            self.block.push(f32::from(sample));
            if self.block.len() == BLOCK {
                let hit = key_in(&self.block);
                self.block.clear();
                keys.extend(self.step(hit));
            }
        }
        keys
    }

    /// Is a key being held down now? Its tone is not the caller's voice.
    pub fn sounding(&self) -> bool {
        self.current.is_some()
    }

    fn step(&mut self, hit: Option<char>) -> Option<char> {
        let twice = hit.is_some() && hit == self.last;
        self.last = hit;
        if hit == self.current {
            self.misses = 0;
            return None;
        }
        if twice {
            self.current = hit;
            self.misses = 0;
            return hit;
        }
        self.misses += 1;
        if self.misses >= 2 {
            self.current = None;
            self.misses = 0;
        }
        None
    }
}

fn key_in(block: &[f32]) -> Option<char> {
    let total: f32 = block.iter().map(|s| s * s).sum();
    if total < MIN_POWER * block.len() as f32 {
        return None;
    }
    let rows = ROWS.map(|hz| goertzel(block, hz));
    let columns = COLUMNS.map(|hz| goertzel(block, hz));
    let (row, low) = loudest(&rows)?;
    let (column, high) = loudest(&columns)?;
    let twist = low < high * NORMAL_TWIST && high < low * REVERSE_TWIST;
    // A pure sine of n samples has n/2 times its energy in its filter.
    let pure = low + high > PURITY * total * block.len() as f32 / 2.0;
    (twist && pure).then(|| KEYS[row][column])
}

/// The loudest of a group, if it stands out.
fn loudest(group: &[f32; 4]) -> Option<(usize, f32)> {
    let (at, &energy) = group.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1))?;
    let stands_out = group.iter().enumerate().all(|(i, &e)| i == at || e * RELATIVE_PEAK < energy);
    stands_out.then_some((at, energy))
}

/// Energy at a frequency (G. Goertzel, 1958).
fn goertzel(block: &[f32], hz: f32) -> f32 {
    let factor = 2.0 * (std::f32::consts::TAU * hz / TELEPHONE_RATE as f32).cos();
    let (mut older, mut old) = (0.0f32, 0.0f32);
    for sample in block {
        let new = sample + factor * old - older;
        older = old;
        old = new;
    }
    old * old + older * older - factor * old * older
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::Noise;
    use crate::{Pcm, line, mix, tone};

    fn keys(pcm: &Pcm) -> String {
        let mut detector = Detector::new(pcm.rate);
        pcm.samples.chunks(160).flat_map(|frame| detector.push(frame)).collect()
    }

    fn dialled(number: &str, on_ms: u32, off_ms: u32, rate: u32) -> Pcm {
        let mut pcm = Pcm::silence(100, rate);
        for key in number.chars() {
            pcm.append(&tone::dtmf(key, on_ms, rate).expect("a key"));
            pcm.append(&Pcm::silence(off_ms, rate));
        }
        pcm
    }

    #[test]
    fn all_keys_are_heard_once_each() {
        let number = "0123456789*#ABCD11223355";
        assert_eq!(keys(&dialled(number, 70, 70, 8_000)), number);
        assert_eq!(keys(&dialled(number, 70, 70, 16_000)), number);
        assert_eq!(keys(&line::telephone(&dialled(number, 60, 60, 8_000))), number);
    }

    #[test]
    fn a_held_key_is_one_key() {
        assert_eq!(keys(&dialled("5", 3_000, 50, 8_000)), "5");
    }

    #[test]
    fn keys_are_heard_through_noise() {
        let number = "8903123456*7#";
        let mut pcm = dialled(number, 100, 80, 8_000);
        let noise = Noise::new(7).white(pcm.samples.len(), -29.0);
        pcm.samples = mix::mix(&[&pcm.samples, &noise]);
        assert_eq!(keys(&pcm), number);
    }

    #[test]
    fn noise_and_other_tones_are_not_keys() {
        let mut noise = Noise::new(3);
        assert_eq!(keys(&Pcm::new(8_000, noise.white(80_000, -10.0))), "");
        assert_eq!(keys(&Pcm::new(8_000, noise.pink(80_000, -10.0))), "");
        assert_eq!(keys(&tone::busy(10_000, 8_000)), "");
        assert_eq!(keys(&tone::sines(&[(697.0, -10.0)], 1_000, 8_000)), "");
        assert_eq!(keys(&tone::sines(&[(697.0, -10.0), (770.0, -10.0)], 1_000, 8_000)), "");
        // One tone 12 dB over the other.
        assert_eq!(keys(&tone::sines(&[(770.0, -22.0), (1_336.0, -10.0)], 1_000, 8_000)), "");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_samples_are_taken(samples in prop::collection::vec(any::<i16>(), 0..2_000), rate in 0u32..50_000) {
            Detector::new(rate).push(&samples);
        }
    }
}
