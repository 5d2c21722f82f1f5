//! Between rates: a stream for the live line, and whole recordings.

use audio_codec::BoxedResampler;
use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler as _};

/// Converts a live stream piece by piece, 1 ms late.
///
/// Pieces may have any length; the count of samples that come out is exact over time (20 ms in are 20 ms out).
pub struct Stream {
    // `None` where there is nothing to convert.
    resampler: Option<BoxedResampler>,
}

impl Stream {
    /// From a rate to another, both in samples per second. A rate of 0 passes samples through untouched.
    pub fn new(from: u32, to: u32) -> Stream {
        let resampler = if from == to { None } else { BoxedResampler::new(from as usize, to as usize).ok() };
        Stream { resampler }
    }

    /// Takes the next samples and gives what they make at the new rate.
    pub fn push(&mut self, samples: &[i16]) -> Vec<i16> {
        match &mut self.resampler {
            Some(resampler) => resampler.resample(samples),
            None => samples.to_vec(),
        }
    }

    /// Forgets what went before, for the start of another sound.
    pub fn reset(&mut self) {
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").finish_non_exhaustive()
    }
}

/// Converts a whole recording: no delay in the result (but for a rounding of half a sample), images and aliases below what 16 bits can show.
///
/// The result has as many samples as the time asks for, rounded up.
pub fn whole(samples: &[i16], from: u32, to: u32) -> Vec<i16> {
    if from == to || samples.is_empty() || from == 0 || to == 0 {
        return samples.to_vec();
    }
    let wanted = (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from)) as usize;
    fft(samples, from, to, wanted).unwrap_or_else(|| {
        // Rates so odd that no FFT fits them; the polyphase filter takes any.
        let mut out = Stream::new(from, to).push(samples);
        out.resize(wanted, 0);
        out
    })
}

fn fft(samples: &[i16], from: u32, to: u32, wanted: usize) -> Option<Vec<i16>> {
    let mut resampler = Fft::<f32>::new(from as usize, to as usize, 1024, 1, FixedSync::Both).ok()?;
    let input = [samples.iter().map(|&s| f32::from(s)).collect::<Vec<f32>>()];
    let input = SequentialSliceOfVecs::new(&input, 1, samples.len()).ok()?;
    let output = resampler.process_all(&input, samples.len(), None).ok()?.take_data();
    let mut out: Vec<i16> = output.iter().map(|s| s.round() as i16).collect();
    out.resize(wanted, 0);
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mix::rms_dbfs;

    fn sine(hz: f64, rate: u32, ms: u32) -> Vec<i16> {
        let n = rate * ms / 1000;
        (0..n).map(|i| (8_000.0 * (std::f64::consts::TAU * hz * f64::from(i) / f64::from(rate)).sin()) as i16).collect()
    }

    #[test]
    fn a_tone_keeps_its_level_and_its_pitch() {
        for (from, to) in [(8_000, 16_000), (16_000, 8_000), (44_100, 16_000), (22_050, 8_000), (48_000, 8_000)] {
            let out = whole(&sine(1_000.0, from, 1_000), from, to);
            assert_eq!(out.len() as u32, to, "{from} -> {to}");
            // Fit a sine of that pitch and any phase (half a sample of delay may remain); what is left is error.
            let middle = to / 4..to * 3 / 4;
            let angle = |i: u32| std::f64::consts::TAU * 1_000.0 * f64::from(i) / f64::from(to);
            let project = |f: fn(f64) -> f64| {
                2.0 * middle.clone().map(|i| f64::from(out[i as usize]) * f(angle(i))).sum::<f64>()
                    / middle.len() as f64
            };
            let (sin, cos) = (project(f64::sin), project(f64::cos));
            assert!((sin.hypot(cos) - 8_000.0).abs() < 40.0, "{from} -> {to}: level {}", sin.hypot(cos));
            let half_a_sample = std::f64::consts::PI * 1_000.0 / f64::from(from.min(to));
            assert!(cos.abs() < 8_100.0 * half_a_sample.sin(), "{from} -> {to}: delayed by more than half a sample");
            let error: Vec<i16> = middle
                .map(|i| (f64::from(out[i as usize]) - sin * angle(i).sin() - cos * angle(i).cos()).round() as i16)
                .collect();
            assert!(rms_dbfs(&error) < -80.0, "{from} -> {to}: error at {} dBFS", rms_dbfs(&error));
        }
    }

    #[test]
    fn what_the_new_rate_cannot_hold_is_removed() {
        let out = whole(&sine(6_000.0, 16_000, 1_000), 16_000, 8_000);
        assert!(rms_dbfs(&out[800..7_200]) < -70.0, "{}", rms_dbfs(&out[800..7_200]));
        let live = Stream::new(16_000, 8_000).push(&sine(6_000.0, 16_000, 1_000));
        assert!(rms_dbfs(&live[800..7_200]) < -50.0, "{}", rms_dbfs(&live[800..7_200]));
    }

    #[test]
    fn twenty_milliseconds_are_twenty_milliseconds() {
        let mut up = Stream::new(8_000, 16_000);
        let mut down = Stream::new(48_000, 8_000);
        for _ in 0..50 {
            assert_eq!(up.push(&[100; 160]).len(), 320);
            assert_eq!(down.push(&[100; 960]).len(), 160);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_rates_and_samples_are_taken(
            samples in prop::collection::vec(any::<i16>(), 0..600),
            from in 0u32..50_000,
            to in 0u32..50_000,
        ) {
            let out = whole(&samples, from, to);
            if from > 0 && to > 0 {
                prop_assert_eq!(out.len() as u64, (samples.len() as u64 * u64::from(to)).div_ceil(u64::from(from)));
            }
            Stream::new(from, to).push(&samples);
        }

        #[test]
        fn the_pieces_do_not_change_the_stream(samples in prop::collection::vec(any::<i16>(), 0..900), cut in 0usize..900) {
            let cut = cut.min(samples.len());
            let whole = Stream::new(8_000, 16_000).push(&samples);
            let mut stream = Stream::new(8_000, 16_000);
            let mut pieces = stream.push(&samples[..cut]);
            pieces.extend(stream.push(&samples[cut..]));
            prop_assert_eq!(pieces, whole);
        }
    }
}
