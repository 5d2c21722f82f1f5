//! What a telephone line does to a voice.

use crate::{Pcm, TELEPHONE_RATE, g711, mix};

/// A sound as it arrives over the telephone: 8 kHz, 300 to 3400 Hz, A-law there and back.
pub fn telephone(pcm: &Pcm) -> Pcm {
    let narrow = pcm.resampled(TELEPHONE_RATE);
    let samples = band(&narrow.samples);
    Pcm { rate: TELEPHONE_RATE, samples: g711::alaw_decode(&g711::alaw_encode(&samples)) }
}

/// 300–3400 Hz at 8 kHz by fourth-order Butterworth filters on either side.
fn band(samples: &[i16]) -> Vec<i16> {
    // Quality factors of the two sections of a fourth-order Butterworth filter.
    const Q: [f32; 2] = [0.541_196_1, 1.306_563];
    let mut sections = [
        Section::high_pass(300.0, Q[0]),
        Section::high_pass(300.0, Q[1]),
        Section::low_pass(3_400.0, Q[0]),
        Section::low_pass(3_400.0, Q[1]),
    ];
    samples
        .iter()
        .map(|&s| mix::clip(sections.iter_mut().fold(f32::from(s), |value, section| section.next(value))))
        .collect()
}

/// A second-order filter in transposed direct form II; coefficients as in R. Bristow-Johnson's "Audio EQ Cookbook".
struct Section {
    b: [f32; 3],
    a: [f32; 2],
    state: [f32; 2],
}

impl Section {
    fn low_pass(hz: f32, q: f32) -> Section {
        let (cos, alpha) = Section::angles(hz, q);
        Section::normalised([(1.0 - cos) / 2.0, 1.0 - cos, (1.0 - cos) / 2.0], cos, alpha)
    }

    fn high_pass(hz: f32, q: f32) -> Section {
        let (cos, alpha) = Section::angles(hz, q);
        Section::normalised([(1.0 + cos) / 2.0, -(1.0 + cos), (1.0 + cos) / 2.0], cos, alpha)
    }

    fn angles(hz: f32, q: f32) -> (f32, f32) {
        let (sin, cos) = (std::f32::consts::TAU * hz / TELEPHONE_RATE as f32).sin_cos();
        (cos, sin / (2.0 * q))
    }

    fn normalised(b: [f32; 3], cos: f32, alpha: f32) -> Section {
        let a0 = 1.0 + alpha;
        Section { b: b.map(|b| b / a0), a: [-2.0 * cos / a0, (1.0 - alpha) / a0], state: [0.0; 2] }
    }

    fn next(&mut self, x: f32) -> f32 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::rms_dbfs;
    use crate::tone::sines;

    fn level_after(hz: f32, rate: u32) -> f32 {
        rms_dbfs(&telephone(&sines(&[(hz, -10.0)], 1_000, rate)).samples)
    }

    #[test]
    fn the_band_of_speech_passes_and_the_rest_does_not() {
        for rate in [8_000, 16_000, 44_100] {
            assert!(
                (level_after(1_000.0, rate) + 13.0).abs() < 0.5,
                "1 kHz from {rate}: {}",
                level_after(1_000.0, rate)
            );
            assert!((level_after(400.0, rate) + 13.0).abs() < 1.5);
            assert!(level_after(50.0, rate) < -45.0, "hum from {rate}: {}", level_after(50.0, rate));
        }
        assert!(level_after(6_000.0, 16_000) < -60.0);
    }

    #[test]
    fn silence_stays_silence() {
        // A-law has no zero; its smallest step is 8.
        assert!(telephone(&Pcm::silence(500, 16_000)).samples.iter().all(|s| s.abs() <= 8));
        assert!(telephone(&Pcm::default()).samples.is_empty());
    }
}
