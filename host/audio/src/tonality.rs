//! Is this a tone of the telephone network, or plain noise, instead of a voice?
//!
//! Detectors of voice activity take busy tones, ringing and keys for vowels. A voice differs in two ways: its energy is
//! spread over many harmonics, and its pitch never stands still. A sound is taken for a tone when nearly all of its energy
//! sits in at most two narrow peaks, and the peaks have not moved for several windows. Loud hiss is the opposite: its
//! energy is spread so evenly over the band as no voice ever does for longer than a consonant.

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};

/// Watches a 16 kHz stream for tones.
pub struct Tonality {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    // The last `WINDOW` samples, oldest first.
    recent: Vec<f32>,
    input: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    peaks: Vec<usize>,
    steady: u32,
    flatness: f32,
}

/// Samples per second it listens at.
pub const RATE: u32 = 16_000;
/// Samples between two looks: 16 ms.
pub const HOP: usize = 256;

/// 64 ms: bins of 15.6 Hz.
const WINDOW: usize = 1_024;
/// Bins on either side of a peak that belong to it (main lobe of a Hann window).
const LOBE: usize = 2;
/// Tones that sound at once: a key has two.
const MAX_PEAKS: usize = 2;
/// Share of the energy that must be in the peaks. Noise of a bad line (15 dB) still leaves it; less would take every
/// twentieth vowel of a telephone voice for a tone, more none at all.
const CONCENTRATION: f32 = 0.94;
/// Looks in a row that must agree: 64 ms of window and 64 ms of steadiness.
const STEADY: u32 = 4;
/// Below this a window is silence and says nothing (mean square, about -60 dBFS).
const MIN_POWER: f32 = 1_000.0;
/// Spectral flatness (geometric over arithmetic mean of the power) above which there is nothing but noise: noise has 0.56
/// in a single window, the harmonics of a voice far less. Taken by bands, so that noise of any colour is known.
const HISS: f32 = 0.45;
/// Bins of such a band, 780 Hz; four of them make the band of a telephone.
const BAND: usize = 50;
/// Bins a peak may move between two looks.
const DRIFT: usize = 1;

impl Tonality {
    /// A watch that has heard nothing.
    pub fn new() -> Tonality {
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(WINDOW);
        let window =
            (0..WINDOW).map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / WINDOW as f32).cos()).collect();
        Tonality {
            input: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            fft,
            window,
            recent: vec![0.0; WINDOW],
            peaks: Vec::new(),
            steady: 0,
            flatness: 0.0,
        }
    }

    /// Takes the next [`HOP`] samples at 16 kHz. True while what sounds is a steady tone.
    pub fn push(&mut self, frame: &[i16]) -> bool {
        let frame = &frame[..frame.len().min(WINDOW)];
        self.recent.drain(..frame.len());
        self.recent.extend(frame.iter().map(|&s| f32::from(s)));
        let peaks = self.pure_peaks();
        if peaks.is_empty() {
            self.steady = 0;
        } else if same(&peaks, &self.peaks) {
            self.steady = self.steady.saturating_add(1);
        } else {
            self.steady = 1;
        }
        self.peaks = peaks;
        self.steady >= STEADY
    }

    /// Was the last look pure, so that this may turn out to be a tone?
    pub fn suspected(&self) -> bool {
        self.steady > 0
    }

    /// Was the last look as even as noise, white or coloured?
    pub fn hiss(&self) -> bool {
        self.flatness > HISS
    }

    /// The peaks that hold nearly all energy, lowest first; empty where the energy is spread.
    fn pure_peaks(&mut self) -> Vec<usize> {
        self.flatness = 0.0;
        let power = self.recent.iter().map(|s| s * s).sum::<f32>() / WINDOW as f32;
        if power < MIN_POWER {
            return Vec::new();
        }
        for ((slot, sample), weight) in self.input.iter_mut().zip(&self.recent).zip(&self.window) {
            *slot = sample * weight;
        }
        if self.fft.process(&mut self.input, &mut self.spectrum).is_err() {
            return Vec::new();
        }
        // Below 100 Hz there is hum, and nothing a telephone carries.
        let mut energy: Vec<f32> = self.spectrum.iter().map(|c| c.norm_sqr()).collect();
        energy[..6].fill(0.0);
        self.flatness = energy[20..220].chunks(BAND).map(flatness).sum::<f32>() / (200 / BAND) as f32;
        let total: f32 = energy.iter().sum();
        let mut peaks = Vec::new();
        let mut found = 0.0;
        while peaks.len() < MAX_PEAKS && found < CONCENTRATION * total {
            let Some((at, _)) = energy.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)) else { break };
            let lobe = at.saturating_sub(LOBE)..(at + LOBE + 1).min(energy.len());
            found += energy[lobe.clone()].iter().sum::<f32>();
            energy[lobe].fill(0.0);
            peaks.push(at);
        }
        if found < CONCENTRATION * total {
            return Vec::new();
        }
        peaks.sort_unstable();
        peaks
    }
}

fn flatness(energy: &[f32]) -> f32 {
    let count = energy.len().max(1) as f32;
    let mean = energy.iter().sum::<f32>() / count;
    let logarithm = energy.iter().map(|e| e.max(f32::MIN_POSITIVE).ln()).sum::<f32>() / count;
    if mean > 0.0 { logarithm.exp() / mean } else { 0.0 }
}

impl Default for Tonality {
    fn default() -> Self {
        Tonality::new()
    }
}

impl std::fmt::Debug for Tonality {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tonality").field("peaks", &self.peaks).field("steady", &self.steady).finish_non_exhaustive()
    }
}

fn same(a: &[usize], b: &[usize]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.abs_diff(*b) <= DRIFT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Noise;
    use crate::{mix, tone};

    fn share(samples: &[i16]) -> f32 {
        let mut tonality = Tonality::new();
        let looks: Vec<bool> = samples.chunks_exact(HOP).map(|hop| tonality.push(hop)).collect();
        looks.iter().filter(|&&tonal| tonal).count() as f32 / looks.len() as f32
    }

    #[test]
    fn tones_are_tones_even_on_a_noisy_line() {
        for sound in [
            tone::sines(&[(425.0, -15.0)], 2_000, RATE),
            tone::sines(&[(2_100.0, -15.0)], 2_000, RATE),
            tone::dtmf('7', 2_000, RATE).expect("a key"),
        ] {
            assert!(share(&sound.samples) > 0.9);
            let noise = Noise::new(1).white(sound.samples.len(), mix::rms_dbfs(&sound.samples) - 15.0);
            assert!(share(&mix::mix(&[&sound.samples, &noise])) > 0.85);
        }
    }

    #[test]
    fn noise_silence_and_moving_pitch_are_not() {
        assert_eq!(share(&Noise::new(2).white(32_000, -20.0)), 0.0);
        assert_eq!(share(&Noise::new(2).pink(32_000, -20.0)), 0.0);
        assert_eq!(share(&[0; 32_000]), 0.0);
        // A hum that glides like a voice: 120 Hz and twelve harmonics, a semitone up and down.
        let mut phase = 0.0f32;
        let glide: Vec<i16> = (0..32_000)
            .map(|i| {
                let hz = 120.0 * (1.0 + 0.06 * (i as f32 / 4_000.0).sin());
                phase += std::f32::consts::TAU * hz / RATE as f32;
                mix::clip((1..=12).map(|h| (phase * h as f32).sin() * 1_500.0).sum::<f32>())
            })
            .collect();
        assert_eq!(share(&glide), 0.0);
    }
}
