//! Gain, levels and mixing.

/// Level of a silence, dBFS; nothing is reported below it.
pub const SILENCE_DBFS: f32 = -96.0;

/// Sum of several sounds, as long as the longest; peaks are clipped.
///
/// ```
/// assert_eq!(audio::mix::mix(&[&[1, 2], &[10]]), [11, 2]);
/// ```
pub fn mix(sounds: &[&[i16]]) -> Vec<i16> {
    let longest = sounds.iter().map(|s| s.len()).max().unwrap_or(0);
    (0..longest)
        .map(|i| {
            let sum: i32 = sounds.iter().filter_map(|s| s.get(i)).map(|&s| i32::from(s)).sum();
            clip(sum as f32)
        })
        .collect()
}

/// Makes a sound louder (or quieter, below 0) by so many decibels; peaks are clipped.
pub fn gain(samples: &mut [i16], decibels: f32) {
    let factor = amplitude(decibels);
    for sample in samples {
        *sample = clip(f32::from(*sample) * factor);
    }
}

/// Root mean square in decibels relative to full scale (a full-scale square wave is 0, a sine -3).
pub fn rms_dbfs(samples: &[i16]) -> f32 {
    if samples.is_empty() {
        return SILENCE_DBFS;
    }
    let power = samples.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>() / samples.len() as f64;
    decibels(power.sqrt())
}

/// The loudest sample, dBFS.
pub fn peak_dbfs(samples: &[i16]) -> f32 {
    decibels(samples.iter().map(|&s| i32::from(s).abs()).max().unwrap_or(0).into())
}

/// Brings a sound to a level (root mean square, dBFS), as far as its peaks allow without clipping. Silence stays silence.
/// Returns the gain applied, in decibels.
pub fn normalise(samples: &mut [i16], target_dbfs: f32) -> f32 {
    let level = rms_dbfs(samples);
    if level <= SILENCE_DBFS {
        return 0.0;
    }
    let wanted = (target_dbfs - level).min(-peak_dbfs(samples));
    gain(samples, wanted);
    wanted
}

/// Decibels to a factor of amplitude.
pub(crate) fn amplitude(decibels: f32) -> f32 {
    10f32.powf(decibels / 20.0)
}

/// Rounds into the range of a sample.
pub(crate) fn clip(value: f32) -> i16 {
    // A cast from float saturates and turns NaN into 0.
    value.round() as i16
}

fn decibels(amplitude: f64) -> f32 {
    ((20.0 * (amplitude / 32_768.0).log10()) as f32).max(SILENCE_DBFS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn levels_of_known_sounds() {
        assert_eq!(rms_dbfs(&[]), SILENCE_DBFS);
        assert_eq!(rms_dbfs(&[0; 100]), SILENCE_DBFS);
        assert!((rms_dbfs(&[i16::MIN; 100]) - 0.0).abs() < 0.01);
        assert!((rms_dbfs(&[3_277, -3_277]) + 20.0).abs() < 0.01);
    }

    #[test]
    fn loud_sounds_clip_and_do_not_wrap() {
        assert_eq!(mix(&[&[30_000, -30_000], &[30_000, -30_000]]), [i16::MAX, i16::MIN]);
        let mut sound = [20_000, -20_000];
        gain(&mut sound, 20.0);
        assert_eq!(sound, [i16::MAX, i16::MIN]);
    }

    #[test]
    fn normalising_reaches_the_level_or_stops_at_the_peaks() {
        let mut quiet: Vec<i16> = (0..1_000).map(|i| if i % 2 == 0 { 300 } else { -300 }).collect();
        normalise(&mut quiet, -20.0);
        assert!((rms_dbfs(&quiet) + 20.0).abs() < 0.1);
        let mut spiky = vec![0i16; 1_000];
        spiky[10] = 16_384;
        assert!((normalise(&mut spiky, -3.0) - 6.02).abs() < 0.1, "half of full scale leaves 6 dB");
    }

    proptest! {
        #[test]
        fn gain_there_and_back(samples in prop::collection::vec(-8_000i16..8_000, 1..200), db in 0f32..12.0) {
            let mut there = samples.clone();
            gain(&mut there, db);
            gain(&mut there, -db);
            for (a, b) in samples.iter().zip(&there) {
                prop_assert!((a - b).abs() <= 1);
            }
        }
    }
}
