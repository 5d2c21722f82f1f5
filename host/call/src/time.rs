//! Moments and identities: both are given or counted, never read from the machine.

use std::fmt;
use std::ops::Add;

/// A moment of the call: milliseconds since it started.
///
/// Whoever drives the call chooses the clock. For [`Frame`](crate::Input::Frame) it should be the end of that frame in
/// the caller's audio, because [`Hear`](crate::Output::Hear) names spans of that audio by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// Milliseconds from `earlier` to this moment; 0 if `earlier` is later.
    pub fn since(self, earlier: Millis) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The moment `ms` before this one; the start of the call if there is none.
    pub fn back(self, ms: u64) -> Millis {
        Millis(self.0.saturating_sub(ms))
    }
}

/// Saturates: a time-out of `u64::MAX` means "never".
impl Add<u64> for Millis {
    type Output = Millis;

    fn add(self, ms: u64) -> Millis {
        Millis(self.0.saturating_add(ms))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1000, self.0 % 1000)
    }
}

/// Names one playback, one recognition or one transfer of one call. Never used twice in a call, so that a result which
/// comes too late is told from the one that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
