//! The tones a telephone makes: keys, ringing, busy, and a quiet sign of life while a caller waits.
//!
//! Frequencies and rhythms are those of the Russian network (ITU-T E.180, supplement 2: 425 Hz; ringing 0.8 s on and 3.2 s
//! off, busy 0.4 s and 0.4 s) and of ITU-T Q.23 for the keys.

use crate::Pcm;
use crate::mix::{amplitude, clip};
use crate::pcm::samples_in;

/// Keys in the order of a sixteen-key pad, row by row.
pub const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];
/// Frequencies of the rows of the pad, Hz.
pub const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
/// Frequencies of its columns, Hz.
pub const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];

/// The tone of a key (`0`–`9`, `*`, `#`, `A`–`D`), or nothing where there is no such key.
pub fn dtmf(key: char, ms: u32, rate: u32) -> Option<Pcm> {
    let key = key.to_ascii_uppercase();
    let (row, column) =
        KEYS.iter().enumerate().find_map(|(row, keys)| Some((row, keys.iter().position(|&k| k == key)?)))?;
    // The higher tone is sent 2 dB louder, as lines damp it more.
    Some(sines(&[(ROWS[row], -12.0), (COLUMNS[column], -10.0)], ms, rate))
}

/// What a caller hears while the other side rings.
pub fn ringback(ms: u32, rate: u32) -> Pcm {
    rhythm(425.0, -15.0, 800, 4_000, ms, rate)
}

/// What a caller hears when the line is taken.
pub fn busy(ms: u32, rate: u32) -> Pcm {
    rhythm(425.0, -15.0, 400, 800, ms, rate)
}

/// A soft short note every two seconds: "we are still here" while a caller waits for something.
pub fn comfort(ms: u32, rate: u32) -> Pcm {
    rhythm(440.0, -32.0, 120, 2_000, ms, rate)
}

/// Sines sounding together: frequency in Hz, level of each in dBFS (of its peak). Both ends are faded over 5 ms.
pub fn sines(tones: &[(f32, f32)], ms: u32, rate: u32) -> Pcm {
    let length = samples_in(ms, rate);
    let fade = samples_in(5, rate).clamp(1, (length / 2).max(1));
    let samples = (0..length)
        .map(|i| {
            let edge = (i.min(length - 1 - i) as f32 / fade as f32).min(1.0);
            let value: f64 = tones
                .iter()
                .map(|&(hz, dbfs)| {
                    let phase = std::f64::consts::TAU * f64::from(hz) * i as f64 / f64::from(rate);
                    f64::from(amplitude(dbfs)) * phase.sin()
                })
                .sum();
            clip(value as f32 * edge * f32::from(i16::MAX))
        })
        .collect();
    Pcm { rate, samples }
}

fn rhythm(hz: f32, dbfs: f32, on_ms: u32, period_ms: u32, ms: u32, rate: u32) -> Pcm {
    let mut period = sines(&[(hz, dbfs)], on_ms, rate).samples;
    period.resize(samples_in(period_ms, rate), 0);
    Pcm { rate, samples: period.into_iter().cycle().take(samples_in(ms, rate)).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::{peak_dbfs, rms_dbfs};

    #[test]
    fn every_key_has_a_tone_and_nothing_else_has() {
        for key in KEYS.iter().flatten() {
            assert_eq!(dtmf(*key, 60, 8_000).map(|p| p.duration_ms()), Some(60));
        }
        assert_eq!(dtmf('x', 60, 8_000), None);
        assert_eq!(dtmf('a', 60, 8_000), dtmf('A', 60, 8_000));
    }

    #[test]
    fn ringing_has_its_rhythm() {
        let ring = ringback(8_000, 8_000);
        for start in [0, 4_000] {
            assert!(rms_dbfs(&ring.slice_ms(start + 100, start + 700).samples) > -20.0);
            assert_eq!(peak_dbfs(&ring.slice_ms(start + 900, start + 3_900).samples), crate::mix::SILENCE_DBFS);
        }
    }

    #[test]
    fn odd_lengths_and_rates_are_taken() {
        for ms in [0, 1, 3, 7] {
            for rate in [0, 1, 999, 8_000] {
                assert_eq!(busy(ms, rate).samples.len(), samples_in(ms, rate));
                comfort(ms, rate);
                dtmf('5', ms, rate);
            }
        }
    }
}
