//! Our own voice coming back: a hybrid, a loudspeaker, a conference bridge.
//!
//! A frame of the caller is taken for echo when it is too faint beside what was just sent to be told from it, or when it
//! looks like what was sent: the normalised correlation of the last 60 ms with what we sent 0 to 300 ms ago. The delay is
//! looked for coarsely at 2 kHz over all of that time, finely at 8 kHz around what was found, and then kept: a line's
//! delay does not change. Whoever speaks over the echo does not correlate with it, and is heard.
//!
//! Nothing is subtracted: recognition gets the caller's audio as it came.

use audio::Latest;
use lines::FRAME_SAMPLES;

type Frame = [i16; FRAME_SAMPLES];

/// One coarse sample is made of so many.
const COARSE: usize = 4;
const COARSE_FRAME: usize = FRAME_SAMPLES / COARSE;
/// Frames that are compared: 60 ms.
const WINDOW: usize = 3;
/// Longest echo, in frames: 300 ms.
const LONGEST: usize = 15;
const KEPT: usize = LONGEST + WINDOW;
/// What is sent more quietly than this (−50 dBFS) has no echo that anyone could hear.
const FAR_FLOOR: f32 = 104.0 * 104.0;
/// Power of the caller's frame over the loudest that was sent of late, below which it is taken for echo: at first −15 dB;
/// as much as −5 dB where echo of that strength was recognised, −20 dB where there was none.
const FAINT: f32 = 0.032;
const MOST_FAINT: f32 = 0.32;
const LEAST_FAINT: f32 = 0.01;
/// Share of a frame's power explained by what was sent, from which it is echo; and where the delay is known.
const ALIKE: f32 = 0.55;
const ALIKE_THERE: f32 = 0.40;
/// The fine search goes so far to either side of what the coarse one found, and of the known delay; samples of 8 kHz.
const FINE: usize = 6;
/// Delays that differ by less are the same.
const SAME: usize = 12;
/// Sightings at one delay that make it known, and frames without any that make it forgotten.
const SIGHTINGS: u32 = 3;
const FORGOTTEN: u32 = 100;

/// Follows one line.
pub(crate) struct Echo {
    /// What was sent, oldest first: samples, coarse samples, power by frame.
    far: Latest<f32>,
    far_coarse: Latest<f32>,
    far_power: [f32; LONGEST],
    near: Latest<f32>,
    near_coarse: Latest<f32>,
    faint: f32,
    /// Delay in samples, and how often it was seen.
    delay: Option<(usize, u32)>,
    missed: u32,
}

impl Echo {
    pub(crate) fn new() -> Echo {
        Echo {
            far: Latest::new(KEPT * FRAME_SAMPLES, 0.0),
            far_coarse: Latest::new(KEPT * COARSE_FRAME, 0.0),
            far_power: [0.0; LONGEST],
            near: Latest::new(WINDOW * FRAME_SAMPLES, 0.0),
            near_coarse: Latest::new(WINDOW * COARSE_FRAME, 0.0),
            faint: FAINT,
            delay: None,
            missed: 0,
        }
    }

    /// A frame goes to the caller.
    pub(crate) fn sent(&mut self, frame: &Frame) {
        self.far.push(&frame.map(f32::from));
        self.far_coarse.push(&coarse(frame));
        self.far_power.rotate_left(1);
        self.far_power[LONGEST - 1] = crate::ear::power(frame);
    }

    /// Do we speak, or did we a moment ago?
    pub(crate) fn possible(&self) -> bool {
        self.loudest() >= FAR_FLOOR
    }

    fn loudest(&self) -> f32 {
        self.far_power.iter().fold(0.0_f32, |loudest, power| loudest.max(*power))
    }

    /// A frame of that power comes from the caller: is it nothing but echo?
    pub(crate) fn heard(&mut self, frame: &Frame, power: f32) -> bool {
        self.near.push(&frame.map(f32::from));
        self.near_coarse.push(&coarse(frame));
        let loudest = self.loudest();
        if loudest < FAR_FLOOR {
            return false;
        }
        self.faint = (self.faint * 0.998).max(LEAST_FAINT);
        if power <= loudest * self.faint {
            return true;
        }
        let known = self.delay.filter(|(_, seen)| *seen >= SIGHTINGS).map(|(delay, _)| delay);
        let (delay, alike) = match known {
            Some(delay) => self.finely(delay),
            None => self.finely(self.coarsely()),
        };
        let echo = alike >= if known.is_some() { ALIKE_THERE } else { ALIKE };
        self.remember(echo, delay);
        if echo {
            // The next frame may be blurred by a reverberation that does not correlate.
            self.faint = self.faint.max((power / loudest * 1.3).min(MOST_FAINT));
        }
        echo
    }

    fn remember(&mut self, echo: bool, delay: usize) {
        if !echo {
            self.missed += 1;
            if self.missed > FORGOTTEN {
                self.delay = None;
            }
            return;
        }
        self.missed = 0;
        self.delay = match self.delay {
            Some((before, seen)) if before.abs_diff(delay) <= SAME => Some((delay, seen.saturating_add(1))),
            _ => Some((delay, 1)),
        };
    }

    /// The delay at which what was sent resembles what came most, at 2 kHz; in samples of 8 kHz.
    fn coarsely(&self) -> usize {
        let near = &self.near_coarse;
        let longest = self.far_coarse.len() - near.len();
        let mut best = (0, 0.0);
        for delay in 0..=longest {
            let from = longest - delay;
            let far = &self.far_coarse[from..from + near.len()];
            let (product, power) = products(near, far);
            let alike = if power > 0.0 { product * product.abs() / power } else { 0.0 };
            // The echo of a hybrid may be upside down.
            if alike.abs() > best.1 {
                best = (delay, alike.abs());
            }
        }
        best.0 * COARSE
    }

    /// The best delay near one, and the share of what came that it explains.
    fn finely(&self, around: usize) -> (usize, f32) {
        let longest = self.far.len() - self.near.len();
        let near = &self.near;
        let (_, power_near) = products(near, near);
        let mut best = (around, 0.0);
        for delay in around.saturating_sub(FINE)..=(around + FINE).min(longest) {
            let from = longest - delay;
            let (product, power) = products(near, &self.far[from..from + near.len()]);
            let alike = if power > 0.0 && power_near > 0.0 { product * product / (power * power_near) } else { 0.0 };
            if alike > best.1 {
                best = (delay, alike);
            }
        }
        best
    }
}

/// Sum of the products, and the power of the second; in eight lanes, so that the compiler may use all of them.
fn products(a: &[f32], b: &[f32]) -> (f32, f32) {
    let (mut product, mut power) = ([0.0_f32; 8], [0.0_f32; 8]);
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            product[lane] += a[lane] * b[lane];
            power[lane] += b[lane] * b[lane];
        }
    }
    (product.iter().sum(), power.iter().sum())
}

/// A quarter of the rate, by the sum of four: what that folds down is little beside a voice's ground.
fn coarse(frame: &Frame) -> [f32; COARSE_FRAME] {
    let mut out = [0.0; COARSE_FRAME];
    for (out, samples) in out.iter_mut().zip(frame.chunks_exact(COARSE)) {
        *out = samples.iter().map(|sample| f32::from(*sample)).sum();
    }
    out
}

#[cfg(test)]
mod tests;
