//! Is there a voice in these 20 ms? Quick and rough, for interrupting: a prompt must stop before voice activity, which
//! waits for a whole syllable or two, is sure.
//!
//! A voice is periodic (70 to 400 Hz), louder than the line, and no tone: of one or two sines each sample follows from the
//! four before it.

use audio::Latest;
use lines::FRAME_SAMPLES;

type Frame = [i16; FRAME_SAMPLES];

/// Samples of 4 kHz that are compared, 30 ms, and the periods they are compared at.
const WINDOW: usize = 120;
const SHORTEST: usize = 10;
const LONGEST: usize = 57;
const KEPT: usize = WINDOW + LONGEST;
/// Correlation from which a sound is periodic.
const PERIODIC: f32 = 0.70;
/// What four samples leave unexplained of the fifth, as a share of the power, below which a sound is a tone (−20 dB; G.711
/// leaves −22 of a key's).
const TONE: f64 = 0.009;
/// Frames that are looked at, and how many of them must have a voice.
const LOOK: u32 = 4;
const VOICED: u32 = 3;

/// Follows one line.
pub(crate) struct Voicing {
    recent: Latest<f32>,
    /// A bit a frame, the latest lowest.
    frames: u32,
}

impl Voicing {
    pub(crate) fn new() -> Voicing {
        Voicing { recent: Latest::new(KEPT, 0.0), frames: 0 }
    }

    /// The next frame, and whether it is worth looking at. True while somebody speaks with their voice.
    pub(crate) fn hear(&mut self, frame: &Frame, loud: bool) -> bool {
        let mut halved = [0.0; FRAME_SAMPLES / 2];
        for (slot, pair) in halved.iter_mut().zip(frame.chunks_exact(2)) {
            *slot = f32::from(pair[0]) + f32::from(pair[1]);
        }
        self.recent.push(&halved);
        let voiced = loud && self.periodic() && !tone(frame);
        self.frames = self.frames << 1 | u32::from(voiced);
        (self.frames & ((1 << LOOK) - 1)).count_ones() >= VOICED
    }

    fn periodic(&self) -> bool {
        let now = &self.recent[LONGEST..];
        (SHORTEST..=LONGEST).any(|period| {
            let before = &self.recent[LONGEST - period..LONGEST - period + WINDOW];
            let (mut product, mut power_now, mut power_before) = ([0.0_f32; 8], [0.0_f32; 8], [0.0_f32; 8]);
            for (a, b) in now.chunks_exact(8).zip(before.chunks_exact(8)) {
                for lane in 0..8 {
                    product[lane] += a[lane] * b[lane];
                    power_now[lane] += a[lane] * a[lane];
                    power_before[lane] += b[lane] * b[lane];
                }
            }
            let [product, now, before] = [product, power_now, power_before].map(|lanes| lanes.iter().sum::<f32>());
            product > 0.0 && product * product > PERIODIC * PERIODIC * now * before
        })
    }
}

/// Linear prediction of the fourth order by least squares: what of the power is left?
fn unexplained(frame: &Frame) -> f64 {
    const ORDER: usize = 4;
    // Row `i`, column `j`: the sum of x[n-i] x[n-j].
    let mut sums = [[0.0_f64; ORDER + 1]; ORDER + 1];
    for window in frame.windows(ORDER + 1) {
        for i in 0..=ORDER {
            for j in i..=ORDER {
                sums[i][j] += f64::from(window[ORDER - i]) * f64::from(window[ORDER - j]);
            }
        }
    }
    let power = sums[0][0];
    if power <= 0.0 {
        return 1.0;
    }
    // Gauss, without pivots: the matrix is positive; a little noise keeps it regular.
    let mut rows: Vec<[f64; ORDER + 1]> = (1..=ORDER)
        .map(|i| {
            let mut row = [0.0; ORDER + 1];
            for j in 1..=ORDER {
                row[j - 1] = if i <= j { sums[i][j] } else { sums[j][i] };
            }
            row[i - 1] += power * 1e-6;
            row[ORDER] = sums[0][i];
            row
        })
        .collect();
    for pivot in 0..ORDER {
        let above = rows[pivot];
        for row in rows.iter_mut().skip(pivot + 1) {
            let factor = row[pivot] / above[pivot];
            for column in pivot..=ORDER {
                row[column] -= factor * above[column];
            }
        }
    }
    let mut weights = [0.0; ORDER];
    for at in (0..ORDER).rev() {
        let known: f64 = (at + 1..ORDER).map(|column| rows[at][column] * weights[column]).sum();
        weights[at] = (rows[at][ORDER] - known) / rows[at][at];
    }
    let explained: f64 = weights.iter().enumerate().map(|(at, weight)| weight * sums[0][at + 1]).sum();
    ((power - explained) / power).clamp(0.0, 1.0)
}

fn tone(frame: &Frame) -> bool {
    unexplained(frame) < TONE
}
