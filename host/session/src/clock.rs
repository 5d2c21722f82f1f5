//! The time of one call: when it began, and how much of it has passed, as the caller experiences it.
//!
//! Media time, not machine time: a simulated call may take a second of the machine and three minutes of the clinic's day.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use call::Millis;
use jiff::{SignedDuration, Zoned};

/// A clock that the media loop sets and everybody else reads.
#[derive(Debug, Clone)]
pub struct Clock {
    started: Zoned,
    elapsed_ms: Arc<AtomicU64>,
}

impl Clock {
    /// A call that begins at `started`, in the clinic's zone.
    pub fn new(started: Zoned) -> Self {
        Clock { started, elapsed_ms: Arc::default() }
    }

    /// Time has come this far.
    pub fn set(&self, now: Millis) {
        self.elapsed_ms.store(now.0, Ordering::Relaxed);
    }

    /// Milliseconds since the call began.
    pub fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms.load(Ordering::Relaxed)
    }

    /// The clinic's wall clock.
    pub fn now(&self) -> Zoned {
        let passed = i64::try_from(self.elapsed_ms()).unwrap_or(i64::MAX);
        self.started.checked_add(SignedDuration::from_millis(passed)).unwrap_or_else(|_| self.started.clone())
    }

    /// Now, unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.now().timestamp().as_millisecond()
    }
}
