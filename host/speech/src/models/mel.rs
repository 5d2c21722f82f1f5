//! The mel filters that a Whisper model carries with it.
//!
//! Those of `librosa.filters.mel(sr=16000, n_fft=400)`: Slaney's scale (linear to 1 kHz, logarithmic above) with triangles
//! of equal area, 0 to 8 kHz.

/// Bins of a 400-sample window.
const BINS: usize = 201;
const RATE: f64 = 16_000.0;
const WINDOW: f64 = 400.0;

/// Writes the counts and the filters, one after another, through a function that takes one value. The two counts are
/// integers in the file; they are handed over as the same four bytes.
pub(super) fn write_filters(count: usize, mut write: impl FnMut(f32) -> std::io::Result<()>) -> std::io::Result<()> {
    write(f32::from_bits(count as u32))?;
    write(f32::from_bits(BINS as u32))?;
    filters(count).into_iter().try_for_each(write)
}

fn filters(count: usize) -> Vec<f32> {
    let top = hz_to_mel(RATE / 2.0);
    let edges: Vec<f64> = (0..count + 2).map(|i| mel_to_hz(top * i as f64 / (count + 1) as f64)).collect();
    let mut weights = Vec::with_capacity(count * BINS);
    for edge in edges.windows(3) {
        let (low, centre, high) = (edge[0], edge[1], edge[2]);
        for bin in 0..BINS {
            let hz = bin as f64 * RATE / WINDOW;
            let rise = (hz - low) / (centre - low);
            let fall = (high - hz) / (high - centre);
            weights.push((rise.min(fall).max(0.0) * 2.0 / (high - low)) as f32);
        }
    }
    weights
}

/// Hertz to mel on the linear part of Slaney's scale: 3 mel in 200 Hz.
const LINEAR: f64 = 200.0 / 3.0;
/// Where the linear part ends.
const KNEE_HZ: f64 = 1_000.0;

/// The logarithmic part: 27 mel for a factor of 6.4.
fn log_step() -> f64 {
    6.4f64.ln() / 27.0
}

fn hz_to_mel(hz: f64) -> f64 {
    if hz < KNEE_HZ { hz / LINEAR } else { KNEE_HZ / LINEAR + (hz / KNEE_HZ).ln() / log_step() }
}

fn mel_to_hz(mel: f64) -> f64 {
    let knee = KNEE_HZ / LINEAR;
    if mel < knee { mel * LINEAR } else { KNEE_HZ * (log_step() * (mel - knee)).exp() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values printed by librosa 0.10 for `mel(sr=16000, n_fft=400, n_mels=80)`.
    #[test]
    fn the_first_filters_are_those_of_librosa() {
        let filters = filters(80);
        assert_eq!(filters.len(), 80 * BINS);
        assert!((filters[1] - 0.024_862_6).abs() < 1e-5, "{}", filters[1]);
        assert!((filters[BINS + 1] - 0.001_990_8).abs() < 1e-5, "{}", filters[BINS + 1]);
        assert!((filters[BINS + 2] - 0.022_871_8).abs() < 1e-5, "{}", filters[BINS + 2]);
    }

    #[test]
    fn the_scale_goes_there_and_back() {
        for hz in [0.0, 440.0, 1_000.0, 3_400.0, 8_000.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-6);
        }
    }
}
