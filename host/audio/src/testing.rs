//! Noise for tests: the same every time.

use crate::mix;

/// A small generator (xorshift64*), so that tests need no crate for it.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Noise {
        Noise(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Uniform in -1 … 1.
    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        bits as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// White noise of a level.
    pub(crate) fn white(&mut self, n: usize, dbfs: f32) -> Vec<i16> {
        let mut samples: Vec<i16> = (0..n).map(|_| mix::clip(self.next() * 8_000.0)).collect();
        let change = dbfs - mix::rms_dbfs(&samples);
        mix::gain(&mut samples, change);
        samples
    }

    /// Pink noise of a level (P. Kellet's filter).
    pub(crate) fn pink(&mut self, n: usize, dbfs: f32) -> Vec<i16> {
        let (mut a, mut b, mut c) = (0.0f32, 0.0f32, 0.0f32);
        let mut samples: Vec<i16> = (0..n)
            .map(|_| {
                let white = self.next();
                a = 0.997_65 * a + white * 0.099_046;
                b = 0.963 * b + white * 0.296_516_4;
                c = 0.57 * c + white * 1.052_691_3;
                mix::clip((a + b + c + white * 0.184_8) * 2_000.0)
            })
            .collect();
        let change = dbfs - mix::rms_dbfs(&samples);
        mix::gain(&mut samples, change);
        samples
    }
}
