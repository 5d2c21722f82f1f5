//! How long before their time packets come, and what to do about it.

use std::time::Duration;

/// The latest packets of the last seconds.
#[derive(Debug)]
pub(super) struct Slack {
    /// For each second, the two smallest: a single packet that is very late says nothing about the line.
    seconds: [(f64, f64); SECONDS],
    second: u64,
    /// Seconds that were watched since the delay was set.
    watched: usize,
    typical: f64,
    changed: Duration,
    /// Frames for which a correction was wanted and none could be made unheard.
    waiting: u32,
}

const SECONDS: usize = 4;
/// When even the latest packets come this early, milliseconds, there is delay to save. A calm line keeps what its first
/// packet got: 20 ms, and up to 20 more until the next frame.
const EARLY: f64 = 41.0;
/// When they come later than this, more is needed.
const LATE: f64 = 3.0;
/// Between two corrections.
const PAUSE: Duration = Duration::from_millis(100);
/// Frames after which a correction is made whether it is heard or not.
const OVERDUE: u32 = 100;

const NONE: (f64, f64) = (f64::MAX, f64::MAX);

impl Default for Slack {
    fn default() -> Self {
        Slack { seconds: [NONE; SECONDS], second: 0, watched: 0, typical: 20.0, changed: Duration::ZERO, waiting: 0 }
    }
}

impl Slack {
    /// The delay was set anew.
    pub(super) fn restart(&mut self) {
        *self = Slack { second: self.second, changed: self.changed, ..Slack::default() };
    }

    /// A packet came so many milliseconds before its time.
    pub(super) fn came(&mut self, slack: f64, at: Duration) {
        self.turn(at);
        self.typical += (slack - self.typical) / 32.0;
        let (least, second) = &mut self.seconds[0];
        if slack < *least {
            (*least, *second) = (slack, *least);
        } else if slack < *second {
            *second = slack;
        }
    }

    /// Milliseconds by which the delay should shrink (positive) or grow (negative) now; 0 where it is good.
    pub(super) fn correction(&mut self, now: Duration) -> f64 {
        self.turn(now);
        if now < self.changed + PAUSE {
            return 0.0;
        }
        let least = self.least();
        let wanted = if least < LATE {
            least - LATE
        } else if self.watched >= SECONDS && least > EARLY && least < f64::MAX {
            least - EARLY
        } else {
            0.0
        };
        self.waiting = if wanted == 0.0 { 0 } else { self.waiting + 1 };
        wanted
    }

    /// Was a correction wanted for long?
    pub(super) fn overdue(&self) -> bool {
        self.waiting > OVERDUE
    }

    /// The delay was corrected by so many milliseconds.
    pub(super) fn corrected(&mut self, by: f64, now: Duration) {
        self.grown(by);
        self.changed = now;
        self.waiting = 0;
    }

    /// The delay is so many milliseconds longer than it was: so much earlier has everything come.
    pub(super) fn grown(&mut self, by: f64) {
        for (least, second) in &mut self.seconds {
            for slack in [least, second] {
                if *slack < f64::MAX {
                    *slack += by;
                }
            }
        }
        self.typical += by;
    }

    /// The usual slack, milliseconds.
    pub(super) fn typical(&self) -> f64 {
        self.typical
    }

    /// The second smallest of all.
    fn least(&self) -> f64 {
        let mut smallest = NONE;
        for value in self.seconds.iter().flat_map(|&(a, b)| [a, b]) {
            if value < smallest.0 {
                smallest = (value, smallest.0);
            } else if value < smallest.1 {
                smallest.1 = value;
            }
        }
        smallest.1
    }

    fn turn(&mut self, now: Duration) {
        let second = now.as_secs();
        if second > self.second {
            let passed = (second - self.second).min(SECONDS as u64) as usize;
            self.seconds.rotate_right(passed);
            self.seconds[..passed].fill(NONE);
            self.second = second;
            self.watched = (self.watched + 1).min(SECONDS);
        }
    }
}
