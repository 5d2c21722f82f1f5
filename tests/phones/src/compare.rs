//! Is what was heard what was said? Piece by piece: where it lies in the other recording, and how alike it is.
//!
//! Between a mouth and an ear lie a codec, packets and a jitter buffer, which may stretch the silence between utterances;
//! a telephone with a clock of its own may even drop a few milliseconds within one. So every second of every utterance is
//! aligned by itself, coarsely by loudness, then to the sample by correlation. G.711 alone leaves a
//! correlation of 0.999 and more; a lost packet or a gap costs far more than the codec does.

use anyhow::{Result, bail};

/// Samples a second of everything compared here.
pub const RATE: usize = 8_000;
/// Loudness is looked at in steps of 20 ms.
const STEP: usize = 160;
/// Quieter than this (root mean square of a step) nobody speaks.
const SILENCE: f64 = 120.0;
/// Utterances lie at least so many quiet steps apart, 300 ms.
const PAUSE_STEPS: usize = 15;
/// Shorter than 300 ms is a click, not an utterance.
const SHORTEST: usize = 15 * STEP;
/// An utterance is compared in pieces of about a second; what would be shorter than half of one belongs to the one before.
const PIECE: usize = RATE;
/// How far from the coarse place the exact one may lie, 60 ms.
const FINE: isize = 480;
/// So many coarse places are looked at.
const LIKELY: usize = 6;

/// One piece of an utterance, found again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Where it begins in what was said, in samples.
    pub said_at: usize,
    /// How long it is, in samples.
    pub samples: usize,
    /// How much later it lies in what was heard, in samples; negative is earlier.
    pub shift: isize,
    /// Normalised correlation, 1 is alike.
    pub correlation: f64,
}

/// Finds every utterance of `said` in `heard`, in pieces.
///
/// # Errors
/// When nothing was said, or nothing heard.
pub fn pieces(said: &[i16], heard: &[i16]) -> Result<Vec<Found>> {
    let spans = spans(said);
    if spans.is_empty() {
        bail!("nothing is said in {:.1} s of sound", said.len() as f64 / RATE as f64);
    }
    if loudness(heard).iter().all(|level| *level < SILENCE) {
        bail!("nothing is heard in {:.1} s of sound", heard.len() as f64 / RATE as f64);
    }
    let pieces = spans.into_iter().flat_map(|(from, to)| {
        let count = ((to - from + PIECE / 2) / PIECE).max(1);
        (0..count).map(move |piece| {
            let end = if piece + 1 == count { to } else { from + (piece + 1) * PIECE };
            (from + piece * PIECE, end)
        })
    });
    Ok(pieces.map(|(from, to)| find(said, from, to, heard)).collect())
}

/// The share of pieces that are at least so `alike`; pieces that end after `until` do not count: what was being
/// said when the call ended was not heard to its end.
pub fn share_alike(found: &[Found], alike: f64, until: usize) -> f64 {
    let whole = || found.iter().filter(|piece| piece.said_at + piece.samples <= until);
    let count = whole().count().max(1);
    whole().filter(|piece| piece.correlation >= alike).count() as f64 / count as f64
}

/// The spans, in samples, in which somebody speaks.
pub fn spans(sound: &[i16]) -> Vec<(usize, usize)> {
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for (step, level) in loudness(sound).into_iter().enumerate() {
        if level < SILENCE {
            continue;
        }
        match spans.last_mut() {
            Some(last) if step * STEP <= last.1 + PAUSE_STEPS * STEP => last.1 = (step + 1) * STEP,
            _ => spans.push((step * STEP, (step + 1) * STEP)),
        }
    }
    spans.retain(|(from, to)| to - from >= SHORTEST);
    spans
}

/// Does somebody speak in the last `ms` milliseconds?
pub fn speaks_at_end(sound: &[i16], ms: usize) -> bool {
    let tail = &sound[sound.len().saturating_sub(ms * RATE / 1_000)..];
    loudness(tail).into_iter().any(|level| level >= SILENCE)
}

/// Root mean square of each step.
fn loudness(sound: &[i16]) -> Vec<f64> {
    sound
        .chunks(STEP)
        .map(|step| (step.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / step.len() as f64).sqrt())
        .collect()
}

fn find(said: &[i16], from: usize, to: usize, heard: &[i16]) -> Found {
    let utterance = &said[from..to.min(said.len())];
    let (mut place, mut correlation) = (from as isize, f64::MIN);
    for coarse in likely_places(&loudness(utterance), &loudness(heard)) {
        let coarse = (coarse * STEP) as isize;
        for candidate in coarse - FINE..=coarse + FINE {
            let alike = correlate(utterance, heard, candidate);
            if alike > correlation {
                (place, correlation) = (candidate, alike);
            }
        }
    }
    Found { said_at: from, samples: utterance.len(), shift: place - from as isize, correlation }
}

/// The steps at which the loudness of the whole looks most like that of the part: a short word looks like many others.
fn likely_places(part: &[f64], whole: &[f64]) -> Vec<usize> {
    let mut places: Vec<(f64, usize)> = (0..whole.len())
        .map(|place| {
            let window = &whole[place..whole.len().min(place + part.len())];
            let product: f64 = part.iter().zip(window).map(|(a, b)| a * b).sum();
            let energy: f64 = window.iter().map(|level| level * level).sum();
            (if energy > 0.0 { product / energy.sqrt() } else { 0.0 }, place)
        })
        .collect();
    places.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut likely: Vec<usize> = Vec::new();
    for (_, place) in places {
        if likely.iter().all(|other| other.abs_diff(place) * STEP > FINE.unsigned_abs()) {
            likely.push(place);
        }
        if likely.len() == LIKELY {
            break;
        }
    }
    likely
}

/// Normalised correlation of `part` with the place in `whole`; what lies outside is silence.
fn correlate(part: &[i16], whole: &[i16], place: isize) -> f64 {
    let (mut product, mut left, mut right) = (0.0, 0.0, 0.0);
    for (index, sample) in part.iter().enumerate() {
        let at = usize::try_from(place + index as isize).ok();
        let other = at.and_then(|at| whole.get(at)).copied().unwrap_or(0);
        product += f64::from(*sample) * f64::from(other);
        left += f64::from(*sample).powi(2);
        right += f64::from(other).powi(2);
    }
    if left == 0.0 || right == 0.0 { 0.0 } else { product / (left * right).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Something like a voice: a tone whose loudness and pitch wander.
    fn voice(samples: usize, seed: usize) -> Vec<i16> {
        (0..samples)
            .map(|index| {
                let t = (index + seed * 7_919) as f64 / RATE as f64;
                let pitch = 140.0 + 40.0 * (t * 2.3).sin();
                (6_000.0 * (0.6 + 0.4 * (t * 9.0).sin()) * (t * pitch * std::f64::consts::TAU).sin()) as i16
            })
            .collect()
    }

    fn call() -> Vec<i16> {
        let mut said = vec![0; 4_000];
        said.extend(voice(9_000, 1));
        said.extend(vec![0; 6_000]);
        said.extend(voice(14_000, 5));
        said.extend(vec![0; 5_000]);
        said
    }

    #[test]
    fn finds_what_was_delayed_and_coded() {
        let said = call();
        let mut heard = vec![3; 1_234];
        heard.extend(audio::g711::alaw_decode(&audio::g711::alaw_encode(&said)));
        let found = pieces(&said, &heard).unwrap();
        assert_eq!(found.len(), 3);
        for utterance in found {
            assert_eq!(utterance.shift, 1_234);
            assert!(utterance.correlation > 0.999, "{utterance:?}");
        }
    }

    #[test]
    fn a_stretched_pause_moves_what_follows_and_no_more() {
        let said = call();
        let mut heard = said[..15_000].to_vec();
        heard.extend(vec![0; 800]);
        heard.extend(&said[15_000..]);
        let shifts: Vec<isize> = pieces(&said, &heard).unwrap().iter().map(|found| found.shift).collect();
        assert_eq!(shifts, [0, 800, 800]);
    }

    #[test]
    fn a_lost_packet_shows() {
        let said = call();
        let mut heard = said.clone();
        heard.drain(8_000..8_160);
        let found = pieces(&said, &heard).unwrap();
        assert!(found[0].correlation < 0.95, "{found:?}");
        assert!(found[1].correlation > 0.999, "{found:?}");
        assert!((share_alike(&found, 0.99, usize::MAX) - 2.0 / 3.0).abs() < 1e-9);
        assert!((share_alike(&found, 0.99, 13_000) - 0.0).abs() < 1e-9, "only the spoilt piece ends by then");
    }

    #[test]
    fn silence_is_told_from_speech() {
        assert!(pieces(&[0; 16_000], &call()).is_err());
        assert!(pieces(&call(), &[2; 16_000]).is_err());
        assert!(!speaks_at_end(&call(), 300) && speaks_at_end(&call()[..30_000], 300));
    }
}
