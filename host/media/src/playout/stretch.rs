//! A little less, or a little more, of the same sound: one period of its pitch taken out or put in.

use std::collections::VecDeque;

use super::conceal::pitch;

/// Samples that must be there for either.
pub(super) const WANTED: usize = 320;
/// As alike as this, two periods can be made one unheard.
const ALIKE: f32 = 0.6;
/// Root mean square of what is as good as silence.
const QUIET: f32 = 60.0;

/// Takes a period out of the end of samples; gives how many samples that was. Nothing happens where it would be heard,
/// unless it must be.
pub(super) fn shorten(samples: &mut VecDeque<i16>, must: bool) -> usize {
    let Some(lag) = period(samples, must) else { return 0 };
    let from = samples.len() - 2 * lag;
    for i in 0..lag {
        samples[from + i] = blend(samples[from + i], samples[from + lag + i], i, lag);
    }
    samples.drain(from + lag..);
    lag
}

/// Puts a period more to the end of samples; gives how many samples that was.
pub(super) fn lengthen(samples: &mut VecDeque<i16>, must: bool) -> usize {
    let Some(lag) = period(samples, must) else { return 0 };
    let (before, last) = (samples.len() - 2 * lag, samples.len() - lag);
    let tail: Vec<i16> = samples.range(last..).copied().collect();
    for i in 0..lag {
        let earlier = samples[before + i];
        samples[last + i] = blend(tail[i], earlier, i, lag);
    }
    samples.extend(tail);
    lag
}

fn period(samples: &mut VecDeque<i16>, must: bool) -> Option<usize> {
    if samples.len() < WANTED {
        return None;
    }
    let end = &samples.make_contiguous()[..];
    let end = &end[end.len() - WANTED..];
    let power = end.iter().map(|&sample| f32::from(sample) * f32::from(sample)).sum::<f32>() / WANTED as f32;
    let (lag, likeness) = pitch(end);
    (must || likeness >= ALIKE || power.sqrt() < QUIET).then_some(lag)
}

fn blend(from: i16, to: i16, at: usize, length: usize) -> i16 {
    let weight = (at + 1) as f32 / (length + 1) as f32;
    (f32::from(from) * (1.0 - weight) + f32::from(to) * weight) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(count: usize) -> VecDeque<i16> {
        (0..count).map(|i| (8_000.0 * (std::f32::consts::TAU * 125.0 * i as f32 / 8_000.0).sin()) as i16).collect()
    }

    #[test]
    fn a_tone_stays_a_tone() {
        for change in [shorten, lengthen] {
            let mut samples = tone(400);
            let lag = change(&mut samples, false);
            assert!(lag > 0);
            let meant = tone(samples.len());
            assert_eq!(lag % 64, 0, "whole periods of 125 Hz");
            assert_eq!((samples.len() as i64 - 400).unsigned_abs() as usize, lag);
            assert!(samples.iter().zip(&meant).all(|(a, b)| (i32::from(*a) - i32::from(*b)).abs() < 300));
        }
    }

    #[test]
    fn noise_is_left_alone_unless_it_must_be() {
        let mut seed = 1u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 18) as i16
        };
        let mut samples: VecDeque<i16> = (0..400).map(|_| noise() - 8_192).collect();
        assert_eq!(shorten(&mut samples, false), 0);
        assert!(shorten(&mut samples, true) > 0);
        assert_eq!(lengthen(&mut tone(319), true), 0, "too short");
    }
}
