//! The caller's latest audio, for recognition.

use std::collections::VecDeque;

use call::Millis;
use lines::{FRAME_SAMPLES, LINE_RATE};

/// An answer is cut at 25 s; with what comes before and after, this is all that recognition can ask for.
const MOST: usize = 27 * LINE_RATE as usize;
/// Where nobody spoke for this long (speech that interrupted an announcement is kept for 15 s), nothing will be asked for …
const FORGOTTEN_AFTER: usize = 17 * LINE_RATE as usize;
/// … but the time before the next word.
const PRE_ROLL: usize = 2 * LINE_RATE as usize;

/// Samples of the caller; where they were silent, little of it is kept: a thousand calls are a thousand of these.
pub(crate) struct Kept {
    samples: VecDeque<i16>,
    /// The number of its first sample since the call began.
    from: usize,
    /// Samples since somebody spoke.
    silence: usize,
}

impl Kept {
    pub(crate) fn new() -> Kept {
        Kept { samples: VecDeque::new(), from: 0, silence: 0 }
    }

    /// The next frame, and whether there was speech by then.
    pub(crate) fn push(&mut self, frame: &[i16; FRAME_SAMPLES], speech: bool) {
        self.samples.extend(frame);
        self.silence = if speech { 0 } else { self.silence + FRAME_SAMPLES };
        if self.silence == FORGOTTEN_AFTER {
            self.keep(PRE_ROLL);
            self.samples.shrink_to(PRE_ROLL + LINE_RATE as usize);
        }
        self.keep(if self.silence >= FORGOTTEN_AFTER { PRE_ROLL } else { MOST });
    }

    fn keep(&mut self, most: usize) {
        let excess = self.samples.len().saturating_sub(most);
        self.samples.drain(..excess);
        self.from += excess;
    }

    /// What was heard between two moments, as far as it is kept.
    pub(crate) fn span(&self, from: Millis, to: Millis) -> Vec<i16> {
        let place = |at: Millis| {
            let sample = usize::try_from(at.0).unwrap_or(usize::MAX).saturating_mul(LINE_RATE as usize / 1_000);
            sample.saturating_sub(self.from).min(self.samples.len())
        };
        self.samples.range(place(from)..place(to).max(place(from))).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_whole_and_silence_is_not() {
        let mut kept = Kept::new();
        // The frame's number is its samples' value.
        let mut number = 0_i16;
        let mut push = |kept: &mut Kept, frames: u32, speech: bool| {
            for _ in 0..frames {
                kept.push(&[number; FRAME_SAMPLES], speech);
                number += 1;
            }
        };
        push(&mut kept, 50 * 30, false);
        assert!(kept.samples.len() <= PRE_ROLL && kept.samples.capacity() < 2 * (PRE_ROLL + LINE_RATE as usize));
        push(&mut kept, 50 * 20, true);
        push(&mut kept, 50 * 6, false);
        // From the last second before the speech to the end.
        let heard = kept.span(Millis(29_000), Millis(56_000));
        assert_eq!(heard.len(), 27 * LINE_RATE as usize);
        assert_eq!((heard[0], heard[heard.len() - 1]), (29 * 50, 56 * 50 - 1));
        assert!(kept.span(Millis(0), Millis(100)).is_empty());
        assert!(kept.span(Millis(99_000), Millis(98_000)).is_empty());
    }
}
