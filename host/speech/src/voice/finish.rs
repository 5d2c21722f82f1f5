//! What every sound goes through before it is played: 8 kHz, no silence at its ends, one loudness.

use audio::{Pcm, TELEPHONE_RATE, mix};

/// Changes whenever the sound in the cache would come out otherwise.
pub(super) const VERSION: &str = "2";

/// Level of speech on the line, dBFS (root mean square): about what a person on a telephone reaches.
const LEVEL_DBFS: f32 = -20.0;
/// A window below this is silence.
const SILENCE_DBFS: f32 = -48.0;
const WINDOW_MS: u32 = 10;
/// Kept before the first sound and after the last: a consonant begins within its window, a caller waits for what is kept
/// before, and sentences breathe.
const LEAD_MS: u32 = 5;
const TAIL_MS: u32 = 120;

/// Resamples, trims and levels.
pub(super) fn finish(sound: &Pcm) -> Pcm {
    let sound = if sound.rate == TELEPHONE_RATE { sound.clone() } else { sound.resampled(TELEPHONE_RATE) };
    let mut sound = trim(&sound);
    mix::normalise(&mut sound.samples, LEVEL_DBFS);
    sound
}

fn trim(sound: &Pcm) -> Pcm {
    let window = (sound.rate * WINDOW_MS / 1000).max(1) as usize;
    let loud: Vec<usize> = sound
        .samples
        .chunks(window)
        .enumerate()
        .filter(|(_, samples)| mix::rms_dbfs(samples) > SILENCE_DBFS)
        .map(|(index, _)| index)
        .collect();
    let (Some(first), Some(last)) = (loud.first(), loud.last()) else {
        return Pcm::new(sound.rate, Vec::new());
    };
    let start = (*first as u32 * WINDOW_MS).saturating_sub(LEAD_MS);
    let end = (*last as u32 + 1) * WINDOW_MS + TAIL_MS;
    let mut cut = sound.slice_ms(start, end);
    let missing = (end - start).saturating_sub(cut.duration_ms());
    cut.append(&Pcm::silence(missing, sound.rate));
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, ms: u32, peak: f32) -> Pcm {
        let count = rate * ms / 1000;
        let samples =
            (0..count).map(|i| ((i as f32 * 440.0 * std::f32::consts::TAU / rate as f32).sin() * peak) as i16);
        Pcm::new(rate, samples.collect())
    }

    #[test]
    fn silence_at_the_ends_goes_and_the_sound_stays() {
        let mut sound = Pcm::silence(500, 16_000);
        sound.append(&tone(16_000, 300, 3000.0));
        sound.append(&Pcm::silence(700, 16_000));
        let done = finish(&sound);
        assert_eq!(done.rate, 8_000);
        assert!((405..=455).contains(&done.duration_ms()), "{} ms", done.duration_ms());
    }

    #[test]
    fn quiet_and_loud_come_out_alike() {
        let level = |peak| mix::rms_dbfs(&finish(&tone(22_050, 1000, peak)).samples);
        assert!((level(800.0) - level(20_000.0)).abs() < 0.5);
        assert!((level(800.0) - LEVEL_DBFS).abs() < 1.0);
    }

    #[test]
    fn nothing_but_silence_is_nothing() {
        assert!(finish(&Pcm::silence(400, 8_000)).samples.is_empty());
    }
}
