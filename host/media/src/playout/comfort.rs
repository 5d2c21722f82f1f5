//! The noise of a line on which nobody speaks (RFC 3389): its level is the sender's; its colour is ours.

/// Makes noise of a level.
pub(super) struct Comfort {
    seed: u32,
    amplitude: f32,
    last: f32,
}

impl Comfort {
    /// From the payload of a packet: the first byte is the level in -dBov.
    pub(super) fn new(payload: &[u8]) -> Comfort {
        let level = payload.first().map_or(70, |&byte| byte & 0x7f);
        // Uniform noise through the filter below has a root mean square of a third of its amplitude.
        let rms = 32_768.0 * 10f32.powf(-f32::from(level) / 20.0);
        Comfort { seed: 0x2545_f491, amplitude: (3.0 * rms).min(16_000.0), last: 0.0 }
    }

    pub(super) fn fill(&mut self, count: usize, out: &mut impl Extend<i16>) {
        let noise: Vec<i16> = (0..count)
            .map(|_| {
                self.seed = self.seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let white = (self.seed >> 8) as f32 / (1 << 23) as f32 - 1.0;
                // White noise hisses; rooms do not.
                self.last = 0.5 * self.last + 0.5 * white;
                (self.last * self.amplitude) as i16
            })
            .collect();
        out.extend(noise);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_level_it_was_told() {
        for level in [30u8, 50, 60] {
            let mut noise: Vec<i16> = Vec::new();
            Comfort::new(&[level]).fill(8_000, &mut noise);
            let rms = (noise.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / 8_000.0).sqrt();
            let dbov = 20.0 * (rms / 32_768.0).log10();
            assert!((dbov + f64::from(level)).abs() < 1.0, "{level}: {dbov}");
        }
        let mut nothing: Vec<i16> = Vec::new();
        Comfort::new(&[127]).fill(100, &mut nothing);
        assert!(nothing.iter().all(|&sample| sample == 0));
    }
}
