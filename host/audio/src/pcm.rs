//! A piece of mono sound.

use crate::resample;

/// Mono samples and how many of them make a second.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pcm {
    /// Samples per second.
    pub rate: u32,
    /// Signed 16-bit samples.
    pub samples: Vec<i16>,
}

impl Pcm {
    /// Samples at a rate.
    pub fn new(rate: u32, samples: Vec<i16>) -> Pcm {
        Pcm { rate, samples }
    }

    /// Nothing but silence.
    pub fn silence(ms: u32, rate: u32) -> Pcm {
        Pcm { rate, samples: vec![0; samples_in(ms, rate)] }
    }

    /// Length in milliseconds, rounded down.
    ///
    /// ```
    /// assert_eq!(audio::Pcm::new(8_000, vec![0; 160]).duration_ms(), 20);
    /// ```
    pub fn duration_ms(&self) -> u32 {
        if self.rate == 0 {
            return 0;
        }
        u32::try_from(self.samples.len() as u64 * 1000 / u64::from(self.rate)).unwrap_or(u32::MAX)
    }

    /// The same sound at another rate, with the quality that files deserve (see [`resample::whole`]).
    pub fn resampled(&self, rate: u32) -> Pcm {
        Pcm { rate, samples: resample::whole(&self.samples, self.rate, rate) }
    }

    /// The part between two times; what lies beyond the end is left out.
    pub fn slice_ms(&self, from_ms: u32, to_ms: u32) -> Pcm {
        let end = samples_in(to_ms, self.rate).min(self.samples.len());
        let start = samples_in(from_ms, self.rate).min(end);
        Pcm { rate: self.rate, samples: self.samples[start..end].to_vec() }
    }

    /// Adds a sound after this one, resampled if its rate differs.
    pub fn append(&mut self, other: &Pcm) {
        if self.samples.is_empty() && self.rate == 0 {
            self.rate = other.rate;
        }
        if other.rate == self.rate {
            self.samples.extend_from_slice(&other.samples);
        } else {
            self.samples.extend(other.resampled(self.rate).samples);
        }
    }
}

/// How many samples a time takes.
pub(crate) fn samples_in(ms: u32, rate: u32) -> usize {
    (u64::from(ms) * u64::from(rate) / 1000) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slicing_never_reaches_beyond_the_end() {
        let pcm = Pcm::silence(100, 8_000);
        assert_eq!(pcm.slice_ms(50, 70).samples.len(), 160);
        assert_eq!(pcm.slice_ms(90, 1_000_000).duration_ms(), 10);
        assert!(pcm.slice_ms(200, 100).samples.is_empty());
    }

    #[test]
    fn appending_converts_the_rate() {
        let mut pcm = Pcm::silence(100, 8_000);
        pcm.append(&Pcm::silence(100, 16_000));
        assert_eq!(pcm.duration_ms(), 200);
    }

    #[test]
    fn a_sound_without_a_rate_lasts_no_time() {
        assert_eq!(Pcm::new(0, vec![1, 2, 3]).duration_ms(), 0);
    }
}
