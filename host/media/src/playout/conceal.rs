//! Sound in place of what was lost.
//!
//! The arrangement of ITU-T G.711, appendix I, without its delay: the last pitch period goes on sounding, full for 10 ms,
//! then fading to nothing at 60 ms, and the sound that comes back is blended in.

use audio::Latest;

/// Samples remembered: two of the longest periods and the stretch that is compared.
const HISTORY: usize = 480;
/// Shortest period: 200 Hz; higher voices are found at a multiple.
const SHORTEST: usize = 40;
/// Longest period: 50 Hz.
const LONGEST: usize = 160;
/// Stretch that is compared.
const COMPARED: usize = 160;
/// Below this likeness there is no pitch to speak of, and a short period would buzz.
const VOICED: f32 = 0.4;
/// Full level for so long …
const FULL: usize = 80;
/// … and nothing from here on.
const FADED: usize = 480;

/// Conceals losses in a stream of samples at 8 kHz.
pub(super) struct Concealer {
    history: Latest<i16>,
    /// One period, whose end leads into its beginning.
    period: Vec<i16>,
    at: usize,
    /// Samples since the last true one.
    concealed: usize,
    /// What the first sample is short of continuing the last true one.
    step: f32,
}

impl Concealer {
    pub(super) fn new() -> Concealer {
        Concealer { history: Latest::new(HISTORY, 0), period: Vec::new(), at: 0, concealed: 0, step: 0.0 }
    }

    /// Takes samples that are true; the first ones after a loss are blended with what was made up.
    pub(super) fn hear(&mut self, samples: &mut [i16]) {
        if self.concealed > 0 {
            // 4 ms, and 4 more for every 10 that were made up.
            let blend = (32 + self.concealed * 2 / 5).min(80).min(samples.len());
            for (i, sample) in samples[..blend].iter_mut().enumerate() {
                let weight = (i + 1) as f32 / (blend + 1) as f32;
                *sample = (f32::from(*sample) * weight + self.next() * (1.0 - weight)) as i16;
            }
            self.concealed = 0;
        }
        self.history.push(samples);
    }

    /// Appends made-up samples.
    pub(super) fn conceal(&mut self, count: usize, out: &mut impl Extend<i16>) {
        if self.concealed == 0 {
            self.begin();
        }
        let samples: Vec<i16> = (0..count).map(|_| self.next() as i16).collect();
        out.extend(samples);
    }

    /// Lets the made-up sound end within 5 ms: something else is on the line than a voice.
    pub(super) fn hush(&mut self) {
        if self.concealed > 0 {
            self.concealed = self.concealed.max(FADED - 40);
        }
    }

    fn begin(&mut self) {
        let (pitch, likeness) = pitch(&self.history);
        let pitch = if likeness < VOICED { LONGEST } else { pitch };
        let end = HISTORY;
        self.period.clear();
        self.period.extend_from_slice(&self.history[end - pitch..]);
        let seam = pitch / 4;
        for i in 0..seam {
            let weight = (i + 1) as f32 / (seam + 1) as f32;
            let earlier = f32::from(self.history[end - pitch - seam + i]);
            let here = &mut self.period[pitch - seam + i];
            *here = (f32::from(*here) * (1.0 - weight) + earlier * weight) as i16;
        }
        self.step = f32::from(self.history[end - 1]) - f32::from(self.history[end - pitch - 1]);
        self.at = 0;
    }

    fn next(&mut self) -> f32 {
        let sample = self.period.get(self.at).map_or(0.0, |&sample| f32::from(sample));
        self.at += 1;
        if self.at >= self.period.len() {
            self.at = 0;
        }
        let start = 16.0;
        let step = self.step * (1.0 - self.concealed as f32 / start).max(0.0);
        let gain = match self.concealed {
            0..FULL => 1.0,
            n if n >= FADED => 0.0,
            n => (FADED - n) as f32 / (FADED - FULL) as f32,
        };
        self.concealed += 1;
        (sample + step).clamp(-32_768.0, 32_767.0) * gain
    }
}

/// The period at the end of samples, and how alike two of them are (-1 to 1). Wants at least 320 samples.
pub(super) fn pitch(samples: &[i16]) -> (usize, f32) {
    let Some(from) = samples.len().checked_sub(COMPARED + LONGEST) else { return (SHORTEST, 0.0) };
    // Every second sample is compared: pitch is far below the frequencies this loses.
    let samples: Vec<f32> = samples[from..].iter().map(|&sample| f32::from(sample)).collect();
    let last = &samples[LONGEST..];
    let energy = |part: &[f32]| part.iter().step_by(2).map(|sample| sample * sample).sum::<f32>();
    let here = energy(last);
    let likeness = |lag: usize| {
        let earlier = &samples[LONGEST - lag..LONGEST - lag + COMPARED];
        let product: f32 = last.iter().step_by(2).zip(earlier.iter().step_by(2)).map(|(a, b)| a * b).sum();
        product / (here * energy(earlier)).sqrt().max(1.0)
    };
    let mut best = (SHORTEST, f32::MIN);
    for lag in SHORTEST..=LONGEST {
        // A multiple of the period is as good: the shorter is meant.
        let score = likeness(lag) - 0.0002 * lag as f32;
        if score > best.1 {
            best = (lag, score);
        }
    }
    (best.0, likeness(best.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sine(hz: f32, from: usize, count: usize) -> Vec<i16> {
        (from..from + count)
            .map(|i| (8_000.0 * (std::f32::consts::TAU * hz * i as f32 / 8_000.0).sin()) as i16)
            .collect()
    }

    #[test]
    fn a_tone_goes_on_as_if_nothing_were_lost() {
        for hz in [60.0, 110.0, 200.0, 410.0] {
            let mut concealer = Concealer::new();
            concealer.hear(&mut sine(hz, 0, 800));
            let mut made = Vec::new();
            concealer.conceal(80, &mut made);
            let meant = sine(hz, 800, 80);
            let error: f32 = made.iter().zip(&meant).map(|(a, b)| (f32::from(*a) - f32::from(*b)).powi(2)).sum();
            let power: f32 = meant.iter().map(|b| f32::from(*b).powi(2)).sum();
            assert!(error / power < 0.03, "{hz} Hz: {}", error / power);
        }
    }

    #[test]
    fn it_fades_away_and_sound_comes_back_without_a_click() {
        let mut concealer = Concealer::new();
        concealer.hear(&mut sine(125.0, 0, 800));
        let mut made = Vec::new();
        concealer.conceal(640, &mut made);
        assert!(made[480..].iter().all(|&sample| sample == 0));
        assert!(made[100..160].iter().any(|&sample| sample.abs() > 6_000));
        let mut back = sine(125.0, 1_440, 160);
        concealer.hear(&mut back);
        made.extend(back);
        let steepest = made.windows(2).map(|pair| (i32::from(pair[1]) - i32::from(pair[0])).abs()).max();
        assert!(steepest < Some(1_000), "{steepest:?}");
    }

    proptest! {
        #[test]
        fn any_samples_are_taken(samples in prop::collection::vec(any::<i16>(), 0..1_000), lost in 0usize..1_000) {
            let mut concealer = Concealer::new();
            let mut out = Vec::new();
            concealer.hear(&mut samples.clone());
            concealer.conceal(lost, &mut out);
            concealer.hear(&mut samples.clone());
            prop_assert_eq!(out.len(), lost);
            pitch(&samples);
        }
    }
}
