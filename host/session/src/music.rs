//! What a caller hears while they wait: a slow tune of soft bells, made here and so nobody's property.

use std::sync::{Arc, OnceLock};

use audio::Pcm;
use lines::{FRAME_SAMPLES, LINE_RATE};

/// Beats a minute.
const TEMPO: f64 = 76.0;
/// Loudness of the loudest sample. Quieter than speech: the caller talks to people in the room meanwhile.
const PEAK: f64 = 5_200.0;
/// Four bars of broken chords, as MIDI notes: C, A minor, F, G with a suspended fourth on the way.
const CHORDS: [[i32; 4]; 8] = [
    [48, 55, 64, 67],
    [48, 55, 62, 67],
    [45, 52, 60, 64],
    [45, 52, 59, 64],
    [41, 53, 57, 60],
    [41, 53, 57, 64],
    [43, 50, 60, 62],
    [43, 50, 59, 62],
];
/// The melody over them: beat, note, level. Two halves of sixteen beats, the second answering the first.
const MELODY: [(f64, i32, f64); 21] = [
    (0.0, 76, 0.9),
    (2.0, 79, 0.8),
    (3.0, 76, 0.7),
    (4.0, 74, 0.8),
    (8.0, 72, 0.9),
    (9.5, 74, 0.7),
    (10.0, 76, 0.8),
    (12.0, 71, 0.8),
    (16.0, 69, 0.9),
    (17.0, 72, 0.8),
    (18.0, 76, 0.8),
    (20.0, 77, 0.9),
    (22.0, 76, 0.8),
    (23.0, 72, 0.7),
    (24.0, 74, 0.9),
    (26.0, 67, 0.7),
    (27.0, 71, 0.8),
    (28.0, 74, 0.8),
    (29.0, 72, 0.7),
    (30.0, 71, 0.7),
    (31.0, 67, 0.6),
];

/// The tune, 8 kHz, to be played round and round. Made at the first call (some tens of milliseconds), shared after.
pub fn tune() -> Arc<Pcm> {
    static TUNE: OnceLock<Arc<Pcm>> = OnceLock::new();
    Arc::clone(TUNE.get_or_init(|| Arc::new(compose())))
}

fn compose() -> Pcm {
    let beat = f64::from(LINE_RATE) * 60.0 / TEMPO;
    let length = (beat * 4.0 * CHORDS.len() as f64) as usize;
    let mut sound = vec![0.0; length];
    for (bar, chord) in CHORDS.iter().enumerate() {
        let begin = bar as f64 * 4.0;
        for (place, note) in chord.iter().enumerate() {
            bell(&mut sound, (begin + place as f64 * 0.5) * beat, *note, 0.42);
        }
        bell(&mut sound, (begin + 2.0) * beat, chord[2], 0.28);
        bell(&mut sound, (begin + 3.0) * beat, chord[3], 0.28);
    }
    for (at, note, level) in MELODY {
        bell(&mut sound, at * beat, note, 0.55 * level);
    }
    let loudest = sound.iter().fold(1e-9_f64, |loudest, sample| loudest.max(sample.abs()));
    let samples = sound.iter().map(|sample| (sample / loudest * PEAK).round() as i16).collect();
    Pcm::new(LINE_RATE, samples)
}

/// A struck tone: a soft beginning, overtones that fade before the ground. It rings over the end into the beginning, so
/// that the tune has no seam.
fn bell(sound: &mut [f64], at: f64, note: i32, level: f64) {
    let hertz = 440.0 * (f64::from(note - 69) / 12.0).exp2();
    let rate = f64::from(LINE_RATE);
    let begin = at as usize;
    for step in 0..(2.6 * rate) as usize {
        let time = step as f64 / rate;
        let attack = (time / 0.012).min(1.0);
        let overtone = |number: f64, share: f64, decay: f64| {
            share * (-time / decay).exp() * (std::f64::consts::TAU * hertz * number * time).sin()
        };
        let value = overtone(1.0, 1.0, 0.9) + overtone(2.0, 0.32, 0.45) + overtone(3.0, 0.10, 0.22);
        let place = (begin + step) % sound.len();
        sound[place] += level * attack * value;
    }
}

/// A place in a tune that goes round and round.
#[derive(Clone)]
pub(crate) struct Music {
    tune: Arc<Pcm>,
    at: usize,
    /// 0 to 16: faded out to full. A step a frame, so that speech does not cut it off.
    volume: i32,
}

impl Music {
    pub(crate) fn new(tune: Arc<Pcm>) -> Music {
        Music { tune, at: 0, volume: 0 }
    }

    /// The next frame, coming up when `on` and dying away otherwise.
    pub(crate) fn frame(&mut self, on: bool) -> [i16; FRAME_SAMPLES] {
        self.volume = (self.volume + if on { 1 } else { -2 }).clamp(0, 16);
        let mut frame = [0; FRAME_SAMPLES];
        if self.volume == 0 || self.tune.samples.is_empty() {
            return frame;
        }
        for sample in &mut frame {
            *sample = (i32::from(self.tune.samples[self.at]) * self.volume / 16) as i16;
            self.at = (self.at + 1) % self.tune.samples.len();
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tune_is_long_soft_and_without_a_seam() {
        let tune = tune();
        assert!((20_000..40_000).contains(&tune.duration_ms()));
        let peak = tune.samples.iter().map(|sample| sample.unsigned_abs()).max();
        assert_eq!(peak, Some(PEAK as u16));
        let seam = i32::from(tune.samples[0]) - i32::from(tune.samples[tune.samples.len() - 1]);
        assert!(seam.abs() < 400, "a click of {seam}");
        // It never falls silent for a second.
        for second in tune.samples.chunks_exact(LINE_RATE as usize) {
            assert!(second.iter().any(|sample| sample.abs() > 300));
        }
    }

    #[test]
    fn music_fades_in_and_out_and_goes_round() {
        let mut music = Music::new(Arc::new(Pcm::new(LINE_RATE, vec![1_600; 250])));
        let levels: Vec<i16> = (0..20).map(|_| music.frame(true)[0]).collect();
        assert_eq!(levels[0], 100);
        assert_eq!(levels[15..], [1_600; 5]);
        let dying: Vec<i16> = (0..9).map(|_| music.frame(false)[0]).collect();
        assert_eq!(dying[7..], [0, 0]);
    }
}
